"""One client's messages and answers, with a real client."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gombus import InvalidParams, Refusal
from gombus.session import MAX_UNANSWERED
from gombus.wire.legacy import LegacyWire
from support import WAIT_S, Serving, WatchingGom, frame, raw_client, request, serving, stop_request


def client(server: Serving) -> ClientConnection:
    return connect(server.url, proxy=None)


def say(word: str) -> str:
    return json.dumps({"say": {"word": word}})


class Seen(logging.Handler):
    """Sets its event when a line with this text is logged."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.event = threading.Event()
        self._text = text

    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self.event.set()


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
    left = Seen("left before 1 of its requests were answered")
    logging.getLogger("gombus.session").addHandler(left)
    with serving(request(), stop_request(), gom=gom) as server:
        with client(server) as connection:
            connection.send(say("last"))
            assert gom.entered.wait(WAIT_S)
        assert left.event.wait(WAIT_S)
        gom.go_on.set()
        with client(server) as other:
            other.send("quit")
            assert other.recv(WAIT_S) == "bye"
        assert server.ended()
    logging.getLogger("gombus.session").removeHandler(left)
    assert gom.words == ["last"]


def test_a_client_that_is_cut_off_leaves_the_server_serving() -> None:
    with serving(request()) as server:
        with raw_client(server) as raw:
            raw.sendall(frame(say("x").encode()))
            # A reset, as when a cable is pulled and the computer behind it restarts.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with client(server) as other:
            other.send(say("y"))
            assert other.recv(WAIT_S) == "O.k."


def test_a_bug_of_ours_closes_with_1011_and_the_server_lives_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decode = LegacyWire.decode

    def broken(self: LegacyWire, message: Any) -> Any:
        return 1 / 0 if message == "bug" else decode(self, message)

    # No input is known that raises here; the last resort is shown all the same.
    monkeypatch.setattr(LegacyWire, "decode", broken)
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


def test_words_that_cannot_be_found_are_a_bug_of_that_request_alone(caplog: pytest.LogCaptureFixture) -> None:
    def handler(params: Any, context: Any) -> None:
        raise InvalidParams(())

    with serving(request(), request("odd", handler)) as server, client(server) as connection, client(server) as other:
        connection.send('{"odd": {}}')
        assert connection.recv(WAIT_S) == "Error: Internal error in 'odd' request; see the server's log."
        for each in (connection, other):
            each.send(say("x"))
            assert each.recv(WAIT_S) == "O.k."
    assert "bug in the words for its outcome" in caplog.text


def test_half_a_surrogate_pair_in_a_plugin_s_words_is_sent_as_an_escape() -> None:
    def handler(params: Any, context: Any) -> None:
        raise Refusal("half \ud800 of a pair")

    with serving(request(), request("odd", handler)) as server, client(server) as connection:
        connection.send('{"odd": {}}')
        assert connection.recv(WAIT_S) == "Error: half \\ud800 of a pair"
        connection.send(say("x"))
        assert connection.recv(WAIT_S) == "O.k."


def test_after_quit_nothing_that_a_client_sends_is_kept() -> None:
    gom = WatchingGom()
    with serving(request(), stop_request(), gom=gom) as server:
        with raw_client(server) as raw:
            raw.sendall(frame(b"quit") + frame(say("late").encode()) * 500)
            while raw.recv(4096):
                pass
        assert server.ended()
    assert gom.words == []


@pytest.mark.parametrize(
    ("message", "logged"),
    [
        ("{", "malformed: Error: Malformed JSON message."),
        ('{"foo": 1}', "unknown_request: Error: Unknown request:"),
        ('{"say": {"word": 5}}', "say request: invalid_params: /word: 5 is not allowed"),
        ('{"say": {"file": "//host/share"}}', "say request: path_refused: /file: '//host/share' is a network"),
    ],
)
def test_every_refusal_is_logged_with_its_code(message: str, logged: str, caplog: pytest.LogCaptureFixture) -> None:
    with serving(request(files=("file",))) as server, client(server) as connection:
        connection.send(message)
        assert str(connection.recv(WAIT_S)).startswith("Error: ")
    assert logged in caplog.text
