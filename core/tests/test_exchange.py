"""One JSON-RPC message under way, with the real bus behind it and no sockets."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gombus import Refusal
from gombus.bus import Bus
from gombus.config import Settings
from gombus.executor import Executor
from gombus.journal.memory import MemoryJournal
from gombus.methods import Methods
from gombus.model import ANYBODY
from gombus.net.exchange import Exchange
from gombus.registry import Registry
from gombus.wire.jsonrpc import MAX_BATCH, JsonRpcWire
from rpc import REQUESTS, VALUES, message
from support import WAIT_S, WatchingBackend, WatchingGom, plugin, request, stop_request


def refuse(params: Any, context: Any) -> None:
    raise Refusal("no")


REQUEST_TYPES = (
    request(),
    request("echo", lambda params, _: params, at_once=True),
    request("refuse", refuse, at_once=True),
    request("odd", lambda *_: {1, 2}, at_once=True),
    stop_request(),
)


class Desk:
    """Sends messages to a bus over a gom that watches; what is queued is run by `run`."""

    client = "client:1"
    identity = ANYBODY

    def __init__(self) -> None:
        self.gom = WatchingGom()
        self.sent: list[tuple[Any, bool]] = []
        """Each answer, and whether the server is to stop after it."""
        self._wire = JsonRpcWire(REQUEST_TYPES)
        self._woken = threading.Semaphore(0)
        self._executor: Executor[Any] = Executor(self._woken.release)
        registry = Registry(Settings(), [plugin(*REQUEST_TYPES)])
        backend, journal = WatchingBackend(self.gom), MemoryJournal()
        facts = {"name": backend.name, "version": backend.version}
        self._bus = Bus(registry.types, self.gom, facts, self._executor, journal, lambda *_: None)
        self._methods = Methods(self._bus, journal, registry, backend)
        self._owner = threading.Thread(target=self._executor.run)

    def notify(self, method: str, params: Any) -> None:
        """Nobody is told."""

    def put(self, value: Any) -> None:
        """A message arrives."""
        decoded = self._wire.decode(value)
        Exchange(
            decoded, self._methods, self, lambda text, stop: self.sent.append((text and json.loads(text), stop))
        ).begin()

    def run(self) -> None:
        """Run what is queued, and all that follows from it."""
        if not self._owner.is_alive():
            self._owner.start()
        while self._executor.unfinished:
            assert self._woken.acquire(timeout=WAIT_S)
            self._bus.deliver()

    def end(self) -> None:
        """Let go of the owner thread."""
        self._bus.stop()
        if self._owner.is_alive():
            self._owner.join(WAIT_S)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.end()


def result(id: Any, value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": value}


def codes(answers: Any) -> list[tuple[Any, Any]]:
    """Id of each answer, with its word where it is an error."""
    return [(answer["id"], answer["error"]["data"]["code"] if "error" in answer else None) for answer in answers]


def test_a_request_gets_one_answer(desk: Desk) -> None:
    desk.put(message("echo", {"word": "x"}, "a"))
    assert desk.sent == [(result("a", {"word": "x"}), False)]


def test_a_notification_gets_none_whatever_becomes_of_it(desk: Desk) -> None:
    for value in (message("echo"), message("refuse"), message("no_such"), message("echo", {"x": 1}), message("odd")):
        desk.put(value)
        desk.put([value])
    assert desk.sent == [(None, False)] * 10


def test_a_batch_is_answered_when_the_last_is_in_its_order(desk: Desk) -> None:
    desk.put(
        [message("say", {"word": "a"}, 1), message("echo", {}, 2), message("echo"), message("say", {"word": "b"}, 3)]
    )
    assert desk.sent == []
    desk.run()
    ((answers, stop),) = desk.sent
    assert [answer["id"] for answer in answers] == [1, 2, 3]
    assert [answer["result"].get("value") for answer in answers] == ["A", None, "B"]
    assert not stop


def test_equal_ids_are_answered_each(desk: Desk) -> None:
    desk.put([message("echo", {"word": "a"}, 1), message("echo", {"word": "b"}, 1)])
    assert desk.sent[0][0] == [result(1, {"word": "a"}), result(1, {"word": "b"})]


def test_without_halting_a_failure_lets_the_others_run(desk: Desk) -> None:
    desk.put([message("refuse", None, 1), 5, message("echo", {}, 2)])
    assert codes(desk.sent[0][0]) == [(1, "refused"), (None, "invalid_request"), (2, None)]


def test_a_failure_halts_a_batch_and_nothing_of_the_rest_reaches_gom(desk: Desk) -> None:
    desk.gom.errors["bad"] = desk.gom.RequestError("no")
    first, *rest = (message("say", {"word": word}, id) for id, word in enumerate(["good", "bad", "c", "d"]))
    first["params"]["_meta"] = {"haltOnFailure": True}
    desk.put([first, *rest, message("say", {"word": "e"}), message("say", {"word": 5}, 4)])
    desk.run()
    assert codes(desk.sent[0][0]) == [
        (0, None),
        (1, "gom_refused"),
        (2, "cancelled"),
        (3, "cancelled"),
        (4, "cancelled"),
    ]
    assert desk.gom.words == ["good", "bad"]


def test_a_first_member_that_is_refused_halts_its_batch(desk: Desk) -> None:
    desk.put(
        [message("say", {"word": "a"}, 1, haltOnFailure=True, idempotencyKey=""), message("say", {"word": "b"}, 2)]
    )
    desk.run()
    assert codes(desk.sent[0][0]) == [(1, "invalid_request"), (2, "cancelled")]
    assert desk.gom.words == []


def test_a_halting_batch_runs_one_after_the_other(desk: Desk) -> None:
    first = message("say", {"word": "0"}, 0, haltOnFailure=True)
    desk.put([first, *(message("say", {"word": str(id)}, id) for id in range(1, 5))])
    desk.put(message("say", {"word": "other"}, 9))
    desk.run()
    assert desk.gom.words == ["0", "other", "1", "2", "3", "4"]
    assert [answer["id"] for answer in desk.sent[1][0]] == [0, 1, 2, 3, 4]


def test_the_longest_halting_batch_that_is_answered_at_once(desk: Desk) -> None:
    members = [message("echo", {}, id, idempotencyKey=str(id), haltOnFailure=True) for id in range(MAX_BATCH)]
    desk.put(members)
    assert codes(desk.sent[0][0]) == [(id, None) for id in range(MAX_BATCH)]


def test_a_result_that_is_no_json_value_is_a_bug_of_that_request_alone(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.put([message("odd", None, 1), message("echo", {}, 2)])
    assert codes(desk.sent[0][0]) == [(1, "internal"), (2, None)]
    assert desk.sent[0][0][0]["error"]["message"] == "Internal error in 'odd' request; see the server's log."
    assert "client:1: odd request: bug in the words for its outcome" in caplog.text


@pytest.mark.parametrize("halts", [False, True])
@pytest.mark.parametrize("id", [None, 1])
def test_a_request_that_stops_the_server_says_so(desk: Desk, id: Any, halts: bool) -> None:
    desk.put(message("quit", None, id))
    desk.put([message("echo", {}, 1, haltOnFailure=halts), message("quit", None, id), message("echo", {}, 2)])
    assert [stop for _, stop in desk.sent] == [True, True]
    assert (desk.sent[0][0] is None) == (id is None)


def test_what_cannot_be_read_is_logged_with_its_word(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    desk.put([5, {**message("say", None, 1), "params": [1, 2, 3, 4]}])
    assert "client:1: invalid_request: A request is a JSON object." in caplog.text
    assert "client:1: invalid_params: /: 4 parameters by position" in caplog.text


_AT_ONCE = st.builds(
    lambda value, method: {**value, "method": method} if "method" in value else value,
    REQUESTS,
    st.sampled_from(["echo", "refuse", "odd", "no_such", "server/info", "server/stats", "tasks/get", "tasks/list"]),
)


@given(st.lists(_AT_ONCE | VALUES.filter(lambda value: not isinstance(value, dict)), min_size=1, max_size=6))
def test_each_member_of_any_batch_gets_exactly_one_answer_unless_it_is_a_notification(batch: list[Any]) -> None:
    desk = Desk()
    try:
        desk.put(batch)
        ((answers, _),) = desk.sent
        due = [
            value.get("id") if isinstance(value, dict) and not isinstance(value.get("id"), (bool, dict, list)) else None
            for value in batch
            if not _is_notification(value)
        ]
        assert [answer["id"] for answer in answers or ()] == due
        assert answers != []
        assert all(("result" in answer) != ("error" in answer) for answer in answers or ())
    finally:
        desk.end()


def _is_notification(value: Any) -> bool:
    """As the specification has it: a request object without an id."""
    if not isinstance(value, dict) or "id" in value:
        return False
    good = value.get("jsonrpc") == "2.0" and isinstance(value.get("method"), str)
    params = value.get("params", {})
    # _meta is gombus's own, and one that is not allowed makes it no request.
    return good and isinstance(params, (dict, list)) and not (isinstance(params, dict) and _bad_meta(params))


def _bad_meta(params: dict[str, Any]) -> bool:
    meta = params.get("_meta", {})
    if not isinstance(meta, dict) or not meta.keys() <= {"task", "haltOnFailure"}:
        return True
    return not all(isinstance(value, bool) for value in meta.values())
