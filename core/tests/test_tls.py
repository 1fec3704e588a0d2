"""TLS of one connection: what differs from a connection without. That nothing else does shows test_connection.py."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from certificates import write
from support import WAIT_S, Serving, WatchingGom, dial, frame, handshake, raw_client, request, serving

SAY = frame(b'{"say": {"word": "x"}}')
CLIENT_HELLO = b"\x16\x03\x01"


@contextmanager
def tcp(server: Serving) -> Iterator[socket.socket]:
    """A client that has said nothing, not even of TLS."""
    with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
        yield raw


def rest(raw: socket.socket) -> bytes:
    """What the server says until it ends the connection."""
    data = b""
    try:
        while more := raw.recv(4096):
            data += more
    except (ConnectionResetError, ssl.SSLError):
        pass
    return data


def served(server: Serving) -> bool:
    """Whether another client is served."""
    with connect(server.url, proxy=None, **server.tls) as other:
        other.send('{"say": {}}')
        return other.recv(WAIT_S) == "O.k."


def test_the_url_says_so(tmp_path: Path) -> None:
    with serving(request(), **write(tmp_path)) as server:
        assert server.url.startswith("wss://localhost:")
        assert served(server)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_are_spoken(version: ssl.TLSVersion, tmp_path: Path) -> None:
    with serving(request(), **write(tmp_path)) as server:
        context = server.tls["ssl"]
        context.minimum_version = context.maximum_version = version
        with connect(server.url, proxy=None, ssl=context) as client:
            client.send('{"say": {}}')
            assert client.recv(WAIT_S) == "O.k."


@pytest.mark.parametrize(
    "said",
    [
        handshake(),
        CLIENT_HELLO + b"\x00\x05hello",
        b"\x16\x03\x01\x7f\xff" + bytes(100),
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
    ],
    ids=["http", "noise", "too long", "alert", "ssh"],
)
def test_what_is_no_tls_is_closed_and_logged_and_others_are_served(
    said: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom, **write(tmp_path)) as server:
        with tcp(server) as raw:
            raw.sendall(said + SAY)
            # At most an alert, which says nothing of what it is.
            assert rest(raw)[:1] in (b"", b"\x15")
            client = "{}:{}".format(*raw.getsockname())
        assert served(server)
    assert f"{client}: closed, because of its TLS: " in caplog.text
    assert "Traceback" not in caplog.text
    assert gom.words == ["none"]


def test_what_was_altered_on_its_way_is_not_looked_at(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom, **write(tmp_path)) as server:
        client = Client(server)
        client.say(handshake())
        while b"\r\n\r\n" not in client.heard:
            client.hear()
        record = bytearray(client.encrypt(SAY))
        record[-1] ^= 1
        client.raw.sendall(record)
        rest(client.raw)
        client.raw.close()
        assert served(server)
    assert gom.words == ["none"]
    assert "closed, because of its TLS: " in caplog.text


def test_a_client_that_does_not_agree_on_tls_in_time_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secure = serving(request(), handshake_s=0.1, **write(tmp_path))
    with secure as server, tcp(server) as silent, tcp(server) as half:
        half.sendall(CLIENT_HELLO)
        assert rest(silent) == rest(half) == b""
    assert caplog.text.count("cut, because it did not finish its handshake within 0.1 s") == 2


def test_a_client_that_leaves_while_it_agrees_on_tls_is_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Were it not, there would be no place left after 65 of them.
    with serving(request(), max_connections=1, **write(tmp_path)) as server:
        for _ in range(100):
            with tcp(server) as raw:
                raw.sendall(CLIENT_HELLO)
        for _ in range(1000):
            # It may take a moment until the server has seen that they left.
            with suppress(OSError, WebSocketException):
                assert served(server)
                break
        else:
            pytest.fail("nobody is served any more")
    assert "Traceback" not in caplog.text


class Client:
    """A client whose TLS is made by hand, so that a test says when which bytes go."""

    def __init__(self, server: Serving) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.tls["ssl"].wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.raw = socket.create_connection(("127.0.0.1", server.port), WAIT_S)
        self.heard = b""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.raw.sendall(self.outgoing.read())
                self.incoming.write(self.raw.recv(4096))

    def encrypt(self, data: bytes) -> bytes:
        """What is to be sent for it."""
        self.tls.write(data)
        return self.outgoing.read()

    def say(self, data: bytes) -> None:
        """Send it byte by byte."""
        for byte in self.encrypt(data):
            self.raw.sendall(bytes([byte]))

    def hear(self) -> None:
        """Read on."""
        more = self.raw.recv(4096)
        assert more, "the server closed"
        self.incoming.write(more)
        try:
            while True:
                self.heard += self.tls.read(4096)
        except ssl.SSLWantReadError:
            pass


def test_bytes_may_come_one_by_one_and_the_handshake_s_end_with_a_request(tmp_path: Path) -> None:
    with serving(request(), **write(tmp_path)) as server:
        client = Client(server)
        # The end of TLS's own handshake is still to be sent, before it.
        client.say(handshake())
        while b"\r\n\r\n" not in client.heard:
            client.hear()
        client.say(SAY)
        while not client.heard.endswith(b"O.k."):
            client.hear()
        client.raw.close()


def test_a_client_that_says_goodbye_is_told_the_same_and_let_go(tmp_path: Path) -> None:
    with serving(request(), **write(tmp_path)) as server, raw_client(server) as raw:
        assert isinstance(raw, ssl.SSLSocket)
        raw.sendall(SAY)
        assert raw.recv(4096).endswith(b"O.k.")
        # Waits for the server's goodbye.
        with raw.unwrap() as plain:
            assert rest(plain) == b""


def test_a_connection_that_is_cut_off_ends_without_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom, max_connections=1, **write(tmp_path)) as server:
        with raw_client(server) as raw:
            raw.sendall(SAY)
            raw.shutdown(socket.SHUT_WR)
            rest(raw)
        assert served(server)
    assert gom.words == ["x", "none"]
    assert "Traceback" not in caplog.text


def test_the_server_says_goodbye_so_that_nobody_can_cut_its_answers_short(tmp_path: Path) -> None:
    with serving(request(), **write(tmp_path)) as server:
        context = server.tls["ssl"]
        with tcp(server) as raw:
            # An end without goodbye raises.
            with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as strict:
                strict.sendall(handshake("Host: evil.example\r\n"))
                data = b""
                while more := strict.recv(4096):
                    data += more
            assert data.startswith(b"HTTP/1.1 403 ")


def test_large_messages_go_both_ways(tmp_path: Path) -> None:
    text = "x" * 60_000
    secure = serving(request("big", lambda *_: text, at_once=True), **write(tmp_path))
    with secure as server, connect(server.url, proxy=None, **server.tls) as client:
        for number in range(20):
            client.send(f'{{"jsonrpc": "2.0", "id": {number}, "method": "big"{" " * 60_000}}}')
        for number in range(20):
            assert client.recv(WAIT_S) == f'{{"jsonrpc":"2.0","id":{number},"result":"{text}"}}'


def test_without_tls_a_client_that_wants_it_is_told_in_vain(tmp_path: Path) -> None:
    with serving(request()) as server, dial(server) as raw, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(raw, server_hostname="localhost")
