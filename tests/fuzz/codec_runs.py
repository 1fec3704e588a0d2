"""The properties of the codecs with many examples, and how their time grows with what they read."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

import hypothesis
import places  # noqa: F401  # first
from hypothesis import HealthCheck, given, settings

from gombus.strict import MAX_SIZE
from properties import PROPERTIES, WORST, Property, decode_all

_SMALL = MAX_SIZE // 4
_QUADRATIC = 10.0
"""Four times as much may take this many times as long; where it takes `_SHORT_S` and less, more: that is noise."""
_SHORT_S = 0.02


class Codecs(NamedTuple):
    """What was found."""

    examples: Mapping[str, int]
    """Examples of each property."""
    says: Mapping[str, str]
    """What each says."""
    slowest: str
    """Which of the worst messages takes longest."""
    slowest_s: float
    growth: float
    """How many times as long the longest message takes as one a quarter as long; 4 is linear, 16 quadratic."""
    findings: list[str]


def run(examples: int, seed: int) -> Codecs:
    """Try each property with so many examples."""
    findings: list[str] = []
    counts = {name: _try(name, tried, examples, seed, findings) for name, tried in PROPERTIES.items()}
    seconds = {name: (_seconds(made(_SMALL)), _seconds(made(MAX_SIZE))) for name, made in WORST.items()}
    growths = {name: whole / small for name, (small, whole) in seconds.items() if whole > _SHORT_S}
    findings += [
        f"{name}: four times as much takes {by:.1f} times as long" for name, by in growths.items() if by > _QUADRATIC
    ]
    slowest = max(seconds, key=lambda name: seconds[name][1])
    says = {name: tried.says for name, tried in PROPERTIES.items()}
    growth = seconds[slowest][1] / seconds[slowest][0]
    return Codecs(counts, says, slowest, seconds[slowest][1], growth, findings)


def _try(name: str, tried: Property, examples: int, seed: int, findings: list[str]) -> int:
    count = 0

    @hypothesis.seed(seed)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(tried.given)
    def holds(value: Any) -> None:
        nonlocal count
        count += 1
        tried.holds(value)

    try:
        holds()
    except Exception as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        findings.append(f"{name}: {traceback.format_exc(limit=-2)}{notes}"[:3000])
    return count


def _seconds(text: str) -> float:
    """CPU time, in seconds, the shortest of some."""
    times = []
    for _ in range(3):
        begin = time.process_time()
        decode_all(text)
        times.append(time.process_time() - begin)
    return max(min(times), 1e-6)
