"""Sockets, the opening handshake and stopping, with a real client."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidStatus,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, connect

from certificates import write
from gombus.errors import CannotListen
from gombus.net import connection, tokens
from gombus.net import server as server_module
from support import WAIT_S, BreakError, Serving, WatchingGom, frame, raw_client, request, serving, stop_request


def client(server: Serving, **options: Any) -> ClientConnection:
    return connect(server.url, proxy=None, **options)


def say(word: str) -> str:
    return json.dumps({"say": {"word": word}})


def test_a_request_is_answered_and_reaches_gom_on_the_owner_thread() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, client(server) as connection:
        connection.send(say("hello"))
        assert connection.recv(WAIT_S) == "O.k."
        assert gom.words == ["hello"]
        assert gom.threads == {server.thread.ident}


def test_localhost_is_served_on_both_address_families() -> None:
    with serving(request()) as server:
        addresses = ["127.0.0.1"]
        if _has_ipv6():
            addresses.append("[::1]")
        for address in addresses:
            with connect(f"ws://{address}:{server.port}", proxy=None) as connection:
                connection.send("5")
                assert connection.recv(WAIT_S) == "Error: Unknown request:\n5"


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_a_port_that_is_taken_is_named() -> None:
    with serving(request()) as server:
        second = serving(request(), port=server.port)
        with pytest.raises(CannotListen, match=rf"^port {server.port} on localhost is taken"), second:
            pytest.fail("two servers on one port")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org"])
def test_without_tls_a_token_and_roots_only_this_computer_is_served(host: str) -> None:
    with pytest.raises(CannotListen, match="missing: tls_certificate"), serving(request(), host=host):
        pytest.fail("listened beyond loopback")


def test_with_them_other_computers_are_served(tmp_path: Path) -> None:
    text, _ = tokens.new(tmp_path / "tokens.json", "operator")
    settings = {**write(tmp_path), "allowed_roots": (str(tmp_path),), "tokens": str(tmp_path / "tokens.json")}
    with serving(request(), host="0.0.0.0", **settings) as server:
        assert server.url == f"wss://{socket.gethostname()}:{server.port}"
        headers = {"Authorization": f"Bearer {text}"}
        address = f"wss://127.0.0.1:{server.port}"
        with connect(address, proxy=None, additional_headers=headers, **server.tls) as connection:
            connection.send(say("hello"))
            assert connection.recv(WAIT_S) == "O.k."
        stranger = connect(address, proxy=None, **server.tls)
        with stranger as connection, pytest.raises(ConnectionClosedError, match="1008"):
            connection.recv(WAIT_S)


def test_a_client_too_many_is_told_so_and_has_its_turn_when_another_leaves(caplog: pytest.LogCaptureFixture) -> None:
    with serving(request(), max_connections=2) as server, client(server) as staying:
        with client(server):
            for _ in range(3):
                with client(server) as late, pytest.raises(ConnectionClosedError):
                    # What it asks for is not run.
                    late.send(say("late"))
                    late.recv(WAIT_S)
                assert (late.close_code, late.close_reason) == (1013, "Too many connections.")
            assert "turned away: Too many connections." in caplog.text
        assert served_at_last(server)
        staying.send(say("staying"))
        assert staying.recv(WAIT_S) == "O.k."


def test_a_client_too_many_that_does_not_close_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CLOSE_LIMIT_S", 0.05)
    gom = WatchingGom()
    with serving(request(), gom=gom, max_connections=1) as server, client(server), raw_client(server) as raw:
        with pytest.raises(OSError):
            # It goes on asking, and does not look.
            for _ in range(10_000_000):
                raw.sendall(frame(b'{"say": {"word": "late"}}'))
        assert server.listening
    assert gom.words == []


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_of_those_that_say_nothing_some_are_borne_and_further_ones_closed_unheard(
    secure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server_module, "ENTERING", 2)
    settings: dict[str, Any] = write(tmp_path) if secure else {}
    secure_or_not = serving(request(), max_connections=2, **settings)
    with secure_or_not as server, ExitStack() as stack, client(server, **server.tls) as honest:
        for _ in range(3):
            # These are accepted, in their handshake for ten seconds, and count.
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), WAIT_S))
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as late:
                assert late.recv(1) == b""
        honest.send(say("honest"))
        assert honest.recv(WAIT_S) == "O.k."
        stack.close()
        assert served_at_last(server)
    assert caplog.text.count("4 clients at a time: further ones are closed unheard") == 1


def served_at_last(server: Serving) -> bool:
    """Connect until a client is served: the network thread hears a moment later that others have left."""
    for _ in range(10_000):
        with suppress(OSError, WebSocketException, EOFError), client(server, **server.tls) as connection:
            connection.send(say("at last"))
            return connection.recv(WAIT_S) == "O.k."
    return False


def test_compression_is_not_used_and_the_server_does_not_name_its_software() -> None:
    with serving(request()) as server, client(server, compression="deflate") as connection:
        assert connection.response is not None
        assert "Sec-WebSocket-Extensions" not in connection.response.headers
        assert "Server" not in connection.response.headers


def test_a_message_that_is_too_big_closes_with_1009() -> None:
    with serving(request()) as server, client(server) as connection:
        connection.send("x" * (64 * 1024 + 1))
        with pytest.raises(ConnectionClosedError):
            connection.recv(WAIT_S)
        assert connection.close_code == 1009


def test_the_largest_message_is_read() -> None:
    with serving(request()) as server, client(server) as connection:
        connection.send('"' + "x" * (64 * 1024 - 2) + '"')
        assert connection.recv(WAIT_S) == "Error: Unknown request:\n'" + "x" * 199


def test_quit_is_answered_closes_with_1000_and_stops_the_server() -> None:
    with serving(stop_request()) as server:
        with client(server) as connection, client(server) as other:
            connection.send("quit")
            assert connection.recv(WAIT_S) == "bye"
            with pytest.raises(ConnectionClosedOK):
                connection.recv(WAIT_S)
            assert (connection.close_code, connection.close_reason) == (1000, "Closing connection.")
            with pytest.raises(ConnectionClosed):
                other.recv(WAIT_S)
            assert (other.close_code, other.close_reason) == (1001, "Server is stopping.")
        assert server.ended()
        with pytest.raises(OSError):
            client(server)


def test_esc_in_inspect_answers_the_client_and_stops_the_server() -> None:
    gom = WatchingGom()
    gom.errors["esc"] = BreakError()
    with serving(request(), gom=gom) as server, client(server) as connection:
        connection.send(say("esc"))
        assert connection.recv(WAIT_S) == "Error: The user stopped the script in INSPECT."
        assert server.ended()


def test_during_a_gom_call_others_are_answered_and_its_own_answer_arrives_late() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    status = request("status", lambda *_: None, at_once=True)
    with serving(request(), status, stop_request(), gom=gom) as server:
        with client(server) as slow, client(server) as other:
            slow.send(say("slow"))
            assert gom.entered.wait(WAIT_S)
            assert slow.ping().wait(WAIT_S), "no pong during a gom call"
            other.send('{"status": {}}')
            assert other.recv(WAIT_S) == "O.k."
            other.send("quit")
            assert other.recv(WAIT_S) == "bye"
            gom.go_on.set()
            assert slow.recv(WAIT_S) == "O.k."
        assert server.ended()


def test_stopping_finishes_what_runs_and_answers_what_waits() -> None:
    gom = WatchingGom()
    gom.hold_word = "running"
    with serving(request(), gom=gom) as server, client(server) as running, client(server) as waiting:
        running.send(say("running"))
        assert gom.entered.wait(WAIT_S)
        waiting.send(say("waiting"))
        waiting.send("5")
        # The answer of the second message shows nothing yet, because answers come in order; a pong shows that
        # both were read.
        assert waiting.ping().wait(WAIT_S)
        server.listening.stop()
        assert waiting.recv(WAIT_S) == "Error: The server is stopping; the request was not started."
        assert waiting.recv(WAIT_S) == "Error: Unknown request:\n5"
        gom.go_on.set()
        assert running.recv(WAIT_S) == "O.k."
        for connection in (running, waiting):
            with pytest.raises(ConnectionClosed):
                connection.recv(WAIT_S)
            assert connection.close_code == 1001
        assert server.ended()
        assert gom.words == ["running"]


def test_while_it_stops_new_connections_are_refused() -> None:
    gom = WatchingGom()
    gom.hold_word = "running"
    with serving(request(), gom=gom) as server, client(server) as running:
        running.send(say("running"))
        assert gom.entered.wait(WAIT_S)
        server.listening.stop()
        assert refused_at_last(server)
        gom.go_on.set()
        assert running.recv(WAIT_S) == "O.k."


def refused_at_last(server: Serving) -> bool:
    """Connect until it is refused: the network thread hears of the stop a moment later."""
    for _ in range(10_000):
        try:
            with client(server):
                pass
        except (OSError, InvalidStatus, ConnectionClosed, EOFError):
            return True
    return False


def test_10000_jobs_of_several_clients_run_one_at_a_time_on_one_thread_in_accepted_order() -> None:
    gom = WatchingGom()
    clients, each = 8, 1250
    with serving(request(), gom=gom) as server:

        def work(number: int) -> None:
            with client(server) as connection:
                for index in range(each):
                    connection.send(say(f"{number}-{index}"))
                    # At most 64 requests of one client and 256 of all may be unanswered; the first answers are awaited
                    # while more are sent.
                    if index >= 24:
                        answers[number].append(connection.recv(WAIT_S))
                while len(answers[number]) < each:
                    answers[number].append(connection.recv(WAIT_S))

        answers: list[list[Any]] = [[] for _ in range(clients)]
        threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S * 4)
        assert answers == [["O.k."] * each] * clients
        assert gom.threads == {server.thread.ident}
        assert not gom.overlapped
        for number in range(clients):
            mine = [word for word in gom.words if word.startswith(f"{number}-")]
            assert mine == [f"{number}-{index}" for index in range(each)]
