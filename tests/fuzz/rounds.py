"""Runs of the state machine, one after the other, until enough was sent."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Callable

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from machine import Clients, World
from tally import Tally

_STEPS = 25
"""Of one example."""
_EXAMPLES = 50
"""Of one run. Hypothesis begins each run with small ones, and then varies those that did something new."""


def fuzz(messages: int, seed: str, bug: str, told: Callable[[Tally], None], limit_s: float = 20.0) -> Tally:
    """Send at least so many messages, or fewer where something is found.

    :param bug: the one to plant; empty for none. What is found then is not made smaller.
    :param told: called now and then.
    :param limit_s: how long the server may take for anything, in seconds.
    """
    tally = Tally(limit_s)
    world = World(tally, bug)
    phases = [Phase.generate] if bug else [Phase.generate, Phase.shrink]
    rng = random.Random(seed)
    try:
        while tally.messages < messages and not tally.findings:

            def clients() -> Clients:
                return Clients(world)

            hypothesis.seed(rng.getrandbits(32))(clients)
            # A round gives some thousand messages.
            examples = max(5, min(_EXAMPLES, (messages - tally.messages) // 20))
            run_state_machine_as_test(clients, settings=_settings(examples, phases))
            told(tally)
        world.close()
    except Exception as error:
        # Hypothesis wraps what was found in exceptions of its own where it does not come again.
        if not tally.findings:
            raise
        tally.steps = "\n".join([*_notes(error), str(tally.findings[-1])])
        tally.folder = "" if bug else str(world.folder)
    finally:
        world.broken()
        if bug or not tally.findings:
            world.remove()
    return tally


def _notes(error: BaseException) -> Iterator[str]:
    """What Hypothesis wrote beside an exception, and beside those that it holds."""
    yield from getattr(error, "__notes__", ())
    for inner in getattr(error, "exceptions", ()):
        yield from _notes(inner)


def _settings(examples: int, phases: list[Phase]) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=_STEPS,
        phases=phases,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
