"""The figures as Markdown."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable
from importlib import metadata

from . import memory, throughput
from .load import LOADS
from .targets import TARGETS, Results
from .variants import Variant

BUSY = 0.9
"""Share of a core from which on the generator may be what limits a figure."""


def markdown(results: Results, variants: dict[str, Variant], rounds: int, command: str) -> str:
    """The whole page."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("gombus", "websockets", "jsonschema"))
    today = datetime.datetime.now(datetime.timezone.utc).date()
    parts = [
        "# Performance: the figures",
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}, {versions}; "
        f"{os.cpu_count()} cores; rounds: {rounds}; {today}. "
        f"Made by `{command}`; how to read it: [bench/README.md](../bench/README.md). Do not edit.",
        "## To reach",
        _table(("", "to reach", "measured", "reached"), _targets(results)),
        "## Throughput",
        "Medians. The ratio is to the echo just before or after, or to what stands beside it. p50 and p99 "
        "are the round trip's time; CPU is the server's; generator is the load generator's share of its own core.",
        *(_load(results, variants, load) for load in LOADS),
        "## Start-up and memory",
        f"Start-up is from the process's start to the line that says it listens. Memory is the process's own (unique "
        f"set size), at rest and for each of {memory.CONNECTIONS} idle connections.",
        _table(("", "start-up, ms", "ratio", "at rest, MiB", "idle connection, KiB"), _resources(results, variants)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    align = ("---", *("---:" for _ in head[1:]))
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, align, *rows])


def _targets(results: Results) -> Iterable[tuple[str, ...]]:
    for target in TARGETS:
        sign = "≤" if target.at_most else "≥"
        reached = "yes" if target.reached(results) else "**no**"
        yield target.text, f"{sign} {target.limit:g}", f"{target.measured(results):.2f}", reached


def _load(results: Results, variants: dict[str, Variant], load: str) -> str:
    head = (LOADS[load].title, "round trips/s", "ratio", "p50, µs", "p99, µs", "CPU, µs", "generator")
    return _table(head, (_throughput(row, variants) for row in results.throughput if row.load == load))


def _throughput(row: throughput.Row, variants: dict[str, Variant]) -> tuple[str, ...]:
    figures, base = row.figures, variants[row.variant].base
    share = f"{figures.generator_share:.0%}"
    return (
        variants[row.variant].title,
        f"{figures.rate:,.0f}",
        f"{row.ratio:.2f}" + ("" if base.startswith("echo") or base == row.variant else f" of {variants[base].title}"),
        f"{figures.p50_us:,.0f}",
        f"{figures.p99_us:,.0f}",
        f"{figures.server_cpu_us:.1f}",
        f"{share}: it limits this row" if figures.generator_share > BUSY else share,
    )


def _resources(results: Results, variants: dict[str, Variant]) -> Iterable[tuple[str, ...]]:
    kept = {row.variant: row for row in results.memory}
    for row in results.startup:
        used = kept.get(row.variant)
        yield (
            variants[row.variant].server or variants[row.variant].title,
            f"{row.ms:.0f}",
            f"{row.ratio:.2f}",
            f"{used.at_rest_mib:.1f}" if used else "",
            f"{used.per_connection_kib:.1f}" if used else "",
        )
