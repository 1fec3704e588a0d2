"""Where the server may listen, and the sockets for it."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from typing import NamedTuple

from ..config import OFF, Settings
from ..errors import CannotListen
from .certificate import Certificate

LOCALHOST = ("127.0.0.1", "::1")
ANY = ("0.0.0.0", "::")
WINDOWS_CONNECTIONS = 400
"""How many clients may be connected there: `select` takes 512 sockets, and some are listened on or turned away."""
_TRIES = 16
_READ_SIZE = 32 * 1024
"""How much the system keeps of what a client sent, in bytes: what one turn of the event loop may have to read."""


class Place(NamedTuple):
    """Where the server may listen."""

    host: str
    """As the setting has it."""
    addresses: tuple[str, ...]
    certificate: Certificate | None
    """None where it serves without TLS."""

    def url(self, port: int) -> str:
        """Under which address clients reach it."""
        host = socket.gethostname() if self.host in ANY else self.host
        scheme = "ws" if self.certificate is None else "wss"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this computer is served, with no look-up: names other than localhost could mean any computer."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def choose_place(settings: Settings, has_tokens: bool) -> Place:
    """Judge where the server is to listen, before anything is opened.

    :param has_tokens: whether there is a token, so that clients can say who they are.
    :raises CannotListen: the host is not allowed, naming all that is missing; or the certificate cannot be used.
    """
    host, local = settings.host, is_loopback(settings.host)
    if (settings.tls_certificate == OFF) != (settings.tls_key == OFF):
        raise CannotListen("tls_certificate and tls_key belong together: set both, or neither")
    if not local:
        missing = _missing(settings, has_tokens)
        if missing:
            raise CannotListen(
                f"host {host!r} is not loopback, and other computers are served with TLS, a token and allowed_roots "
                f"only; missing: {'; '.join(missing)}"
            )
    if sys.platform == "win32" and settings.max_connections > WINDOWS_CONNECTIONS:
        raise CannotListen(
            f"max_connections is {settings.max_connections}; allowed on Windows: up to {WINDOWS_CONNECTIONS}"
        )
    certificate = None if settings.tls_key == OFF else Certificate(settings.tls_certificate, settings.tls_key)
    return Place(host, LOCALHOST if host.lower() == "localhost" else _addresses(host), certificate)


def _missing(settings: Settings, has_tokens: bool) -> list[str]:
    """What is needed to serve other computers and is not there, with the way to get it."""
    needed = {
        "tls_certificate and tls_key (gombus tls self-signed makes them for a test bench)": settings.tls_key != OFF,
        "a token (gombus token new)": has_tokens,
        "allowed_roots (name the folders that files may lie in)": bool(settings.allowed_roots),
    }
    return [what for what, there in needed.items() if not there]


def _addresses(host: str) -> tuple[str, ...]:
    """The addresses of a host; that they are this computer's shows when they are listened on."""
    try:
        ipaddress.ip_address(host)
        return (host,)
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"host {host!r} is not known here: {error}") from error
    # Each once, in their order.
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def open_sockets(place: Place, port: int) -> list[socket.socket]:
    """Listening sockets, one for each address, all on the same port.

    An address that this computer does not have is left out where another one is there.

    :param port: 0 takes one that is free in every family.
    :raises CannotListen: the port is taken, or there is no such address here.
    """
    host, addresses, _ = place
    # A free port of one family may be taken in the other; then another one is tried.
    for _ in range(_TRIES if port == 0 else 1):
        try:
            return _open_all(addresses, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror}") from error
    raise CannotListen(f"port {port} on {host} is taken: stop the other server or choose another with --port")


def _open_all(addresses: tuple[str, ...], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for address in addresses:
            try:
                sockets.append(_open(address, sockets[0].getsockname()[1] if sockets else port))
                sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _READ_SIZE)
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = error
        if missing and not sockets:
            raise missing
    except BaseException:
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _open(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
    if exclusive is None:
        return socket.create_server((address, port), family=family)
    # Windows lets a second program take over a port unless the first one says no.
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        opened.bind((address, port))
        opened.listen()
    except BaseException:
        opened.close()
        raise
    return opened
