"""Round trips: every variant under every load, in several rounds, each round with servers newly started."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product
from statistics import median
from typing import Callable, NamedTuple

from .load import LOADS, Figures, Orders
from .processes import Generator, Running, generator, server
from .variants import Variant

Say = Callable[[str], None]

SLICES = 4
"""Into how many pieces each measurement is cut, so that base and variant are never far apart in time."""


class Row(NamedTuple):
    """One variant under one load: medians over all slices of all rounds."""

    variant: str
    load: str
    ratio: float
    """Its throughput over that of its base, measured just before or after."""
    figures: Figures


Found = dict[tuple[str, str], list[Figures]]
"""(load, variant) -> one for each slice of each round."""


def measure(variants: dict[str, Variant], rounds: int, seconds: float, say: Say) -> list[Row]:
    """Measure everything in turn, so that what else the computer does meets all variants alike.

    :param seconds: how long each variant is measured under each load in one round, in `SLICES` pieces.
    :raises Failed: a server gave a wrong answer or none.
    """
    found: Found = {}
    with generator() as load_generator:
        for turn in range(rounds):
            say(f"throughput: round {turn + 1} of {rounds}")
            _round(variants, turn, seconds / SLICES, load_generator, found)
    rows = []
    for (load, name), each in sorted(found.items(), key=lambda item: _place(variants, item[0])):
        bases = found[load, variants[name].base]
        ratio = median(figures.rate / base.rate for figures, base in zip(each, bases))
        rows.append(Row(name, load, ratio, Figures(*(median(column) for column in zip(*each)))))
    return rows


def _place(variants: dict[str, Variant], key: tuple[str, str]) -> tuple[int, int]:
    return [*LOADS].index(key[0]), [*variants].index(key[1])


def _round(variants: dict[str, Variant], turn: int, seconds: float, load_generator: Generator, found: Found) -> None:
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(server(variant.command, dict(variant.environ), variant.journal))
            for name, variant in variants.items()
        }
        for load, piece in product(LOADS, range(SLICES)):
            # Every turn begins with another variant, because whoever comes first may find the computer otherwise.
            for name in _rotated([*variants], turn * SLICES + piece):
                variant = variants[name]
                if load in variant.loads:
                    orders = _orders(variant, running[name], load, seconds)
                    figures = Figures(**load_generator.measure(orders._asdict(), limit_s=3 * seconds + 20))
                    found.setdefault((load, name), []).append(figures)


def _rotated(names: list[str], turn: int) -> list[str]:
    shift = turn % len(names)
    return names[shift:] + names[:shift]


def _orders(variant: Variant, running: Running, load: str, seconds: float) -> Orders:
    return Orders(load, running.port, running.pid, variant.request, variant.answer, seconds, variant.primed)
