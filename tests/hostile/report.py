"""The figures as Markdown and as JSON."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any, NamedTuple

import websockets
from faults import FAULTS
from honest import JUDGED, TRIPS, Trip
from kinds import KINDS
from program import Sample
from promises import PROMISES
from soak import CLIENTS, Figures
from verdict import MIB

_SHOWN = 8
"""So many moments of the attack are shown."""


class Results(NamedTuple):
    """What a whole run gave."""

    mixed: Figures | None
    """All kinds at once."""
    alone: dict[str, Figures]
    """Clients of one kind, by that."""
    faults: dict[str, Figures]
    """By name of the fault that was planted."""
    seconds: float
    load: float
    """How many processes wanted to run when it began, the harness not among them."""


def caught(name: str, found: Figures) -> bool:
    """Whether a planted fault was seen to break what it breaks."""
    return FAULTS[name].promise in {violation.promise for violation in found.violations}


def passed(results: Results) -> bool:
    """Whether no promise was broken but by the planted faults, and each of those was caught."""
    kept = [figures for figures in (results.mixed, *results.alone.values()) if figures is not None]
    return not any(figures.violations for figures in kept) and all(
        caught(name, found) for name, found in results.faults.items()
    )


def plain(results: Results) -> dict[str, Any]:
    """The figures as a JSON object."""
    return {
        "passed": passed(results),
        "seconds": round(results.seconds, 1),
        "mixed": results.mixed and _plain(results.mixed),
        "alone": {name: _plain(figures) for name, figures in results.alone.items()},
        "faults": {name: {"caught": caught(name, found), **_plain(found)} for name, found in results.faults.items()},
    }


def _plain(figures: Figures) -> dict[str, Any]:
    return {
        "seconds": figures.plan.seconds,
        "honest": {what: _times(figures.beside, what) for what in TRIPS},
        "honest_alone": {what: _times(figures.alone, what) for what in TRIPS},
        "busy": figures.busy,
        "stood_still_s": round(figures.still_s, 3),
        "kinds": figures.kinds,
        "start": figures.start and figures.start._asdict(),
        "most_uss": max((sample.uss for sample in figures.during), default=0),
        "end": figures.end and figures.end._asdict(),
        "log_bytes_per_minute": round(figures.log_per_minute),
        "violations": [violation._asdict() for violation in figures.violations],
    }


def _times(trips: Iterable[Trip], what: str) -> dict[str, float]:
    """How many there were, and their times in ms."""
    took = sorted(trip.took * 1e3 for trip in trips if trip.what == what)
    if not took:
        return {"count": 0}
    at = {"p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100], "max": took[-1]}
    return {"count": len(took), **{name: round(value, 1) for name, value in at.items()}}


def markdown(results: Results, command: str) -> str:
    """The whole page."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    parts = [
        "# Beside hostile clients: the figures",
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}, {os.cpu_count()} "
        f"cores, gombus {metadata.version('gombus')}, websockets {websockets.__version__}; {today}. Made by "
        f"`{command}` in {results.seconds / 60:.0f} minutes; more: "
        "[tests/hostile/README.md](../tests/hostile/README.md). Do not edit.",
        f"`gombus serve` runs on the twin with its default settings and a journal. {CLIENTS} hostile clients attack it "
        "as fast as it lets them, and come back when they are cut; one honest client asks for its status all the time.",
    ]
    if results.mixed is not None:
        parts += _mixed(results.mixed)
    if results.alone:
        parts += _alone(results.alone)
    parts += ["## What is promised", _table(("", "in each of these runs"), PROMISES.items())]
    if results.faults:
        parts += _faults(results.faults)
    parts += [
        "## How to read it",
        "The server has one core, the hostile clients and the honest one share another; the hostile ones run at a "
        "lower priority there, so that what is measured is the server. A client that asks for much gets much: the "
        "server is busy all the time, and shares its time among those that ask. An import waits for those that were "
        "accepted before it, and `tasks/get` for the questions before it: of these only the answers are judged. While "
        "the queue is full an import is told to come again later. What the memory grows by while the attack goes on is "
        "the twin's project: it keeps each import, as INSPECT would, in some 0.7 KiB.",
        f"This computer is shared: {results.load:.1f} other processes wanted to run when this began. The honest client "
        "alone, before each attack, shows what that does. The harness also notes when it was itself kept from running "
        "(the longest time is given), and takes that off before it judges a round trip; the figures here are as "
        "measured.",
    ]
    return "\n\n".join(parts) + "\n"


def _mixed(figures: Figures) -> list[str]:
    minutes = figures.plan.seconds / 60
    violations = "".join(f"; {violation.promise}: {violation.text}" for violation in figures.violations)
    return [
        f"## All kinds at once, {minutes:g} minutes",
        f"**Promises broken: {len(figures.violations)}**{violations}",
        _table(
            ("the honest client, ms", "alone: p50", "p99", "max", "beside the others: count", "p50", "p99", "max"),
            (_honest(figures, what) for what in TRIPS),
        ),
        f"Imports that were told to come again later: {figures.busy}. The harness itself stood still for at most "
        f"{figures.still_s * 1e3:.0f} ms.",
        _table(
            ("the server", "memory (USS), MiB", "RSS, MiB", "file handles", "threads", "log, MiB", "journal, MiB"),
            _server(figures),
        ),
        f"The log grew by {figures.log_per_minute / 1024:.0f} KiB a minute; the server had "
        f"{_share(figures) * 100:.0f} % of a core.",
        _table(
            ("hostile clients", "what they do", "connections", "frames", "MiB sent", "MiB got", "answers", "ends"),
            (_kind(name, figures.kinds[name]) for name in KINDS if name in figures.kinds),
        ),
    ]


def _honest(figures: Figures, what: str) -> tuple[str, ...]:
    before, beside = _times(figures.alone, what), _times(figures.beside, what)
    shown = [f"{found.get(name, '–')}" for found in (before, beside) for name in ("p50", "p99", "max")]
    name = TRIPS[what] + ("" if what in JUDGED else " (not judged)")
    return (name, *shown[:3], f"{beside['count']:,}", *shown[3:])


def _server(figures: Figures) -> Iterable[tuple[str, ...]]:
    assert figures.start is not None
    yield _sample("before", figures.start)
    begin, step = figures.start.at, max(1, len(figures.during) // _SHOWN)
    for sample in figures.during[step - 1 :: step]:
        yield _sample(f"after {sample.at - begin:.0f} s", sample)
    if figures.during:
        yield _most(figures.during)
    if figures.end is not None:
        yield _sample("when they have left", figures.end)


def _sample(when: str, sample: Sample) -> tuple[str, ...]:
    sizes = (f"{size / MIB:.1f}" for size in (sample.uss, sample.rss))
    return (when, *sizes, f"{sample.handles}", f"{sample.threads}", *_files(sample))


def _files(sample: Sample) -> Iterable[str]:
    return (f"{size / MIB:.1f}" for size in (sample.log, sample.journal))


def _most(samples: Sequence[Sample]) -> tuple[str, ...]:
    return _sample("**most**", Sample(*(max(column) for column in zip(*samples))))


def _share(figures: Figures) -> float:
    assert figures.start is not None
    if not figures.during:
        return 0.0
    last = figures.during[-1]
    return (last.cpu_s - figures.start.cpu_s) / (last.at - figures.start.at)


def _kind(name: str, found: Any) -> tuple[str, ...]:
    counts = [f"{found[key]:,}" for key in ("connections", "frames")]
    sizes = [f"{found[key] / MIB:,.1f}" for key in ("sent", "received")]
    return (name, KINDS[name].text, *counts, *sizes, _counts(found["answers"]), _counts(found["ends"]))


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def _alone(alone: dict[str, Figures]) -> list[str]:
    seconds = next(iter(alone.values())).plan.seconds
    return [
        f"## {CLIENTS} of one kind, {seconds:g} s each",
        _table(
            ("hostile clients", "status: p50, ms", "p99", "max", "connecting: max", "most memory, MiB", "broken"),
            ((name, *_one(figures)) for name, figures in alone.items()),
        ),
    ]


def _one(figures: Figures) -> tuple[str, ...]:
    times = _times(figures.beside, "status")
    most = max((sample.uss for sample in figures.during), default=0) / MIB
    return (
        *(f"{times.get(name, '–')}" for name in ("p50", "p99", "max")),
        f"{_times(figures.beside, 'connect').get('max', '–')}",
        f"{most:.1f}",
        "; ".join(f"**{violation.promise}**: {violation.text}" for violation in figures.violations),
    )


def _faults(faults: dict[str, Figures]) -> list[str]:
    return [
        "## Faults planted on purpose",
        "The same, with one fault in the server, must fail: otherwise it would prove nothing.",
        _table(("fault", "what is wrong", "seen as"), (_fault(name, found) for name, found in faults.items())),
    ]


def _fault(name: str, found: Figures) -> tuple[str, ...]:
    text = (FAULTS[name].plant.__doc__ or "").strip().rstrip(".")
    seen = "; ".join(f"{violation.promise}: {violation.text}" for violation in found.violations)
    return name, text, seen if caught(name, found) else f"**not caught** {seen}"


def _table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows])
