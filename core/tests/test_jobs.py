"""The life of a job: its acceptance, its turn, its cancelling, its time, its end; with both kinds of journal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk import Asker, Clock, Desk, HeldJournal, desk
from gombus import errors
from gombus.config import DEFAULTS
from gombus.followers import STATUS
from gombus.journal.reading import reading
from gombus.model import CANCELLED, COMPLETED, FAILED, QUEUED, RUNNING, Outcome
from gombus.refusals import code_of
from gombus.tasks import failure, task_of
from gombus.watch import LOOK_S
from support import request, say

FULL = errors.NotReady("the disk is full")
HOLD = "hold"


@pytest.fixture(params=["memory", "sqlite"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where the journal is; None for that in memory."""
    return tmp_path if request.param == "sqlite" else None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which jobs are timed."""
    return Clock.of_jobs(monkeypatch)


@pytest.fixture
def held() -> HeldJournal:
    """A journal that answers when the test says so."""
    return HeldJournal()


@pytest.fixture
def by_hand(held: HeldJournal) -> Iterator[Desk]:
    """A desk on it, whose work is done when the test says so."""
    with desk(request(), request("now", now, at_once=True), journal=held, by_hand=True) as made:
        yield made
        made.bus.stop()
        held.all()


def now(params: Any, context: Any) -> str:
    return f"now {params.get('word')}"


def code(answers: list[Outcome]) -> str:
    """The word of the only outcome's refusal."""
    (outcome,) = answers
    assert outcome.error is not None
    return code_of(outcome.error)


def value(answers: list[Outcome]) -> Any:
    """What the handler returned, as the only outcome's receipt has it."""
    (outcome,) = answers
    assert outcome.error is None
    assert outcome.receipt is not None
    return outcome.receipt.members()["value"]


# Order.


@pytest.mark.parametrize("count", [1, 2, 7, 64, 200])
@pytest.mark.parametrize("took_s", [(0.0,), (10.0,), (0.0, 0.0, 0.0, 0.002, 10.0)], ids=["short", "long", "mixed"])
def test_jobs_run_in_the_order_of_their_acceptance(
    folder: Path | None, count: int, took_s: tuple[float, ...], clock: Clock
) -> None:
    def work(params: Any, context: Any) -> Any:
        clock.now_s += took_s[int(params["word"]) % len(took_s)]
        return say(params, context)

    with desk(request(handler=work), folder=folder) as made:
        answers = [made.say(str(number)) for number in range(count)]
        made.until(lambda: len(made.outcomes) == count)
        assert made.gom.words == [str(number) for number in range(count)]
        assert [value(answer) for answer in answers] == made.gom.words
        assert made.gom.threads == {made.owner.ident}
        assert not len(made.jobs)


def test_where_jobs_are_long_never_more_than_one_stands_as_running_in_the_journal(tmp_path: Path, clock: Clock) -> None:
    running: list[int] = []

    def work(params: Any, context: Any) -> None:
        clock.now_s += 10.0
        with reading(tmp_path / "journal.sqlite3") as reader:
            running.append(reader.counts()[RUNNING])

    with desk(request(handler=work), folder=tmp_path) as made:
        for _ in range(20):
            made.say("x")
        made.until(lambda: len(made.outcomes) == 20)
    assert running == [1] * 20


def picky(params: Any, context: Any) -> Any:
    """As an import: a file that is missing is refused before gom is called."""
    if params.get("file"):
        raise errors.FileUnreadable("missing")
    return say(params, context)


def test_many_that_were_refused_before_gom_do_not_let_long_ones_be_marked_together(held: HeldJournal) -> None:
    with desk(request("image", picky), journal=held, by_hand=True) as made:
        for _ in range(60):
            refused = made.submit("image", {"file": "x"})
            held.all()
            made.step()
            held.all()
            assert code(refused) == "file_unreadable"
        long = [made.submit("image", {"word": str(number)}) for number in range(50)]
        held.all()
        assert {job.state for job in made.jobs.all_live()} == {RUNNING, QUEUED}
        assert [job.state for job in made.jobs.all_live()].count(RUNNING) == 1
        for _ in long:
            made.step()
            held.all()
        assert made.gom.words == [str(number) for number in range(50)]


def test_no_handler_is_begun_that_the_journal_does_not_have_as_running(tmp_path: Path) -> None:
    seen: list[bool] = []

    def work(params: Any, context: Any) -> None:
        with reading(tmp_path / "journal.sqlite3") as reader:
            seen.append(params["word"] in [record.key for record in reader.jobs(RUNNING)])

    with desk(request(handler=work), folder=tmp_path) as made:
        for number in range(100):
            made.say(str(number), key=str(number))
        made.until(lambda: len(made.outcomes) == 100)
    assert seen == [True] * 100


def test_ten_thousand_jobs_are_one_gom_call_at_a_time_on_one_thread_in_order(folder: Path | None) -> None:
    count = 10_000
    with desk(request(), folder=folder) as made:
        for number in range(count):
            made.until(lambda: len(made.jobs) < DEFAULTS.max_queued)
            made.say(str(number))
        made.until(lambda: len(made.outcomes) == count)
        assert made.gom.words == [str(number) for number in range(count)]
        assert not made.gom.overlapped
        assert made.gom.threads == {made.owner.ident}
        assert all(outcome.error is None for outcome in made.outcomes)


# Accepting.


def test_a_full_queue_refuses_and_keeps_no_trace(folder: Path | None) -> None:
    with desk(request(), request("now", now, at_once=True), folder=folder) as made:
        made.hold()
        for number in range(1, DEFAULTS.max_queued):
            made.say(str(number))
        for name, meta in (("say", {}), ("say", {"key": "k"}), ("say", {"task": True}), ("now", {"key": "n"})):
            (outcome,) = made.submit(name, {"word": "too much"}, **meta)
            assert isinstance(outcome.error, errors.Busy)
            assert outcome.error.details() == {"queue": DEFAULTS.max_queued, "limit": DEFAULTS.max_queued}
            assert "256 requests" in str(outcome.error)
        assert len(made.jobs) == DEFAULTS.max_queued
        assert made.kept(key="k") is None
        made.let_go()
        made.until(lambda: not len(made.jobs))
        assert made.gom.words == [HOLD, *map(str, range(1, DEFAULTS.max_queued))]
        assert made.run(params={"word": "again"}, key="k").error is None


def test_what_runs_at_once_without_key_and_task_needs_no_place_in_the_queue(folder: Path | None) -> None:
    with desk(request(), request("now", now, at_once=True), folder=folder) as made:
        made.hold()
        for number in range(1, DEFAULTS.max_queued):
            made.say(str(number))
        assert made.submit("now", {"word": "x"}) == [Outcome("now x")]
        made.let_go()


def test_nobody_is_told_anything_before_the_journal_keeps_it(by_hand: Desk, held: HeldJournal) -> None:
    asker = Asker()
    task, plain = by_hand.say("a", task=True, asker=asker), by_hand.say("b")
    assert (task, plain, by_hand.executor.unfinished) == ([], [], 0)
    held.next("accept")
    assert task[0].result["phase"] == "queued"
    assert by_hand.executor.unfinished == 1
    by_hand.step()
    assert by_hand.gom.words == ["a"]
    assert held.kinds == ["accept", "finish"]
    assert [task["status"] for _, task in asker.notified] == ["working"]
    held.all()
    assert [task["status"] for _, task in asker.notified] == ["working", "completed"]
    by_hand.step()
    assert plain == []
    held.next("finish")
    assert value(plain) == "B"


def test_the_same_key_and_payload_is_the_same_job(folder: Path | None) -> None:
    with desk(request(), folder=folder) as made:
        first = made.hold(key="k")
        second, task = made.say(HOLD, key="k"), made.say(HOLD, key="k", task=True)
        made.until(lambda: bool(task))
        assert task[0].result["phase"] == "running"
        assert second == []
        made.let_go()
        made.until(lambda: bool(first and second))
        (outcome,) = first
        assert second == first
        # It has ended, and what was kept of it is told.
        again = made.run(params={"word": HOLD}, key="k")
        assert (again.job, again.receipt.text) == (outcome.job, outcome.receipt.text)  # type: ignore[union-attr]
        kept = made.run(params={"word": HOLD}, key="k", task=True).result
        assert (kept["job"], kept["status"], kept["result"]["value"]) == (outcome.job, COMPLETED, "HOLD")
        assert made.gom.words == [HOLD]


def test_the_same_key_is_the_same_job_after_the_journal_was_opened_anew(tmp_path: Path) -> None:
    with desk(request(), folder=tmp_path) as made:
        made.gom.errors["bad"] = made.gom.RequestError("no such thing", "E-1", "log")
        good, bad = (made.run(params={"word": word}, key=word) for word in ("good", "bad"))
    with desk(request(), folder=tmp_path) as made:
        again = made.run(params={"word": "good"}, key="good")
        assert (again.job, again.receipt.text) == (good.job, good.receipt.text)  # type: ignore[union-attr]
        assert failure(made.run(params={"word": "bad"}, key="bad")) == failure(bad)
        assert code([made.run(params={"word": "other"}, key="good")]) == "conflict"
        assert made.gom.words == []


def test_the_same_key_for_another_payload_is_a_conflict(folder: Path | None) -> None:
    with desk(request(), request("other"), folder=folder) as made:
        first = made.hold(key="k")
        for name, word in (("say", "x"), ("other", HOLD)):
            (outcome,) = made.submit(name, {"word": word}, key="k")
            assert isinstance(outcome.error, errors.Conflict)
            live = made.jobs.live("", "k")
            assert live is not None
            assert outcome.error.job == live.id
        made.let_go()
        made.until(lambda: bool(first))
        for meta in ({}, {"task": True}):
            outcome = made.run(params={"word": "x"}, key="k", **meta)
            assert isinstance(outcome.error, errors.Conflict)
            assert outcome.error.job == first[0].job
        assert made.gom.words == [HOLD]


def test_a_key_that_is_being_accepted_is_shared_and_conflicts_too(by_hand: Desk, held: HeldJournal) -> None:
    first, second, task = (by_hand.say("x", key="k", **meta) for meta in ({}, {}, {"task": True}))
    assert code(by_hand.say("y", key="k")) == "conflict"
    assert (held.kinds, task) == (["accept"], [])
    held.next("accept")
    assert task[0].result["status"] == "working"
    by_hand.step()
    held.all()
    assert value(first) == value(second) == "X"
    assert by_hand.gom.words == ["x"]


@pytest.mark.parametrize("meta", [{}, {"key": "k"}, {"task": True}, {"key": "k", "task": True}], ids=repr)
def test_what_the_journal_cannot_keep_is_not_ready_and_is_not_run(
    by_hand: Desk, held: HeldJournal, meta: dict[str, Any]
) -> None:
    answers, waiting = by_hand.say("x", **meta), by_hand.say("next")
    shared = by_hand.say("x", **meta) if "key" in meta else None
    held.next("accept", FULL)
    assert code(answers) == "not_ready"
    assert answers[0].error is FULL
    assert shared is None or code(shared) == "not_ready"
    assert by_hand.jobs.live("", "k") is None
    # The next one takes its place, and the same key is free.
    held.all()
    by_hand.step()
    held.all()
    assert value(waiting) == "NEXT"
    again = by_hand.say("x", **meta)
    held.all()
    by_hand.step()
    held.all()
    assert answers[1:] == [] and len(again) == 1
    assert by_hand.gom.words == ["next", "x"]


def test_a_full_disk_accepts_nothing_until_there_is_room(tmp_path: Path) -> None:
    with desk(request(), folder=tmp_path) as made:
        assert made.run(params={"word": "a"}).error is None
        made.settle()
        db = made.journal._writer._store._db
        db.execute("PRAGMA max_page_count = 1")
        for number in range(200):
            answers = [made.submit(params={"word": "x" * 32}, key=f"{number}{'k' * 120}")]
            made.until(lambda: bool(answers[-1]))  # noqa: B023
            if answers[-1][0].error is not None:
                break
        assert code(answers[-1]) == "not_ready"
        words = list(made.gom.words)
        assert code([made.run(params={"word": "b"}, task=True)]) == "not_ready"
        assert made.gom.words == words
        db.execute("PRAGMA max_page_count = 1000000")
        assert made.run(params={"word": "c"}).error is None


def test_a_key_whose_job_the_journal_has_as_open_but_nobody_carries_out_is_not_answered_as_if_it_had_ended(
    by_hand: Desk, held: HeldJournal
) -> None:
    first = by_hand.say("x", key="k")
    held.next("accept")
    by_hand.step()
    # Its end is lost on the way to the disk.
    _, _, _ = held.held.popleft()
    live = by_hand.jobs.live("", "k")
    assert live is not None
    by_hand.jobs._forget(live)
    for meta in ({}, {"task": True}):
        again = by_hand.say("x", key="k", **meta)
        held.next("accept")
        assert code(again) == "not_ready"
    assert first == []
    assert by_hand.gom.words == ["x"]


# What runs at once.


@pytest.mark.parametrize("meta", [{"key": "k"}, {"task": True}, {"key": "k", "task": True}], ids=repr)
def test_what_runs_at_once_is_a_job_where_a_client_relies_on_it(folder: Path | None, meta: dict[str, Any]) -> None:
    asker = Asker()
    with desk(request("now", now, at_once=True), folder=folder) as made:
        outcome = made.run("now", {"word": "x"}, asker=asker, **meta)
        made.settle()
        record = made.kept(id=outcome.job)
        task = task_of(record)
        assert (task["status"], task["result"]["value"]) == (COMPLETED, "now x")
        assert task["started"] is not None
        if "task" in meta:
            assert (outcome.result["status"], outcome.result["phase"]) == ("working", "running")
            assert [(method, told["status"]) for method, told in asker.notified] == [(STATUS, COMPLETED)]
        else:
            assert value([outcome]) == "now x"
        if "key" in meta:
            assert made.run("now", {"word": "x"}, **meta).job == outcome.job
            assert made.run("now", {"word": "y"}, **meta).error is not None
    if folder is not None:
        # Its handler was begun, so it is in the receipt log.
        assert outcome.job in (folder / "receipts.jsonl").read_text(encoding="utf-8")


def test_what_runs_at_once_and_fails_ends_as_failed(folder: Path | None) -> None:
    def refuse(params: Any, context: Any) -> None:
        raise errors.Refusal("no")

    with desk(request("now", refuse, at_once=True), folder=folder) as made:
        outcome = made.run("now", key="k")
        assert (code([outcome]), made.kept(id=outcome.job).state) == ("refused", FAILED)


# Cancelling.


def test_one_that_waits_is_cancelled_and_never_run(folder: Path | None) -> None:
    asker = Asker()
    with desk(request(), folder=folder) as made:
        first = made.hold()
        second, third = made.say("second", key="k", task=True, asker=asker), made.say("third")
        shared = made.say("second", key="k")
        made.until(lambda: bool(second))
        job = made.jobs.live("", "k")
        assert job is not None
        assert made.jobs.position(job) == job.task()["position"] == 1
        assert made.jobs.cancel(job)
        assert not made.jobs.cancel(job)
        made.until(lambda: bool(shared))
        assert code(shared) == "cancelled"
        assert (asker.notified[-1][0], asker.notified[-1][1]["status"]) == (STATUS, CANCELLED)
        assert made.kept(id=job.id).state == CANCELLED
        made.let_go()
        made.until(lambda: bool(first and third))
        assert made.gom.words == [HOLD, "third"]
        assert failure(made.run(params={"word": "second"}, key="k")) == failure(shared[0])
    if folder is not None:
        assert job.id not in (folder / "receipts.jsonl").read_text(encoding="utf-8")


def test_one_that_runs_or_has_ended_is_not_cancelled(folder: Path | None) -> None:
    with desk(request(), folder=folder) as made:
        answers = made.hold(key="k")
        job = made.jobs.live("", "k")
        assert job is not None
        assert made.jobs.running is job
        assert not made.jobs.cancel(job)
        made.let_go()
        made.until(lambda: bool(answers))
        assert value(answers) == "HOLD"
        assert not made.jobs.cancel(job)


def test_one_that_is_marked_but_not_begun_is_cancelled(by_hand: Desk, held: HeldJournal) -> None:
    first, second = by_hand.say("first", key="k"), by_hand.say("second")
    held.all()
    job = by_hand.jobs.live("", "k")
    assert job is not None
    assert job.state == RUNNING
    assert by_hand.jobs.cancel(job)
    assert first == []
    held.next("finish")
    assert code(first) == "cancelled"
    by_hand.step()
    held.all()
    by_hand.step()
    held.all()
    assert value(second) == "SECOND"
    assert by_hand.gom.words == ["second"]


def test_one_whose_mark_is_on_its_way_is_cancelled_and_the_next_one_runs(by_hand: Desk, held: HeldJournal) -> None:
    answers = [by_hand.say(word, key=word) for word in ("first", "second", "third")]
    held.all()
    by_hand.step()
    assert held.kinds == ["finish", "start"]
    job = by_hand.jobs.live("", "second")
    assert job is not None
    assert by_hand.jobs.cancel(job)
    held.all()
    by_hand.step()
    held.all()
    assert [code(answers[1]), value(answers[2])] == ["cancelled", "THIRD"]
    assert by_hand.gom.words == ["first", "third"]


# Time.


@pytest.fixture
def timed(clock: Clock, folder: Path | None) -> Iterator[Desk]:
    """A desk with `say`, which has an hour, and `short`, which has 10 s."""
    with desk(request(), request("short", timeout_s=10.0), folder=folder) as made:
        made.clock = clock
        yield made


def test_what_overruns_is_reported_once_and_the_next_one_waits_for_the_thread(
    timed: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    asker = Asker()
    first = timed.hold(name="short", key="k")
    task = timed.submit("short", {"word": HOLD}, key="k", task=True, asker=asker, progress_token="p")
    second = timed.say("next")
    timed.until(lambda: bool(task))
    job = timed.jobs.live("", "k")
    assert job is not None
    timed.pass_time(9.9)
    assert first == []
    timed.pass_time(100.0)
    timed.until(lambda: bool(first))
    assert code(first) == "timeout"
    error = failure(first[0])
    assert error["data"]["limit_s"] == 10.0
    assert error["data"]["receipt"]["state"] == FAILED
    assert [task["status"] for _, task in asker.notified] == [FAILED]
    # It still holds the owner thread.
    assert timed.jobs.running is job
    assert (job.state, timed.jobs.live(job.id), len(timed.jobs)) == (FAILED, None, 1)
    assert timed.gom.words == [HOLD]
    timed.let_go()
    timed.until(lambda: bool(second))
    timed.settle()
    assert value(second) == "NEXT"
    told = task_of(timed.kept(id=job.id))
    assert (told["status"], told["error"]) == (FAILED, error)
    late = told["late"]
    assert (late["state"], late["value"], "error" in late) == (COMPLETED, "HOLD", False)
    assert late["finished"] > told["finished"]
    assert [task["status"] for _, task in asker.notified] == [FAILED]
    assert caplog.text.count("overrun; its command may still be running") == 1
    assert "reported as overrun, and has now completed" in caplog.text
    # Asked again, it is told the same.
    assert failure(timed.run("short", {"word": HOLD}, key="k")) == error


def test_one_that_ends_just_in_time_is_not_reported(timed: Desk, clock: Clock) -> None:
    first = timed.hold(name="short")
    timed.pass_time(9.9)
    timed.let_go()
    timed.until(lambda: bool(first))
    clock.now_s += 1.0
    timed.fire()
    timed.settle()
    assert value(first) == "HOLD"


@pytest.mark.parametrize("ends", ["before", "after"])
def test_a_short_time_is_watched_behind_a_long_one(timed: Desk, ends: str) -> None:
    first = timed.hold()
    second = timed.submit("short", {"word": "second"})
    if ends == "after":
        timed.pass_time(1000.0)
    timed.let_go()
    timed.until(lambda: bool(first))
    timed.until(lambda: bool(second))
    assert value(second) == "SECOND"
    third = timed.hold("third", "short")
    timed.pass_time(10.0 + LOOK_S)
    timed.until(lambda: bool(third))
    assert code(third) == "timeout"


def test_nothing_is_watched_where_nothing_runs(timed: Desk) -> None:
    for _ in range(20):
        timed.run(params={"word": "x"})
        timed.settle()
        assert len(timed.timers) == 1
    timed.fire()
    assert timed.timers == []
    timed.run(params={"word": "x"})
    assert len(timed.timers) == 1


def test_what_fails_late_or_asks_late_for_the_server_to_stop_is_heard(timed: Desk) -> None:
    stops: list[int] = []
    timed.bus.on_stop(lambda: stops.append(1))
    # The user ends an overrunning script with Esc.
    timed.gom.errors[HOLD] = timed.gom.BreakError()
    first = timed.hold(name="short")
    timed.pass_time(11.0)
    timed.until(lambda: bool(first))
    assert (code(first), stops) == ("timeout", [])
    timed.let_go()
    timed.until(lambda: bool(stops))
    timed.settle()
    late = task_of(timed.kept(id=first[0].job))["late"]
    assert (late["state"], late["error"]["data"]["code"]) == (FAILED, "gom_refused")


def test_an_end_that_comes_before_the_report_is_kept_is_late_all_the_same(
    by_hand: Desk, held: HeldJournal, clock: Clock
) -> None:
    answers = by_hand.say("x", key="k")
    held.all()
    by_hand.executor.step()
    clock.now_s += 3600.0
    by_hand.fire()
    assert held.kinds == ["finish"]
    by_hand.executor.deliver()
    held.all()
    assert code(answers) == "timeout"
    assert by_hand.kept(key="k").late is not None


# Telling.


def test_one_that_cannot_take_its_answer_does_not_keep_others_from_theirs(
    folder: Path | None, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(outcome: Outcome) -> None:
        raise ZeroDivisionError

    with desk(request(), folder=folder) as made:
        made.hold()
        waiting = [made.say("x", key="k") for _ in range(2)]
        job = made.jobs.live("", "k")
        assert job is not None
        job.wait(broken)
        job._done.reverse()
        last = made.say("last")
        made.let_go()
        made.until(lambda: bool(last))
        assert [value(answers) for answers in waiting] == ["X", "X"]
        assert value(last) == "LAST"
    assert "bug in what takes an outcome" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_who_asks_again_for_a_task_is_told_of_its_state_once(folder: Path | None) -> None:
    asker, other = Asker(), Asker("client:2")
    with desk(request(), folder=folder) as made:
        made.hold()
        for _ in range(3):
            made.say("x", key="k", task=True, asker=asker)
        made.say("x", key="k", asker=other)
        watching = Asker("client:3")
        made.say("x", key="k", task=True, asker=watching)
        last = made.say("last")
        made.let_go()
        made.until(lambda: bool(last))
        for told in (asker, watching):
            assert [task["status"] for _, task in told.notified] == ["working", COMPLETED]
        assert other.notified == []


def test_progress_is_told_to_those_who_gave_a_token(folder: Path | None) -> None:
    tasks: list[dict[str, Any]] = []

    def work(params: Any, context: Any) -> None:
        context.progress(1, 2, "half")
        say(params, context)

    askers = {"a": Asker(), 5: Asker("client:2")}
    silent = Asker("client:3")
    with desk(request(), request("work", work), folder=folder) as made:
        made.hold()
        for token, asker in askers.items():
            answers = made.submit("work", key="k", progress_token=token, asker=asker)
        made.submit("work", key="k", asker=silent)
        job = made.jobs.live("", "k")
        assert job is not None
        made.let_go()
        made.until(lambda: bool(tasks.append(job.task()) or answers))
        for token, asker in askers.items():
            told = {"progressToken": token, "progress": 1.0, "total": 2.0, "message": "half"}
            assert asker.notified == [("notifications/progress", told)]
        assert silent.notified == []
        # It is no longer said of what has ended.
        assert "progress" not in job.task()
        seen = [task["progress"] for task in tasks if "progress" in task]
        assert all(progress == {"progress": 1.0, "total": 2.0, "message": "half"} for progress in seen)


def test_what_ended_is_logged_and_counted_once(folder: Path | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with desk(request(), folder=folder) as made:
        for _ in range(3):
            made.run(params={"word": "x"}, key="k")
        made.settle()
        assert made.bus.stats.plain()["say"]["num_requests"] == 1
        assert caplog.text.count("say request: done") == 1
