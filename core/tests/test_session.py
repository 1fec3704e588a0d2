"""One client's messages and answers, with a real client."""

from __future__ import annotations

import json
import logging
import socket
import struct
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gombus.session import MAX_UNANSWERED, Session
from support import WAIT_S, Serving, WatchingGom, frame, handshake, request, serving, stop_request


def client(server: Serving) -> ClientConnection:
    return connect(server.url, proxy=None)


def say(word: str) -> str:
    return json.dumps({"say": {"word": word}})


def test_answers_come_in_the_order_of_the_requests() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    with serving(request(), gom=gom) as server, client(server) as connection:
        for message in (say("slow"), "5", "{", say("fast")):
            connection.send(message)
        assert gom.entered.wait(WAIT_S)
        gom.go_on.set()
        assert [connection.recv(WAIT_S) for _ in range(4)] == [
            "O.k.",
            "Error: Unknown request:\n5",
            "Error: Malformed JSON message.",
            "O.k.",
        ]


def test_quit_waits_for_the_answers_before_it_and_what_comes_after_is_not_run() -> None:
    gom = WatchingGom()
    gom.hold_word = "first"
    with serving(request(), stop_request(), gom=gom) as server, client(server) as connection:
        for message in (say("first"), "quit", say("after")):
            connection.send(message)
        assert gom.entered.wait(WAIT_S)
        gom.go_on.set()
        assert connection.recv(WAIT_S) == "O.k."
        assert connection.recv(WAIT_S) == "bye"
        with pytest.raises(ConnectionClosed):
            connection.recv(WAIT_S)
        assert connection.close_code == 1000
        assert server.ended()


def test_a_client_with_too_many_unanswered_requests_is_read_on_later_and_loses_nothing() -> None:
    gom = WatchingGom()
    gom.hold_word = "0"
    count = MAX_UNANSWERED * 3
    with serving(request(), gom=gom) as server, client(server) as connection:
        for index in range(count):
            connection.send(say(str(index)))
        assert gom.entered.wait(WAIT_S)
        gom.go_on.set()
        assert [connection.recv(WAIT_S) for _ in range(count)] == ["O.k."] * count
        assert gom.words == [str(index) for index in range(count)]


def test_a_client_that_leaves_does_not_keep_its_request_from_being_run(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    gom = WatchingGom()
    gom.hold_word = "last"
    with serving(request(), stop_request(), gom=gom) as server:
        with client(server) as connection:
            connection.send(say("last"))
            assert gom.entered.wait(WAIT_S)
        gom.go_on.set()
        with client(server) as other:
            other.send("quit")
            assert other.recv(WAIT_S) == "bye"
        assert server.ended()
    assert gom.words == ["last"]
    assert "left before 1 of its requests were answered" in caplog.text


def test_a_client_that_is_cut_off_leaves_the_server_serving() -> None:
    with serving(request()) as server:
        with socket.create_connection(("127.0.0.1", server.port), WAIT_S) as raw:
            raw.sendall(handshake() + frame(say("x").encode()))
            assert b"101" in raw.recv(1024)
            # A reset, as when a cable is pulled and the computer behind it restarts.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with client(server) as other:
            other.send(say("y"))
            assert other.recv(WAIT_S) == "O.k."


def test_a_bug_of_ours_closes_with_1011_and_the_server_lives_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take = Session.take

    def broken(self: Session, message: Any) -> None:
        if message == "bug":
            raise ZeroDivisionError
        take(self, message)

    # No input is known that raises here; the last resort is shown all the same.
    monkeypatch.setattr(Session, "take", broken)
    with serving(request()) as server:
        with client(server) as connection:
            connection.send("bug")
            with pytest.raises(ConnectionClosed):
                connection.recv(WAIT_S)
            assert connection.close_code == 1011
        with client(server) as other:
            other.send(say("y"))
            assert other.recv(WAIT_S) == "O.k."
    assert "ZeroDivisionError" in caplog.text
