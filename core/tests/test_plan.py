"""Plan mode: what a request would call, read and fail at is said, and nothing of it is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gombus.errors import FileUnreadable, Refusal
from gombus.guard import Guard, calls_of
from gombus.plan import plan
from planning import MAKE, SHOW, Gom, Planned, log
from support import BreakError, RequestError, WatchingGom, request


def test_declared_commands_are_noted_in_their_order_and_not_called() -> None:
    planned = Planned(lambda gom: (gom.script.test.make(name="a", size=2.0), gom.api.progress.show(1, text="b")))
    assert planned.found == {
        "ok": True,
        "calls": [
            {"command": MAKE, "arguments": {"name": "a", "size": 2.0}},
            {"command": SHOW, "arguments": {"*": [1], "text": "b"}},
        ],
        "files": [],
        "failing": [],
    }


@pytest.mark.parametrize(
    "word",
    ["plain", "it's", 'say "x"', "C:\\temp\\ä.jpg", "\u202e\x7f\n", "x" * 2000],
    ids=lambda word: ascii(word)[:20],
)
def test_a_plan_shows_the_calls_as_the_receipt_of_a_real_run_will(word: str) -> None:
    gom = WatchingGom()
    guarded = Guard(gom, "say", request().commands).gom()
    guarded.script.test.say(word=word)
    assert gom.words == [word]
    found = plan(request(), {"word": word}, gom, [], "client:1", log)
    assert found["calls"] == calls_of(guarded)
    assert gom.words == [word]


def test_a_handler_sees_that_it_is_planned_and_who_asks() -> None:
    context = Planned(lambda gom: None).context
    assert (context.planning, context.client, context.request, context.log) == (True, "client:1", "image", log)


def test_progress_and_what_is_created_are_taken_from_a_handler_as_always() -> None:
    def handler(params: Any, context: Any) -> None:
        context.progress(1, 2, "images")
        context.created("image", "x")

    assert plan(request(handler=handler), {}, Gom(), [], "client:1", log)["ok"]


def test_a_handler_that_would_stop_the_server_does_not_and_it_is_said() -> None:
    def handler(params: Any, context: Any) -> None:
        context.stop()

    found = plan(request(handler=handler), {}, Gom(), [], "client:1", log)
    assert found == {"ok": True, "calls": [], "files": [], "failing": [], "stops": True}


def test_what_runs_at_once_is_not_run() -> None:
    planned = Planned(lambda gom: pytest.fail("it was run"), at_once=True, commands=())
    assert planned.found == {"ok": True, "calls": [], "files": [], "failing": []}


def test_a_group_of_commands_is_known_by_its_path() -> None:
    assert repr(Planned(lambda gom: gom.script.test).seen) == "gom.script.test"


# What would fail.


def test_every_unreadable_file_is_said_and_the_calls_are_planned_all_the_same(tmp_path: Path) -> None:
    good, missing = tmp_path / "good.txt", tmp_path / "missing.txt"
    good.write_bytes(b"12345")
    os.utime(good, (1_600_000_000.25, 1_600_000_000.25))
    files = [("/files/0", str(missing)), ("/files/1", str(good)), ("/file", str(tmp_path))]
    found = Planned(lambda gom: gom.script.test.make(name="a"), files).found
    assert not found["ok"]
    assert found["calls"] == [{"command": MAKE, "arguments": {"name": "a"}}]
    nothing = {"size": None, "mtime": None}
    facts = {"size": 5, "mtime": "2020-09-13T12:26:40.250Z"}
    assert found["files"] == [
        {"parameter": pointer, "path": path, "resolved": os.path.realpath(path), **told}
        for (pointer, path), told in zip(files, [nothing, facts, nothing])
    ]
    assert found["failing"] == [
        {"code": "file_unreadable", "message": f"File {path} could not be read: there is no such file."}
        for path in (missing, tmp_path)
    ]


def test_a_path_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.txt").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    (file,) = Planned(lambda gom: None, [("/file", "./good.txt")]).found["files"]
    assert (file["path"], file["resolved"]) == ("./good.txt", os.path.realpath(tmp_path / "good.txt"))


def test_a_refusal_of_inspect_while_reading_is_said_with_its_reason() -> None:
    found = Planned(lambda gom: gom.app.project.series["new"], [("/file", "/nope/missing")]).found
    assert not found["ok"]
    assert found["failing"][0]["code"] == "file_unreadable"
    assert found["failing"][1:] == [
        {
            "code": "gom_refused",
            "message": "There is no new",
            "error_code": "GAPP-0011",
            "description": "There is no new",
            "log": "log",
        }
    ]


@pytest.mark.parametrize(
    ("raised", "code"), [(Refusal("Not today."), "refused"), (FileUnreadable("It is locked."), "file_unreadable")]
)
def test_a_refusal_of_the_handler_is_said_and_so_are_the_calls_before_it(raised: Refusal, code: str) -> None:
    def handle(gom: Any) -> None:
        gom.script.test.make(name="a")
        raise raised

    found = Planned(handle).found
    assert found["failing"] == [{"code": code, "message": str(raised)}]
    assert found["calls"] == [{"command": MAKE, "arguments": {"name": "a"}}]


def deeper_and_deeper(gom: Any) -> None:
    deeper_and_deeper(gom)


@pytest.mark.parametrize(
    ("handle", "reason"),
    [
        pytest.param(lambda gom: gom.script.test.other(), "CommandNotDeclared", id="not declared"),
        pytest.param(lambda gom: gom.script(), "CommandNotDeclared", id="a group"),
        pytest.param(lambda gom: gom.log, "CommandNotDeclared", id="closed"),
        pytest.param(lambda gom: gom.script.test.make("a"), "keyword arguments only", id="positional"),
        pytest.param(lambda gom: gom.nothing, "AttributeError", id="missing"),
        pytest.param(deeper_and_deeper, "RecursionError", id="endless recursion"),
        pytest.param(lambda gom: {}["x"], "KeyError", id="any bug"),
    ],
)
def test_a_bug_is_said_without_its_details_which_stand_in_the_log(
    handle: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = Planned(handle).found
    assert found["failing"] == [
        {"code": "internal", "message": "Internal error in 'image' request; see the server's log."}
    ]
    assert found["calls"] == []
    assert not found["ok"]
    assert "client:1: image request: bug in its plugin, or it cannot be planned" in caplog.text
    assert reason in caplog.text


def test_a_command_that_is_not_declared_is_no_refusal_that_a_handler_expects() -> None:
    def handle(gom: Any) -> None:
        try:
            gom.script.test.other()
        except gom.RequestError:
            pytest.fail("taken for a refusal of INSPECT")

    assert Planned(handle).found["failing"][0]["code"] == "internal"


def test_esc_in_inspect_passes() -> None:
    def handle(gom: Any) -> None:
        raise BreakError

    with pytest.raises(BreakError):
        Planned(handle)


def test_a_handler_s_finally_and_except_run_as_always() -> None:
    ran = []

    def handle(gom: Any) -> None:
        try:
            raise RequestError("refused")
        except gom.RequestError:
            ran.append("except")
        finally:
            ran.append("finally")

    assert Planned(handle).calls == []
    assert ran == ["except", "finally"]
