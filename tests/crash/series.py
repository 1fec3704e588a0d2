"""Kills one after the other on one journal: start, look, keep the server busy, kill."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable

import invariants
from after import catch_up
from ledger import SERVER, START, Ledger, Violation
from program import LIMIT_S, LOG, Program
from schedule import RANDOM, STARTING, Kill
from traffic import wave
from wire import Client, Lost

CONNECTIONS = 7
FAIL_EVERY = 5
"""Before each start of so many another one fails."""


@dataclass
class Figures:
    """What was done."""

    kills: Counter[str] = field(default_factory=Counter)
    """How often in each way."""
    failed_starts: int = 0
    """How many starts failed because the port was taken, while jobs were queued in the journal."""
    not_begun: int = 0
    """The most jobs that one kill interrupted before they had come to their effect."""
    not_begun_ms: int = 0
    """The longest that such jobs of one kill would have taken together, in ms."""
    checks: int = 0
    """How often all promises were checked."""
    jobs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    """How the jobs ended that the journals have."""
    violations: list[Violation] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Take another's figures in."""
        self.kills += other.kills
        self.failed_starts += other.failed_starts
        self.not_begun = max(self.not_begun, other.not_begun)
        self.not_begun_ms = max(self.not_begun_ms, other.not_begun_ms)
        self.checks += other.checks
        self.jobs += other.jobs
        self.states += other.states
        self.violations += other.violations


class Series:
    """The kills of one journal.

    :param folder: an empty one, for the server's files.
    :param bug: the one to plant; empty for none.
    :param killed: called after every kill.
    """

    def __init__(self, folder: Path, seed: str, bug: str, killed: Callable[[], None]) -> None:
        self._folder = folder
        self._bug = bug
        self._killed = killed
        self._rng = random.Random(seed)
        self._ledger = Ledger(self._rng)
        self.figures = Figures()

    async def run(self, kills: Sequence[Kill]) -> Figures:
        """Carry out the kills, and look once more after the last. It ends with the first violation."""
        for place, kill in enumerate(kills):
            if place % FAIL_EVERY == FAIL_EVERY - 1:
                await self._fail_to_start()
            if not self._ledger.violations:
                await self._once(kill)
            if self._ledger.violations:
                break
            self._killed()
        else:
            await self._once(None)
        self.figures.jobs = sum(1 for entry in self._ledger.entries if not entry.conflicts)
        self.figures.violations = self._ledger.violations
        return self.figures

    async def _once(self, kill: Kill | None) -> None:
        """Start, look, keep busy, kill; without a kill, only look."""
        own = kill is not None and kill.way not in (RANDOM, STARTING)
        order = (kill.way, str(kill.nth)) if kill is not None and kill.early and own else ()
        program = Program(self._folder, self._bug, order)
        clients: list[Client] = []
        try:
            if kill is not None and kill.way == STARTING:
                await asyncio.sleep(kill.after_s)
                program.kill()
            elif await asyncio.wait_for(program.listening(), LIMIT_S):
                await asyncio.wait_for(self._live(program, clients, kill), LIMIT_S)
        except Lost:
            pass
        except asyncio.TimeoutError:
            self._broken(f"something was not answered within {LIMIT_S:g} s")
        finally:
            shot = program.shot
            program.kill()
            killed = await program.ended()
            for client in clients:
                await client.gone()
        log = self._log()
        if not killed or not (shot or program.reached or kill is None or self._ledger.violations):
            self._broken("it ended, or left its clients, by itself")
        elif "bug" in log or "Traceback" in log:
            self._broken("it logged a bug")
        if kill is not None and not self._ledger.violations:
            self.figures.kills[program.reached or kill.way] += 1

    async def _fail_to_start(self) -> None:
        """Start where the port is taken."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            program = Program(self._folder, self._bug, port=taken.getsockname()[1])
            try:
                refused = await asyncio.wait_for(program.refused(), LIMIT_S)
            except asyncio.TimeoutError:
                program.kill()
                refused = False
        if not refused:
            self._broken("it did not end where its port was taken")
            return
        queued, running = invariants.open_jobs(self._folder)
        if running:
            self._ledger.broken(START, f"after a start that failed {running} jobs are said to run, {queued} are queued")
        self.figures.failed_starts += queued + running > 0

    async def _live(self, program: Program, clients: list[Client], kill: Kill | None) -> None:
        """Look, and keep busy until it is killed.

        :param clients: gets the connections.
        :raises Lost: it was killed.
        """
        soon = partial(asyncio.get_running_loop().call_later, 0.0 if kill is None else kill.after_s, program.kill)
        if kill is not None and kill.early and kill.way == RANDOM:
            soon()
        for _ in range(CONNECTIONS):
            clients.append(await Client.open(program.url, self._ledger.notified))
        await catch_up(clients[0], self._ledger, self._rng)
        self._check()
        if kill is None or self._ledger.violations:
            return
        if not kill.early and kill.way == RANDOM:
            soon()
        elif not kill.early and not await program.arm(kill.way, kill.nth):
            return
        while not self._ledger.violations:
            await wave(clients, self._ledger, self._rng)

    def _check(self) -> None:
        found = invariants.read(self._folder)
        self._ledger.violations += invariants.check(self._ledger, found)
        self.figures.checks += 1
        self.figures.not_begun, self.figures.not_begun_ms = invariants.most_not_begun(self._ledger, found)
        self.figures.states = Counter(record.state for records in found.records.values() for record in records)

    def _broken(self, what: str) -> None:
        self._ledger.broken(SERVER, f"{what}; its log: {self._log()}")

    def _log(self) -> str:
        return (self._folder / LOG).read_text(encoding="utf-8", errors="replace")[-2000:]
