"""Which wire a message is of. It is read once, strictly, whichever it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Callable, Union

from ..errors import MalformedMessage
from ..model import Answer, Call, Request
from ..strict import loads
from .jsonrpc import JsonRpcWire, Message, Reject
from .legacy import MALFORMED, LegacyWire

Decoded = Union[Call, Answer, Message]
"""`Call` and `Answer` are the legacy wire's, `Message` is JSON-RPC's."""

_MEMBER = re.compile(r'"jsonrpc"\s*:')


class Wires:
    """Both codecs for one set of request types.

    :param read: makes a JSON value of a text, or raises `MalformedMessage`.
    """

    def __init__(self, requests: Iterable[Request], read: Callable[[str], Any] = loads) -> None:
        self._read = read
        requests = tuple(requests)
        self.legacy = LegacyWire(requests)
        self.jsonrpc = JsonRpcWire(requests)

    def decode(self, message: str | bytes, structured: bool = False) -> Decoded:
        """Read one message. Never raises.

        :param structured: whether the connection negotiated the subprotocol, so that every message is JSON-RPC.
        """
        try:
            text = message if isinstance(message, str) else message.decode("utf-8")
        except UnicodeDecodeError:
            return _parse_error(MalformedMessage("The message is no UTF-8 text.")) if structured else MALFORMED
        if not structured:
            call = self.legacy.plain(text)
            if call is not None:
                return call
        try:
            value = self._read(text)
        except MalformedMessage as error:
            # A client that writes the member means that wire, and could not read a plain sentence.
            return _parse_error(error) if structured or _MEMBER.search(text) else self.legacy.malformed(error)
        return self.jsonrpc.decode(value) if structured or self.jsonrpc.speaks(value) else self.legacy.decode(value)


def _parse_error(error: MalformedMessage) -> Message:
    return Message((Reject(None, error),), False)
