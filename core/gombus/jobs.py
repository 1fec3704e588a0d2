"""The life of every job: accepted, queued, begun, ended. Everything here belongs to the network thread.

Nothing is told to a client before the journal keeps it, and no handler is begun before the journal says so: what was
begun at a crash is never run again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial
from typing import Any, Callable

from .config import Settings
from .errors import Busy, Cancelled, Conflict, NotReady, ServerStopping, TimedOut
from .executor import Executor
from .followers import Asker
from .guard import Inside
from .job import Done, Job
from .journal import Ending, Journal
from .line import Later, Line
from .model import CANCELLED, ENDED, FAILED, OPEN, QUEUED, RUNNING, Outcome, Record
from .outcomes import NOT_BEGUN, WAITS, state_of
from .presence import Presence
from .receipt import json_value
from .watch import Watch

log = logging.getLogger(__name__)


class Jobs:
    """Takes jobs from their acceptance to their end.

    :param run: runs a job's handler on the owner thread, and never raises.
    :param backend: name of the backend.
    :param inside: what of gom the owner thread is in.
    :param presence: whether the backend is there.
    """

    def __init__(
        self,
        executor: Executor[Any],
        journal: Journal,
        run: Callable[[Job], Outcome],
        later: Later,
        backend: str,
        inside: Inside,
        settings: Settings,
        presence: Presence,
    ) -> None:
        self._executor = executor
        self._journal = journal
        self._run = run
        self._backend = backend
        self._live: dict[str, Job] = {}
        self._keys: dict[str, Job] = {}
        self._places: dict[str, int] | None = None
        """Counted once for all who ask, until a job comes or goes."""
        self._presence = presence
        self.line = Line(journal, later, self._begin, self._put_back, presence)
        self._max_queued = settings.max_queued
        self.watch = Watch(executor, inside, later, lambda: self.running, self._overrun, settings.watch_s, presence)
        """Knows what the owner thread is in."""
        self.stopping = False
        self.ended: Callable[[Job], None] = lambda job: None
        """Called with each job that ended."""
        self.stop_asked: Callable[[], None] = lambda: None
        """Called when a job that ended asks for the server to stop."""

    def __len__(self) -> int:
        return len(self._live)

    @property
    def running(self) -> Job | None:
        """The job that holds the owner thread, even where it was reported as overrun."""
        return next((job for job in self.line.begun.values() if job.began_s), None)

    def live(self, id: str, key: str = "") -> Job | None:
        """A job that has not ended, by its id, or by its idempotency key where the id is empty."""
        return self._live.get(id) if id else self._keys.get(key)

    def all_live(self) -> Iterable[Job]:
        """The jobs that have not ended, oldest first."""
        return self._live.values()

    def position(self, job: Job) -> int:
        """How many jobs are before a queued one."""
        if self._places is None:
            self._places = {id: place for place, id in enumerate(self._live)}
        return self._places.get(job.id, 0)

    def submit(self, job: Job, done: Done, asker: Asker) -> None:
        """Accept a job. `done` gets its outcome, or, for a task, its state as soon as it is kept.

        :raises Refusal: it is not accepted, or its key belongs to another payload.
        """
        if self.stopping:
            raise ServerStopping("The server is stopping; the request was not started.")
        meta = job.call.meta
        known = self._keys.get(meta.key) if meta.key else None
        if known is not None:
            if known.digest != job.digest:
                raise Conflict(known.id)
            known.follow(asker, meta, done)
            if meta.task and known.kept:
                known.answer_tasks()
            return
        # One that nobody relies on beyond a connection would keep its client waiting for nobody knows how long.
        if not (job.lasting or job.kind.request.at_once):
            self.refuse_where_not_ready()
        self.refuse_too_many()
        job.follow(asker, meta, done)
        self._accept(job)

    def refuse_where_not_ready(self) -> None:
        """:raises NotReady: the backend is not there."""
        if not self._presence.ready:
            raise NotReady(f"{self._presence.reason}.")

    def refuse_too_many(self) -> None:
        """:raises Busy: as many wait or run as may."""
        # What is at the owner thread and no job of ours is a plan.
        plans = max(0, self._executor.unfinished - len(self.line.begun))
        if len(self._live) + plans >= self._max_queued:
            raise Busy(len(self._live) + plans, self._max_queued)

    def recover(self, jobs: Iterable[Job]) -> None:
        """Queue jobs that the journal kept from before."""
        for job in jobs:
            job.kept = True
            self._add(job)
            self.line.queue(job)
        self.line.release()

    def cancel(self, job: Job) -> bool:
        """Cancel a job that the journal keeps and that has not been begun.

        :returns: whether it is cancelled; who waits for its end is told when the journal keeps that.
        """
        if job.state in ENDED or not job.claim():
            return False
        # A job at the owner thread keeps its place until its turn comes and finds it claimed.
        if self.line.waits(job):
            self.line.leave(job)
        self._end(job, CANCELLED, Outcome(error=Cancelled("The request was cancelled before it was started.")))
        return True

    def stop(self) -> None:
        """Begin nothing more; what a client relies on is kept for the next start."""
        self.stopping = True
        self.line.stop()
        self._executor.stop(NOT_BEGUN)

    # Accepting.

    def _add(self, job: Job) -> None:
        self._live[job.id] = job
        self._places = None
        job.where = self.position
        if job.call.meta.key:
            self._keys[job.call.meta.key] = job

    def _accept(self, job: Job) -> None:
        self._add(job)
        if job.kind.request.at_once:
            job.state = RUNNING
        else:
            self.line.join(job)
        self._journal.accept(job.record(self._backend, self._journal.batched), partial(self._accepted, job))

    def _accepted(self, job: Job, answer: Record | NotReady | None) -> None:
        if answer is not None:
            self._not_accepted(job, answer)
            return
        job.kept = True
        job.answer_tasks()
        if job.kind.request.at_once:
            self._set_out(job)
            outcome = self._carry_out(job)
            self._end(job, state_of(outcome), outcome)
        else:
            self.line.accepted(job)

    def _not_accepted(self, job: Job, answer: Record | NotReady) -> None:
        self._forget(job)
        self.line.leave(job)
        if isinstance(answer, NotReady):
            job.answer(Outcome(error=answer), tasks=True)
        elif answer.digest != job.digest:
            job.answer(Outcome(error=Conflict(answer.id)), tasks=True)
        elif answer.state in OPEN:
            error = NotReady("it does not know yet how the job with this idempotency key ended.")
            job.answer(Outcome(error=error), tasks=True)
        else:
            job.answer_recorded(answer)
        self.line.release()

    # Running.

    def _begin(self, job: Job) -> None:
        self._executor.submit(partial(self._work, job), partial(self._worked, job), self.line.is_short(job))
        self.watch.begun(job.kind.request.timeout_s)

    def _work(self, job: Job) -> Outcome | None:
        """On the owner thread; None where the job was cancelled before its turn."""
        if not self._presence.begin():
            return WAITS
        if not job.claim():
            return None
        self._set_out(job)
        if job.followers:
            self._executor.post(job.tell_status)
        return self._carry_out(job)

    @staticmethod
    def _set_out(job: Job) -> None:
        job.started = time.time()
        job.began_s = time.monotonic()

    def _carry_out(self, job: Job) -> Outcome:
        # On Windows the monotonic clock can stand still for longer than a short job takes.
        begin_s = time.perf_counter()
        outcome = self._run(job)
        job.took_s = time.perf_counter() - begin_s
        if outcome is NOT_BEGUN:
            job.started, job.began_s = None, 0.0
        if outcome.result is not None:
            outcome = outcome._replace(result=json_value(outcome.result, job.call.name))
        return outcome

    # Ending.

    def _worked(self, job: Job, outcome: Outcome | None) -> None:
        self.watch.ended()
        if outcome is WAITS and job.state == RUNNING:
            self.line.again(job)
            return
        if outcome is NOT_BEGUN or outcome is WAITS:
            self.line.leave(job)
            if job.state == RUNNING:
                self._put_back(job)
            return
        if outcome is not None:
            state = state_of(outcome)
            if job.state == RUNNING:
                self._end(job, state, outcome)
            else:
                self._ended_late(job, state, outcome)
        self.line.done(job)

    def _end(self, job: Job, state: str, outcome: Outcome) -> None:
        job.state = state
        job.finished = time.time()
        receipt = job.receipt(outcome)
        job.outcome = Outcome(outcome.result, outcome.error, outcome.stop, job.id, receipt)
        ending = Ending(job.id, state, job.started, job.finished, receipt, bool(job.began_s))
        self._journal.finish(ending, partial(self._told, job))

    def _told(self, job: Job) -> None:
        self._forget(job)
        job.told = True
        self.ended(job)
        assert job.outcome is not None
        job.answer(job.outcome)
        if job.followers:
            job.tell_status()
            job.followers.clear()
        if job.outcome.stop:
            self.stop_asked()

    def _ended_late(self, job: Job, state: str, outcome: Outcome) -> None:
        job.finished = time.time()
        log.warning("%s request, job %s: it was reported as overrun, and has now %s", job.call.name, job.id, state)
        self._journal.late(job.id, job.receipt(outcome, state))
        if outcome.stop:
            self.stop_asked()

    def _overrun(self, job: Job) -> None:
        self._end(job, FAILED, Outcome(error=TimedOut(job.call.name, job.kind.request.timeout_s)))

    def _put_back(self, job: Job) -> None:
        """The server stops before this job's turn."""
        if not (self._journal.batched and job.lasting):
            error = ServerStopping("The server is stopping; the request was not started.")
            self._end(job, CANCELLED, Outcome(error=error))
            return
        job.state = QUEUED
        text = "The server is stopping; the request is kept, and will run after the restart."
        self._forget(job)
        # Also where no mark was asked for: one that was thought to have failed may stand in the journal.
        self._journal.requeue([job.id], partial(job.answer, Outcome(error=ServerStopping(text, kept=True), job=job.id)))

    def _forget(self, job: Job) -> None:
        self._live.pop(job.id, None)
        self._places = None
        if self._keys.get(job.call.meta.key) is job:
            del self._keys[job.call.meta.key]
