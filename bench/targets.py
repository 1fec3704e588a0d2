"""What gombus is to reach."""

from __future__ import annotations

from typing import Callable, NamedTuple

from . import memory, startup, throughput
from .journals import FEW, MANY
from .variants import MANY_TYPES


class Results(NamedTuple):
    """All that was measured."""

    throughput: list[throughput.Row]
    startup: list[startup.Row]
    memory: list[memory.Row]

    def ratio(self, variant: str, load: str) -> float:
        """Throughput over that of the variant's base."""
        return next(row.ratio for row in self.throughput if (row.variant, row.load) == (variant, load))

    def start_ratio(self, variant: str) -> float:
        """Start-up time over the echo's."""
        return next(row.ratio for row in self.startup if row.variant == variant)

    def start_s(self, variant: str) -> float:
        """Start-up time in s."""
        return next(row.ms for row in self.startup if row.variant == variant) / 1e3

    def per_connection_kib(self, variant: str) -> float:
        """Memory of one idle connection."""
        return next(row.per_connection_kib for row in self.memory if row.variant == variant)


class Target(NamedTuple):
    """One figure to reach."""

    text: str
    limit: float
    at_most: bool
    measured: Callable[[Results], float]

    def reached(self, results: Results) -> bool:
        """Whether it was."""
        value = self.measured(results)
        return value <= self.limit if self.at_most else value >= self.limit


TARGETS = (
    Target(
        "throughput over that of the echo, one connection in sequence",
        0.45,
        False,
        lambda r: r.ratio("gombus", "sequence"),
    ),
    Target("throughput over that of the echo, 64 in flight", 0.25, False, lambda r: r.ratio("gombus", "in_flight")),
    Target("throughput over that of the echo, 50 connections", 0.30, False, lambda r: r.ratio("gombus", "connections")),
    Target(
        f"throughput with {MANY_TYPES} request types over that with 3, in sequence",
        0.95,
        False,
        lambda r: r.ratio("many_types", "sequence"),
    ),
    Target("the same, 64 in flight", 0.95, False, lambda r: r.ratio("many_types", "in_flight")),
    Target(
        "throughput with journal over that without, 64 in flight, on the wire where it is less",
        0.5,
        False,
        lambda r: min(r.ratio(name, "in_flight") for name in ("journal", "jsonrpc_journal")),
    ),
    Target(
        f"time of a new request with {MANY:,} finished jobs in the journal over that with {FEW}, in sequence",
        1.2,
        True,
        lambda r: 1 / r.ratio("new_many", "sequence"),
    ),
    Target("the same, tasks/get of a finished job", 1.2, True, lambda r: 1 / r.ratio("get_many", "sequence")),
    Target("start-up over that of the echo", 3.0, True, lambda r: r.start_ratio("image")),
    Target(
        f"start-up with {MANY:,} finished jobs in the journal, s more than with a new one",
        0.3,
        True,
        lambda r: r.start_s("new_many") - r.start_s("journal"),
    ),
    Target("memory of one idle connection, KiB", 20.0, True, lambda r: r.per_connection_kib("gombus")),
)
