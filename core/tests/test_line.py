"""The line of jobs: in which order, and how many at once, they are marked and begun."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Callable

import pytest

from desk import HeldJournal
from gombus.ahead import MAX_AHEAD
from gombus.config import Settings
from gombus.errors import NotReady
from gombus.ids import JobIds
from gombus.job import Job
from gombus.journal.memory import MemoryJournal
from gombus.line import RETRY_S, Line
from gombus.model import CANCELLED, COMPLETED, FAILED, QUEUED, RUNNING, Call
from gombus.registry import Registry
from support import plugin, request

KINDS = Registry(Settings(), [plugin(request(commands=()), request("scan", commands=()))]).types
FULL = NotReady("the disk is full")
_ids = JobIds()


def new(name: str = "say") -> Job:
    """A job of this request type."""
    return Job(_ids.new(), Call(name, {}), KINDS[name], "client:1", None, "{}")


class Stand:
    """A line whose journal answers when the test says so."""

    def __init__(self, journal: MemoryJournal | None = None) -> None:
        self.journal = HeldJournal()
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.begun: list[Job] = []
        self.put_back: list[Job] = []
        self.line = Line(
            journal or self.journal,
            lambda seconds, action: self.timers.append((seconds, action)),
            self.begun.append,
            self.put_back.append,
        )

    def join(self, count: int = 1, kept: bool = True, name: str = "say") -> list[Job]:
        """New jobs; where they are `kept`, the journal has answered that it keeps them."""
        jobs = [new(name) for _ in range(count)]
        for job in jobs:
            self.line.join(job)
        if kept:
            self.keep(jobs)
        return jobs

    def keep(self, jobs: Iterable[Job]) -> None:
        """The journal keeps these."""
        for job in jobs:
            job.kept = True
            self.line.accepted(job)

    def done(self, job: Job, took_s: float = 10.0, state: str = COMPLETED) -> None:
        """The owner thread is free of a job that took so long, and ended so."""
        job.began_s, job.took_s = 1.0, took_s
        if job.state == RUNNING:
            job.state = state
        self.line.done(job)

    def short(self) -> None:
        """Let the line know that jobs are short."""
        for _ in range(60):
            (job,) = self.join()
            self.done(job, 1e-6)
        self.begun.clear()

    def fire(self) -> None:
        """The only timer fires."""
        ((seconds, action),) = self.timers
        assert seconds == RETRY_S
        self.timers.clear()
        action()


def cancel(stand: Stand, job: Job) -> None:
    """As `Jobs` does it."""
    if stand.line.waits(job):
        stand.line.leave(job)
    job.state = CANCELLED


def test_one_that_finds_nobody_before_it_is_marked_with_its_acceptance() -> None:
    stand = Stand()
    (job,) = stand.join(kept=False)
    assert (job.state, stand.begun) == (RUNNING, [])
    stand.keep([job])
    assert stand.begun == [job]
    assert stand.journal.kinds == []


def test_where_jobs_are_long_one_is_marked_when_the_one_before_it_has_ended() -> None:
    stand = Stand()
    jobs = stand.join(5)
    assert [job.state for job in jobs] == [RUNNING] + [QUEUED] * 4
    for place in range(4):
        assert (stand.begun, stand.journal.kinds) == (jobs[: place + 1], [])
        stand.done(jobs[place])
        assert (stand.begun, stand.journal.kinds) == (jobs[: place + 1], ["start"])
        assert [job.state for job in jobs[place + 1 :]] == [RUNNING] + [QUEUED] * (3 - place)
        stand.journal.next("start")
    assert stand.begun == jobs


def test_where_jobs_are_short_many_are_marked_at_once_but_not_all() -> None:
    stand = Stand()
    stand.short()
    ahead = stand.join(MAX_AHEAD)
    assert stand.begun == ahead
    jobs = stand.join(3 * MAX_AHEAD)
    assert stand.begun == ahead
    assert stand.journal.kinds == []
    for job in ahead:
        stand.done(job, 1e-6)
    stand.journal.all()
    assert stand.begun == [*ahead, *jobs[:MAX_AHEAD]]


def test_one_long_job_is_enough_to_mark_one_at_a_time_again() -> None:
    stand = Stand()
    stand.short()
    jobs = stand.join(MAX_AHEAD + 3)
    stand.done(jobs[0], 1.0)
    for job in jobs[1:MAX_AHEAD]:
        assert (stand.journal.kinds, len(stand.begun)) == ([], MAX_AHEAD)
        stand.done(job, 1.0)
    stand.journal.all()
    assert len(stand.begun) == MAX_AHEAD + 1


def test_what_is_known_of_one_request_type_says_nothing_of_another() -> None:
    stand = Stand()
    stand.short()
    short, scans, more = stand.join(3), stand.join(5, name="scan"), stand.join(3)
    for job in short:
        assert stand.begun == short
        stand.done(job, 1e-6)
        stand.journal.all()
    for place, job in enumerate(scans):
        assert stand.begun == [*short, *scans[: place + 1]]
        stand.done(job, 4.0)
        stand.journal.all()
    assert stand.begun == [*short, *scans, *more]


def test_one_that_was_refused_at_once_does_not_count_as_short() -> None:
    stand = Stand()
    for job in [stand.join()[0] for _ in range(60)]:
        stand.done(job, 1e-6, FAILED)
        stand.journal.all()
    stand.begun.clear()
    jobs = stand.join(10)
    assert stand.begun == jobs[:1]


def test_one_that_was_never_begun_does_not_count_as_short() -> None:
    stand = Stand()
    stand.short()
    jobs = stand.join(MAX_AHEAD)
    stand.done(jobs[0], 1.0)
    for job in jobs[1:]:
        # As the executor gives back what was cancelled before its turn.
        job.state = CANCELLED
        stand.line.done(job)
    stand.begun.clear()
    assert stand.join(2)[:1] == stand.begun


def test_where_nothing_is_written_all_are_given_on_at_once() -> None:
    stand = Stand(MemoryJournal())
    jobs = stand.join(300)
    assert stand.begun == jobs


def test_one_that_the_journal_does_not_keep_yet_is_not_marked_and_nobody_overtakes_it() -> None:
    stand = Stand()
    (first,) = stand.join()
    second, third = stand.join(2, kept=False)
    third.kept = True
    stand.done(first)
    stand.line.accepted(third)
    assert (stand.begun, stand.journal.kinds) == ([first], [])
    stand.keep([second])
    stand.journal.next("start")
    assert stand.begun == [first, second]


def test_one_that_is_not_accepted_after_all_makes_room() -> None:
    stand = Stand()
    (first,) = stand.join()
    second, third = stand.join(2, kept=False)
    third.kept = True
    stand.done(first)
    stand.line.leave(second)
    stand.line.release()
    stand.journal.next("start")
    assert stand.begun == [first, third]


def test_what_was_kept_from_before_comes_in_its_order() -> None:
    stand = Stand()
    jobs = [new() for _ in range(3)]
    for job in jobs:
        job.kept = True
        stand.line.queue(job)
    stand.line.release()
    for job in jobs:
        stand.journal.next("start")
        stand.done(job)
    assert stand.begun == jobs


@pytest.mark.parametrize("cancelled", [0, 1])
def test_one_that_is_cancelled_while_its_mark_is_on_its_way_does_not_stop_the_line(cancelled: int) -> None:
    stand = Stand()
    first, *jobs = stand.join(3)
    stand.done(first)
    cancel(stand, jobs[cancelled])
    stand.journal.all()
    assert stand.begun == [first, jobs[1 - cancelled]]


def test_one_that_is_cancelled_while_it_waits_leaves() -> None:
    stand = Stand()
    first, second, third = stand.join(3)
    assert [stand.line.waits(job) for job in (first, second, third)] == [False, True, True]
    cancel(stand, second)
    assert not stand.line.waits(second)
    stand.done(first)
    stand.journal.all()
    assert stand.begun == [first, third]


# What the journal cannot write.


def test_marks_that_cannot_be_written_are_tried_again_after_a_while() -> None:
    stand = Stand()
    first, second, third = stand.join(3)
    stand.done(first)
    stand.journal.next("start", FULL)
    assert (stand.begun, second.state) == ([first], QUEUED)
    # Nothing but time makes it try again.
    (fourth,) = stand.join()
    stand.line.release()
    assert stand.journal.kinds == []
    stand.fire()
    stand.journal.next("start", FULL)
    stand.fire()
    for job in (second, third, fourth):
        stand.journal.next("start")
        stand.done(job)
    assert stand.begun == [first, second, third, fourth]


def test_none_overtakes_one_whose_mark_failed() -> None:
    stand = Stand()
    stand.short()
    long = stand.join(MAX_AHEAD)
    second, third = stand.join(2)
    # Two marks, and an acceptance that is a mark, are on their way when the first of them fails.
    stand.done(long[0], 1e-6)
    stand.done(long[1], 1e-6)
    assert stand.journal.kinds == ["start", "start"]
    stand.done(long[2], 1e-6)
    (fourth,) = stand.join(kept=False)
    assert fourth.state == RUNNING
    stand.begun.clear()
    stand.journal.next("start", FULL)
    stand.journal.next("start")
    (fifth,) = stand.join(kept=False)
    stand.keep([fourth, fifth])
    assert stand.begun == []
    stand.fire()
    stand.journal.next("start")
    for job in long[3:]:
        stand.done(job, 1e-6)
    stand.journal.all()
    assert stand.begun == [second, third, fourth, fifth]


def test_one_that_is_cancelled_while_its_mark_fails_is_not_marked_again() -> None:
    stand = Stand()
    first, second, third = stand.join(3)
    stand.done(first)
    cancel(stand, second)
    stand.journal.next("start", FULL)
    stand.fire()
    stand.journal.next("start")
    assert stand.begun == [first, third]


def test_while_marks_are_tried_again_one_that_finds_nobody_before_it_is_begun() -> None:
    stand = Stand()
    first, second = stand.join(2)
    stand.done(first)
    stand.journal.next("start", FULL)
    cancel(stand, second)
    (third,) = stand.join()
    assert stand.begun == [first, third]
    stand.fire()
    assert stand.journal.kinds == []


# Stopping.


def test_after_stop_nothing_is_begun_and_what_waits_is_put_back_once() -> None:
    stand = Stand()
    first, second, third = stand.join(3)
    stand.line.stop()
    stand.done(first)
    stand.line.release()
    assert (stand.begun, stand.put_back, stand.journal.kinds) == ([first], [second, third], [])


@pytest.mark.parametrize("failure", [None, FULL])
def test_what_is_on_its_way_at_stop_is_put_back_when_it_comes(failure: NotReady | None) -> None:
    stand = Stand()
    first, second, third = stand.join(3)
    (fourth,) = stand.join(kept=False)
    stand.done(first)
    stand.line.stop()
    assert stand.put_back == [third]
    stand.journal.next("start", failure)
    assert stand.put_back == [third, second]
    stand.keep([fourth])
    assert stand.put_back == [third, second, fourth]
    assert (stand.begun, stand.timers) == ([first], [])


def test_an_acceptance_that_is_a_mark_is_put_back_when_it_comes_after_stop() -> None:
    stand = Stand()
    (job,) = stand.join(kept=False)
    stand.line.stop()
    stand.keep([job])
    assert (stand.begun, stand.put_back) == ([], [job])


def test_what_was_cancelled_is_not_put_back() -> None:
    stand = Stand()
    first, second = stand.join(2)
    stand.done(first)
    cancel(stand, second)
    stand.line.stop()
    stand.journal.next("start")
    assert stand.put_back == []


def test_what_waits_for_another_try_at_stop_is_put_back_once() -> None:
    stand = Stand()
    first, second = stand.join(2)
    stand.done(first)
    stand.journal.next("start", FULL)
    stand.line.stop()
    stand.fire()
    assert (stand.put_back, stand.journal.kinds) == ([second], [])


@pytest.mark.parametrize("seed", range(60))
def test_whatever_comes_jobs_are_begun_in_the_order_of_their_joining_and_none_is_forgotten(seed: int) -> None:
    chance = random.Random(seed)
    stand = Stand()
    jobs: list[Job] = []
    refused: list[Job] = []
    took_s = [1e-6] * 40 + [1e-4] * 5 + [1.0] * (seed % 3)

    def accept(job: Job) -> None:
        def refuse(failure: NotReady) -> None:
            refused.append(job)
            stand.line.leave(job)
            stand.line.release()

        # Acceptances and marks are answered in the order in which they were asked for.
        stand.journal.held.append(("accept", lambda: stand.keep([job]), refuse))

    def answer(failure: NotReady | None = None) -> None:
        if stand.journal.held:
            stand.journal.next("", failure)

    def finish() -> None:
        if stand.line.begun:
            stand.done(next(iter(stand.line.begun.values())), chance.choice(took_s))

    def retry() -> None:
        if stand.timers:
            stand.fire()

    for _ in range(500):
        step = chance.random()
        if step < 0.35:
            jobs += stand.join(kept=False)
            accept(jobs[-1])
        elif step < 0.65:
            answer(FULL if chance.random() < 0.1 else None)
        elif step < 0.9:
            finish()
        elif step < 0.95 and jobs:
            job = chance.choice(jobs[-10:])
            if job.kept and job not in stand.begun and job.state != CANCELLED:
                cancel(stand, job)
        else:
            retry()
    while stand.journal.held or stand.timers or stand.line.begun:
        answer()
        finish()
        retry()
    assert stand.begun == [job for job in jobs if job.state != CANCELLED and job not in refused]
