"""When the server is killed: every point in turn, then at moments drawn at random; the same for the same seed."""

from __future__ import annotations

import random
from typing import NamedTuple

from points import ACKNOWLEDGED, COMMITTED, DONE, EFFECT, LOGGED, LOGGING, POINTS, RECEIVED, RUNNING

RANDOM, STARTING = "random", "starting"
"""Kills from outside: while it serves, and while it starts."""
NAMED = (RECEIVED, COMMITTED, ACKNOWLEDGED, RUNNING, EFFECT, DONE)
"""The points of the promise; `LOGGING` and `LOGGED` are further ones."""
WAYS = (*POINTS, RANDOM, STARTING)
_OTHERS = (LOGGING, LOGGED, RANDOM, STARTING)

_MOST = {RECEIVED: 40, COMMITTED: 10, ACKNOWLEDGED: 12, RUNNING: 30, EFFECT: 30, LOGGING: 10, LOGGED: 10, DONE: 10}
"""How often a point is passed at most before the server is killed there."""
_MOST_EARLY = 4
_MOST_S = 0.3
_START_S = 0.35


class Kill(NamedTuple):
    """One kill."""

    way: str
    """One of `WAYS`."""
    nth: int = 1
    """At a named point: when it is reached for so many times, counted from 1."""
    after_s: float = 0.0
    """From outside: so long after the server listens, or, where it is to be killed before, was started, in seconds."""
    early: bool = False
    """Whether from the server's start on, so that it may be killed while it recovers and runs what was left."""


def plan(kills: int, seed: str) -> list[Kill]:
    """So many kills. The first are one in each way; in all, each of `NAMED` has more than a ninth."""
    rng = random.Random(seed)
    planned = [Kill(way, after_s=_after_s(way, rng)) for way in (*NAMED, *_OTHERS)]
    rest = [*NAMED, *NAMED, *_OTHERS]
    while len(planned) < kills:
        rng.shuffle(rest)
        planned += [_drawn(way, rng) for way in rest]
        rest = [*NAMED, *NAMED, *NAMED, *_OTHERS, *_OTHERS]
    return planned[:kills]


def _drawn(way: str, rng: random.Random) -> Kill:
    early = rng.random() < (0.5 if way in (LOGGING, LOGGED) else 0.2)
    nth = rng.randint(1, _MOST_EARLY if early else _MOST.get(way, 1))
    return Kill(way, nth, _after_s(way, rng), early)


def _after_s(way: str, rng: random.Random) -> float:
    return rng.uniform(0.0, _START_S if way == STARTING else _MOST_S)
