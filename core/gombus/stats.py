"""What was asked of each request type since the start: counts, times, the last error."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from .errors import Refusal
from .evidence import iso
from .job import Job
from .refusals import code_of


class Stats:
    """Counts by request type. Refusals count as requests and as errors."""

    def __init__(self, names: Iterable[str]) -> None:
        self.since_text = iso(time.time())
        """When counting began, in ISO 8601."""
        self._types = {name: _Type() for name in names}

    def ended(self, job: Job) -> None:
        """A job ended."""
        kind = self._types[job.call.name]
        kind.requests += 1
        kind.seconds += job.took_s
        if job.outcome is not None and job.outcome.error is not None:
            kind.failed(job.outcome.error)

    def refused(self, name: str, error: Refusal) -> None:
        """A request was not accepted."""
        kind = self._types.get(name)
        if kind is not None:
            kind.requests += 1
            kind.failed(error)

    def plain(self) -> dict[str, dict[str, Any]]:
        """The figures as JSON objects by request type; times in s."""
        return {name: kind.plain() for name, kind in self._types.items()}


class _Type:
    __slots__ = ("errors", "last_error", "requests", "seconds")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.seconds = 0.0
        self.last_error: dict[str, str] | None = None

    def failed(self, error: Refusal) -> None:
        self.errors += 1
        self.last_error = {"code": code_of(error), "message": str(error), "time": iso(time.time())}

    def plain(self) -> dict[str, Any]:
        return {
            "num_requests": self.requests,
            "num_errors": self.errors,
            "last_error": self.last_error,
            "processing_time": round(self.seconds, 6),
            "average_processing_time": round(self.seconds / self.requests, 6) if self.requests else 0.0,
        }
