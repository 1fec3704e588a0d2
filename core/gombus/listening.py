"""Where the server may listen, and the sockets for it."""

from __future__ import annotations

import errno
import ipaddress
import socket

from .errors import CannotListen

LOCALHOST = ("127.0.0.1", "::1")
_TRIES = 16
_READ_SIZE = 32 * 1024
"""How much the system keeps of what a client sent, in bytes: what one turn of the event loop may have to read."""


def loopback_addresses(host: str) -> tuple[str, ...]:
    """The addresses that a host setting means, with no look-up: names other than localhost could mean any computer.

    :raises CannotListen: it is not loopback.
    """
    if host.lower() == "localhost":
        return LOCALHOST
    try:
        if ipaddress.ip_address(host).is_loopback:
            return (host,)
    except ValueError:
        pass
    raise CannotListen(
        f"host {host!r} is not loopback: other computers cannot be served yet; allowed: localhost, 127.0.0.1, ::1"
    )


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listening sockets, one for each address family, all on the same port.

    An address family that this computer does not have is left out where the other one is there.

    :param port: 0 takes one that is free in every family.
    :raises CannotListen: the port is taken, or the host is not allowed.
    """
    addresses = loopback_addresses(host)
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
