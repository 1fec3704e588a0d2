"""The clients that want to be notified of one job, and how far its handler says that it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Callable, Protocol

from .model import Identity, Meta

PROGRESS = "notifications/progress"
STATUS = "notifications/tasks/status"
PROGRESS_S = 0.1
"""Shortest time, in s, between two progress notifications of one job."""


class Asker(Protocol):
    """The client that asks."""

    client: str
    """Its address, for people."""
    identity: Identity
    """Who it is."""

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send it a notification; nothing happens where it cannot be told, or is gone."""


class Followers:
    """Knows nothing of its job, so that what a job leaves behind goes at once, without waiting to be collected."""

    __slots__ = ("_followers", "_progress", "_reported", "_told_end", "_told_s")

    def __init__(self) -> None:
        self._followers: list[tuple[Asker, Meta]] = []
        self._progress: tuple[float, float, str] | None = None
        self._reported = False
        self._told_s = 0.0
        self._told_end = False

    def __bool__(self) -> bool:
        return bool(self._followers)

    def add(self, asker: Asker, meta: Meta) -> None:
        """A client waits for the job; it follows where it asked for a task or for progress."""
        # One that asks again with its key does not want to be told everything once more.
        if (meta.task or meta.progress_token is not None) and (asker, meta) not in self._followers:
            self._followers.append((asker, meta))

    def include(self, asker: Asker) -> bool:
        """Whether this client is among them."""
        return any(follower is asker for follower, _ in self._followers)

    def clear(self) -> None:
        """They were told of its end, and are to be told no more."""
        self._followers.clear()

    @property
    def progress(self) -> dict[str, Any] | None:
        """How far the handler is, as clients see it; None where it did not say."""
        if self._progress is None:
            return None
        return dict(zip(("progress", "total", "message"), self._progress))

    def report(self, post: Callable[[Callable[[], None]], None], done: float, total: float, text: str) -> None:
        """On the owner thread: the handler says how far it is.

        :param post: has something done on the network thread.
        """
        self._progress = (done, total, text)
        # One at a time is on its way, so that a handler that says much cannot fill the queue back.
        if self._followers and not self._reported:
            self._reported = True
            post(self._tell_progress)

    def tell_status(self, task: Callable[[], Mapping[str, Any]]) -> None:
        """Notify the clients that asked for a task.

        :param task: makes what they are told.
        """
        for asker, meta in self._followers:
            if meta.task:
                asker.notify(STATUS, task())

    def _tell_progress(self) -> None:
        self._reported = False
        now_s = time.monotonic()
        done, total, _ = self._progress or (0.0, 0.0, "")
        # The end of a count is told at once, but only the first: some handlers do not know how much there is to do.
        ended = done >= total
        if now_s - self._told_s < PROGRESS_S and (self._told_end or not ended):
            return
        self._told_s = now_s
        self._told_end = self._told_end or ended
        for asker, meta in self._followers:
            if meta.progress_token is not None:
                asker.notify(PROGRESS, {"progressToken": meta.progress_token, **(self.progress or {})})
