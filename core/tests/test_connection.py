"""The transport of one client, with bytes made by hand."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from functools import partial
from pathlib import Path
from typing import Any, Callable

import pytest
from websockets.sync.client import connect

import support
from certificates import write
from gombus.net import connection, portions
from support import WAIT_S, WatchingGom, dial, frame, handshake, raw_client, request, stop_request

Serve = Callable[..., Any]
TEXT, BINARY, CONT, CLOSE, PING = 1, 2, 0, 8, 9


@pytest.fixture(params=["plain", "tls"])
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Serve:
    """Starts servers, without and with TLS: neither clients nor what serves them are to see a difference."""
    return partial(support.serving, **(write(tmp_path) if request.param == "tls" else {}))


def part(opcode: int, data: bytes, fin: bool = True) -> bytes:
    """A client's frame of up to 65,535 bytes, masked with zeros."""
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
    return bytes([opcode | (0x80 if fin else 0)]) + size + bytes(4) + data


def read_frame(raw: socket.socket) -> tuple[int, bytes]:
    """Opcode and payload of the server's next frame, which is short."""
    head = read(raw, 2)
    return head[0] & 0x0F, read(raw, head[1] & 0x7F)


def read_message(raw: socket.socket) -> bytes:
    """The server's next text message of up to 65,535 bytes."""
    head = read(raw, 2)
    size = head[1] if head[1] < 126 else int.from_bytes(read(raw, 2), "big")
    return read(raw, size)


def read(raw: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = raw.recv(size - len(data))
        assert more, "the server closed"
        data += more
    return bytes(data)


def read_close(raw: socket.socket) -> int:
    """The code of the server's close frame; afterwards the server sends no more."""
    opcode, data = read_frame(raw)
    assert opcode == CLOSE
    raw.sendall(part(CLOSE, data[:2]))
    assert raw.recv(1) == b""
    return int.from_bytes(data[:2], "big")


def is_cut(raw: socket.socket) -> bool:
    """Wait for the end of the connection; a reset or an end, as the system has it."""
    try:
        return raw.recv(1) == b""
    except (ConnectionResetError, ssl.SSLError):
        return True


BIG = 7 * 1024 * 1024
ASK_BIG = b'{"jsonrpc": "2.0", "id": 1, "method": "big"}'


def big() -> Any:
    """A request type with a result larger than what the system holds for a client."""
    return request("big", lambda *_: "x" * BIG, at_once=True)


def test_fragments_are_one_message(serving: Serve) -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, raw_client(server) as raw:
        message = '{"say": {"word": "Größe"}}'.encode()
        for cut in range(1, len(message)):
            raw.sendall(part(TEXT, message[:cut], fin=False) + part(PING, b"p") + part(CONT, b"", fin=False))
            raw.sendall(part(CONT, message[cut:]))
            assert {read_frame(raw), read_frame(raw)} == {(10, b"p"), (TEXT, b"O.k.")}
    assert gom.words == ["Größe"] * (len(message) - 1)


def test_a_binary_message_in_fragments_is_read_as_text(serving: Serve) -> None:
    with serving(request()) as server, raw_client(server) as raw:
        raw.sendall(part(BINARY, b'{"say"', fin=False) + part(CONT, b": {}}"))
        assert read_frame(raw) == (TEXT, b"O.k.")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (part(TEXT, b"\xff\xfe"), 1007),
        (part(TEXT, b"\xc3", fin=False) + part(CONT, b"x"), 1007),
        (part(CONT, b"x"), 1002),
        (part(TEXT, b"x", fin=False) + part(TEXT, b"y"), 1002),
        (part(3, b"x"), 1002),
        (part(TEXT, b"x" * 40_000, fin=False) + part(CONT, b"x" * 40_000), 1009),
        (b"\x81\x01x", 1002),
    ],
)
def test_what_breaks_the_protocol_closes_with_the_code_for_it(serving: Serve, sent: bytes, code: int) -> None:
    with serving(request()) as server:
        with raw_client(server) as raw:
            # What follows in the same breath is not looked at.
            raw.sendall(sent + part(TEXT, b"5"))
            assert read_close(raw) == code
        with connect(server.url, proxy=None, **server.tls) as other:
            other.send("5")
            assert other.recv(WAIT_S) == "Error: Unknown request:\n5"


@pytest.mark.parametrize(
    "early",
    [
        part(TEXT, b'{"say": {"word": "x"}}'),
        part(TEXT, b'{"say": {"word": "x"}}') + part(CLOSE, b""),
        part(PING, b""),
        part(CLOSE, b""),
        b"\x83\x00",
    ],
    ids=["request", "request and close", "ping", "close", "nonsense"],
)
@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_a_client_that_does_not_wait_for_its_handshake_is_cut_and_others_are_served(
    serving: Serve, early: bytes, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, raw_client(server) as other:
        with dial(server) as raw:
            raw.sendall(handshake(f"Host: {host}\r\n") + early)
            assert is_cut(raw)
        other.sendall(part(TEXT, b'{"say": {"word": "other"}}'))
        assert read_frame(other) == (TEXT, b"O.k.")
    assert gom.words == ["other"]
    assert "cut, because it sent more before its handshake was answered" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_client_whose_handshake_fills_a_portion_must_wait_for_its_answer_too() -> None:
    padding = portions.PORTION - len(handshake("Host: localhost\r\nX: \r\n"))
    filling = handshake(f"Host: localhost\r\nX: {'x' * padding}\r\n")
    with support.serving(request()) as server, socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        assert len(filling) == portions.PORTION
        raw.sendall(filling + part(TEXT, b'{"say": {}}'))
        assert is_cut(raw)


@pytest.mark.parametrize("turn_s", [0.0, 60.0])
def test_what_comes_at_once_is_looked_at_in_portions_and_all_of_it_is_answered(
    turn_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "TURN_S", turn_s)
    looked_at: list[int] = []
    take = connection.Connection._take

    def watch(self: connection.Connection, data: bytes) -> None:
        looked_at.append(len(data))
        take(self, data)

    monkeypatch.setattr(connection.Connection, "_take", watch)
    gom = WatchingGom()
    words = [str(number) for number in range(1000)]
    with support.serving(request(), gom=gom) as server, raw_client(server) as raw:
        # In many small writes, in a long one, and as one long message: whatever the system makes of it.
        raw.sendall(b"".join(part(TEXT, b'{"say": {"word": "%s"}}' % word.encode()) for word in words))
        raw.sendall(part(PING, b"") * 5000)
        raw.sendall(part(TEXT, b'{"say": {"word": "long"}}' + b" " * 60_000))
        answers: list[tuple[int, bytes]] = []
        while answers.count((TEXT, b"O.k.")) < 1001:
            answers.append(read_frame(raw))
    assert answers.count((10, b"")) == 5000
    assert gom.words == [*words, "long"]
    assert max(looked_at) <= portions.PORTION


def test_what_waits_when_a_client_sends_its_end_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "TURN_S", 0.0)
    gom = WatchingGom()
    with support.serving(request(), gom=gom) as server, raw_client(server) as raw:
        raw.sendall(part(TEXT, b'{"say": {"word": "w"}}') * 60)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
        with connect(server.url, proxy=None) as other:
            other.send('{"say": {"word": "other"}}')
            assert other.recv(WAIT_S) == "O.k."
    assert gom.words == ["w"] * 60 + ["other"]


def test_a_request_that_is_followed_by_closing_is_carried_out(serving: Serve) -> None:
    gom = WatchingGom()
    gom.hold_word = "last"
    with serving(request(), gom=gom) as server, raw_client(server) as raw:
        raw.sendall(part(TEXT, b'{"say": {"word": "last"}}') + part(CLOSE, b"\x03\xe8"))
        assert read_frame(raw) == (CLOSE, b"\x03\xe8")
        assert raw.recv(1) == b""
        assert gom.entered.wait(WAIT_S)
        gom.go_on.set()
    assert gom.words == ["last"]


def test_pings_are_answered(serving: Serve) -> None:
    with serving(request()) as server, raw_client(server) as raw:
        raw.sendall(part(PING, b"hello"))
        assert read_frame(raw) == (10, b"hello")


@pytest.mark.parametrize("sent", [frame(b'"' + b"x" * 120 + b'"'), part(PING, b"x" * 120)], ids=["requests", "pings"])
def test_a_client_that_does_not_take_its_answers_is_cut_and_others_are_served(
    serving: Serve, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(request(), send_s=0.1) as server:
        # Small buffers, so that few answers fill them.
        with raw_client(server, receive_buffer=1) as raw, pytest.raises(OSError):
            # Sends until the server has stopped reading, and then until it has cut the connection.
            for _ in range(10_000):
                raw.sendall(sent * 100)
        with connect(server.url, proxy=None, **server.tls) as other:
            other.send("5")
            assert other.recv(WAIT_S) == "Error: Unknown request:\n5"
    assert "cut, because it did not take its answers within 0.1 s" in caplog.text


def test_a_client_that_does_not_finish_its_handshake_is_cut(serving: Serve, caplog: pytest.LogCaptureFixture) -> None:
    with serving(request(), handshake_s=0.5) as server, dial(server) as raw:
        raw.sendall(handshake()[:-2])
        assert is_cut(raw)
    assert "cut, because it did not finish its handshake within 0.5 s" in caplog.text


def test_a_client_that_leaves_too_much_of_what_it_was_sent_is_cut_and_others_are_served(
    serving: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(big(), request(), max_outbox_bytes=65_536) as server, raw_client(server, receive_buffer=1) as raw:
        raw.sendall(part(TEXT, ASK_BIG))
        # It begins to read only when the server has judged it.
        with connect(server.url, proxy=None, **server.tls) as other:
            for _ in range(1000):
                other.send('{"say": {}}')
                assert other.recv(WAIT_S) == "O.k."
                if "cut, because it left more than 65536 bytes of what it was sent" in caplog.text:
                    break
            else:
                pytest.fail("it was not cut")
        with pytest.raises((OSError, AssertionError)):
            read(raw, BIG)


def test_within_the_limit_a_client_gets_it_all(serving: Serve) -> None:
    with serving(big(), max_outbox_bytes=2 * BIG) as server, raw_client(server) as raw:
        raw.sendall(part(TEXT, ASK_BIG))
        head = read(raw, 10)
        assert head[:2] == b"\x81\x7f"
        assert read(raw, int.from_bytes(head[2:], "big")).endswith(b"}")


def test_an_idle_client_is_closed(serving: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with serving(request(), idle_s=0.1) as server, raw_client(server) as raw:
        raw.sendall(part(TEXT, b'{"say": {}}'))
        assert read_frame(raw) == (TEXT, b"O.k.")
        opcode, data = read_frame(raw)
        assert (opcode, data) == (CLOSE, b"\x03\xe9Idle for 0.1 s.")
        raw.sendall(part(CLOSE, data[:2]))
        assert raw.recv(1) == b""
    assert "closed, because it was idle for 0.1 s" in caplog.text


def idle_is_closed(server: support.Serving, times: int = 2) -> None:
    """Others, one after the other, say nothing and are closed: so long it takes."""
    for _ in range(times):
        with raw_client(server) as other:
            assert read_close(other) == 1001


def test_a_client_that_waits_for_its_answer_is_not_idle(serving: Serve) -> None:
    gom = WatchingGom()
    gom.hold_word = "long"
    with serving(request(), gom=gom, idle_s=0.1) as server, raw_client(server) as raw:
        raw.sendall(part(TEXT, b'{"say": {"word": "long"}}'))
        assert gom.entered.wait(WAIT_S)
        idle_is_closed(server)
        gom.go_on.set()
        assert read_frame(raw) == (TEXT, b"O.k.")
        # From then on it is.
        assert read_close(raw) == 1001


def test_a_client_that_is_to_be_told_of_a_task_is_not_idle(serving: Serve) -> None:
    gom = WatchingGom()
    gom.hold_word = "long"
    with serving(request(), gom=gom, idle_s=0.1) as server, raw_client(server) as raw:
        meta = b'{"jsonrpc": "2.0", "id": 1, "method": "say", "params": {"word": "long", "_meta": {"task": true}}}'
        raw.sendall(part(TEXT, meta))
        assert gom.entered.wait(WAIT_S)
        idle_is_closed(server)
        gom.go_on.set()
        while b'"completed"' not in read_message(raw):
            pass
        assert read_close(raw) == 1001


def test_a_client_that_pings_is_not_idle(serving: Serve) -> None:
    with serving(request(), idle_s=0.3) as server, raw_client(server) as raw:
        # As long as two others, one after the other, are idle.
        for _ in range(2):
            with raw_client(server) as silent:
                silent.settimeout(0)
                while True:
                    raw.sendall(part(PING, b"p"))
                    assert read_frame(raw) == (10, b"p")
                    try:
                        assert silent.recv(100)[0] & 0x0F == CLOSE
                        break
                    except (BlockingIOError, ssl.SSLWantReadError):
                        continue


def test_without_a_limit_nobody_is_idle(serving: Serve) -> None:
    with serving(request(), idle_s=0) as server, raw_client(server) as raw:
        with serving(request(), idle_s=0.1) as strict:
            idle_is_closed(strict)
        raw.sendall(part(TEXT, b'{"say": {}}'))
        assert read_frame(raw) == (TEXT, b"O.k.")


def test_a_handshake_in_time_is_not_cut_later(serving: Serve) -> None:
    gom = WatchingGom()
    gom.hold_word = "long"
    with serving(request(), gom=gom, handshake_s=1.0) as server, raw_client(server) as raw:
        raw.sendall(part(TEXT, b'{"say": {"word": "long"}}'))
        assert gom.entered.wait(WAIT_S)
        # Longer than the limit: the time in which another client is cut.
        with dial(server) as other:
            assert is_cut(other)
        gom.go_on.set()
        assert read_frame(raw) == (TEXT, b"O.k.")


def test_a_client_that_does_not_close_is_cut(
    serving: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "CLOSE_LIMIT_S", 0.05)
    with serving(stop_request()) as server, raw_client(server) as raw:
        raw.sendall(part(TEXT, b"quit"))
        assert read_frame(raw) == (TEXT, b"bye")
        assert read_frame(raw)[0] == CLOSE
        # No close frame in return.
        assert server.ended()
        assert is_cut(raw)
    assert "cut, because it did not close within 0.05 s" in caplog.text


def test_a_client_in_its_handshake_does_not_keep_the_server_from_stopping(serving: Serve) -> None:
    with serving(stop_request()) as server, dial(server) as raw:
        raw.sendall(handshake()[:-2])
        with raw_client(server) as other:
            other.sendall(part(TEXT, b"quit"))
            assert read_frame(other) == (TEXT, b"bye")
        assert server.ended()
        assert is_cut(raw)


def test_a_handshake_while_the_server_stops_is_told_so(serving: Serve) -> None:
    gom = WatchingGom()
    gom.hold_word = "running"
    with serving(request(), stop_request(), gom=gom) as server, raw_client(server) as running:
        running.sendall(part(TEXT, b'{"say": {"word": "running"}}'))
        assert gom.entered.wait(WAIT_S)
        with dial(server) as late:
            late.sendall(handshake()[:-2])
            with raw_client(server) as other:
                other.sendall(part(TEXT, b"quit"))
                assert read_frame(other) == (TEXT, b"bye")
                assert read_close(other) == 1000
            late.sendall(b"\r\n")
            assert late.recv(4096).split(b" ")[1] == b"503"
        gom.go_on.set()
        assert read_frame(running) == (TEXT, b"O.k.")


def test_noise_in_place_of_a_handshake_is_closed(serving: Serve) -> None:
    with serving(request()) as server, dial(server) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        answer = raw.recv(4096)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_tcp_keepalive_is_on_and_small_messages_do_not_wait_for_each_other(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    made = connection.Connection.connection_made

    def look(self: connection.Connection, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        opened = transport.get_extra_info("socket")
        seen.append(opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        seen.append(opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(connection.Connection, "connection_made", look)
    with serving(request()) as server, connect(server.url, proxy=None, **server.tls) as client:
        client.send("5")
        client.recv(WAIT_S)
    assert seen and all(seen)
