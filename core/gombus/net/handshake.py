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

from ..config import Settings
from ..model import Identity
from ..validation import shown
from ..wire.jsonrpc import SUBPROTOCOL
from .access import Access
from .listening import ANY, LOCALHOST, is_loopback

log = logging.getLogger(__name__)

TOKEN_PROTOCOL = "gombus.token."
"""What a token's text follows in a subprotocol: browsers cannot send headers of their own."""

_SECRET = re.compile(rf"(?i)(authorization: |{re.escape(TOKEN_PROTOCOL)})[^\s,;]+[^,;]*")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]*)?")
_ABSOLUTE = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")
_READ = (
    "Origin",
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
)
"""The headers that websockets looks at."""


def _without_tokens(record: logging.LogRecord) -> bool:
    record.msg, record.args = _SECRET.sub(r"\1…", record.getMessage()), None
    return True


_wire_log = logging.getLogger("websockets.gombus")
"""Where the protocol writes what it reads and sends, every header among it, at level debug."""
_wire_log.addFilter(_without_tokens)


class Handshake:
    """The rules of the opening handshake, the same for every connection."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self._access = access
        self._max_size = settings.max_message_bytes
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
            max_size=self._max_size,
            logger=_wire_log,
        )

    def answer(self, protocol: ServerProtocol, request: Request, reached: str = "") -> Response:
        """What to answer to a request to connect: 101, or a refusal.

        The name in the Host header must be ours: a web page can make its own name mean this computer (DNS rebinding).

        :param reached: the address of this computer to which the client connected.
        """
        hosts = request.headers.get_all("Host")
        # A request's target may name a host, too, which then counts (RFC 9112 section 3.2.2).
        named = [*hosts, *_ABSOLUTE.findall(request.path)]
        if len(hosts) != 1 or not all(self._is_ours(_host_name(name), reached) for name in named):
            log.warning("refused a connection for host %s", shown(named))
            way = "connect to localhost" if self._local else "the setting hosts names those that are"
            return protocol.reject(HTTPStatus.FORBIDDEN, f"This name is not served here; {way}.\n")
        if all(value.isascii() for name in _READ for value in request.headers.get_all(name)):
            response = protocol.accept(request)
        else:
            # websockets 15 would repeat in its answer what was sent, and cannot encode it.
            response = protocol.reject(HTTPStatus.BAD_REQUEST, "The headers of a handshake must be ASCII.\n")
        origins = request.headers.get_all("Origin")
        if origins and response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            log.warning("refused a connection from origin %s", shown(origins))
        return response

    def identify(self, request: Request, address: str) -> Identity | str:
        """Who asks to connect, or why it is not let in, as one sentence.

        :param address: the client's IP address.
        """
        return self._access.identify(_token(request), address)

    def _is_ours(self, name: str | None, reached: str) -> bool:
        """Whether clients may reach this server under a name; beyond loopback also under the address they reached."""
        if name is None or name in self._hosts:
            return name is not None
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


def _token(request: Request) -> str | None:
    """The token that a client shows, as header or as subprotocol; None for none, nothing where it shows several."""
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
    shown = {name.strip()[len(TOKEN_PROTOCOL) :] for name in offered if name.strip().startswith(TOKEN_PROTOCOL)}
    for header in request.headers.get_all("Authorization"):
        scheme, _, text = header.partition(" ")
        shown.add(text.strip() if scheme.lower() == "bearer" else "")
    return (shown.pop() if len(shown) == 1 else "") if shown else None


def _host_name(header: str) -> str | None:
    """The name in a Host header (RFC 9110 section 7.2), without port and brackets, in lower case; else None."""
    match = _HOST.fullmatch(header)
    return (match[1] or match[2]).lower() if match else None
