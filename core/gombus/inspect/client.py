"""The real client `gom` (PyPI: zeiss-inspect-api). The only file that imports it, and that looks inside it."""

from __future__ import annotations

import importlib
import importlib.util
import select
import socket
import sys
from contextlib import suppress
from importlib import metadata
from typing import Any

from ..errors import BackendUnavailable
from ..redaction import redacted
from .address import only_for_gom, shown
from .effects import undo, undone

MISSING = "the gom client is not installed: python -m pip install gombus[inspect]"
_CLOSE = 8
"""Opcode of a WebSocket frame that closes (RFC 6455 section 5.2)."""


def version() -> str:
    """Of the client. INSPECT's own is not asked for: that would be a gom command of ours."""
    with suppress(metadata.PackageNotFoundError):
        return f"gom client {metadata.version('zeiss-inspect-api')}"
    return ""


def installed() -> bool:
    """Whether there is a client; it is not imported."""
    try:
        return importlib.util.find_spec("gom") is not None
    except ValueError:
        return True


def imported() -> bool:
    """Whether INSPECT's start-up code, or who calls gombus, has imported it, and with that connected."""
    return sys.modules.get("gom") is not None


def connect(address: str) -> Any:
    """Import gom, which connects. Every later gom call must come from this thread.

    :returns: the module.
    :raises BackendUnavailable: no client is installed, or INSPECT cannot be reached.
    """
    if imported():
        gom = sys.modules["gom"]
        undo(gom)
        return gom
    with only_for_gom(address), undone():
        try:
            return importlib.import_module("gom")
        except Exception as error:
            if isinstance(error, ModuleNotFoundError) and error.name == "gom":
                raise BackendUnavailable(MISSING) from error
            # The client may quote the address, the part behind the question mark, or a value of it alone.
            said = f"{type(error).__name__}: {' '.join(redacted(str(error)).split())}"
            raise BackendUnavailable(f"no INSPECT at {shown(address)}: {said}") from None


def gone(gom: Any) -> bool:
    """Whether INSPECT has closed the connection, or it broke. May be asked on any thread, also during a gom call."""
    connection = getattr(getattr(gom, "__common__", None), "__connection__", None)
    if connection is None:
        return False
    web_socket = connection._ws
    return not web_socket.connected or web_socket.sock is None or _closed(web_socket.sock)


def _closed(sock: socket.socket) -> bool:
    if sock.fileno() < 0:
        return True
    try:
        readable, _, _ = select.select([sock], [], [], 0)
        if not readable:
            return False
        # Past TLS, which cannot be looked into: there only the end is seen, and not a frame that announces it.
        data = socket.socket.recv(sock, 1, socket.MSG_PEEK)
    except OSError:
        return True
    except ValueError:
        # Its number is beyond what `select` takes.
        return False
    return not data or (type(sock) is socket.socket and data[0] & 0x0F == _CLOSE)
