"""Who may connect, with real handshakes."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request
from websockets.sync.client import ClientConnection, connect

from gombus.config import load
from gombus.net.access import Access
from gombus.net.handshake import Handshake
from gombus.wire.jsonrpc import SUBPROTOCOL as NAME
from support import WAIT_S, Serving, WatchingGom, frame, handshake, request, serving

SUBPROTOCOL: Any = NAME


def client(server: Serving, **options: Any) -> ClientConnection:
    return connect(server.url, proxy=None, **options)


def say(word: str) -> str:
    return f'{{"say": {{"word": "{word}"}}}}'


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost",
        "http://127.0.0.1:40010",
        "null",
        "file://",
        "chrome-extension://abcdefghijklmnop",
        "*",
        "",
        "None",
    ],
)
def test_a_foreign_origin_is_refused(origin: str) -> None:
    with serving(request()) as server:
        assert _handshake(server.port, f"Host: localhost\r\nOrigin: {origin}\r\n") == b"403"


def test_an_allowed_origin_is_served() -> None:
    with (
        serving(request(), origins=("https://mes.example",)) as server,
        client(server, origin="https://mes.example") as connection,
    ):
        connection.send(say("x"))
        assert connection.recv(WAIT_S) == "O.k."


@pytest.mark.parametrize(
    "origin",
    [
        "https://mes.example.evil",
        "https://mes.example.",
        "https://mes.example/",
        "https://mes.example:443",
        "https://mes.example:8443",
        "http://mes.example",
        "HTTPS://MES.EXAMPLE",
        "https://evil@mes.example",
        "https://mes.example https://evil.example",
        "https://mes.example, https://evil.example",
        "https://a.mes.example",
        "null",
        "",
    ],
)
def test_an_origin_that_only_resembles_an_allowed_one_is_refused(origin: str) -> None:
    with serving(request(), origins=("https://mes.example",)) as server:
        assert _handshake(server.port, f"Host: localhost\r\nOrigin: {origin}\r\n") == b"403"


def test_a_star_is_no_allowed_origin_for_all() -> None:
    with serving(request(), origins=("*",)) as server:
        assert _handshake(server.port, "Host: localhost\r\nOrigin: https://evil.example\r\n") == b"403"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:40010", b"101"),
        ("LOCALHOST", b"101"),
        ("127.0.0.1", b"101"),
        ("[::1]:5", b"101"),
        ("inspect-pc", b"101"),
        ("localhost:", b"101"),
        (" \tlocalhost\t ", b"101"),
        ("evil.example:40010", b"403"),
        ("localhost.evil.example", b"403"),
        ("evil.example#localhost", b"403"),
        ("localhost.", b"403"),
        ("local\thost", b"403"),
        ("localhost evil.example", b"403"),
        ("localhost,evil.example", b"403"),
        ("localhost@evil.example", b"403"),
        ("evil.example@localhost", b"403"),
        ("http://localhost", b"403"),
        ("localhost/", b"403"),
        ("localhost\u0661", b"403"),
        ("localhost:4001\u0660", b"403"),
        ("0.0.0.0", b"403"),
        ("127.1", b"403"),
        ("2130706433", b"403"),
        ("127.0.0.1.nip.io", b"403"),
        ("::1", b"403"),
        ("[::1%lo]", b"403"),
        ("[::1%25lo]", b"403"),
        ("[::]", b"403"),
        ("[::ffff:127.0.0.1]", b"403"),
        ("[localhost]", b"403"),
        ("", b"403"),
        (":40010", b"403"),
        ("[]", b"403"),
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


def test_what_names_no_host_is_refused_even_where_an_empty_name_is_allowed() -> None:
    with serving(request(), hosts=("",)) as server:
        for host in ("", "evil.example:x", "[evil.example]", "evil.example:1:2"):
            assert _handshake(server.port, f"Host: {host}\r\n") == b"403"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/", b"101"),
        ("/any/path?to=http://evil.example/", b"101"),
        ("//evil.example/", b"101"),
        ("ws://localhost:40010/", b"101"),
        ("HTTP://LOCALHOST", b"101"),
        ("http://[::1]:1/x", b"101"),
        ("http://evil.example/", b"403"),
        ("ws://evil.example:40010", b"403"),
        ("http://localhost@evil.example/", b"403"),
        ("http://evil.example?localhost", b"403"),
        ("http://localhost:x@evil.example/", b"403"),
        ("http:///", b"403"),
    ],
)
def test_a_target_that_names_a_host_must_name_this_server_too(target: str, status: bytes) -> None:
    """A path is a path, whatever it looks like: the host that counts is in the Host header then."""
    with serving(request()) as server:
        assert _handshake(server.port, "Host: localhost\r\n", target) == status


@pytest.mark.parametrize(
    "headers", ["Host : localhost\r\n", "Host: evil.example\r\n Host: localhost\r\n", "Host: localhost\0\r\n"]
)
def test_headers_that_two_readers_could_understand_differently_are_not_answered(headers: str) -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(handshake(headers))
        assert raw.recv(1024) == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "HEAD", "get"])
@pytest.mark.parametrize("body", [b"", b"5", handshake() + frame(b'{"say": {"word": "smuggled"}}')])
def test_what_another_method_carries_is_not_taken_for_a_message(method: str, body: bytes) -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(f"{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = b""
        with suppress(ConnectionResetError):
            while chunk := raw.recv(4096):
                answer += chunk
        # websockets 15 answers nothing at all.
        assert answer == b"" or answer.startswith((b"HTTP/1.1 405 ", b"HTTP/1.1 426 "))
    assert gom.words == []


def rules_of(**options: Any) -> Handshake:
    settings = load({"tokens": "off", **options}, environ={})
    return Handshake(settings, Access(settings))


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
    rules = rules_of(host="0.0.0.0", hosts=("robot.example",))
    assert _judged(rules, host, reached) == status


def test_on_loopback_it_does_not() -> None:
    assert _judged(rules_of(), "127.0.0.5", "127.0.0.5") == 403


def _judged(rules: Handshake, host: str, reached: str) -> int:
    """The status of the answer to a handshake with this Host header."""
    protocol = rules.protocol()
    protocol.receive_data(handshake(f"Host: {host}\r\n"))
    (asked,) = protocol.events_received()
    assert isinstance(asked, Request)
    return rules.answer(protocol, asked, reached).status_code


def _handshake(port: int, headers: str, target: str = "/") -> bytes:
    """The status with which a handshake with these headers is answered."""
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as raw:
        raw.sendall(handshake(headers).replace(b" / ", f" {target} ".encode(), 1))
        return raw.recv(1024).split(b" ")[1]


def test_two_origins_are_refused() -> None:
    with serving(request(), origins=("https://mes.example",)) as server:
        for pair in (("mes", "evil"), ("evil", "mes"), ("mes", "mes")):
            both = "".join(f"Origin: https://{name}.example\r\n" for name in pair)
            assert _handshake(server.port, f"Host: localhost\r\n{both}") == b"400"


def test_a_refusal_says_why_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(handshake("Host: evil.example\r\n"))
        answer = b""
        while chunk := raw.recv(4096):
            answer += chunk
    assert answer.endswith(b"This name is not served here; connect to localhost.\n")
    assert "refused a connection for host ['evil.example']" in caplog.text


@pytest.mark.parametrize(
    ("headers", "logged"),
    [
        ("Origin: https://evil.example\r\n", "from origin ['https://evil.example']"),
        ("Origin: https://a.example\r\nOrigin: b\r\n", "from origin ['https://a.example', 'b']"),
        ("Origin: https://evil.example\r\nUpgrade: h2c\r\n", "from origin ['https://evil.example']"),
        ("Origin: a\x1b[2Kb\r\n", None),
        ("Origin: \xe4\x9b" + 200 * "x" + "\r\n", "from origin ['"),
    ],
)
def test_a_page_that_is_refused_is_logged_with_its_origin(
    headers: str, logged: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(handshake(f"Host: localhost\r\n{headers}"))
        assert b" 101 " not in raw.recv(4096)
    lines = [record.getMessage() for record in caplog.records if record.name == "gombus.net.handshake"]
    assert [line for line in lines if len(line) > 200] == []
    assert len(lines) == (logged is not None)
    assert (logged or "") in caplog.text


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


@pytest.mark.parametrize("name", ["Origin", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Protocol"])
@pytest.mark.parametrize("value", [b"\xe4", b"\xc3\xa4", b"\xff\xfe"])
def test_a_handshake_that_is_not_ascii_is_refused_and_is_no_bug(
    name: str, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(handshake("Host: localhost\r\nX: y\r\n").replace(b"X: y", name.encode() + b": " + value))
        assert raw.recv(4096).split(b" ")[1] == b"400"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_header_that_the_handshake_does_not_read_may_be_anything() -> None:
    with serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        raw.sendall(handshake("Host: localhost\r\nX: y\r\n").replace(b"X: y", b"Cookie: \xe4"))
        assert raw.recv(4096).split(b" ")[1] == b"101"


def test_a_foreign_origin_is_refused_with_the_subprotocol_too() -> None:
    with serving(request()) as server, pytest.raises(InvalidStatus, match="403"):
        connect(server.url, proxy=None, subprotocols=[SUBPROTOCOL], origin="https://evil.example")
