"""Looks at what the owner thread does: a request that overruns its time, and a gom command that does not return.

Neither can be cut short. So both are reported, and the thread is waited for.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Callable, NamedTuple

from .executor import Executor
from .guard import Inside
from .job import Job
from .model import RUNNING
from .presence import Presence

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often, in s, it is looked at least, because only the owner thread knows when something begins."""
_SHOWING = "showing gombus's dialog, progress bar or log lines in INSPECT"
"""In the place of a command's path, for what belongs to no request."""


class Stay(NamedTuple):
    """Where the owner thread is, and for how long."""

    command: str
    """Path of the gom command; empty where its handler reads gom.app, or works outside gom."""
    seconds: float
    stuck: bool
    """Whether that is longer than the setting `watch_s`."""

    def __str__(self) -> str:
        if self.command:
            return f"{self.command} has not returned for {self.seconds:.0f} s"
        return f"a handler has not come back for {self.seconds:.0f} s: it reads gom.app, or works outside gom"


class Watch:
    """Belongs to the network thread.

    :param inside: what of gom the owner thread is in.
    :param later: calls something on this thread after so many seconds.
    :param running: gives the job that holds the owner thread.
    :param overrun: gets a job that overran its time, once.
    :param watch_s: after how long, in s, something is reported as not returning.
    :param presence: is looked at meanwhile; one that can gives up what hangs for too long.
    """

    def __init__(
        self,
        executor: Executor[Any],
        inside: Inside,
        later: Callable[[float, Callable[[], None]], Any],
        running: Callable[[], Job | None],
        overrun: Callable[[Job], None],
        watch_s: float,
        presence: Presence | None = None,
    ) -> None:
        self._executor = executor
        self._inside = inside
        self._later = later
        self._running = running
        self._overrun = overrun
        self._watch_s = watch_s
        self._presence = presence or Presence()
        self._due = False
        self._reported: tuple[str, float] | None = None

    def stay(self) -> Stay | None:
        """Where the owner thread is; None where it has nothing to do."""
        noted = self._noted()
        if noted is None:
            return None
        seconds = time.monotonic() - noted[1]
        return Stay(noted[0], seconds, seconds >= self._watch_s)

    def begun(self, limit_s: float = LOOK_S) -> None:
        """Something was given to the owner thread, which may take so long."""
        self._look_in(min(limit_s, self._watch_s))

    def showing(self) -> None:
        """On the owner thread: it begins to show something in INSPECT, for no request."""
        self._inside.noted = (_SHOWING, time.monotonic())

    def ended(self) -> None:
        """The owner thread is done with something."""
        if self._reported is not None:
            self._look_whether_it_returned()

    def _noted(self) -> tuple[str, float] | None:
        began_s = self._executor.began_s
        if not began_s:
            return None
        noted = self._inside.noted
        # What was noted earlier is of something else.
        return noted if noted[1] >= began_s else ("", began_s)

    def _look_in(self, seconds: float) -> None:
        if not self._due:
            self._due = True
            self._later(min(seconds, LOOK_S), self._look)

    def _look(self) -> None:
        self._due = False
        self.ended()
        if self._executor.unfinished:
            self._presence.look()
            self._look_in(min(self._look_at_the_time(), self._look_at_the_stay()))

    def _look_at_the_time(self) -> float:
        """Report a request that overruns its time.

        :returns: when to look again, in s.
        """
        job = self._running()
        if job is None or job.state != RUNNING:
            return LOOK_S
        left_s = job.began_s + job.kind.request.timeout_s - time.monotonic()
        if left_s > 0:
            return left_s
        log.error("%s request, job %s: overrun; its command may still be running", job.call.name, job.id)
        self._overrun(job)
        return LOOK_S

    def _look_at_the_stay(self) -> float:
        """Report, once, what does not return.

        :returns: when to look again, in s.
        """
        noted, stay = self._noted(), self.stay()
        if noted is None or stay is None or noted == self._reported:
            return LOOK_S
        if stay.stuck:
            self._reported = noted
            job = self._running()
            whose = "a plan: " if job is None else f"{job.call.name} request, job {job.id}: "
            log.warning("%s%s; INSPECT may hang, or wait for its user", "" if stay.command == _SHOWING else whose, stay)
            return LOOK_S
        return self._watch_s - stay.seconds

    def _look_whether_it_returned(self) -> None:
        if self._reported is not None and self._noted() != self._reported:
            command, since_s = self._reported
            self._reported = None
            what = command or "what did not come back"
            log.warning("%s has returned after %.0f s", what, time.monotonic() - since_s)
