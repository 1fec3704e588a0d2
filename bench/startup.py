"""How long a server takes to listen."""

from __future__ import annotations

from statistics import median
from typing import Callable, NamedTuple

from .processes import server
from .variants import Variant


class Row(NamedTuple):
    """One server: medians over the rounds."""

    variant: str
    ms: float
    """From the start of the process to the line that says it listens."""
    ratio: float
    """Over the echo server's of the same round."""


def measure(variants: dict[str, Variant], rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Start each variant once a round. One start before is not counted: it leaves compiled bytecode behind.

    :param variants: the base, named `echo`, among them.
    """
    found: dict[str, list[float]] = {name: [] for name in variants}
    say("start-up")
    for turn in range(rounds + 1):
        for name, variant in variants.items():
            with server(variant.command, dict(variant.environ), variant.journal) as running:
                if turn:
                    found[name].append(running.start_ms)
    return [
        Row(name, median(each), median(ms / base for ms, base in zip(each, found["echo"])))
        for name, each in found.items()
    ]
