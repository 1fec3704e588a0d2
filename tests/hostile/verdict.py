"""Whether what is promised was kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import TYPE_CHECKING

from honest import JUDGED, TRIPS, Honest, Trip
from kinds import KINDS
from program import Sample
from promises import DELAY, ENDS, GROWN_MIB, HANDLES, LOG, LOG_MIB, MEMORY, SERVER, Violation

if TYPE_CHECKING:
    from soak import Figures

SETTLED_S = 60.0
"""From this length of an attack on it is looked whether the memory grows."""
SHOWN_S = 25.0
"""From this length of an attack on every kind must have met its end."""
MIB = 1 << 20
_HANDLES = 2
"""So many more are no sign: files that come and go."""


def is_full(start: Sample, now: Sample, most_mib: int) -> bool:
    """Whether more memory was taken than may ever be."""
    return now.uss > start.uss + most_mib * MIB


def has_let_go(start: Sample, now: Sample) -> bool:
    """Whether handles and threads are where they were."""
    return now.handles <= start.handles + _HANDLES and now.threads <= start.threads


def judge(figures: Figures, honest: Honest) -> Iterator[Violation]:
    """What was broken, as far as figures show it."""
    yield from _delays(figures, honest)
    yield from _memory(figures)
    assert figures.start is not None and figures.end is not None
    if not has_let_go(figures.start, figures.end):
        yield Violation(
            HANDLES,
            f"{figures.start.handles} handles and {figures.start.threads} threads have become {figures.end.handles} "
            f"and {figures.end.threads}",
        )
    if figures.log_per_minute > LOG_MIB * MIB:
        yield Violation(LOG, f"the log grew by {figures.log_per_minute / MIB:.1f} MiB a minute")
    yield from _ends(figures)
    for text in honest.wrong[:5]:
        yield Violation(SERVER, text)


def logged(lines: Iterable[str]) -> Iterator[Violation]:
    """Bugs that the server itself saw."""
    for line in lines:
        if "Traceback" in line or " ERROR " in line:
            yield Violation(SERVER, f"it logged: {line.strip()[:500]}")
            return


def _delays(figures: Figures, honest: Honest) -> Iterator[Violation]:
    def delay(trip: Trip) -> float:
        return trip.took - honest.clock.still(trip.begin, trip.end)

    late = [trip for trip in figures.beside if trip.what in JUDGED and trip.took > figures.plan.limit_s]
    late = [trip for trip in late if delay(trip) > figures.plan.limit_s]
    if late:
        worst = max(late, key=delay)
        yield Violation(DELAY, f"{len(late)} times; the worst, of {TRIPS[worst.what]}: {delay(worst):.2f} s")


def _memory(figures: Figures) -> Iterator[Violation]:
    start, during = figures.start, figures.during
    assert start is not None
    peak = max(during, key=lambda sample: sample.uss)
    if is_full(start, peak, figures.plan.most_mib):
        yield Violation(MEMORY, f"it grew from {start.uss / MIB:.0f} to {peak.uss / MIB:.0f} MiB")
    if figures.plan.seconds >= SETTLED_S:
        quarter = len(during) // 4
        before, after = (
            median(sample.uss for sample in during[place * quarter : (place + 1) * quarter]) / MIB for place in (1, 3)
        )
        if after > before + GROWN_MIB:
            yield Violation(MEMORY, f"it grew from {before:.0f} to {after:.0f} MiB while the attack went on")


def _ends(figures: Figures) -> Iterator[Violation]:
    for name, found in figures.kinds.items():
        kind = KINDS[name]
        allowed = {"left", *kind.shows, *kind.ends}
        other = {end: count for end, count in found["ends"].items() if end not in allowed}
        if other:
            yield Violation(ENDS, f"{name}: connections ended so: {other}")
        seen = {*found["ends"], *found["answers"]}
        if figures.plan.seconds >= SHOWN_S and not seen.issuperset(kind.shows):
            yield Violation(ENDS, f"{name}: nobody saw {', '.join(set(kind.shows) - seen)}")
