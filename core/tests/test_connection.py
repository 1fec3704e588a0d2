"""The transport of one client: the time limit for taking answers."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.sync.client import connect

from gombus import connection
from support import WAIT_S, frame, handshake, request, serving


def test_a_client_that_does_not_take_its_answers_is_cut_and_others_are_served(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "SEND_LIMIT_S", 0.05)
    with serving(request()) as server:
        with socket.socket() as raw:
            # Small buffers on both ends, so that few answers fill them.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            raw.connect(("127.0.0.1", server.port))
            raw.settimeout(WAIT_S)
            raw.sendall(handshake())
            message = frame(b'"' + b"x" * 120 + b'"')
            with pytest.raises(OSError):
                # Sends until the server has stopped reading, and then until it has cut the connection.
                for _ in range(10_000):
                    raw.sendall(message * 100)
        with connect(server.url, proxy=None) as other:
            other.send("5")
            assert other.recv(WAIT_S) == "Error: Unknown request:\n5"
    assert "cut, because it did not take its answers" in caplog.text


def test_tcp_keepalive_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    made = connection.Connection.connection_made

    def look(self: connection.Connection, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        opened = transport.get_extra_info("socket")
        seen.append(opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    monkeypatch.setattr(connection.Connection, "connection_made", look)
    with serving(request()) as server, connect(server.url, proxy=None) as client:
        client.send("5")
        client.recv(WAIT_S)
    assert seen and all(seen)
