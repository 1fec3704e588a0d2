"""Who may connect, with real handshakes."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request
from websockets.sync.client import ClientConnection, connect

from gombus.config import load
from gombus.handshake import Handshake
from gombus.wire.jsonrpc import SUBPROTOCOL as NAME
from support import WAIT_S, Serving, frame, handshake, request, serving

SUBPROTOCOL: Any = NAME


def client(server: Serving, **options: Any) -> ClientConnection:
    return connect(server.url, proxy=None, **options)


def say(word: str) -> str:
    return f'{{"say": {{"word": "{word}"}}}}'


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost", "null"])
def test_a_foreign_origin_is_refused(origin: str) -> None:
    with serving(request()) as server, pytest.raises(InvalidStatus, match="403"):
        client(server, origin=origin)


def test_an_allowed_origin_is_served() -> None:
    with serving(request(), origins=("https://mes.example",)) as server:
        with client(server, origin="https://mes.example") as connection:
            connection.send(say("x"))
            assert connection.recv(WAIT_S) == "O.k."
        with pytest.raises(InvalidStatus, match="403"):
            client(server, origin="https://mes.example.evil")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:40010", b"101"),
        ("LOCALHOST", b"101"),
        ("127.0.0.1", b"101"),
        ("[::1]:5", b"101"),
        ("inspect-pc", b"101"),
        ("evil.example:40010", b"403"),
        ("localhost.evil.example", b"403"),
        ("", b"403"),
        ("[::1", b"403"),
        ("localhost:x", b"403"),
        ("localhost:1:2", b"403"),
        ("a\r\nHost: localhost", b"403"),
    ],
)
def test_the_host_header_must_name_this_server(host: str, status: bytes) -> None:
    with serving(request(), hosts=("Inspect-PC",)) as server:
        assert _handshake(server.port, f"Host: {host}\r\n") == status


def test_a_request_without_host_is_refused() -> None:
    with serving(request()) as server:
        assert _handshake(server.port, "") == b"403"


PROXY = "X-Forwarded-For: 10.9.9.9\r\nX-Real-IP: 10.9.9.9\r\nForwarded: for=10.9.9.9;host=localhost\r\n"


def test_what_a_proxy_would_say_of_a_client_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        mine = "{}:{}".format(*raw.getsockname())
        raw.sendall(handshake(f"Host: localhost\r\nSec-WebSocket-Protocol: gombus.v1.json\r\n{PROXY}"))
        assert raw.recv(4096).split(b" ")[1] == b"101"
        raw.sendall(frame(b'{"jsonrpc": "2.0", "id": 1, "method": "say"}'))
        answer = raw.recv(4096)
        # The receipt says who asked.
        assert json.loads(answer[answer.index(b"{") :])["result"]["client"] == mine
        raw.sendall(frame(b'{"jsonrpc": "2.0", "id": 2, "method": "none"}'))
        assert b"unknown_request" in raw.recv(4096)
        assert _handshake(server.port, f"Host: evil.example\r\nX-Forwarded-Host: localhost\r\n{PROXY}") == b"403"
    assert f"{mine}: " in caplog.text
    assert "10.9.9.9" not in caplog.text


@pytest.mark.parametrize(
    ("host", "reached", "status"),
    [
        ("192.168.0.10", "192.168.0.10", 101),
        ("192.168.0.10:40010", "192.168.0.10", 101),
        ("[2001:db8::1]:40010", "2001:db8:0::1", 101),
        (socket.gethostname().upper(), "192.168.0.10", 101),
        ("robot.example", "192.168.0.10", 101),
        ("localhost", "127.0.0.1", 101),
        # This computer has it perhaps, but it is not where the client came in.
        ("192.168.0.11", "192.168.0.10", 403),
        ("0.0.0.0", "192.168.0.10", 403),
        ("evil.example", "192.168.0.10", 403),
        ("192.168.0.10.evil.example", "192.168.0.10", 403),
        ("", "", 403),
    ],
)
def test_beyond_loopback_the_address_that_a_client_reached_names_this_server_too(
    host: str, reached: str, status: int
) -> None:
    rules = Handshake(load({"host": "0.0.0.0", "hosts": ("robot.example",)}, environ={}))
    assert _judged(rules, host, reached) == status


def test_on_loopback_it_does_not() -> None:
    assert _judged(Handshake(load(environ={})), "127.0.0.5", "127.0.0.5") == 403


def _judged(rules: Handshake, host: str, reached: str) -> int:
    """The status of the answer to a handshake with this Host header."""
    protocol = rules.protocol()
    protocol.receive_data(handshake(f"Host: {host}\r\n"))
    (asked,) = protocol.events_received()
    assert isinstance(asked, Request)
    return rules.answer(protocol, asked, reached).status_code


def _handshake(port: int, headers: str) -> bytes:
    """The status with which a handshake with these headers is answered."""
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as raw:
        raw.sendall(handshake(headers))
        return raw.recv(1024).split(b" ")[1]


def test_two_origins_are_refused() -> None:
    with serving(request(), origins=("https://mes.example",)) as server:
        both = "Host: localhost\r\nOrigin: https://mes.example\r\nOrigin: https://evil.example\r\n"
        assert _handshake(server.port, both) in (b"400", b"403")


def test_a_refusal_says_why_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(handshake("Host: evil.example\r\n"))
        answer = b""
        while chunk := raw.recv(4096):
            answer += chunk
    assert answer.endswith(b"This name is not served here; connect to localhost.\n")
    assert "refused a connection for host ['evil.example']" in caplog.text


def test_what_is_no_websocket_handshake_is_refused() -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.recv(4096).split(b" ")[1] == b"426"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["gombus.v1.json"], "gombus.v1.json"),
        (["chat", "gombus.v1.json", "gombus.v2.json"], "gombus.v1.json"),
        (["chat"], None),
        (["GOMBUS.V1.JSON"], None),
        ([], None),
    ],
)
def test_the_subprotocol_is_chosen_where_it_is_offered_and_others_are_served_without_one(
    offered: list[str], chosen: str | None
) -> None:
    with serving(request()) as server:
        headers = "".join(f"Sec-WebSocket-Protocol: {name}\r\n" for name in offered)
        for sent in (headers, f"Sec-WebSocket-Protocol: {', '.join(offered)}\r\n" if offered else ""):
            with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
                raw.sendall(handshake(f"Host: localhost\r\n{sent}"))
                answer = raw.recv(4096).lower()
                assert (f"sec-websocket-protocol: {chosen}\r\n".encode() in answer) == (chosen is not None)
                raw.sendall(frame(b"5"))
                expected = b'{"jsonrpc":"2.0","id":null,"error"' if chosen else b"Error: Unknown request:\n5"
                assert expected in raw.recv(4096)


def test_the_client_is_told_which_subprotocol_was_chosen() -> None:
    with serving(request()) as server:
        with connect(server.url, proxy=None, subprotocols=[SUBPROTOCOL]) as connection:
            assert connection.subprotocol == SUBPROTOCOL
        with client(server) as connection:
            assert connection.subprotocol is None


def test_a_header_that_offers_no_subprotocol_s_name_is_refused() -> None:
    with serving(request()) as server:
        assert _handshake(server.port, "Host: localhost\r\nSec-WebSocket-Protocol: a b\r\n") == b"400"


def test_a_foreign_origin_is_refused_with_the_subprotocol_too() -> None:
    with serving(request()) as server, pytest.raises(InvalidStatus, match="403"):
        connect(server.url, proxy=None, subprotocols=[SUBPROTOCOL], origin="https://evil.example")
