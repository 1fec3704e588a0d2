"""One client's messages and answers, with a real client."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gombus import InvalidParams, Refusal, followers
from gombus.config import DEFAULTS
from gombus.methods import Methods
from gombus.net.connection import Connection
from gombus.net.session import Session
from gombus.wire.choice import Wires
from rpc import PROGRESS, STATUS, Rpc, message, rpc
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
    count = DEFAULTS.max_unanswered * 3
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
    logging.getLogger("gombus.net.session").addHandler(left)
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
    logging.getLogger("gombus.net.session").removeHandler(left)
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
    decode = Wires.decode

    def broken(self: Wires, message: Any, structured: bool) -> Any:
        return 1 / 0 if message == "bug" else decode(self, message, structured)

    # No input is known that raises here; the last resort is shown all the same.
    monkeypatch.setattr(Wires, "decode", broken)
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


# The structured wire.


def test_both_wires_on_one_connection_each_keep_their_own_order() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    status = request("status", lambda *_: "fine", at_once=True)
    with serving(request(), status, gom=gom) as server, rpc(server, structured=False) as both:
        both.put({"say": {"word": "slow"}})
        both.put(5)
        queued = both.send("say", {"word": "queued"})
        both.put({"say": {"word": "last"}})
        assert both.call("status") == "fine"
        gom.go_on.set()
        legacy, structured = [], []
        for _ in range(4):
            text = both.connection.recv(WAIT_S)
            (structured if '"jsonrpc"' in text else legacy).append(text)
    assert legacy == ["O.k.", "Error: Unknown request:\n5", "O.k."]
    assert [json.loads(text)["id"] for text in structured] == [queued]
    assert gom.words == ["slow", "queued", "last"]


def test_answers_of_the_structured_wire_come_when_they_are_ready() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    with serving(request(), gom=gom) as server, rpc(server) as client:
        slow = client.send("say", {"word": "slow"})
        refused = client.send("say", {"word": 5})
        info = client.send("server/info")
        assert [client.read()["id"] for _ in range(2)] == [refused, info]
        gom.go_on.set()
        assert client.read()["id"] == slow


def test_a_binary_message_is_read_as_text_on_this_wire_too() -> None:
    with serving(request()) as server, rpc(server) as client:
        client.connection.send(json.dumps(message("say", {"word": "Größe"}, 1), ensure_ascii=False).encode())
        assert client.result(1)["value"] == "GRÖSSE"


def unanswered(client: Rpc, kind: str, count: int) -> None:
    """Send requests that are not answered while gom waits."""
    if kind == "requests":
        for _ in range(count):
            client.send("say", {"word": "w"})
    elif kind == "notifications":
        for _ in range(count):
            client.put(message("say", {"word": "w"}))
    else:
        client.put([message("say", {"word": "w"}, f"b{index}") for index in range(count)])


@pytest.mark.parametrize("kind", ["requests", "notifications", "batch"])
def test_a_client_with_too_much_unanswered_is_read_on_later(kind: str) -> None:
    gom = WatchingGom()
    gom.hold_word = "held"
    with serving(request(), gom=gom) as server, rpc(server) as client, rpc(server) as other:
        held = client.send("say", {"word": "held"})
        assert gom.entered.wait(WAIT_S)
        unanswered(client, kind, DEFAULTS.max_unanswered - 2)
        # One below the limit it is still read.
        client.call("server/info")
        client.put(message("say", {"word": "last"}))
        late = client.send("server/info")
        # Time enough for the server to read it, if it did.
        for _ in range(20):
            other.call("server/stats")
        gom.go_on.set()
        first = client.read()
        assert first["id"] == held
        assert client.result(late)["state"] == "ready"
        client.call("say", {"word": "end"})
    assert gom.words == ["held", *["w"] * (DEFAULTS.max_unanswered - 2), "last", "end"]


def test_what_is_answered_at_once_is_written_before_more_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks for much in one go must not fill the memory with answers."""
    counts: list[int] = []
    write = Connection.write_together

    def watch(self: Connection, texts: list[str]) -> None:
        counts.append(len(texts))
        write(self, texts)

    monkeypatch.setattr(Connection, "write_together", watch)
    asked = 300
    with serving(request()) as server, raw_client(server) as raw:
        raw.sendall(frame(json.dumps(message("rpc.discover", None, 1)).encode()) * asked)
        data = b""
        while data.count(b'"id":1') < asked:
            data += raw.recv(1 << 20)
    assert sum(counts) == asked
    assert max(counts) <= DEFAULTS.max_unanswered


def test_who_leaves_in_the_middle_of_a_job_fetches_it_later() -> None:
    gom = WatchingGom()
    gom.hold_word = "held"
    left = Seen("left before 1 of its requests were answered")
    logging.getLogger("gombus.net.session").addHandler(left)
    logging.getLogger("gombus.net.session").setLevel(logging.INFO)
    with serving(request(), gom=gom) as server, rpc(server) as other:
        with rpc(server) as client:
            job = client.call("say", {"word": "held"}, task=True)["job"]
            assert gom.entered.wait(WAIT_S)
            client.send("say", {"word": "plain"})
            client.connection.ping().wait(WAIT_S)
        assert left.event.wait(WAIT_S)
        assert other.call("tasks/get", {"job": job})["phase"] == "running"
        gom.go_on.set()
        other.call("say", {"word": "after"})
        assert other.call("tasks/get", {"job": job})["result"]["value"] == "HELD"
        plain = other.call("tasks/list")["tasks"][1]["job"]
        assert other.call("tasks/get", {"job": plain})["result"]["value"] == "PLAIN"
    logging.getLogger("gombus.net.session").removeHandler(left)
    logging.getLogger("gombus.net.session").setLevel(logging.NOTSET)
    assert gom.words == ["held", "plain", "after"]


def test_a_task_is_answered_at_once_and_followed_in_order() -> None:
    gom = WatchingGom()
    gom.hold_word = "held"
    with serving(request(), gom=gom) as server, rpc(server) as client, rpc(server) as other:
        first = client.call("say", {"word": "held"}, task=True)
        assert (first["status"], first["phase"], first["position"]) == ("working", "queued", 0)
        assert client.notifications(STATUS, 1)[0]["phase"] == "running"
        second = client.call("say", {"word": "second"}, task=True)
        assert (second["phase"], second["position"]) == ("queued", 1)
        assert gom.entered.is_set()
        gom.go_on.set()
        assert [task["job"] for task in client.ended(2)] == [first["job"], second["job"]]
        told = [(task["job"], task["status"], task.get("phase")) for task in client.notifications(STATUS, 4)]
        assert told == [
            (first["job"], "working", "running"),
            (first["job"], "completed", None),
            (second["job"], "working", "running"),
            (second["job"], "completed", None),
        ]
        assert client.ended(2)[1] == client.call("tasks/get", {"job": second["job"]})
        # Nobody else is told.
        other.call("server/info")
        assert other.notified == []


def count_up(params: Any, context: Any) -> None:
    for number in range(1, 4):
        context.progress(number, 3, f"image {number}")


@pytest.mark.parametrize("token", [7, "part 4711"])
@pytest.mark.parametrize("task", [False, True])
def test_progress_carries_the_token_of_who_asked_for_it(token: Any, task: bool) -> None:
    with serving(request("count", count_up)) as server, rpc(server) as client:
        client.call("count", {}, progressToken=token, task=task)
        if task:
            client.ended(1)
        told = client.notifications(PROGRESS, 1)
        assert {params["progressToken"] for params in told} == {token}
        # The end is always told, and before the answer.
        assert told[-1] == {"progressToken": token, "progress": 3.0, "total": 3.0, "message": "image 3"}
        assert [params["progress"] for params in told] == sorted(params["progress"] for params in told)
        client.notified.clear()
        client.call("count")
        assert client.notified == []


def test_several_who_follow_one_job_get_their_own_tokens() -> None:
    gom = WatchingGom()
    gom.hold_word = "held"

    def work(params: Any, context: Any) -> None:
        context.gom.script.test.say(word="held")
        context.progress(1, 1)

    with serving(request("work", work), gom=gom) as server, rpc(server) as one, rpc(server) as other:
        asked = one.send("work", {}, idempotencyKey="k", progressToken="one")
        assert gom.entered.wait(WAIT_S)
        again = other.send("work", {}, idempotencyKey="k", progressToken="other")
        other.call("server/info")
        gom.go_on.set()
        assert one.result(asked) == other.result(again)
        assert [params["progressToken"] for params in one.notifications(PROGRESS, 1)] == ["one"]
        assert [params["progressToken"] for params in other.notifications(PROGRESS, 1)] == ["other"]
    assert gom.words == ["held"]


def test_a_client_that_does_not_read_gets_no_flood_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "PROGRESS_S", 0.0)
    told, waiting = [0], [0]
    notify, write = Session.notify, Connection.write_together

    def count(self: Session, method: str, params: Any) -> None:
        told[0] += 1
        notify(self, method, params)

    def watch(self: Connection, texts: list[str]) -> None:
        write(self, texts)
        waiting.append(self._transport.get_write_buffer_size())

    monkeypatch.setattr(Session, "notify", count)
    monkeypatch.setattr(Connection, "write_together", watch)

    def flood(params: Any, context: Any) -> None:
        number = 0
        while told[0] < 1_000:
            number += 1
            context.progress(number, 1e9, "x" * 20_000)

    with serving(request("flood", flood)) as server, raw_client(server, receive_buffer=1) as raw:
        raw.sendall(frame(json.dumps(message("flood", None, 1, progressToken=1)).encode()))
        with rpc(server) as other:
            other.call("flood")
        # What was on its way when the client stopped reading, and its answer.
        assert max(waiting) < 100_000
        data = b""
        while b'"id":1' not in data:
            data = data[-10:] + raw.recv(1 << 20)


def test_a_failure_halts_a_batch_and_the_rest_is_neither_run_nor_kept(tmp_path: Path) -> None:
    gom = WatchingGom()
    gom.errors["bad"] = gom.RequestError("no")
    with serving(request(), gom=gom, journal=str(tmp_path / "journal.sqlite3")) as server, rpc(server) as client:
        members = [message("say", {"word": word}, id) for id, word in enumerate(["good", "bad", "never", "nor this"])]
        members[0]["params"]["_meta"] = {"haltOnFailure": True}
        client.put(members)
        answers = client.read()
        assert [answer["id"] for answer in answers] == [0, 1, 2, 3]
        assert answers[0]["result"]["value"] == "GOOD"
        words = [answer["error"]["data"]["code"] for answer in answers[1:]]
        assert words == ["gom_refused", "cancelled", "cancelled"]
        assert len(client.call("tasks/list")["tasks"]) == 2
    assert gom.words == ["good", "bad"]


def test_the_answers_of_a_batch_keep_its_order_and_ids_and_do_not_hold_up_others() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    with serving(request(), gom=gom) as server, rpc(server) as client:
        client.put(
            [message("say", {"word": "slow"}, "a"), message("nope", None, 2.5), 5, message("server/info", None, -1)]
        )
        assert gom.entered.wait(WAIT_S)
        assert client.call("server/info")["state"] == "ready"
        gom.go_on.set()
        assert [answer["id"] for answer in client.read()] == ["a", 2.5, None, -1]


def test_the_same_key_is_the_same_job_on_any_connection() -> None:
    gom = WatchingGom()
    gom.hold_word = "once"
    with serving(request(), gom=gom) as server, rpc(server) as one, rpc(server) as other:
        asked = [client.send("say", {"word": "once"}, idempotencyKey="k") for client in (one, one, other)]
        assert gom.entered.wait(WAIT_S)
        task = other.call("say", {"word": "once"}, idempotencyKey="k", task=True)
        error = other.refused("say", {"word": "else"}, idempotencyKey="k")
        assert (error["data"]["code"], error["data"]["job"]) == ("conflict", task["job"])
        gom.go_on.set()
        receipts = [client.result(id) for client, id in zip((one, one, other), asked)]
        receipts.append(one.call("say", {"word": "once"}, idempotencyKey="k"))
        receipts.append(other.ended(1)[0]["result"])
        assert receipts == [receipts[0]] * 5
        assert receipts[0]["job"] == task["job"]
    assert gom.words == ["once"]


# Stopping over the structured wire.


def read_close(connection: ClientConnection) -> tuple[int | None, str | None]:
    with pytest.raises(ConnectionClosed):
        connection.recv(WAIT_S)
    return connection.close_code, connection.close_reason


@pytest.mark.parametrize("structured", [False, True])
def test_quit_is_answered_and_closes_with_1000(structured: bool) -> None:
    with serving(stop_request()) as server:
        with rpc(server, structured) as client, rpc(server) as other:
            client.connection.send(json.dumps(message("quit", None, "q")))
            assert client.read() == {"jsonrpc": "2.0", "id": "q", "result": None}
            assert read_close(client.connection) == (1000, "Closing connection.")
            assert read_close(other.connection) == (1001, "Server is stopping.")
        assert server.ended()


def test_what_still_runs_when_quit_is_sent_is_answered_on_its_connection() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    with serving(request(), stop_request(), gom=gom) as server, rpc(server) as client:
        slow = client.send("say", {"word": "slow"})
        assert gom.entered.wait(WAIT_S)
        client.call("quit")
        gom.go_on.set()
        assert client.result(slow)["state"] == "completed"
        with pytest.raises(ConnectionClosed):
            client.read()
        assert client.connection.close_code == 1000


def test_quit_as_a_notification_has_no_answer_and_closes_with_1000() -> None:
    with serving(stop_request()) as server, rpc(server) as client:
        client.put(message("quit"))
        assert read_close(client.connection) == (1000, "Closing connection.")
        assert server.ended()


def test_quit_in_a_batch_closes_after_the_answer_to_the_whole() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    with serving(request(), stop_request(), gom=gom) as server, rpc(server) as client:
        client.put(
            [message("say", {"word": "slow"}, 1), message("quit", None, 2), message("say", {"word": "after"}, 3)]
        )
        assert gom.entered.wait(WAIT_S)
        gom.go_on.set()
        assert [answer["id"] for answer in client.read()] == [1, 2, 3]
        assert read_close(client.connection) == (1000, "Closing connection.")
        assert server.ended()


@pytest.mark.parametrize("meta", [{"task": True}, {"idempotencyKey": "k"}])
def test_quit_as_a_job_stops_the_server_too(meta: dict[str, Any]) -> None:
    with serving(stop_request()) as server, rpc(server) as client:
        client.call("quit", {}, **meta)
        client.until_closed()
        assert client.connection.close_code in (1000, 1001)
        assert server.ended()


def test_esc_during_a_task_whose_client_left_stops_the_server() -> None:
    gom = WatchingGom()
    gom.hold_word = "esc"
    gom.errors["esc"] = gom.BreakError()
    with serving(request(), gom=gom) as server:
        with rpc(server) as client:
            client.call("say", {"word": "esc"}, task=True)
            assert gom.entered.wait(WAIT_S)
        gom.go_on.set()
        assert server.ended()


def test_quit_does_not_swallow_what_stands_ready_and_nothing_after_it_is_run() -> None:
    gom = WatchingGom()
    with serving(request(), stop_request(), gom=gom) as server:
        with raw_client(server) as raw:
            quit = json.dumps(message("quit", None, 1)).encode()
            raw.sendall(frame(b"5") + frame(quit) + frame(say("late").encode()) * 100)
            data = b""
            while chunk := raw.recv(4096):
                data += chunk
        assert b"Error: Unknown request:\n5" in data
        assert b'{"jsonrpc":"2.0","id":1,"result":null}' in data
        assert server.ended()
    assert gom.words == []


def test_a_bug_of_ours_closes_with_1011_on_this_wire_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Methods, *_: Any) -> None:
        raise ZeroDivisionError

    with serving(request()) as server:
        with rpc(server) as client, monkeypatch.context() as patch:
            patch.setattr(Methods, "invoke", broken)
            client.send("say")
            assert read_close(client.connection)[0] == 1011
        with rpc(server) as other:
            other.call("say")


def test_a_message_that_is_too_big_closes_with_1009_on_this_wire_too() -> None:
    with serving(request()) as server, rpc(server) as client:
        client.send("say", {"word": "x" * 65_536})
        assert read_close(client.connection)[0] == 1009


def test_a_plan_runs_nothing_and_leaves_no_job() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, rpc(server) as client:
        plan = client.call("say", {"word": "x"}, plan=True)
        assert (plan["plan"], plan["request"], plan["ok"], plan["failing"]) == (True, "say", True, [])
        assert plan["calls"] == [{"command": "gom.script.test.say", "arguments": {"word": "x"}}]
        refused = client.call("say", {"word": 5}, plan=True)
        assert (refused["ok"], refused["calls"]) == (False, [])
        assert [failing["code"] for failing in refused["failing"]] == ["invalid_params"]
        assert client.call("tasks/list") == {"tasks": [], "next": None}
    assert gom.words == []


def test_plans_of_clients_that_left_are_not_made() -> None:
    left = Seen("left before 5 of its requests were answered")
    gom, made = WatchingGom(), list[str]()

    def handler(params: Any, context: Any) -> Any:
        if context.planning:
            made.append(params["word"])
        context.gom.script.test.say(word=params["word"])

    gom.hold_word = "hold"
    logging.getLogger("gombus.net.session").addHandler(left)
    logging.getLogger("gombus.net.session").setLevel(logging.INFO)
    with serving(request(handler=handler), gom=gom) as server, rpc(server) as client:
        running = client.send("say", {"word": "hold"})
        assert gom.entered.wait(WAIT_S)
        with rpc(server) as leaving:
            leaving.put([message("say", {"word": "left"}, id, plan=True) for id in range(5)])
            leaving.call("server/info")
        staying = client.send("say", {"word": "stays"}, plan=True)
        assert left.event.wait(WAIT_S)
        gom.go_on.set()
        assert client.result(staying)["ok"]
        client.result(running)
    logging.getLogger("gombus.net.session").removeHandler(left)
    assert made == ["stays"]


def test_progress_that_comes_too_soon_is_told_even_where_the_handler_goes_quiet() -> None:
    gom = WatchingGom()
    gom.hold_word = "quiet"

    def handler(params: Any, context: Any) -> None:
        for step in (1, 2, 3):
            context.progress(step, 9)
        context.gom.script.test.say(word="quiet")

    with serving(request(handler=handler), gom=gom) as server, rpc(server) as client:
        client.send("say", progressToken=7)
        client.until(lambda: any(params["progress"] == 3.0 for _, params in client.notified))
        assert not gom.go_on.is_set()
        gom.go_on.set()
