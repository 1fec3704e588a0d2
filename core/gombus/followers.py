"""The clients that want to be notified of one job, and how far its handler says that it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable, Protocol

from .model import Identity, Meta

PROGRESS = "notifications/progress"
STATUS = "notifications/tasks/status"
PROGRESS_S = 0.1
"""Shortest time, in s, between two progress notifications of one job."""
MAX_FOLLOWERS = 256
"""How many clients are notified of one job."""


class Asker(Protocol):
    """The client that asks."""

    client: str
    """Its address, for people."""
    identity: Identity
    """Who it is."""

    @property
    def gone(self) -> bool:
        """Whether its connection is lost. May be asked on any thread."""

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send it a notification; nothing happens where it cannot be told, or is gone."""


class Followers:
    """Knows nothing of its job, so that what a job leaves behind goes at once, without waiting to be collected."""

    __slots__ = ("_followers", "_progress", "_reported", "_told_end", "_told_s", "_waits")

    def __init__(self) -> None:
        self._followers: dict[Asker, Meta] = {}
        self._progress: tuple[float, float, str] | None = None
        self._reported = False
        self._told_s = 0.0
        self._told_end = False
        self._waits = False

    def __bool__(self) -> bool:
        return bool(self._followers)

    def add(self, asker: Asker, meta: Meta) -> None:
        """A client waits for the job; it follows where it asked for a task or for progress.

        One that asks again with its key is told everything once, of its progress with the latest token.
        """
        if not meta.task and meta.progress_token is None:
            return
        known = self._followers.get(asker)
        if known is not None:
            token = known.progress_token if meta.progress_token is None else meta.progress_token
            self._followers[asker] = meta._replace(task=known.task or meta.task, progress_token=token)
            return
        if len(self._followers) >= MAX_FOLLOWERS:
            self._followers = {asker: meta for asker, meta in self._followers.items() if not asker.gone}
        if len(self._followers) < MAX_FOLLOWERS:
            self._followers[asker] = meta

    def include(self, asker: Asker) -> bool:
        """Whether this client is among them."""
        return asker in self._followers

    def clear(self) -> None:
        """They were told of its end, and are to be told no more."""
        self._followers.clear()

    @property
    def progress(self) -> dict[str, Any] | None:
        """How far the handler is, as clients see it; None where it did not say."""
        if self._progress is None:
            return None
        return dict(zip(("progress", "total", "message"), self._progress))

    def report(
        self,
        post: Callable[[Callable[[], None]], None],
        later: Callable[[float, Callable[[], None]], Any],
        done: float,
        total: float,
        text: str,
    ) -> None:
        """On the owner thread: the handler says how far it is.

        :param post: has something done on the network thread.
        :param later: has something done there after so many seconds.
        """
        self._progress = (done, total, text)
        # One at a time is on its way, so that a handler that says much cannot fill the queue back.
        if self._followers and not self._reported:
            self._reported = True
            post(partial(self._reached, later))

    def tell_status(self, task: Callable[[], Mapping[str, Any]]) -> None:
        """Notify the clients that asked for a task.

        :param task: makes what they are told.
        """
        for asker, meta in self._followers.items():
            if meta.task:
                asker.notify(STATUS, task())

    def _reached(self, later: Callable[[float, Callable[[], None]], Any]) -> None:
        """Tell the newest step, now or as soon as there may be another notification."""
        self._reported = False
        done, total, _ = self._progress or (0.0, 0.0, "")
        # The end of a count is told at once, but only the first: some handlers do not know how much there is to do.
        ended = done >= total
        wait_s = self._told_s + PROGRESS_S - time.monotonic()
        if wait_s <= 0 or (ended and not self._told_end):
            self._told_end = self._told_end or ended
            self._tell_progress()
        elif not self._waits:
            self._waits = True
            later(wait_s, self._tell_waiting)

    def _tell_waiting(self) -> None:
        # Not where the end of a count was told meanwhile.
        if self._waits:
            self._tell_progress()

    def _tell_progress(self) -> None:
        self._waits = False
        self._told_s = time.monotonic()
        for asker, meta in self._followers.items():
            if meta.progress_token is not None:
                asker.notify(PROGRESS, {"progressToken": meta.progress_token, **(self.progress or {})})
