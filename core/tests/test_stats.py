"""What was asked since the start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from desk import Clock, desk
from gombus import errors
from gombus.config import Settings
from gombus.job import Job
from gombus.model import Call, Outcome
from gombus.registry import Registry
from gombus.stats import Stats
from support import plugin, request, say

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
KIND = Registry(Settings(), [plugin(request())]).types["say"]
NOTHING = {
    "num_requests": 0,
    "num_errors": 0,
    "last_error": None,
    "processing_time": 0.0,
    "average_processing_time": 0.0,
}


@pytest.fixture(params=["memory", "sqlite"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where the journal is; None for that in memory."""
    return tmp_path if request.param == "sqlite" else None


def ended(took_s: float, error: errors.Refusal | None = None) -> Job:
    """A job that ended after so long."""
    job = Job("id", Call("say", {}), KIND, "client:1", None, "{}")
    job.took_s, job.outcome = took_s, Outcome(error=error)
    return job


def test_what_was_never_asked_is_there_with_zeros() -> None:
    stats = Stats(["say", "other"])
    assert stats.plain() == {"say": NOTHING, "other": NOTHING}
    assert TIME.fullmatch(stats.since_text)


def test_jobs_are_counted_and_their_times_added() -> None:
    stats = Stats(["say", "other"])
    for took_s in (0.5, 1.0, 0.0):
        stats.ended(ended(took_s))
    said = {**NOTHING, "num_requests": 3, "processing_time": 1.5, "average_processing_time": 0.5}
    assert stats.plain() == {"say": said, "other": NOTHING}


def test_the_last_error_is_kept_with_its_word_and_its_time() -> None:
    stats = Stats(["say"])
    stats.ended(ended(1.0, errors.Refusal("It is locked.")))
    stats.ended(ended(1.0))
    stats.refused("say", errors.Busy(256, 256))
    plain = stats.plain()["say"]
    assert (plain["num_requests"], plain["num_errors"]) == (3, 2)
    assert TIME.fullmatch(plain["last_error"].pop("time"))
    assert plain["last_error"] == {"code": "busy", "message": str(errors.Busy(256, 256))}


def test_what_nobody_serves_is_not_counted() -> None:
    stats = Stats(["say"])
    stats.refused("shout", errors.UnknownRequest("no"))
    assert stats.plain() == {"say": NOTHING}


def test_one_that_ended_without_an_outcome_is_a_request() -> None:
    stats, job = Stats(["say"]), ended(1.0)
    job.outcome = None
    stats.ended(job)
    assert (stats.plain()["say"]["num_requests"], stats.plain()["say"]["num_errors"]) == (1, 0)


def test_a_bus_counts_each_request_once(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.of_jobs(monkeypatch)

    def work(params: Any, context: Any) -> Any:
        clock.now_s += 2.0
        return say(params, context)

    with desk(request(handler=work), request("now", lambda *_: None, at_once=True), folder=folder) as made:
        made.gom.errors["bad"] = made.gom.RequestError("no")
        for params, meta in (
            ({"word": "a"}, {}),
            ({"word": "a"}, {"key": "k"}),
            ({"word": "a"}, {"key": "k"}),
            ({"word": "bad"}, {"task": True}),
            ({"word": 5}, {}),
        ):
            made.run(params=params, **meta)
            made.settle()
        for meta in ({}, {"key": "n"}):
            made.run("now", **meta)
        made.run("shout")
        made.settle()
        plain = made.bus.stats.plain()
    assert plain["say"].pop("last_error")["code"] == "invalid_params"
    assert plain["say"] == {
        "num_requests": 4,
        "num_errors": 2,
        "processing_time": 6.0,
        "average_processing_time": 1.5,
    }
    assert plain["now"] == {**NOTHING, "num_requests": 2}


def test_what_overruns_is_an_error_and_counts_once(folder: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.of_jobs(monkeypatch)
    with desk(request(timeout_s=10.0), folder=folder) as made:
        made.clock = clock
        answers = made.hold()
        made.pass_time(11.0)
        made.until(lambda: bool(answers))
        job = made.jobs.running
        assert job is not None
        assert (job.id, made.bus.stats.plain()["say"]["num_errors"]) == (answers[0].job, 1)
        made.let_go()
        made.settle()
        assert made.jobs.running is None
        plain = made.bus.stats.plain()["say"]
    assert (plain["num_requests"], plain["num_errors"], plain["last_error"]["code"]) == (1, 1, "timeout")
