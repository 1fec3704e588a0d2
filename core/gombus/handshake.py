"""Who may connect: the opening handshake, judged by its headers."""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
from collections.abc import Sequence
from http import HTTPStatus

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from .config import Settings
from .listening import ANY, LOCALHOST, is_loopback
from .strict import MAX_SIZE
from .validation import shown
from .wire.jsonrpc import SUBPROTOCOL

log = logging.getLogger(__name__)

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]*)?")


class Handshake:
    """The rules of the opening handshake, the same for every connection."""

    def __init__(self, settings: Settings) -> None:
        # Programs send no Origin; browsers always do.
        self._origins = [None, *(Origin(origin) for origin in settings.origins)]
        self._local = is_loopback(settings.host)
        names = ["localhost", *LOCALHOST, *settings.hosts]
        if settings.host not in ANY:
            names.append(settings.host)
        if not self._local:
            names.append(socket.gethostname())
        self._hosts = {name.lower() for name in names}

    def protocol(self) -> ServerProtocol:
        """The WebSocket protocol for one connection, as pure code."""
        return ServerProtocol(
            origins=self._origins,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            select_subprotocol=_choose,
            max_size=MAX_SIZE,
        )

    def answer(self, protocol: ServerProtocol, request: Request, reached: str = "") -> Response:
        """What to answer to a request to connect: 101, or a refusal.

        The name in the Host header must be ours: a web page can make its own name mean this computer (DNS rebinding).

        :param reached: the address of this computer to which the client connected.
        """
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or not self._is_ours(_host_name(hosts[0]), reached):
            log.warning("refused a connection for host %s", shown(hosts))
            way = "connect to localhost" if self._local else "the setting hosts names those that are"
            return protocol.reject(HTTPStatus.FORBIDDEN, f"This name is not served here; {way}.\n")
        response = protocol.accept(request)
        if response.status_code == HTTPStatus.FORBIDDEN:
            log.warning("refused a connection from origin %s", shown(request.headers.get_all("Origin")))
        return response

    def _is_ours(self, name: str, reached: str) -> bool:
        """Whether clients may reach this server under a name; beyond loopback also under the address they reached."""
        if name in self._hosts:
            return True
        try:
            return not self._local and ipaddress.ip_address(name) == ipaddress.ip_address(reached)
        except ValueError:
            return False

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
