"""Every refusal of the table, met over a real socket with its number and its word."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import pytest
from websockets.sync.client import connect

from gombus import Refusal
from gombus.config import DEFAULTS
from gombus.files import rules
from gombus.ids import JobIds
from gombus.journal import store
from gombus.journal.store import Store
from gombus.model import RUNNING, Record
from gombus.net import tokens
from gombus.refusals import ERRORS, MAX_WORDS, NUMBERS, code_of, error_object, recorded
from gombus.schemahash import hash_of
from gombus.wire.jsonrpc import SUBPROTOCOL
from rpc import STATUS, Rpc, message, rpc
from support import SCHEMA, WAIT_S, Serving, WatchingGom, request, serving

HOLD = "hold"


class Scene:
    """A server, its gom, and one client."""

    def __init__(self, server: Serving, gom: WatchingGom, client: Rpc, journal: Path) -> None:
        self.server = server
        self.gom = gom
        self.client = client
        self.journal = journal

    def refused(self, **params: Any) -> dict[str, Any]:
        """The error object of a request `say`."""
        return self.client.refused("say", params)

    def hold(self) -> int:
        """Keep the owner thread busy, and give the id of the request that does."""
        id = self.client.send("say", {"word": HOLD})
        assert self.gom.entered.wait(WAIT_S)
        return id


def malformed(scene: Scene) -> dict[str, Any]:
    scene.client.connection.send('{"jsonrpc": "2.0", ')
    error: dict[str, Any] = scene.client.read()["error"]
    return error


def invalid_request(scene: Scene) -> dict[str, Any]:
    scene.client.put([])
    error: dict[str, Any] = scene.client.read()["error"]
    return error


def schema_mismatch(scene: Scene) -> dict[str, Any]:
    error = scene.client.refused("say", {}, schemaHash="0" * 64)
    assert (error["data"]["sent"], error["data"]["difference"]) == ("0" * 64, None)
    return error


def forbidden(scene: Scene) -> dict[str, Any]:
    text, _ = tokens.new(scene.journal.with_name("tokens.json"), "viewer")
    protocols: Any = [SUBPROTOCOL, f"gombus.token.{text}"]
    with connect(scene.server.url, proxy=None, subprotocols=protocols) as connection:
        error = Rpc(connection).refused("say", {"word": "x"})
    assert error["data"] == {"code": "forbidden", "role": "viewer", "needed": "operator"}
    assert scene.gom.words == []
    return error


def conflict(scene: Scene) -> dict[str, Any]:
    job = scene.client.call("say", {"word": "a"}, idempotencyKey="k")["job"]
    error = scene.client.refused("say", {"word": "b"}, idempotencyKey="k")
    assert error["data"]["job"] == job
    assert scene.gom.words == ["a"]
    return error


def busy(scene: Scene) -> dict[str, Any]:
    scene.hold()
    for _ in range(DEFAULTS.max_queued - 1):
        scene.client.call("say", {"word": "w"}, task=True)
    error = scene.refused(word="x")
    assert error["data"] == {"code": "busy", "queue": DEFAULTS.max_queued, "limit": DEFAULTS.max_queued}
    return error


def not_ready(scene: Scene) -> dict[str, Any]:
    other = sqlite3.connect(scene.journal, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        return scene.refused(word="x")
    finally:
        other.execute("ROLLBACK")
        other.close()


def gom_refused(scene: Scene) -> dict[str, Any]:
    error = scene.refused(word="bad")
    data = error["data"]
    assert (error["message"], data["error_code"], data["log"]) == ("no such thing", "E-1", "line 1\nline 2")
    assert data["job"] == data["receipt"]["job"]
    assert data["receipt"]["calls"] == [{"command": "gom.script.test.say", "arguments": {"word": "bad"}}]
    return error


def timeout(scene: Scene) -> dict[str, Any]:
    error = scene.client.refused("short", {"word": HOLD}, idempotencyKey="late")
    assert error["data"]["limit_s"] == 0.05
    scene.gom.go_on.set()
    # The next one begins when the command has ended.
    scene.client.call("say", {"word": "next"})
    late = scene.client.call("tasks/get", {"idempotencyKey": "late"})["late"]
    assert (late["job"], late["state"], late["value"]) == (error["data"]["job"], "completed", HOLD.upper())
    return error


def interrupted(scene: Scene) -> dict[str, Any]:
    error: dict[str, Any] = scene.client.call("tasks/get", {"idempotencyKey": "before"})["error"]
    assert error == scene.client.refused("say", {}, idempotencyKey="before")
    assert scene.gom.words == []
    return error


def cancelled(scene: Scene) -> dict[str, Any]:
    scene.client.put([message("no_such", None, 1, haltOnFailure=True), message("say", None, 2)])
    error: dict[str, Any] = scene.client.read()[1]["error"]
    assert scene.gom.words == []
    return error


def stopping(scene: Scene) -> dict[str, Any]:
    running = scene.hold()
    waiting = scene.client.send("say", {"word": "w"})
    scene.server.listening.stop()
    error = scene.client.error(waiting)
    scene.gom.go_on.set()
    scene.client.result(running)
    return error


def of_a_site(scene: Scene, patched: Any, **options: Any) -> dict[str, Any]:
    """The error object of a request for a file that is there, of another server with these settings."""
    file = scene.journal.with_name("x.jpg")
    file.write_bytes(b"x")
    gom = WatchingGom()
    with patched, serving(request(files=("file",)), gom=gom, **options) as server, rpc(server) as client:
        error = client.refused("say", {"file": str(file)})
    assert gom.words == []
    return error


def file_unsettled(scene: Scene) -> dict[str, Any]:
    written = mock.patch.object(rules, "writers_of", lambda: lambda path: True)
    return of_a_site(scene, written, settle_s=0.01, settle_limit_s=0.02)


def spool_failed(scene: Scene) -> dict[str, Any]:
    full = mock.patch.object(tempfile, "mkdtemp", side_effect=OSError(28, "No space left on device"))
    error = of_a_site(scene, full, spool=str(scene.journal.with_name("spool")))
    assert error["message"] == "No file can be copied for the import: No space left on device."
    return error


MET: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "malformed": malformed,
    "invalid_request": invalid_request,
    "unknown_request": lambda scene: scene.client.refused("shout", [1]),
    "invalid_params": lambda scene: scene.refused(word=5),
    "path_refused": lambda scene: scene.refused(file="//host/share/x"),
    "unknown_job": lambda scene: scene.client.refused("tasks/get", {"job": "none"}),
    "schema_mismatch": schema_mismatch,
    "forbidden": forbidden,
    "conflict": conflict,
    "busy": busy,
    "not_ready": not_ready,
    "refused": lambda scene: scene.client.refused("refuse"),
    "file_unreadable": lambda scene: scene.refused(file=str(scene.journal.with_name("nope"))),
    "file_unsettled": file_unsettled,
    "spool_failed": spool_failed,
    "gom_refused": gom_refused,
    "timeout": timeout,
    "interrupted": interrupted,
    "cancelled": cancelled,
    "stopping": stopping,
    "internal": lambda scene: scene.client.refused("bug"),
}
"""Word of a refusal -> how a client comes to it; gives the error object."""


def refuse(params: Any, context: Any) -> None:
    raise Refusal("The report has no pages.")


def bug(params: Any, context: Any) -> None:
    raise KeyError("secret")


TYPES = (
    request(files=("file",)),
    request("short", timeout_s=0.05),
    request("refuse", refuse),
    request("bug", bug),
)


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """A server on a journal that has a job which ran when the last server ended."""
    journal, gom = folder / "journal.sqlite3", WatchingGom()
    gom.hold_word = HOLD
    gom.errors["bad"] = gom.RequestError("no such thing", "E-1", "line 1\nline 2")
    before = Store(journal)
    with before.transaction():
        members = {"key": "before", "digest": hash_of(["say", {}])}
        before.add([Record(JobIds().new(), "say", "{}", "client:1", "watching", RUNNING, 1.0, **members)])
    before.close()
    with ExitStack() as stack:
        server = stack.enter_context(serving(*TYPES, gom=gom, journal=str(journal), tokens=str(folder / "tokens.json")))
        yield Scene(server, gom, stack.enter_context(rpc(server)), journal)
        gom.go_on.set()


def test_each_row_is_met() -> None:
    assert set(MET) == {row.code for row in ERRORS}


@pytest.mark.parametrize("row", ERRORS, ids=[row.code for row in ERRORS])
def test_a_client_is_told_its_number_its_word_and_one_sentence(
    row: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.05)
    with scene(tmp_path) as met:
        error = MET[row.code](met)
    assert (error["code"], error["data"]["code"]) == (row.number, row.code)
    assert error["message"]
    assert "\n" not in error["message"]
    # No traceback leaves the process.
    assert "secret" not in str(error)


@pytest.mark.parametrize("row", ERRORS, ids=[row.code for row in ERRORS])
def test_what_the_journal_kept_is_told_in_the_same_words(row: Any) -> None:
    error = {"code": row.number, "message": "One sentence.", "data": {"code": row.code, "detail": [1]}}
    assert error_object(recorded(error)) == error


def test_a_word_that_a_journal_of_another_version_kept() -> None:
    error = recorded({"code": -1, "message": "One sentence.", "data": {"code": "of_tomorrow"}})
    assert code_of(error) == "of_tomorrow"
    assert error_object(error)["code"] == -32803


def test_numbers_are_those_of_the_contract() -> None:
    assert set(NUMBERS.values()) == {-32700, -32600, -32601, -32602, -32603, -32800, -32802, -32803}


def test_an_error_of_a_task_is_the_same_as_that_of_a_request(tmp_path: Path) -> None:
    with scene(tmp_path) as met:
        error = met.refused(word="bad")
        job = met.client.call("say", {"word": "bad"}, task=True)["job"]
        (task,) = met.client.ended(1)
        for told in (task, met.client.call("tasks/get", {"job": job})):
            assert told["error"]["data"]["job"] == job
            assert told["error"].keys() == error.keys()
            assert told["error"]["data"].keys() == error["data"].keys()
        assert [name for name, _ in met.client.notified] == [STATUS] * 2


def test_a_schema_that_this_server_once_had_is_compared_with_the_one_it_has(tmp_path: Path) -> None:
    journal = str(tmp_path / "journal.sqlite3")
    with serving(request(), journal=journal) as server, rpc(server) as client:
        pinned = client.call("server/info")["requests"]["say"]["schemaHash"]
        client.call("say", {"word": "x"}, schemaHash=pinned)
    word = {**SCHEMA["properties"]["word"], "maxLength": 8}
    changed = {**SCHEMA, "properties": {**SCHEMA["properties"], "word": word}}
    gom = WatchingGom()
    with serving(request(schema=changed), gom=gom, journal=journal) as server, rpc(server) as client:
        for meta in ({}, {"task": True}, {"plan": True}, {"idempotencyKey": "k"}):
            data = client.refused("say", {"word": "x"}, schemaHash=pinned, **meta)["data"]
            assert data == {
                "code": "schema_mismatch",
                "sent": pinned,
                "schemaHash": client.call("server/info")["requests"]["say"]["schemaHash"],
                "difference": [{"pointer": "/properties/word/maxLength", "change": "changed", "was": 32, "now": 8}],
            }
        assert client.refused("tasks/get", {"idempotencyKey": "k"})["data"]["code"] == "unknown_job"
    assert gom.words == []


def test_details_that_are_too_long_for_a_message_are_cut_or_left_out(caplog: pytest.LogCaptureFixture) -> None:
    class Long(Refusal):
        def details(self) -> dict[str, Any]:
            return {"log": "l" * 17_000_000, "list": ["x" * 1000] * 1000, "n": 5}

    error = error_object(Long("w" * 17_000_000))
    assert len(error["message"]) == len(error["data"]["log"]) == MAX_WORDS
    assert {name: value for name, value in error["data"].items() if name != "log"} == {"code": "refused", "n": 5}
    assert "the details of Long are too long" in caplog.text
