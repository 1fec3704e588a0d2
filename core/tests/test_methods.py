"""The server's own methods, over real sockets, with a journal in memory and one that lasts."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from desk import Asker, Desk, HeldJournal, desk
from gombus import __version__
from gombus.config import Settings, load
from gombus.discovery import Candidate
from gombus.errors import Cancelled, UnknownJob
from gombus.journal import store
from gombus.methods import Methods
from gombus.model import Call, Outcome
from gombus.openrpc import OWN_METHODS
from gombus.refusals import ERRORS
from gombus.registry import Registry
from gombus.schemahash import hash_of
from gombus.validation import compile_schema
from rpc import Rpc, rpc
from support import SCHEMA, WAIT_S, Serving, WatchingBackend, WatchingGom, plugin, request, serving, stop_request

HOLD = "hold"
"""The word at which gom waits."""
HASH = hash_of(SCHEMA)
UNKNOWN = "0193a2c4-5e11-7d5c-a5c1-0a1f6c2b9e77"


def work(params: Any, context: Any) -> Any:
    """A handler that says how far it is."""
    context.progress(1, 2, "half")
    return context.gom.script.test.say(word=params.get("word", "none"))


@pytest.fixture(params=["off", "file"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The setting `journal`."""
    return "off" if request.param == "off" else str(tmp_path / "journal.sqlite3")


@pytest.fixture
def gom() -> WatchingGom:
    """It waits at HOLD and refuses the word `bad`."""
    gom = WatchingGom()
    gom.hold_word = HOLD
    gom.errors["bad"] = gom.RequestError("no such thing", "E-1", "line 1\nline 2")
    return gom


@pytest.fixture
def client(gom: WatchingGom, journal: str) -> Iterator[Rpc]:
    """A client of a server with `say`, `work` and `quit`."""
    types = (request(), request("work", work), stop_request())
    with serving(*types, gom=gom, journal=journal) as server, rpc(server) as client:
        yield client
        gom.go_on.set()


def task(client: Rpc, word: str, **meta: Any) -> str:
    """Submit a task and give its job's id."""
    return str(client.call("say", {"word": word}, task=True, **meta)["job"])


def test_info_says_what_the_server_is_and_what_it_serves(client: Rpc, journal: str) -> None:
    info = client.call("server/info")
    assert UUID(info["idempotency"].pop("scope"))
    assert info.pop("since").endswith("Z")
    kind = {"title": SCHEMA["title"], "plugin": "tests", "version": "1.0", "schemaHash": HASH, "timeout_s": 3600.0}
    assert info == {
        "name": "gombus",
        "version": __version__,
        "state": "ready",
        "reason": "",
        "backend": {"name": "watching", "title": "a test's gom", "version": "1.0"},
        "idempotency": {"kept": "memory" if journal == "off" else "journal"},
        "subprotocol": "gombus.v1.json",
        "requests": dict.fromkeys(("say", "work", "quit"), kind),
        "plugins": [{"name": "tests", "distribution": "dist-tests", "version": "1.0"}],
        "failed": [],
    }


def test_info_names_a_plugin_that_failed_with_its_reason() -> None:
    def load_it() -> Any:
        raise ImportError("no module acme")

    settings = load({"port": 0, "backend": "watching", "journal": "off"}, environ={})
    good = plugin(request(), backends={"watching": lambda call_each: WatchingBackend(WatchingGom())})
    broken = Candidate("broken", "dist-broken", "2.0", "module_broken", load_it)
    server = Serving(settings, lambda: Registry(settings, [good, broken]))
    server.start()
    with rpc(server) as client:
        (failed,) = client.call("server/info")["failed"]
    server.listening.stop()
    assert server.ended()
    assert "no module acme" in failed.pop("reason")
    assert failed == {"name": "broken", "distribution": "dist-broken", "version": "2.0"}


def test_the_scope_of_keys_lasts_as_long_as_the_journal(journal: str) -> None:
    scopes = []
    for _ in range(2):
        with serving(request(), journal=journal) as server, rpc(server) as client:
            scopes.append(client.call("server/info")["idempotency"]["scope"])
    assert (scopes[0] == scopes[1]) == (journal != "off")


def test_info_says_why_the_server_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.05)
    path = tmp_path / "journal.sqlite3"
    with serving(request(), journal=str(path)) as server, rpc(server) as client:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        reason = client.refused("say", {"word": "x"})["message"].partition(": ")[2]
        info = client.call("server/info")
        assert (info["state"], info["reason"]) == ("not_ready", reason)
        assert "journal cannot be written: database is locked" in reason
        # What is kept can be read all the same.
        assert client.call("tasks/list") == {"tasks": [], "next": None}
        other.execute("ROLLBACK")
        other.close()
        client.call("say", {"word": "x"})
        assert client.call("server/info")["state"] == "ready"


def test_while_the_server_stops_it_says_so_and_still_answers(gom: WatchingGom, journal: str) -> None:
    with serving(request(), gom=gom, journal=journal) as server, rpc(server) as client:
        running = client.send("say", {"word": HOLD})
        assert gom.entered.wait(WAIT_S)
        waiting, kept = client.send("say", {"word": "a"}), task(client, "b")
        server.listening.stop()
        assert client.error(waiting)["data"]["code"] == "stopping"
        assert client.call("server/info")["state"] == "stopping"
        assert client.refused("say", {"word": "c"})["data"]["code"] == "stopping"
        # One that a client relies on is kept where that is possible.
        answer = client.call("tasks/get", {"job": kept})
        assert answer["status"] == ("cancelled" if journal == "off" else "working")
        answer = client.call("tasks/cancel", {"job": kept})
        said = "it was cancelled already" if journal == "off" else "the server is stopping, and keeps it"
        assert (answer["cancelled"], answer["reason"]) == (False, said)
        gom.go_on.set()
        assert client.result(running)["state"] == "completed"


# server/stats.


def test_stats_count_good_and_bad_requests(client: Rpc) -> None:
    assert client.call("server/stats")["requests"]["say"] == {
        "num_requests": 0,
        "num_errors": 0,
        "last_error": None,
        "processing_time": 0.0,
        "average_processing_time": 0.0,
    }
    client.call("say", {"word": "x"})
    client.call("say", {"word": "y"})
    client.refused("say", {"word": "bad"})
    client.refused("say", {"word": 5})
    client.refused("no_such")
    client.put({"say": {"word": "not this wire"}})
    client.read()
    stats = client.call("server/stats")
    assert stats["since"] == client.call("server/info")["since"]
    assert (stats["queue"], stats["running"]) == (0, None)
    assert set(stats["requests"]) == {"say", "work", "quit"}
    say = stats["requests"]["say"]
    assert (say["num_requests"], say["num_errors"]) == (4, 2)
    assert say["last_error"].pop("time").endswith("Z")
    assert say["last_error"] == {
        "code": "invalid_params",
        "message": "/word: 5 is not allowed; allowed: a short word",
    }
    assert say["average_processing_time"] == pytest.approx(say["processing_time"] / 4, abs=2e-6)


def test_stats_count_what_comes_over_the_legacy_wire_too(journal: str) -> None:
    with serving(request(), journal=journal) as server, rpc(server, structured=False) as client:
        client.put({"say": {"word": "x"}})
        assert client.connection.recv(WAIT_S) == "O.k."
        assert client.call("server/stats")["requests"]["say"]["num_requests"] == 1


def test_stats_say_what_runs_and_how_many_wait(client: Rpc, gom: WatchingGom) -> None:
    running = client.call("work", {"word": HOLD}, task=True)["job"]
    assert gom.entered.wait(WAIT_S)
    task(client, "a")
    task(client, "b")
    stats = client.call("server/stats")
    assert stats["queue"] == 2
    assert stats["running"].pop("seconds") >= 0
    assert stats["running"] == {
        "job": running,
        "request": "work",
        "overrun": False,
        "progress": {"progress": 1.0, "total": 2.0, "message": "half"},
    }


# tasks/get.


def test_get_a_job_in_each_of_its_states(client: Rpc, gom: WatchingGom) -> None:
    running = client.call("work", {"word": HOLD}, task=True, idempotencyKey="r")["job"]
    assert gom.entered.wait(WAIT_S)
    queued = [task(client, word, idempotencyKey=word) for word in ("a", "bad")]
    by_id = client.call("tasks/get", {"job": running})
    assert by_id == client.call("tasks/get", {"idempotencyKey": "r"})
    assert by_id["accepted"] <= by_id.pop("started")
    del by_id["accepted"]
    assert by_id == {
        "job": running,
        "request": "work",
        "status": "working",
        "finished": None,
        "phase": "running",
        "progress": {"progress": 1.0, "total": 2.0, "message": "half"},
    }
    for position, (id, key) in enumerate(zip(queued, ("a", "bad")), 1):
        answer = client.call("tasks/get", {"job": id})
        assert answer == client.call("tasks/get", {"idempotencyKey": key})
        assert (answer["phase"], answer["position"], answer["started"]) == ("queued", position, None)
        assert "progress" not in answer
    gom.go_on.set()
    assert [task["job"] for task in client.ended(3)] == [running, *queued]
    done = client.call("tasks/get", {"job": queued[0]})
    assert done == client.call("tasks/get", {"idempotencyKey": "a"})
    assert (done["status"], done["result"]["job"], done["result"]["value"]) == ("completed", queued[0], "A")
    assert [done[name] for name in ("accepted", "started", "finished")] == sorted(
        done["result"][name] for name in ("accepted", "started", "finished")
    )
    failed = client.call("tasks/get", {"job": queued[1]})
    assert failed == client.call("tasks/get", {"idempotencyKey": "bad"})
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == -32803
    data = failed["error"]["data"]
    assert (data["code"], data["error_code"], data["log"]) == ("gom_refused", "E-1", "line 1\nline 2")
    assert (data["job"], data["receipt"]["state"]) == (queued[1], "failed")
    assert "result" not in failed


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"job": UNKNOWN}, f"There is no job with the id '{UNKNOWN}'."),
        ({"job": "' OR 1=1 --"}, 'There is no job with the id "\' OR 1=1 --".'),
        ({"idempotencyKey": "no such"}, "There is no job with the idempotency key 'no such'."),
    ],
)
@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel"])
def test_a_job_that_is_not_known(client: Rpc, method: str, params: dict[str, str], said: str) -> None:
    error = client.refused(method, params)
    assert error == {"code": -32602, "message": said, "data": {"code": "unknown_job"}}


# tasks/list.


def test_list_gives_jobs_newest_first_page_by_page(client: Rpc, gom: WatchingGom) -> None:
    words = ["a", "bad", "c", "d", "bad", "f", "g"]
    ids = [task(client, word) for word in words]
    client.ended(len(words))
    whole = client.call("tasks/list")
    assert [entry["job"] for entry in whole["tasks"]] == ids[::-1]
    assert whole["next"] is None
    assert [entry["status"] for entry in whole["tasks"]] == [
        "failed" if word == "bad" else "completed" for word in reversed(words)
    ]
    assert all(entry.keys().isdisjoint({"result", "receipt", "late"}) for entry in whole["tasks"])
    pages = list(_pages(client, {"limit": 2}))
    assert [[entry["job"] for entry in page] for page in pages] == [
        [ids[6], ids[5]],
        [ids[4], ids[3]],
        [ids[2], ids[1]],
        [ids[0]],
    ]
    assert [len(page) for page in _pages(client, {"limit": 7})] == [7]
    failed = [[entry["job"] for entry in page] for page in _pages(client, {"limit": 1, "status": "failed"})]
    assert failed == [[ids[4]], [ids[1]]]
    for status, count in (("completed", 5), ("cancelled", 0), ("interrupted", 0), ("working", 0)):
        assert len(client.call("tasks/list", {"status": status})["tasks"]) == count


def _pages(client: Rpc, params: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The tasks of each page."""
    page = client.call("tasks/list", params)
    yield page["tasks"]
    while page["next"]:
        page = client.call("tasks/list", {**params, "before": page["next"]})
        yield page["tasks"]


def test_list_has_jobs_that_wait_and_run(client: Rpc, gom: WatchingGom) -> None:
    first = task(client, "first")
    client.ended(1)
    running = task(client, HOLD)
    assert gom.entered.wait(WAIT_S)
    queued = [task(client, word) for word in ("a", "b")]
    expected = [(queued[1], "queued"), (queued[0], "queued"), (running, "running")]
    for params in ({}, {"status": "working"}):
        tasks = client.call("tasks/list", params)["tasks"]
        assert [(entry["job"], entry["phase"]) for entry in tasks if entry["status"] == "working"] == expected
        assert [entry["position"] for entry in tasks if entry.get("phase") == "queued"] == [2, 1]
    assert [entry["job"] for entry in client.call("tasks/list")["tasks"]][-1] == first
    pages = list(_pages(client, {"limit": 1, "status": "working"}))
    assert [entry["job"] for page in pages for entry in page] == [id for id, _ in expected]


def test_list_gives_20_where_no_limit_is_given(client: Rpc) -> None:
    ids = [task(client, str(number)) for number in range(25)]
    client.ended(25)
    page = client.call("tasks/list")
    assert [entry["job"] for entry in page["tasks"]] == ids[:4:-1]
    assert page["next"] == ids[5]
    assert len(client.call("tasks/list", {"limit": 100})["tasks"]) == 25


def test_list_before_a_job_that_is_not_known_is_empty(client: Rpc) -> None:
    client.call("say", {"word": "x"})
    assert client.call("tasks/list", {"before": UNKNOWN}) == {"tasks": [], "next": None}


# tasks/cancel.


def test_cancel_a_queued_job(client: Rpc, gom: WatchingGom) -> None:
    task(client, HOLD)
    assert gom.entered.wait(WAIT_S)
    queued, by_key, last = task(client, "a"), task(client, "b", idempotencyKey="b"), task(client, "c")
    answer = client.call("tasks/cancel", {"job": queued})
    assert (answer["cancelled"], answer["reason"]) == (True, "it was not begun")
    assert answer["task"]["status"] == "cancelled"
    assert answer["task"]["error"]["code"] == -32800
    assert answer["task"]["error"]["data"] == {"code": "cancelled", "job": queued}
    assert answer["task"]["started"] is None
    assert client.call("tasks/cancel", {"idempotencyKey": "b"})["task"]["job"] == by_key
    assert client.call("tasks/get", {"job": last})["position"] == 1
    again = client.call("tasks/cancel", {"job": queued})
    assert (again["cancelled"], again["reason"], again["task"]) == (False, "it was cancelled already", answer["task"])
    assert client.call("tasks/get", {"job": queued}) == answer["task"]
    gom.go_on.set()
    client.ended(4)
    assert gom.words == [HOLD, "c"]
    # A key stays with its job.
    error = client.refused("say", {"word": "b"}, idempotencyKey="b")
    assert (error["code"], error["data"]["job"]) == (-32800, by_key)


def test_who_waits_for_a_job_that_is_cancelled_is_told(client: Rpc, gom: WatchingGom) -> None:
    task(client, HOLD)
    assert gom.entered.wait(WAIT_S)
    waiting = client.send("say", {"word": "a"}, idempotencyKey="a")
    assert client.call("tasks/cancel", {"idempotencyKey": "a"})["cancelled"]
    error = client.error(waiting)
    assert (error["code"], error["data"]["code"]) == (-32800, "cancelled")
    assert "receipt" not in error["data"]


def test_a_job_inside_a_gom_call_cannot_be_cancelled(client: Rpc, gom: WatchingGom) -> None:
    running = task(client, HOLD)
    assert gom.entered.wait(WAIT_S)
    answer = client.call("tasks/cancel", {"job": running})
    assert (answer["cancelled"], answer["task"]["phase"]) == (False, "running")
    assert answer["reason"] == "it is inside a gom call, which cannot be cut short"
    gom.go_on.set()
    client.ended(1)
    assert client.call("tasks/get", {"job": running})["status"] == "completed"


def test_a_job_that_has_ended_cannot_be_cancelled(client: Rpc) -> None:
    for word, said in (("a", "it has completed already"), ("bad", "it has failed already")):
        id = task(client, word)
        client.ended(1 if word == "a" else 2)
        answer = client.call("tasks/cancel", {"job": id})
        assert (answer["cancelled"], answer["reason"]) == (False, said)
        assert answer["task"] == client.call("tasks/get", {"job": id})


# What is told waits for the journal.


class Front:
    """The methods before a bus whose journal waits for the test."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        registry = Registry(Settings(), [plugin(request())])
        self._methods = Methods(desk.bus, desk.journal, registry, WatchingBackend(desk.gom))

    def ask(self, method: str, params: dict[str, str]) -> list[Outcome]:
        """Ask; the outcome will stand in the list."""
        answers: list[Outcome] = []
        self._methods.invoke(Call(method, params), Asker(), answers.append)
        return answers


@pytest.fixture
def front() -> Iterator[Front]:
    with desk(request(), by_hand=True, journal=HeldJournal()) as held:
        yield Front(held)
        held.journal.all()


def test_of_a_job_that_is_not_kept_yet_nobody_is_told(front: Front) -> None:
    front.desk.say("a", key="k")
    for method in ("tasks/get", "tasks/cancel"):
        (outcome,) = front.ask(method, {"idempotencyKey": "k"})
        assert isinstance(outcome.error, UnknownJob)
    (listed,) = front.ask("tasks/list", {})
    assert listed.result["tasks"] == []
    front.desk.journal.next("accept")
    (outcome,) = front.ask("tasks/get", {"idempotencyKey": "k"})
    assert outcome.result["status"] == "working"


def test_of_an_end_that_is_not_kept_yet_nobody_is_told(front: Front) -> None:
    answers = front.desk.say("a", key="k")
    front.desk.journal.next("accept")
    front.desk.step()
    assert front.desk.gom.words == ["a"]
    (before,) = front.ask("tasks/get", {"idempotencyKey": "k"})
    assert (before.result["status"], before.result["phase"]) == ("working", "running")
    cancelled = front.ask("tasks/cancel", {"idempotencyKey": "k"})
    assert (cancelled, answers) == ([], [])
    front.desk.journal.next("finish")
    assert cancelled[0].result["reason"] == "it has completed already"
    (after,) = front.ask("tasks/get", {"idempotencyKey": "k"})
    assert after.result["status"] == cancelled[0].result["task"]["status"] == "completed"


def test_a_job_is_told_to_be_cancelled_when_that_is_kept(front: Front) -> None:
    front.desk.say("a")
    front.desk.journal.next("accept")
    waiting = front.desk.say("b", key="k")
    front.desk.journal.next("accept")
    cancelled = front.ask("tasks/cancel", {"idempotencyKey": "k"})
    (now,) = front.ask("tasks/get", {"idempotencyKey": "k"})
    assert (cancelled, waiting, now.result["status"]) == ([], [], "working")
    front.desk.journal.next("finish")
    assert cancelled[0].result["cancelled"]
    assert cancelled[0].result["task"]["status"] == "cancelled"
    assert isinstance(waiting[0].error, Cancelled)


# Parameters of own methods.


@pytest.mark.parametrize(
    ("method", "params", "pointer", "keyword"),
    [
        *(
            (method, {"x/y": 1}, "/x~1y", "additionalProperties")
            for method in OWN_METHODS
            if method not in ("tasks/get", "tasks/cancel")
        ),
        ("tasks/get", {"job": UNKNOWN, "x/y": 1}, "/x~1y", "additionalProperties"),
        ("tasks/cancel", {"job": UNKNOWN, "x/y": 1}, "/x~1y", "additionalProperties"),
        ("server/info", [1], "/0", "additionalProperties"),
        ("tasks/list", ["working"], "/0", "additionalProperties"),
        ("tasks/get", {}, "", "oneOf"),
        ("tasks/get", [UNKNOWN], "", "oneOf"),
        ("tasks/get", {"job": UNKNOWN, "idempotencyKey": "k"}, "", "oneOf"),
        ("tasks/get", {"job": 5}, "/job", "type"),
        ("tasks/get", {"job": ""}, "/job", "minLength"),
        ("tasks/get", {"job": "x" * 65}, "/job", "maxLength"),
        ("tasks/get", {"idempotencyKey": ""}, "/idempotencyKey", "minLength"),
        ("tasks/get", {"idempotencyKey": "k" * 129}, "/idempotencyKey", "maxLength"),
        ("tasks/cancel", {}, "", "oneOf"),
        ("tasks/list", {"status": "done"}, "/status", "enum"),
        ("tasks/list", {"status": ""}, "/status", "enum"),
        ("tasks/list", {"limit": 0}, "/limit", "minimum"),
        ("tasks/list", {"limit": 101}, "/limit", "maximum"),
        ("tasks/list", {"limit": 1.5}, "/limit", "type"),
        ("tasks/list", {"limit": True}, "/limit", "type"),
        ("tasks/list", {"limit": "5"}, "/limit", "type"),
        ("tasks/list", {"before": None}, "/before", "type"),
        ("tasks/list", {"before": ""}, "/before", "minLength"),
    ],
)
def test_parameters_that_are_not_allowed_are_named(
    client: Rpc, method: str, params: Any, pointer: str, keyword: str
) -> None:
    error = client.refused(method, params)
    assert (error["code"], error["data"]["code"]) == (-32602, "invalid_params")
    (problem,) = error["data"]["errors"]
    assert (problem["pointer"], problem["keyword"]) == (pointer, keyword)
    assert problem["message"] in error["message"]


@pytest.mark.parametrize("method", OWN_METHODS)
def test_meta_is_not_for_own_methods(client: Rpc, method: str) -> None:
    for meta in ({"task": True}, {"idempotencyKey": "k"}, {"plan": True}, {"progressToken": 1}):
        error = client.refused(method, {}, **meta)
        assert (error["code"], error["message"]) == (-32600, "_meta is for request types only.")
    assert client.call("tasks/list")["tasks"] == []


# rpc.discover.


def test_discover_describes_every_method(client: Rpc) -> None:
    document = client.call("rpc.discover")
    assert document["openrpc"].startswith("1.")
    assert document["info"]["version"] == __version__
    methods = {method["name"]: method for method in document["methods"]}
    assert set(methods) == {"say", "work", "quit", *OWN_METHODS}
    assert len(methods) == len(document["methods"])
    for method in methods.values():
        assert method["summary"]
        assert {param["name"] for param in method["params"]} == set(_schema(method["name"])["properties"])
        for param in method["params"]:
            assert param["schema"] == _schema(method["name"])["properties"][param["name"]]
            assert isinstance(param["required"], bool)
    assert methods["say"]["x-schemaHash"] == HASH
    assert {name: row["code"] for name, row in document["components"]["errors"].items()} == {
        row.code: row.number for row in ERRORS
    }
    for reference in _references(document):
        found = document
        for name in reference[2:].split("/"):
            found = found[name]
        assert found


def _schema(method: str) -> Any:
    return OWN_METHODS[method].schema if method in OWN_METHODS else SCHEMA


def _references(value: Any) -> Iterator[str]:
    """Every ``$ref``."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in inner:
        yield from _references(member)
    if isinstance(value, dict) and "$ref" in value:
        yield value["$ref"]


def test_what_is_answered_is_what_discover_says(client: Rpc, gom: WatchingGom) -> None:
    document = client.call("rpc.discover")
    results = {method["name"]: method["result"]["schema"] for method in document["methods"]}

    def fits(name: str, answer: Any) -> bool:
        schema = {"components": document["components"], **results[name]}
        return compile_schema(schema)(answer) == ()

    id = task(client, "a", idempotencyKey="a")
    assert fits("say", client.call("say", {"word": "a"}, idempotencyKey="a"))
    failed = task(client, "bad")
    running = task(client, HOLD)
    assert gom.entered.wait(WAIT_S)
    queued = task(client, "q")
    for job in (id, failed, running, queued):
        assert fits("tasks/get", client.call("tasks/get", {"job": job})), job
    for method in ("server/info", "server/stats", "rpc.discover", "tasks/list"):
        assert fits(method, client.call(method))
    assert fits("tasks/cancel", client.call("tasks/cancel", {"job": queued}))
    assert not fits("tasks/get", {"status": "done"})


def test_a_bug_in_an_own_method_is_not_met_by_rubbish(client: Rpc, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for method in OWN_METHODS:
        for params in ({"job": "\x00"}, {"idempotencyKey": "\U0001f600"}, {"before": "%"}, {"limit": 2**53}):
            answer = client.answer(client.send(method, params))
            assert "result" in answer or answer["error"]["code"] == -32602, json.dumps(answer)
    assert caplog.text == ""


# A journal that is damaged.


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[Rpc]:
    """A client of a server in whose journal the jobs with the keys `sound` and `broken` have ended."""
    with serving(request(), journal=str(tmp_path / "journal.sqlite3")) as server, rpc(server) as client:
        for key in ("sound", "broken"):
            client.call("say", {"word": "x"}, idempotencyKey=key)
        yield client


def damage(folder: Path, change: str) -> None:
    """Change the job with the key `broken`, behind the server's back."""
    with closing(sqlite3.connect(folder / "journal.sqlite3", isolation_level=None, timeout=WAIT_S)) as db:
        assert db.execute(f"UPDATE job SET {change} WHERE key = 'broken'").rowcount == 1


@pytest.mark.parametrize("text", ['{"cut', "[]", "{}", "null"])
def test_a_damaged_receipt_is_answered(damaged: Rpc, tmp_path: Path, text: str) -> None:
    damage(tmp_path, f"receipt = '{text}'")
    task = damaged.call("tasks/get", {"idempotencyKey": "broken"})
    assert (task["status"], task["error"]["data"]) == ("completed", {"code": "not_ready", "job": task["job"]})
    assert damaged.call("tasks/cancel", {"job": task["job"]})["cancelled"] is False
    assert damaged.refused("say", {"word": "x"}, idempotencyKey="broken") == task["error"]
    again = damaged.call("say", {"word": "x"}, idempotencyKey="broken", task=True)
    assert again == task
    assert len(damaged.call("tasks/list")["tasks"]) == 2
    assert damaged.call("say", {"word": "x"}, idempotencyKey="sound")["value"] == "X"


def test_what_cannot_be_told_at_all_is_an_internal_error(
    damaged: Rpc, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(tmp_path, "accepted = 'yesterday'")
    for asked in (
        damaged.refused("tasks/get", {"idempotencyKey": "broken"}),
        damaged.refused("tasks/cancel", {"idempotencyKey": "broken"}),
        damaged.refused("tasks/list"),
        damaged.refused("say", {"word": "x"}, idempotencyKey="broken"),
        damaged.refused("say", {"word": "x"}, idempotencyKey="broken", task=True),
    ):
        assert asked["data"]["code"] == "internal"
    assert "cannot be told" in caplog.text
    assert damaged.call("say", {"word": "x"}, idempotencyKey="sound")["value"] == "X"


def test_a_damaged_schema_is_answered(damaged: Rpc, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None, timeout=WAIT_S)) as db:
        db.execute("INSERT INTO schema VALUES (?, 'say', '{', '1.0', 0.0)", ("0" * 64,))
    assert damaged.refused("say", {"word": "x"}, schemaHash="0" * 64)["data"]["code"] == "internal"
