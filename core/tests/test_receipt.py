"""What came of a job, as one JSON object: which members it has, however the job ended."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from desk import Clock, Desk, desk
from gombus import errors
from gombus.model import CANCELLED, COMPLETED, FAILED, INTERRUPTED, Outcome
from gombus.receipt import MAX_TEXT, Receipt, json_value
from gombus.schemahash import hash_of
from gombus.tasks import failure
from support import SCHEMA, request, say

MEMBERS = [
    *("job", "request", "state", "accepted", "started", "finished", "client", "user"),
    *("files", "calls", "created", "value", "plugin", "schemaHash", "backend"),
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SAID = {"command": "gom.script.test.say", "arguments": {"word": "x"}}


@pytest.fixture(params=["memory", "sqlite"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where the journal is; None for that in memory."""
    return tmp_path / "state" if request.param == "sqlite" else None


def receipt_of(made: Desk, outcome: Outcome) -> dict[str, Any]:
    """The receipt of a job, which the journal keeps as it was told."""
    assert outcome.receipt is not None
    assert made.kept(id=outcome.job).receipt == outcome.receipt.text
    assert outcome.receipt.text.isascii()
    assert "\n" not in outcome.receipt.text
    return outcome.receipt.members()


def check(receipt: dict[str, Any], state: str, began: bool = True) -> None:
    """The members that are the same however it ended."""
    assert sorted(receipt) == sorted(MEMBERS if state == COMPLETED else [*MEMBERS, "error"])
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", receipt["job"])
    assert (receipt["request"], receipt["state"], receipt["client"]) == ("say", state, "client:1")
    assert receipt["plugin"] == {"name": "tests", "distribution": "dist-tests", "version": "1.0"}
    assert receipt["schemaHash"] == hash_of(SCHEMA)
    assert receipt["backend"] == {"name": "watching", "version": "1.0"}
    times = [receipt[name] for name in ("accepted", "started", "finished")]
    assert (times[1] is not None) == began
    times = [time for time in times if time is not None]
    assert all(TIME.fullmatch(time) for time in times)
    assert times == sorted(times)


def test_of_one_that_completed(folder: Path | None, tmp_path: Path) -> None:
    def work(params: Any, context: Any) -> Any:
        context.created("measurement series", "Microscopy")
        return {"said": say(params, context), "more": [1, None]}

    file = tmp_path / "a.txt"
    file.write_text("abc", encoding="utf-8")
    with desk(request(handler=work, files=("file", "files")), folder=folder) as made:
        outcome = made.run(params={"word": "x", "file": str(file), "files": [str(file)]})
        receipt = receipt_of(made, outcome)
    check(receipt, COMPLETED)
    assert receipt["value"] == {"said": "X", "more": [1, None]}
    assert receipt["calls"] == [SAID]
    assert receipt["created"] == [{"kind": "measurement series", "name": "Microscopy"}]
    assert [(entry.pop("parameter"), TIME.fullmatch(entry.pop("mtime")) is None) for entry in receipt["files"]] == [
        ("/file", False),
        ("/files/0", False),
    ]
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert receipt["files"] == [{"path": str(file), "size": 3, "sha256": digest, "changed": False}] * 2


def test_of_one_that_says_nothing(folder: Path | None) -> None:
    with desk(request(handler=lambda params, context: None), folder=folder) as made:
        receipt = receipt_of(made, made.run())
    check(receipt, COMPLETED)
    assert [receipt[name] for name in ("files", "calls", "created", "value")] == [[], [], [], None]


def test_of_one_whose_file_is_missing(folder: Path | None, tmp_path: Path) -> None:
    with desk(request(files=("file",)), folder=folder) as made:
        outcome = made.run(params={"word": "x", "file": str(tmp_path / "none")})
        receipt = receipt_of(made, outcome)
    check(receipt, FAILED)
    assert receipt["error"]["data"] == {"code": "file_unreadable"}
    assert [receipt[name] for name in ("files", "calls", "created", "value")] == [[], [], [], None]


def test_of_one_that_inspect_refused(folder: Path | None, tmp_path: Path) -> None:
    def work(params: Any, context: Any) -> None:
        context.created("element", "Circle")
        say(params, context)
        say({"word": "bad"}, context)
        say({"word": "never"}, context)

    file = tmp_path / "a.txt"
    file.write_text("abc", encoding="utf-8")
    with desk(request(handler=work, files=("file",)), folder=folder) as made:
        made.gom.errors["bad"] = made.gom.RequestError("no such thing", "E-1", "log")
        outcome = made.run(params={"word": "x", "file": str(file)})
        receipt = receipt_of(made, outcome)
    check(receipt, FAILED)
    details = {"code": "gom_refused", "error_code": "E-1", "description": "no such thing", "log": "log"}
    assert receipt["error"] == {"code": -32803, "message": "no such thing", "data": details}
    # What was done before it failed stands there all the same.
    assert receipt["calls"] == [SAID, {**SAID, "arguments": {"word": "bad"}}]
    assert receipt["created"] == [{"kind": "element", "name": "Circle"}]
    assert [entry["size"] for entry in receipt["files"]] == [3]
    error = failure(outcome)
    assert error["data"].pop("receipt") == {name: value for name, value in receipt.items() if name != "error"}
    assert error == {**receipt["error"], "data": {**details, "job": outcome.job}}


def test_of_one_that_met_a_bug(folder: Path | None) -> None:
    with desk(request(handler=lambda params, context: 1 / 0), folder=folder) as made:
        receipt = receipt_of(made, made.run())
    check(receipt, FAILED)
    assert receipt["error"]["data"] == {"code": "internal"}
    assert "ZeroDivisionError" not in str(receipt)


def test_of_one_that_was_cancelled(folder: Path | None) -> None:
    with desk(request(), folder=folder) as made:
        made.hold()
        answers = made.say("x", key="k")
        job = made.jobs.live("", "k")
        assert job is not None
        made.until(lambda: job.kept)
        assert made.jobs.cancel(job)
        made.until(lambda: bool(answers))
        made.let_go()
        receipt = receipt_of(made, answers[0])
    check(receipt, CANCELLED, began=False)
    assert receipt["error"]["data"] == {"code": "cancelled"}
    # Nothing was done that a client would have to be told of.
    assert failure(answers[0])["data"] == {"code": "cancelled", "job": job.id}


def test_of_one_that_overran_its_time(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.of_jobs(monkeypatch)
    with desk(request(timeout_s=10.0), folder=folder) as made:
        made.clock = clock
        answers = made.hold("x")
        clock.now_s += 1.0
        made.pass_time(30.0)
        made.until(lambda: bool(answers))
        receipt = receipt_of(made, answers[0])
        made.let_go()
        made.settle()
        late = json.loads(made.kept(id=answers[0].job).late)
    # Its acceptance is timed by the computer's clock, and the rest by the test's.
    accepted, receipt["accepted"] = receipt["accepted"], receipt["started"]
    check(receipt, FAILED)
    assert receipt["error"]["data"] == {"code": "timeout", "limit_s": 10.0}
    assert (receipt["calls"], receipt["value"]) == ([SAID], None)
    late["accepted"] = late["started"]
    check(late, COMPLETED)
    assert (late["value"], late["job"]) == ("X", receipt["job"])
    assert late["started"] == receipt["started"]
    assert TIME.fullmatch(accepted)


def test_of_one_that_was_interrupted_is_what_the_journal_knows(tmp_path: Path) -> None:
    with desk(request(), folder=tmp_path) as crashed:
        crashed.hold("x", key="k")
        crashed.journal.close()
        with desk(request(), folder=tmp_path) as made:
            receipt = json.loads(made.kept(key="k").receipt)
    backend = {"name": "watching"}
    assert list(receipt) == [*MEMBERS[:8], "backend", "error"]
    assert (receipt["state"], receipt["client"], receipt["backend"]) == (INTERRUPTED, "client:1", backend)
    assert receipt["error"]["data"] == {"code": "interrupted"}


class Raises(dict):  # type: ignore[type-arg]
    """A value of gom's that acts when it is looked into."""

    def items(self) -> Any:
        raise errors.Refusal("not from here")


def circular() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def deep() -> Any:
    value: list[Any] = []
    for _ in range(200_000):
        value = [value]
    return value


NO_JSON = {
    "not a number": lambda: [float("nan")],
    "infinite": lambda: {"a": float("inf")},
    "a set": lambda: {1},
    "an object": object,
    "bytes": lambda: b"x",
    "keys that are no texts": lambda: {(1, 2): 3},
    "circular": circular,
    "deep": deep,
    "raises": lambda: Raises(a=1),
}


@pytest.mark.parametrize("made_of", NO_JSON.values(), ids=list(NO_JSON))
def test_what_is_no_json_value_is_left_out_and_logged_and_the_job_completed(
    made_of: Any, folder: Path | None, caplog: pytest.LogCaptureFixture
) -> None:
    with desk(request(handler=lambda params, context: made_of()), folder=folder) as made:
        receipt = receipt_of(made, made.run())
    check(receipt, COMPLETED)
    assert receipt["value"] is None
    assert "say request: bug in its plugin: what it returned is no JSON value" in caplog.text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0, 0),
        (False, False),
        ("", ""),
        (1.5, 1.5),
        ((1, [2]), [1, [2]]),
        ({1: None, "b": True}, {"1": None, "b": True}),
        ("µ \ud800 \U0001f600", "µ \ud800 \U0001f600"),
        (10**30, 10**30),
    ],
    ids=repr,
)
def test_what_is_a_json_value_is_kept(value: Any, kept: Any, folder: Path | None) -> None:
    with desk(request(handler=lambda params, context: value), folder=folder) as made:
        assert receipt_of(made, made.run())["value"] == kept


def test_a_huge_value_is_kept(folder: Path | None) -> None:
    value = {"points": [[0.25, 1.5, 2.75]] * 100_000}
    with desk(request(handler=lambda params, context: value), folder=folder) as made:
        assert receipt_of(made, made.run())["value"] == value


def test_what_a_handler_changes_after_it_returned_it_stays_as_it_was(folder: Path | None) -> None:
    seen: dict[str, list[str]] = {}

    def work(params: Any, context: Any) -> Any:
        seen.setdefault("words", []).append(params["word"])
        return seen

    with desk(request(handler=work), folder=folder) as made:
        answers = [made.say(word) for word in "abc"]
        made.until(lambda: all(answers))
        made.settle()
        values = [json.loads(made.kept(id=answer[0].job).receipt)["value"] for answer in answers]
    assert values == [{"words": ["a"]}, {"words": ["a", "b"]}, {"words": ["a", "b", "c"]}]


def test_a_refusal_of_a_plugin_with_details_that_cannot_be_told_is_told_without_them(
    folder: Path | None, caplog: pytest.LogCaptureFixture
) -> None:
    class Locked(errors.Refusal):
        def details(self) -> dict[str, Any]:
            return {"path": Path("C:/x"), "code": "mine"}

    class Worse(errors.Refusal):
        def details(self) -> dict[str, Any]:
            raise ZeroDivisionError

    class Odd(errors.FileUnreadable):
        def details(self) -> dict[str, Any]:
            return {"code": "mine", "by": ["me"]}

    raised: list[errors.Refusal] = [Locked("It is locked."), Worse("It is worse."), Odd("It is odd.")]

    def work(params: Any, context: Any) -> None:
        raise raised[int(params["word"])]

    with desk(request(handler=work), folder=folder) as made:
        receipts = [receipt_of(made, made.run(params={"word": str(place)})) for place in range(3)]
    assert [receipt["error"] for receipt in receipts] == [
        {"code": -32803, "message": "It is locked.", "data": {"code": "refused"}},
        {"code": -32803, "message": "It is worse.", "data": {"code": "refused"}},
        {"code": -32803, "message": "It is odd.", "data": {"code": "file_unreadable", "by": ["me"]}},
    ]
    assert "bug in the details of Locked" in caplog.text
    assert "bug in the details of Worse" in caplog.text


# The text.


def test_it_is_made_when_it_is_first_asked_for_and_only_once() -> None:
    asked: list[int] = []

    def members() -> dict[str, Any]:
        asked.append(1)
        return {"job": "µ", "value": [1]}

    receipt = Receipt(members)
    assert asked == []
    assert receipt.text == receipt.text == '{"job": "\\u00b5", "value": [1]}'
    assert asked == [1]
    first = receipt.members()
    first["value"].append(2)
    assert receipt.members() == {"job": "µ", "value": [1]}


def test_one_that_was_kept_is_its_text() -> None:
    receipt = Receipt.kept('{"job":"x"}')
    assert (receipt.text, receipt.members()) == ('{"job":"x"}', {"job": "x"})


def test_a_value_is_the_caller_s_own() -> None:
    value = {"a": [1]}
    copy = json_value(value, "say")
    value["a"].append(2)
    assert copy == {"a": [1]}


# One that would be too long for a message.


def test_the_longest_members_of_a_receipt_that_is_too_long_are_left_out_and_it_says_so(
    folder: Path | None, caplog: pytest.LogCaptureFixture
) -> None:
    def work(params: Any, context: Any) -> Any:
        context.created("series", "n" * 1000)
        say(params, context)
        return "x" * 17_000_000

    with desk(request(handler=work), folder=folder) as made:
        outcome = made.run(params={"word": "x"}, key="k")
        receipt = receipt_of(made, outcome)
        again = made.run(params={"word": "x"}, key="k")
    assert outcome.error is None
    assert outcome.receipt is not None
    assert len(outcome.receipt.text) <= MAX_TEXT
    assert receipt.pop("leftOut") == ["value"]
    check(receipt, COMPLETED)
    assert (receipt["value"], receipt["calls"], len(receipt["created"])) == (None, [SAID], 1)
    assert again.receipt is not None
    assert again.receipt.text == outcome.receipt.text
    assert f"job {outcome.job}: its receipt is too long; left out: value" in caplog.text


def test_no_more_is_left_out_than_has_to_be() -> None:
    long = {"job": "j", "value": ["v" * (MAX_TEXT // 2)], "calls": ["c" * (MAX_TEXT // 3)], "files": ["f" * 999]}
    fits = Receipt(lambda: dict(long)).members()
    assert fits == long
    long["created"] = ["m" * (MAX_TEXT // 3)]
    assert Receipt(lambda: dict(long)).members() == {**long, "value": None, "leftOut": ["value"]}
    long["calls"], long["created"] = ["c" * MAX_TEXT], ["m" * (MAX_TEXT * 2 // 3)]
    left_out = {"calls": [], "created": [], "leftOut": ["calls", "created"]}
    assert Receipt(lambda: dict(long)).members() == {**long, **left_out}


@pytest.mark.parametrize(
    ("same", "whole"), [("{}", {"job": "j"}), ('{"plugin": 1, "b": 2}', {"job": "j", "plugin": 1, "b": 2})]
)
def test_what_many_have_in_common_is_joined_as_it_stands(same: str, whole: dict[str, Any]) -> None:
    assert Receipt(lambda: {"job": "j"}, same).members() == whole
    left_out = Receipt(lambda: {"job": "j", "value": "v" * MAX_TEXT}, same).members()
    assert left_out == {**whole, "value": None, "leftOut": ["value"]}
