"""How many jobs may be marked as running at a time, because each is likely to be short."""

from __future__ import annotations

import math

MAX_AHEAD = 64
AHEAD_S = 0.005
"""How much work, in s, may be marked as running ahead: after a crash all of it counts as interrupted."""
_FADES = 0.8


class Ahead:
    """The jobs that are marked, by request type, and how long those of each type take.

    Short is a type only after many jobs that were, and long after one that was. One of which nothing is known, and one
    that is long, is marked alone: behind nobody, and nobody behind it.
    """

    def __init__(self) -> None:
        self._job_s: dict[str, float] = {}
        """How long a job of each request type is expected to take, in s: the longest of late, which fades."""
        self._counts: dict[str, int] = {}
        """How many of each request type are marked; none stands there with 0."""
        self._marked = 0

    def has_room(self, request: str) -> bool:
        """Whether one more job may be marked."""
        if not self._marked:
            return True
        if self._marked >= MAX_AHEAD:
            return False
        job_s = self._job_s
        expected_s = job_s.get(request, math.inf)
        for name, count in self._counts.items():
            expected_s += count * job_s.get(name, math.inf)
        return expected_s <= AHEAD_S

    def is_short(self, request: str) -> bool:
        """Whether a job of this type is expected to take no longer than may be marked ahead."""
        return self._job_s.get(request, math.inf) <= AHEAD_S

    def add(self, request: str) -> None:
        """A job is marked."""
        self._marked += 1
        self._counts[request] = self._counts.get(request, 0) + 1

    def remove(self, request: str) -> None:
        """A job that was marked has ended, or is put back."""
        self._marked -= 1
        left = self._counts[request] - 1
        if left:
            self._counts[request] = left
        else:
            del self._counts[request]

    def took(self, request: str, seconds: float, whole: bool) -> None:
        """A job was run.

        :param whole: whether it did all that jobs of its type do. What was refused half-way says nothing of how long
            the others take, unless it took longer.
        """
        known_s = self._job_s.get(request)
        if whole:
            before_s = AHEAD_S if known_s is None else known_s
            self._job_s[request] = max(seconds, _FADES * before_s + (1 - _FADES) * seconds)
        elif known_s is not None and seconds > known_s:
            self._job_s[request] = seconds
