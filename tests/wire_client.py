"""A client of the gom wire that says whatever a test wants, message by message."""

from __future__ import annotations

from typing import Any

from websockets.sync.client import ClientConnection, connect

from gombus_kit.wire import WireTwin
from gombus_kit.wire.values import decode, encode
from support import WAIT_S


def message(twin: WireTwin, number: int, **params: object) -> bytes:
    """A request with the twin's key."""
    request = {"type": "request", "apikey": twin.apikey, "id": "7", "value": int(number), "params": params}
    return encode(request)


def dial(twin: WireTwin) -> ClientConnection:
    """A connection. It has no thread for pings, which would outlive it by a moment: tests count threads."""
    return connect(twin.url, compression=None, ping_interval=None, proxy=None)


def received(connection: ClientConnection) -> dict[str, Any]:
    """The next message."""
    reply = decode(connection.recv(timeout=WAIT_S, decode=False))
    assert isinstance(reply, dict)
    return reply


def ask(twin: WireTwin, number: int, **params: object) -> dict[str, Any]:
    """The reply to one request."""
    with dial(twin) as connection:
        connection.send(message(twin, number, **params))
        reply = received(connection)
    assert reply["id"] == "7"
    return reply
