"""The figures as Markdown and as JSON."""

from __future__ import annotations

import datetime
import platform
import sqlite3
from collections.abc import Iterable
from importlib import metadata
from typing import Any, NamedTuple

from bugs import BUGS
from ledger import INVARIANTS, SERVER
from points import ACKNOWLEDGED, COMMITTED, DONE, EFFECT, LOGGED, LOGGING, RECEIVED, RUNNING
from schedule import RANDOM, STARTING
from series import Figures

_WAYS = {
    RECEIVED: "its frame is decoded, and the journal does not know it",
    COMMITTED: "the journal has it, and nobody was answered",
    ACKNOWLEDGED: "its task was written to the client",
    RUNNING: "its handler was begun, and no gom command yet",
    EFFECT: "its gom command is done, and the result is not kept",
    LOGGING: "its receipt is about to be written to the receipt log",
    LOGGED: "its receipt has its line in the receipt log, and the journal does not know it",
    DONE: "the journal has its end, and no client was told",
    RANDOM: "at any moment, from outside",
    STARTING: "while the server starts and recovers, from outside",
}


class Results(NamedTuple):
    """What a whole run gave."""

    figures: Figures
    bugs: dict[str, Figures]
    """By name of the bug that was planted."""
    seconds: float
    seed: str


def passed(results: Results) -> bool:
    """Whether no promise was broken but by the planted bugs, and each of those was caught."""
    return not results.figures.violations and all(caught(name, found) for name, found in results.bugs.items())


def caught(name: str, found: Figures) -> bool:
    """Whether a planted bug was seen to break what it breaks, and nothing else kept the server from its work."""
    broken = _invariants(found)
    return BUGS[name][1] in broken and SERVER not in broken


def plain(results: Results) -> dict[str, Any]:
    """The figures as a JSON object."""
    figures = results.figures
    return {
        "passed": passed(results),
        "seed": results.seed,
        "seconds": round(results.seconds, 1),
        "kills": {way: figures.kills[way] for way in _WAYS},
        "failed_starts": figures.failed_starts,
        "not_begun": {"jobs": figures.not_begun, "ms": figures.not_begun_ms},
        "checks": figures.checks,
        "jobs": figures.jobs,
        "states": dict(figures.states),
        "violations": [violation._asdict() for violation in figures.violations],
        "bugs": {
            name: {
                "caught": caught(name, found),
                "kills": sum(found.kills.values()),
                "invariants": _invariants(found),
                "first": found.violations[0].text if found.violations else "",
            }
            for name, found in results.bugs.items()
        },
    }


def markdown(results: Results, command: str) -> str:
    """The whole page."""
    figures = results.figures
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(figures.states.items()))
    today = datetime.datetime.now(datetime.timezone.utc).date()
    parts = [
        "# Killed at any instant: the figures",
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}, gombus "
        f"{metadata.version('gombus')}, SQLite {sqlite3.sqlite_version}, journal in mode WAL with synchronous=FULL, "
        f"receipt log on; {today}. Made by `{command}` in {results.seconds / 60:.0f} minutes; "
        "more: [tests/crash/README.md](../tests/crash/README.md). Do not edit.",
        "The real server runs on the twin, with real clients. It is killed without warning (SIGKILL) and started again "
        "on the same journal; then all that clients were ever told is compared with the journal, the receipt log and a "
        "file in which every command leaves a trace before and after its effect.",
        "## Kills",
        _table(
            ("killed when", "of a job", "kills"),
            (
                *((way, text, f"{figures.kills[way]:,}") for way, text in _WAYS.items()),
                ("**in all**", "", f"**{sum(figures.kills.values()):,}**"),
            ),
        ),
        f"Jobs sent: {figures.jobs:,}; of them {states}; the others were lost before anybody was told of them, as they "
        f"may be. Everything was checked after a restart {figures.checks:,} times (a server that is killed before it "
        "has caught up is checked after the next restart).",
        f"Starts that failed, because the port was taken, while jobs were queued: {figures.failed_starts:,}. One kill "
        f"interrupted at most {figures.not_begun} jobs that had not come to their command, and at most "
        f"{figures.not_begun_ms} ms of such work.",
        f"**Violations: {len(figures.violations)}**",
        "## What is checked",
        _table(("", "after every restart, for all jobs of the journal"), INVARIANTS.items()),
        "## Bugs planted on purpose",
        "The same test, with one bug in the server, must fail: otherwise it would prove nothing.",
        _table(("bug", "caught after kills", "by"), _bugs(results.bugs)),
        "## How to read it",
        "A job that runs when the server is killed is `interrupted`: it may have had its effect or not, so it is not "
        "run again. Jobs of a type that was short of late are marked as running together, some milliseconds of work "
        "ahead, and so several can be interrupted by one kill of which only the first was begun. Those of a type that "
        "takes longer, and the first ones of each type after a start, are marked one at a time. That is no violation; "
        "a job that is lost, run twice, or told to have ended in two ways would be.",
        "A kill ends a process; what it wrote before is safe with the system. A power cut is another matter: what "
        "`synchronous=FULL` promises for it is SQLite's, and is not tested here.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows])


def _bugs(bugs: dict[str, Figures]) -> Iterable[tuple[str, ...]]:
    for name, found in bugs.items():
        kills = str(sum(found.kills.values()))
        yield name, kills if caught(name, found) else f"**not caught by {kills}**", ", ".join(_invariants(found))


def _invariants(found: Figures) -> list[str]:
    return sorted({violation.invariant for violation in found.violations})
