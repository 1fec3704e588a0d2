"""One client of the wire twin: its requests, one after the other, and calls of its functions in between."""

from __future__ import annotations

import logging
import socket
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.protocol import State
from websockets.sync.server import ServerConnection

from .control import obey
from .items import with_files
from .records import remember
from .requests import Refusal, Refused, Request
from .values import Function, decode, encode

if TYPE_CHECKING:
    from .server import WireTwin

log = logging.getLogger(__name__)

MAX_MESSAGE = 16 * 2**20
"""Bytes of one message: definitions of dialogs hold images."""
_NUMBERS = {request.value: request for request in Request}


class Cut(Exception):
    """The connection is to be cut."""


class Session:
    """The conversation with one client, on the thread of its connection."""

    def __init__(self, twin: WireTwin, connection: ServerConnection) -> None:
        self._twin = twin
        self._connection = connection

    def run(self) -> None:
        """Answer until the client leaves, or something is not on the wire."""
        try:
            while True:
                self._take(self._receive())
        except ConnectionClosed as closed:
            if closed.sent and closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
                log.warning("a client was sent away: %d bytes are allowed in a message", MAX_MESSAGE)
        except Cut:
            cut(self._connection.socket)
        except ValueError as error:
            log.warning("a client was sent away: %s", error)
            with suppress(ConnectionClosed):
                self._send({"id": "", **Refusal(f"no message of the gom wire: {error}").reply()})
                self._connection.close(1002, "no message of the gom wire")
        finally:
            self._twin.inspect.dialogs.close_of(self)

    def _receive(self) -> dict[str, Any]:
        """:raises ValueError: what came is no message."""
        data = self._connection.recv(decode=False)
        message = decode(data)
        if not isinstance(message, dict) or not isinstance(message.get("id"), str):
            raise ValueError("a map with an id is allowed")
        return message

    def _send(self, message: dict[str, Any]) -> None:
        self._connection.send(encode(message))

    def _take(self, message: dict[str, Any]) -> None:
        kind, params = message.get("type"), message.get("params")
        number: Any = message.get("value")
        wanted = int if kind == "request" else str
        if kind not in ("request", "twin") or not isinstance(number, wanted) or not isinstance(params, dict):
            raise ValueError("a request with a number and a map of parameters is allowed")
        try:
            reply = {"type": "reply", "value": self._answer(message, number, params)}
            data = encode({"id": message["id"], **reply})
        except Refused as refused:
            log.info("refused: %s", refused)
            data = encode({"id": message["id"], **refused.refusal.reply()})
        except (Cut, ConnectionClosed):
            raise
        except Exception as error:
            # A parameter that is missing or of another type; and whatever it is, the twin goes on.
            log.exception("request %s failed", number)
            refusal = Refusal(f"request {number} with {params!r:.200} failed: {type(error).__name__}: {error}")
            data = encode({"id": message["id"], **refusal.reply()})
        if self._twin.stopping.is_set():
            raise Cut
        self._connection.send(data)

    def _answer(self, message: dict[str, Any], number: int | str, params: dict[str, Any]) -> object:
        if not self._twin.knows(message.get("apikey")):
            raise Refused(Refusal("the apikey is not the one in the url"))
        if isinstance(number, str):
            return obey(self._twin, number, params, self.gone)
        if number not in _NUMBERS:
            log.warning("a client sent the unknown request %d", number)
            raise Refused(Refusal(f"there is no request {number}; the twin knows 1 to {max(_NUMBERS)}"))
        request = _NUMBERS[number]
        remember(self._twin.asked, request)
        name = request.name
        if request is Request.COMMAND:
            name = str(params["command"])
            remember(self._twin.commands, (name, with_files(params["parameters"])))
            log.info("%s", name)
        self._twin.changed()
        self._suffer(name, request is Request.COMMAND)
        answer = self._twin.inspect.answer(request, params, self)
        if name in self._twin.faults.lose:
            raise Cut
        return answer

    def _suffer(self, name: str, is_command: bool) -> None:
        """Let happen what is to go wrong before it is carried out."""
        faults = self._twin.faults
        delay = faults.delay_s.get(name, faults.default_delay_s if is_command else 0.0)
        if delay:
            self._twin.stopping.wait(delay)
        hold = faults.hold.get(name)
        if hold is not None:
            hold.entered.set()
            if not hold.release.wait(hold.timeout):
                raise Refused(Refusal(f"{name} was held for {hold.timeout} s and never released"))
        if name in faults.crash:
            self._twin.crash()
            raise Cut
        if name in faults.drop or self._twin.stopping.is_set():
            raise Cut
        if name in faults.refuse:
            raise Refused(faults.refuse[name])

    def call(self, function: Function, argument: object) -> object:
        """Call a function of the client's, and answer what it asks meanwhile.

        :raises Refused: it raised an exception.
        """
        number = str(uuid.uuid4())
        # The two series of the client have the arguments under different names.
        given = {"args": [argument], "kwargs": {}, "params": [argument], "keys": {}}
        self._send({"type": "call", "id": number, "value": function, **given})
        while True:
            message = self._receive()
            if message.get("type") != "result":
                self._take(message)
            elif message["id"] == number:
                if message.get("state") is True:
                    return message.get("value")
                value = message.get("value")
                text = value[1] if isinstance(value, list) and len(value) > 1 else ""
                raise Refused(Refusal(f"{function.text} failed", log=str(text)))

    def gone(self) -> bool:
        """Whether the client has left, or the twin is closed."""
        return self._twin.stopping.is_set() or self._connection.protocol.state is not State.OPEN


def cut(client: socket.socket) -> None:
    """Cut a connection without a word."""
    with suppress(OSError):  # it may be closed already
        client.shutdown(socket.SHUT_RDWR)
