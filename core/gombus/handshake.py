"""Who may connect: the opening handshake, judged by its headers."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from .config import Settings
from .listening import LOCALHOST
from .validation import shown
from .wire.jsonrpc import SUBPROTOCOL

log = logging.getLogger(__name__)

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]*)?")


class Handshake:
    """The rules of the opening handshake, the same for every connection."""

    def __init__(self, settings: Settings) -> None:
        self._max_size = settings.max_message_bytes
        # Programs send no Origin; browsers always do.
        self._origins = [None, *(Origin(origin) for origin in settings.origins)]
        self._hosts = {"localhost", *LOCALHOST, settings.host.lower(), *(name.lower() for name in settings.hosts)}

    def protocol(self) -> ServerProtocol:
        """The WebSocket protocol for one connection, as pure code."""
        return ServerProtocol(
            origins=self._origins,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            select_subprotocol=_choose,
            max_size=self._max_size,
        )

    def answer(self, protocol: ServerProtocol, request: Request) -> Response:
        """What to answer to a request to connect: 101, or a refusal.

        The name in the Host header must be ours: a web page can make its own name mean this computer (DNS rebinding).
        """
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or _host_name(hosts[0]) not in self._hosts:
            log.warning("refused a connection for host %s", shown(hosts))
            return protocol.reject(HTTPStatus.FORBIDDEN, "This name is not served here; connect to localhost.\n")
        response = protocol.accept(request)
        if response.status_code == HTTPStatus.FORBIDDEN:
            log.warning("refused a connection from origin %s", shown(request.headers.get_all("Origin")))
        return response

    @staticmethod
    def unavailable(protocol: ServerProtocol) -> Response:
        """The answer while the server stops."""
        return protocol.reject(HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping.\n")


def _choose(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """A client that offers others only is served without one, as the reference does; whether it goes on is up to it."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


def _host_name(header: str) -> str:
    """The name in a Host header (RFC 9110 section 7.2), without port and brackets, in lower case; else nothing."""
    match = _HOST.fullmatch(header)
    return (match[1] or match[2]).lower() if match else ""
