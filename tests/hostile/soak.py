"""One soak: a server, an honest client, and after a while hostile ones."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import promises
import psutil
import verdict
from faults import FAULTS
from honest import Honest, Trip
from program import LIMIT_S, Attack, Program, Sample
from promises import SERVER, Violation
from websockets.sync.client import connect

from gombus_kit import samples

CLIENTS = 16
_LOOK_S = 0.5
_SETTLE_S = 20.0
"""How long, in s, it may take until all is let go of; whoever does not answer is cut after 10 s."""


class Plan(NamedTuple):
    """What is done."""

    seconds: float
    """How long the hostile clients attack."""
    baseline_s: float
    """How long the honest client is alone before."""
    kinds: tuple[str, ...]
    """The hostile clients' kinds; they are dealt in turn."""
    seed: str
    fault: str = ""
    limit_s: float = promises.LIMIT_S
    """How long the honest client may wait, in s."""
    most_mib: int = promises.MOST_MIB
    """By how much the server's memory may grow."""


@dataclass
class Figures:
    """What was found."""

    plan: Plan
    alone: list[Trip] = field(default_factory=list)
    """The honest client's round trips before the attack."""
    beside: list[Trip] = field(default_factory=list)
    """Those during it."""
    still_s: float = 0.0
    """The longest time, in s, for which the harness itself was kept from running."""
    busy: int = 0
    """Honest imports that were told to come again later."""
    start: Sample | None = None
    during: list[Sample] = field(default_factory=list)
    end: Sample | None = None
    """When the hostile clients have gone."""
    kinds: dict[str, Any] = field(default_factory=dict)
    """What the hostile clients did and how they were answered, by kind."""
    violations: list[Violation] = field(default_factory=list)

    @property
    def log_per_minute(self) -> float:
        """Bytes of log."""
        if not self.during or self.start is None:
            return 0.0
        last = self.during[-1]
        return (last.log - self.start.log) / (last.at - self.start.at) * 60


def soak(folder: Path, plan: Plan) -> Figures:
    """Carry it out. An attack that fills the memory, or ends the server, is broken off."""
    figures = Figures(plan)
    program = Program(folder, plan.fault, FAULTS[plan.fault].settings if plan.fault else ())
    try:
        if program.url:
            _with(program, plan, figures)
        else:
            figures.violations.append(Violation(SERVER, "it did not begin to listen"))
    except psutil.Error:
        figures.violations.append(Violation(SERVER, "it ended"))
    finally:
        program.kill()
    figures.violations += verdict.logged(program.log())
    return figures


def _with(program: Program, plan: Plan, figures: Figures) -> None:
    files = (samples.IMAGE, samples.ELEMENTS)
    honest = Honest(program.url, files)
    honest.start()
    begin = end = time.monotonic()
    try:
        time.sleep(plan.baseline_s)
        figures.start = program.sample()
        begin = time.monotonic()
        attack = Attack(program.port, plan.seconds, plan.seed, files, _dealt(plan))
        try:
            while attack.running:
                time.sleep(_LOOK_S)
                figures.during.append(program.sample())
                if verdict.is_full(figures.start, figures.during[-1], plan.most_mib):
                    break
        finally:
            figures.kinds = attack.stop()
        end = time.monotonic()
        figures.end = _settled(program, figures.start)
    finally:
        honest.stop()
        figures.alone = [trip for trip in honest.trips if trip.begin < begin]
        figures.beside = [trip for trip in honest.trips if trip.end > begin and trip.begin < end]
        figures.still_s, figures.busy = honest.clock.worst, honest.busy
    figures.violations += verdict.judge(figures, honest)
    figures.violations += _stopped(program)


def _dealt(plan: Plan) -> list[str]:
    kinds = [plan.kinds[number % len(plan.kinds)] for number in range(CLIENTS)]
    random.Random(plan.seed).shuffle(kinds)
    return kinds


def _settled(program: Program, start: Sample) -> Sample:
    """What it holds when all has been let go of, or after a time that is more than enough."""
    until = time.monotonic() + _SETTLE_S
    found = program.sample()
    while not verdict.has_let_go(start, found) and time.monotonic() < until:
        time.sleep(_LOOK_S)
        found = program.sample()
    return found


def _stopped(program: Program) -> Sequence[Violation]:
    """It must end as a client asks it to."""
    with connect(program.url, compression=None, proxy=None) as client:
        client.send("quit")
        answer = client.recv(LIMIT_S)
    code = program.ended()
    if (answer, code) == ("bye", 0):
        return ()
    return (Violation(SERVER, f"quit was answered {answer!r}, and it ended with {code}"),)
