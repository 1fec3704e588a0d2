"""The line of jobs between their acceptance and the owner thread. Belongs to the network thread.

A job is marked as running in the journal before its handler is begun. A mark costs as much as a disk takes, so where
jobs are short several are marked at once; where they are long, only the one whose turn it is.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Callable

from .ahead import Ahead
from .errors import NotReady
from .job import Job
from .journal import Journal
from .model import QUEUED, RUNNING
from .presence import Presence

RETRY_S = 1.0
"""After how long, in s, marks are tried again that the journal could not write."""

Later = Callable[[float, Callable[[], None]], Any]
"""Calls something on this thread after so many seconds."""


class Line:
    """Keeps jobs in order.

    :param begin: gets each job when it may be given to the owner thread.
    :param put_back: gets each job whose turn does not come, because the server stops.
    :param presence: nothing is marked while INSPECT is not there.
    """

    def __init__(
        self,
        journal: Journal,
        later: Later,
        begin: Callable[[Job], None],
        put_back: Callable[[Job], None],
        presence: Presence | None = None,
    ) -> None:
        self._journal = journal
        self._later = later
        self._begin = begin
        self._put_back = put_back
        self._presence = presence or Presence()
        self._waiting: deque[Job] = deque()
        self._marking: dict[str, Job] = {}
        """Jobs whose mark as running is on its way to the journal, in order."""
        self._tries = 0
        self._ahead = Ahead()
        self._retrying = False
        self._stopped = False
        self.begun: dict[str, Job] = {}
        """Jobs that were given to the owner thread, in order."""

    def join(self, job: Job) -> None:
        """A job that is about to be accepted takes its place; where nobody is before it, it is marked at once."""
        if not self._waiting and self._has_room(job):
            self._mark(job)
        else:
            self._waiting.append(job)

    def queue(self, job: Job) -> None:
        """A job that the journal keeps from before takes its place."""
        self._waiting.append(job)

    def accepted(self, job: Job) -> None:
        """The journal keeps this job."""
        if self._stopped:
            self.leave(job)
            self._put_back(job)
        elif job.state == RUNNING:
            self._hand_over(job)
        else:
            self.release()

    def leave(self, job: Job) -> None:
        """A job gives up its place."""
        if self.begun.pop(job.id, None) or self._marking.pop(job.id, None):
            self._ahead.remove(job.call.name)
        elif job in self._waiting:
            self._waiting.remove(job)

    def waits(self, job: Job) -> bool:
        """Whether a job is neither marked nor begun."""
        return job in self._waiting

    def is_short(self, job: Job) -> bool:
        """Whether a job is expected to take a moment only."""
        return self._ahead.is_short(job.call.name)

    def done(self, job: Job) -> None:
        """The owner thread is free of this job."""
        del self.begun[job.id]
        self._ahead.remove(job.call.name)
        if job.began_s:
            self._ahead.took(job.call.name, job.took_s, job.carried_out)
        self.release()

    def again(self, job: Job) -> None:
        """A job that was given to the owner thread was not begun, because INSPECT is not there: it waits again."""
        del self.begun[job.id]
        self._ahead.remove(job.call.name)
        if self._stopped:
            self._put_back(job)
            return
        job.state = QUEUED
        self._return(job)
        # The journal keeps the order, so this is done before it is marked once more.
        self._journal.requeue([job.id], lambda: None)
        self.release()

    def release(self) -> None:
        """Mark what may be begun now."""
        if self._stopped or self._retrying:
            return
        batch = []
        while self._waiting and self._waiting[0].kept and self._has_room(self._waiting[0]):
            batch.append(self._waiting.popleft())
            self._mark(batch[-1])
        if batch:
            tries = self._tries
            self._journal.start([job.id for job in batch], lambda failure: self._marked(batch, tries, failure))

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True
        waiting, self._waiting = self._waiting, deque()
        for job in waiting:
            # One that the journal does not keep yet comes back when it does.
            if job.kept:
                self._put_back(job)

    def _has_room(self, job: Job) -> bool:
        return self._presence.ready and (not self._journal.batched or self._ahead.has_room(job.call.name))

    def _mark(self, job: Job) -> None:
        job.state = RUNNING
        self._ahead.add(job.call.name)
        self._marking[job.id] = job

    def _hand_over(self, job: Job) -> None:
        del self._marking[job.id]
        self.begun[job.id] = job
        self._begin(job)

    def _marked(self, batch: list[Job], tries: int, failure: NotReady | None) -> None:
        # Where an earlier mark failed, these were put back in line with it.
        if tries != self._tries:
            return
        if failure is not None and not self._stopped:
            self._mark_again()
            return
        for job in batch:
            # Not one that was cancelled meanwhile.
            if job.state == RUNNING and not self._stopped:
                self._hand_over(job)
            else:
                self.leave(job)
                if job.state == RUNNING:
                    self._put_back(job)
        self.release()

    def _mark_again(self) -> None:
        """A mark failed: all whose mark is on its way wait again, because none may overtake the other."""
        self._tries += 1
        marking, self._marking = self._marking, {}
        for job in reversed(marking.values()):
            self._ahead.remove(job.call.name)
            if job.state == RUNNING:
                job.state = QUEUED
                self._return(job)
        self._retrying = True
        self._later(RETRY_S, self._retry)

    def _return(self, job: Job) -> None:
        # Ids are in the order in which jobs were accepted.
        place = next((place for place, other in enumerate(self._waiting) if other.id > job.id), len(self._waiting))
        self._waiting.insert(place, job)

    def _retry(self) -> None:
        self._retrying = False
        self.release()
