"""What becomes of jobs where the server stops or is ended, at the next start, and where the journal cannot write."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from desk import BACKEND, Asker, Clock, Desk, HeldJournal, desk
from gombus import errors, jobs
from gombus.bus import Bus
from gombus.config import Settings
from gombus.journal import store
from gombus.journal.reading import reading
from gombus.line import RETRY_S
from gombus.model import CANCELLED, COMPLETED, ENDED, INTERRUPTED, OPEN, QUEUED, RUNNING, Outcome, Record
from gombus.refusals import code_of
from gombus.registry import Registry
from gombus.tasks import failure, task_of
from support import SCHEMA, plugin, request

FULL = errors.NotReady("the disk is full")
KEPT = "The server is stopping; the request is kept, and will run after the restart."
REFUSED = "The server is stopping; the request was not started."


def now(params: Any, context: Any) -> str:
    return "now"


@pytest.fixture(params=["memory", "sqlite"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where the journal is; None for that in memory."""
    return tmp_path if request.param == "sqlite" else None


@pytest.fixture
def held() -> HeldJournal:
    """A journal that answers when the test says so."""
    return HeldJournal()


@pytest.fixture
def by_hand(held: HeldJournal) -> Iterator[Desk]:
    """A desk on it, whose work is done when the test says so."""
    with desk(request(), request("now", now, at_once=True), journal=held, by_hand=True) as made:
        yield made
        held.all()


def told(answers: list[Outcome]) -> str:
    """The sentence of the only outcome's refusal."""
    (outcome,) = answers
    return str(outcome.error)


def recover(made: Desk, count: int) -> None:
    """Run what the journal kept from before: so many jobs."""
    assert len(made.journal.queued) == count
    made.bus.recover(made.journal.queued)
    made.until(lambda: not len(made.jobs))


# Stopping.


def test_what_a_client_relies_on_is_kept_and_runs_in_its_order_after_the_restart(tmp_path: Path) -> None:
    asker = Asker()
    with desk(request(), folder=tmp_path) as made:
        first = made.hold(key="hold")
        second = [made.say("second", key="2") for _ in range(3)]
        third = made.say("third", task=True, asker=asker)
        fourth = made.say("fourth")
        fifth = made.say("fifth", key="5", task=True)
        made.until(lambda: bool(third and fifth))
        made.bus.stop()
        made.bus.stop()
        made.until(lambda: bool(second[0] and fourth))
        assert [told(answers) for answers in second] == [KEPT] * 3
        assert told(fourth) == REFUSED
        assert [code_of(answers[0].error) for answers in (second[0], fourth)] == ["stopping"] * 2  # type: ignore[arg-type]
        assert first == []
        assert told(made.say("late", key="2")) == REFUSED
        made.let_go()
        made.until(lambda: bool(first))
        assert first[0].error is None
        assert made.gom.words == ["hold"]
        assert [len(answers) for answers in (first, third, fourth, fifth)] == [1] * 4
        assert asker.notified == []
    with reading(tmp_path / "journal.sqlite3") as reader:
        states = {record.id: record.state for record in reader.jobs()}
    assert states.pop(fourth[0].job) == CANCELLED
    assert states.pop(first[0].job) == COMPLETED
    assert set(states.values()) == {QUEUED}
    with desk(request(), folder=tmp_path) as made:
        recover(made, 3)
        assert made.gom.words == ["second", "third", "fifth"]
        result = made.run(params={"word": "second"}, key="2")
        assert (result.job, result.receipt.members()["value"]) == (second[0][0].job, "SECOND")  # type: ignore[union-attr]
        assert made.kept(id=third[0].job).state == COMPLETED
        assert task_of(made.kept(key="5"))["result"]["client"] == "client:1"
        assert made.gom.words == ["second", "third", "fifth"]
    with desk(request(), folder=tmp_path) as made:
        assert made.journal.queued == []


def test_where_nothing_lasts_all_that_waits_is_cancelled(tmp_path: Path) -> None:
    askers = [Asker(), Asker()]
    with desk(request()) as made:
        first = made.hold(key="hold")
        waiting = [made.say("x", key="x") for _ in range(3)] + [made.say("y")]
        task = made.say("z", task=True, asker=askers[0])
        shared = made.say("x", key="x", task=True, asker=askers[1])
        made.bus.stop()
        assert [told(answers) for answers in waiting] == [REFUSED] * 4
        assert [answers[0].result["status"] for answers in (task, shared)] == ["working"] * 2
        for asker in askers:
            assert [status["error"]["data"]["code"] for _, status in asker.notified] == ["stopping"]
        assert made.kept(id=task[0].job).state == made.kept(key="x").state == CANCELLED
        made.let_go()
        made.until(lambda: bool(first))
        assert (made.gom.words, first[0].error) == (["hold"], None)


def test_many_that_wait_come_back_in_their_order(tmp_path: Path) -> None:
    words = [str(number) for number in range(200)]
    with desk(request(), folder=tmp_path) as made:
        made.hold()
        answers = [made.say(word, key=word) for word in words]
        made.bus.stop()
        made.until(lambda: all(answers))
        assert {told(answer) for answer in answers} == {KEPT}
        made.let_go()
    with desk(request(), folder=tmp_path) as made:
        recover(made, 200)
        assert made.gom.words == words


@pytest.mark.parametrize("meta", [{}, {"key": "k"}], ids=["plain", "with a key"])
@pytest.mark.parametrize("accepted", [True, False])
def test_one_whose_acceptance_is_on_its_way_at_stop(
    by_hand: Desk, held: HeldJournal, meta: dict[str, Any], accepted: bool
) -> None:
    answers = [by_hand.say("x", **meta), by_hand.say("y", **{**meta, **({"key": "other"} if meta else {})})]
    by_hand.bus.stop()
    assert answers == [[], []]
    held.next("accept", None if accepted else FULL)
    held.all()
    kept = KEPT if meta else REFUSED
    assert told(answers[0]) == (kept if accepted else str(FULL))
    assert told(answers[1]) == kept
    states = [by_hand.kept(id=answer[0].job).state for answer in answers if answer[0].job]
    assert states == [QUEUED if meta else CANCELLED] * (2 if accepted else 1)
    assert by_hand.gom.words == []


@pytest.mark.parametrize("failure", [None, FULL])
def test_one_whose_mark_is_on_its_way_at_stop_is_kept_as_queued(
    by_hand: Desk, held: HeldJournal, failure: errors.NotReady | None
) -> None:
    first, second = by_hand.say("first"), by_hand.say("second", key="k")
    held.all()
    by_hand.step()
    assert held.kinds == ["finish", "start"]
    by_hand.bus.stop()
    held.next("finish")
    held.next("start", failure)
    assert second == []
    held.next("requeue")
    assert told(second) == KEPT
    assert by_hand.kept(key="k").state == QUEUED
    assert len(first) == 1
    assert by_hand.gom.words == ["first"]
    assert by_hand.bus.unfinished == 0


def test_one_that_is_marked_but_not_begun_at_stop_is_kept_as_queued(by_hand: Desk, held: HeldJournal) -> None:
    answers = by_hand.say("x", key="k")
    held.all()
    assert by_hand.kept(key="k").state == RUNNING
    by_hand.bus.stop()
    held.all()
    assert told(answers) == KEPT
    assert by_hand.kept(key="k").state == QUEUED
    assert (by_hand.gom.words, by_hand.bus.unfinished) == ([], 0)


def test_one_whose_mark_came_after_one_that_failed_is_kept_as_queued(
    by_hand: Desk, held: HeldJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By this clock all jobs are short, however busy the computer is.
    monkeypatch.setattr(jobs, "time", Clock())
    for _ in range(60):
        by_hand.say("short")
        held.all()
        by_hand.step()
        held.all()
    ahead = [by_hand.say("ahead") for _ in range(64)]
    waiting = [by_hand.say(word, key=word) for word in ("first", "second")]
    held.all()
    by_hand.step()
    by_hand.step()
    assert held.kinds == ["finish", "start", "finish", "start"]
    for trouble in (None, FULL, None, None):
        held.next("", trouble)
    assert by_hand.kept(key="second").state == RUNNING
    by_hand.bus.stop()
    held.all()
    assert [told(answers) for answers in waiting] == [KEPT] * 2
    assert [by_hand.kept(key=word).state for word in ("first", "second")] == [QUEUED] * 2
    assert all(len(answers) == 1 for answers in ahead)


def test_one_that_was_cancelled_is_not_kept_for_the_next_start(by_hand: Desk, held: HeldJournal) -> None:
    answers = [by_hand.say(word, key=word) for word in ("marked", "waiting")]
    held.all()
    for word in ("marked", "waiting"):
        job = by_hand.jobs.live("", word)
        assert job is not None
        assert by_hand.jobs.cancel(job)
    by_hand.bus.stop()
    held.all()
    assert [code_of(answer[0].error) for answer in answers] == ["cancelled"] * 2  # type: ignore[arg-type]
    assert {by_hand.kept(key=word).state for word in ("marked", "waiting")} == {CANCELLED}


def test_what_runs_at_once_and_is_being_accepted_at_stop_is_run(by_hand: Desk, held: HeldJournal) -> None:
    # Kept for the next start, a request that stops the server would stop that one, too.
    answers = by_hand.submit("now", key="k")
    by_hand.bus.stop()
    held.all()
    assert answers[0].error is None
    assert by_hand.kept(key="k").state == COMPLETED


def test_a_job_can_stop_the_server_and_is_answered_first(folder: Path | None) -> None:
    seen: list[Any] = []

    def end(params: Any, context: Any) -> None:
        context.stop()

    with desk(request("end", end), request("end_now", end, at_once=True), folder=folder) as made:
        for name in ("end", "end_now"):
            answers: list[Outcome] = []
            made.bus.on_stop(lambda: seen.append(bool(answers)))  # noqa: B023
            answers += made.submit(name, key=name)
            made.until(lambda: len(made.outcomes) == len(seen) > 0)
            made.settle()
        assert len(seen) == 2
        assert all(outcome.stop and outcome.error is None for outcome in made.outcomes)


# After a crash.


def test_what_was_begun_at_a_crash_is_interrupted_and_what_waited_is_run(tmp_path: Path) -> None:
    with desk(request(), folder=tmp_path) as crashed:
        crashed.hold(key="hold")
        task = crashed.say("waiting", task=True)
        crashed.until(lambda: bool(task))
        crashed.journal.close()
        with desk(request(), folder=tmp_path) as made:
            recover(made, 1)
            assert made.gom.words == ["waiting"]
            assert made.kept(id=task[0].job).state == COMPLETED
            outcome = made.run(params={"word": "hold"}, key="hold")
            assert isinstance(outcome.error, errors.RecordedRefusal)
            assert outcome.error.code == "interrupted"
            told = task_of(made.kept(key="hold"))
            assert (told["status"], told["error"]) == (INTERRUPTED, failure(outcome))
            assert told["finished"] is not None
            assert made.gom.words == ["waiting"]


def _queued(folder: Path, *requests: Any, words: tuple[str, ...] = ("before",)) -> list[str]:
    """Ids of jobs that are kept for the next start."""
    with desk(*requests, folder=folder) as made:
        made.hold()
        answers = [made.say(word, key=word) for word in words]
        made.bus.stop()
        made.until(lambda: all(answers))
        made.let_go()
    return [answer[0].job for answer in answers]


NARROW = {**SCHEMA, "properties": {"word": {"description": "a short word", "type": "string", "maxLength": 3}}}


@pytest.mark.parametrize(
    ("served", "code"),
    [
        ((request("other"),), "unknown_request"),
        ((request(schema=NARROW),), "invalid_params"),
        ((request(schema={**SCHEMA, "required": ["file"]}),), "invalid_params"),
    ],
    ids=["no longer served", "no longer allowed", "required now"],
)
def test_what_can_no_longer_be_run_ends_as_cancelled_and_says_why(
    tmp_path: Path, served: tuple[Any, ...], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    (job,) = _queued(tmp_path, request())
    with desk(*served, folder=tmp_path) as made:
        recover(made, 1)
        made.settle()
        record = made.kept(id=job)
        task = task_of(record)
        assert (task["status"], task["started"], task["error"]["data"]["code"]) == (CANCELLED, None, code)
        assert "receipt" not in task["error"]["data"]
        assert json.loads(record.receipt).keys() == {
            *("job", "request", "state", "accepted", "started", "finished", "client", "backend", "error")
        }
        assert made.gom.words == []
        assert "is not run after the restart" in caplog.text
    with desk(request(), folder=tmp_path) as made:
        assert made.journal.queued == []
        assert failure(made.run(params={"word": "before"}, key="before")) == task["error"]
        assert made.gom.words == []
    # Its handler was never begun.
    assert job not in (tmp_path / "receipts.jsonl").read_text(encoding="utf-8")


def test_a_schema_that_still_allows_it_runs_it(tmp_path: Path) -> None:
    wider = {**SCHEMA, "properties": {**SCHEMA["properties"], "more": {"description": "x", "type": "boolean"}}}
    _queued(tmp_path, request())
    with desk(request(schema=wider), folder=tmp_path) as made:
        recover(made, 1)
        assert made.gom.words == ["before"]


def test_parameters_that_fill_a_message_are_run_after_a_restart(tmp_path: Path) -> None:
    word = {"description": "a long word", "type": "string", "maxLength": 40_000}
    long = request(schema={**SCHEMA, "properties": {"word": word}})
    # 60 KB as they are sent, 180 KB as they are kept.
    _queued(tmp_path, long, words=("\N{LATIN SMALL LETTER E WITH ACUTE}" * 30_000, "short"))
    with desk(long, folder=tmp_path) as made:
        recover(made, 2)
        assert [len(word) for word in made.gom.words] == [30_000, 5]


@pytest.mark.parametrize("params", ["", "{", "[" * 100_000, "[]", None, b"\xff"])
def test_parameters_that_are_damaged_end_their_job_and_no_other(tmp_path: Path, params: Any) -> None:
    job, _ = _queued(tmp_path, request(), words=("broken", "sound"))
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)) as db:
        db.execute("UPDATE job SET params = ? WHERE id = ?", (params, job))
    with desk(request(), folder=tmp_path) as made:
        recover(made, 2)
        made.settle()
        assert made.gom.words == ["sound"]
        task = task_of(made.kept(id=job))
        assert (task["status"], task["error"]["data"]["code"]) == (CANCELLED, "cancelled")
        assert "damaged" in task["error"]["message"]


def test_what_was_accepted_for_another_backend_is_not_run(tmp_path: Path) -> None:
    (job,) = _queued(tmp_path, request())
    with desk(request(), folder=tmp_path) as made:
        other = Bus(
            Registry(Settings(), [plugin(request())]).types,
            made.gom,
            {**BACKEND, "name": "inspect"},
            made.executor,
            made.journal,
            lambda seconds, action: None,
        )
        other.recover(made.journal.queued)
        made.settle()
        task = task_of(made.kept(id=job))
        assert (task["status"], task["error"]["data"]["code"]) == (CANCELLED, "cancelled")
        assert "'watching'" in task["error"]["message"]
        assert made.gom.words == []


def test_what_is_run_after_a_restart_can_be_asked_for_and_cancelled(tmp_path: Path) -> None:
    _queued(tmp_path, request(), words=("first", "second", "third"))
    with desk(request(), folder=tmp_path) as made:
        made.gom.hold_word = "first"
        made.bus.recover(made.journal.queued)
        waiting = made.say("third", key="third")
        job = made.jobs.live("", "second")
        assert job is not None
        assert (job.task()["position"], job.lasting) == (1, True)
        assert made.jobs.cancel(job)
        made.let_go()
        made.until(lambda: bool(waiting))
        assert made.gom.words == ["first", "third"]
        assert waiting[0].receipt is not None
        assert made.kept(id=job.id).state == CANCELLED


# A journal that cannot be written.


def test_a_mark_that_cannot_be_written_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.05)
    with desk(request(), folder=tmp_path) as made:
        first = made.hold()
        waiting = [made.say(word, key=word) for word in ("second", "third")]
        task = made.say("last", task=True)
        made.until(lambda: bool(task))
        made.timers.clear()
        other = sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        made.let_go()
        # How it ended is owed to the disk, and told.
        made.until(lambda: bool(first and made.timers))
        assert first[0].error is None
        assert "locked" in made.journal.reason
        assert [seconds for seconds, _ in made.timers] == [RETRY_S]
        other.execute("ROLLBACK")
        other.close()
        made.fire()
        made.until(lambda: all(waiting))
        made.settle()
        assert made.gom.words == ["hold", "second", "third", "last"]
        assert made.kept(id=first[0].job).state == COMPLETED


def test_an_end_that_is_owed_is_told_and_written_later(tmp_path: Path) -> None:
    with desk(request(handler=lambda *_: "x" * 100_000), folder=tmp_path) as made:
        answers = made.submit(key="k")
        made.until(lambda: made.executor.unfinished > 0)
        made.journal._writer._store._db.execute("PRAGMA max_page_count = 1")
        made.until(lambda: bool(answers))
        if made.journal.reason:
            assert answers[0].error is None
            assert made.kept(key="k").state == COMPLETED
        made.journal._writer._store._db.execute("PRAGMA max_page_count = 1000000")
    with reading(tmp_path / "journal.sqlite3") as reader:
        assert reader.counts() == {COMPLETED: 1}


# Whatever comes.


class Chance:
    """A desk by hand to which one thing after another happens at random."""

    def __init__(self, made: Desk, held: HeldJournal, clock: Clock, seed: int) -> None:
        self.made = made
        self.held = held
        self.clock = clock
        self.random = random.Random(seed)
        self.asked: list[list[Outcome]] = []
        """The answers to each request."""
        self.steps = [self.submit] * 7 + [self.answer] * 8 + [self.work] * 8 + [self.cancel, self.fire, self.overrun]

    def submit(self) -> None:
        number = len(self.asked)
        meta: dict[str, Any] = {"task": self.random.random() < 0.3}
        word = str(number)
        if self.random.random() < 0.5:
            word = meta["key"] = f"key {number - self.random.randrange(4)}"
        name = "now" if self.random.random() < 0.05 else "say"
        self.asked.append(self.made.submit(name, {"word": word}, **meta))

    def answer(self) -> None:
        if self.held.held:
            self.held.next("", FULL if self.random.random() < 0.1 else None)

    def work(self) -> None:
        if self.made.executor.unfinished and not self.made.bus.stopping:
            if not self.made.executor._waiting.empty():
                self.made.executor.step()
            if self.random.random() < 0.8:
                self.made.executor.deliver()

    def cancel(self) -> None:
        live = list(self.made.jobs.all_live())
        if live:
            self.made.jobs.cancel(self.random.choice(live))

    def fire(self) -> None:
        self.made.fire()

    def overrun(self) -> None:
        self.clock.now_s += self.random.choice([0.001, 1.0, 4000.0])

    def drain(self) -> None:
        while self.made.bus.unfinished or len(self.made.jobs):
            self.answer()
            self.work()
            self.fire()
            self.made.executor.deliver()


@pytest.mark.parametrize("stops", [False, True], ids=["goes on", "stops"])
@pytest.mark.parametrize("seed", range(60))
def test_whatever_comes_each_is_answered_once_and_none_is_run_twice_or_out_of_turn(
    seed: int, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, held = Clock(), HeldJournal()
    monkeypatch.setattr(jobs, "time", clock)
    with desk(request(), request("now", now, at_once=True), journal=held, by_hand=True) as made:
        chance = Chance(made, held, clock, seed)
        for _ in range(400):
            chance.random.choice(chance.steps)()
        if stops:
            made.bus.stop()
            assert made.bus.stopping
            for _ in range(chance.random.randrange(20)):
                chance.random.choice(chance.steps)()
        chance.drain()
        assert [len(answers) for answers in chance.asked] == [1] * len(chance.asked)
        ran = made.gom.words
        records: list[Record] = []
        held.list("", "", 10_000, records.extend)
        kept = {json.loads(record.params)["word"]: record for record in reversed(records) if record.request == "say"}
        # In the order in which they were accepted.
        assert ran == [word for word in kept if word in set(ran)]
        assert all(kept[word].state in ENDED and kept[word].started is not None for word in ran)
        for word, record in kept.items():
            if record.state in OPEN:
                # Kept for the next start.
                assert (stops, record.state, word in ran) == (True, QUEUED, False)
            elif word not in ran:
                assert record.state == CANCELLED
