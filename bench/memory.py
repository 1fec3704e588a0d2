"""Memory of a server at rest, and what one idle connection adds."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from statistics import median
from typing import Callable, NamedTuple

import psutil

from . import wire
from .processes import server
from .variants import Variant

CONNECTIONS = 1000
SETTLE_S = 0.5


class Row(NamedTuple):
    """One server: medians over the rounds, of the memory that is its process's alone (unique set size)."""

    variant: str
    at_rest_mib: float
    per_connection_kib: float


def measure(variants: dict[str, Variant], rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Look at each variant before and after `CONNECTIONS` clients have connected."""
    allow_open_files(CONNECTIONS + 100)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for turn in range(rounds):
        say(f"memory: round {turn + 1} of {rounds}")
        for name, variant in variants.items():
            found[name].append(_one(variant))
    return [Row(name, *(median(column) for column in zip(*each))) for name, each in found.items()]


def _one(variant: Variant) -> tuple[float, float]:
    with ExitStack() as stack:
        # More than gombus lets connect by default.
        environ = {**dict(variant.environ), "GOMBUS_MAX_CONNECTIONS": str(CONNECTIONS + 100)}
        running = stack.enter_context(server(variant.command, environ))
        # The first connection brings what all later ones share.
        wire.connect(running.port).close()
        time.sleep(SETTLE_S)
        before = _unique(running.pid)
        for _ in range(CONNECTIONS):
            stack.enter_context(wire.connect(running.port))
        time.sleep(SETTLE_S)
        after = _unique(running.pid)
        return before / 1024**2, (after - before) / CONNECTIONS / 1024


def _unique(pid: int) -> int:
    return int(psutil.Process(pid).memory_full_info().uss)


def allow_open_files(count: int) -> None:
    """Raise this process's limit, which servers inherit; Windows has none that is so low."""
    with suppress(ImportError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < count:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
