"""A bus without a network: when answers are delivered, when timers fire and when work is done is the test's to say."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Callable

import pytest

from gombus import executor, guard, jobs, watch
from gombus.bus import Bus
from gombus.config import DEFAULTS, Settings
from gombus.errors import NotReady
from gombus.executor import Executor
from gombus.files import Files
from gombus.journal import Accepted, Ending, Started
from gombus.journal.memory import MemoryJournal
from gombus.journal.sqlite import SqliteJournal
from gombus.model import ANYBODY, Call, Identity, Meta, Outcome, Record
from gombus.presence import Presence
from gombus.registry import Registry
from gombus.runtime import _interrupted, _schemas
from support import WAIT_S, WatchingGom, plugin

BACKEND = {"name": "watching", "version": "1.0"}


class Asker:
    """A client that keeps what it is notified of."""

    def __init__(self, client: str = "client:1", identity: Identity = ANYBODY) -> None:
        self.client = client
        self.identity = identity
        self.notified: list[tuple[str, dict[str, Any]]] = []
        """Method and parameters of each."""
        self.gone = False

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Keep it."""
        self.notified.append((method, dict(params)))


class Clock:
    """Stands where a module of gombus has imported `time`. It goes on only when it is told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    @classmethod
    def of_jobs(cls, monkeypatch: pytest.MonkeyPatch) -> Clock:
        """The clock by which jobs, and the gom commands in them, are timed."""
        clock = cls()
        for module in (executor, guard, jobs, watch):
            monkeypatch.setattr(module, "time", clock)
        return clock

    def monotonic(self) -> float:
        """Seconds."""
        return self.now_s

    def perf_counter(self) -> float:
        """Seconds."""
        return self.now_s

    def time(self) -> float:
        """Seconds since 1970."""
        return self.now_s


class HeldJournal(MemoryJournal):
    """A journal that counts as lasting, and carries a call out, or fails, only when the test says so."""

    batched = True

    def __init__(self) -> None:
        super().__init__()
        self.held: deque[tuple[str, Callable[[], None], Callable[[Any], None]]] = deque()
        """Each call: its name, what carries it out, and what lets it fail."""

    @property
    def unfinished(self) -> int:  # type: ignore[override]  # the one in memory never has any
        """How many calls are held."""
        return len(self.held)

    @property
    def kinds(self) -> list[str]:
        """The names of the calls that are held."""
        return [kind for kind, _, _ in self.held]

    def next(self, kind: str = "", failure: NotReady | None = None) -> None:
        """Carry out the next call, or let it fail.

        :param kind: its name, where the test knows it.
        """
        found, carry_out, fail = self.held.popleft()
        assert kind in ("", found), f"{found} comes before {kind}"
        if failure is None or found in ("finish", "requeue"):
            carry_out()
        else:
            fail(failure)

    def all(self) -> None:
        """Carry out all calls, also those that come of it."""
        while self.held:
            self.next()

    def accept(self, record: Record, done: Accepted) -> None:
        """Hold it."""
        self.held.append(("accept", partial(super().accept, record, done), done))

    def start(self, ids: Sequence[str], done: Started) -> None:
        """Hold it."""
        self.held.append(("start", partial(super().start, ids, done), done))

    def requeue(self, ids: Sequence[str], done: Callable[[], None]) -> None:
        """Hold it."""
        self.held.append(("requeue", partial(super().requeue, ids, done), lambda _: None))

    def finish(self, ending: Ending, done: Callable[[], None]) -> None:
        """Hold it."""
        self.held.append(("finish", partial(super().finish, ending, done), lambda _: None))


class HandExecutor(Executor[Any]):
    """Has no owner thread: a piece of work is done when the test says so."""

    def step(self) -> None:
        """Do one piece, and post its result."""
        piece = self._waiting.get_nowait()
        assert piece is not None
        self._work_at(piece)


class Desk:
    """A bus over a gom that watches.

    :param journal: makes the journal of what wakes the network thread.
    :param by_hand: whether work is done by `step` only, and by no owner thread.
    """

    def __init__(
        self,
        requests: Iterable[Any],
        journal: Callable[[Callable[[], None]], Any],
        by_hand: bool = False,
        settings: Settings = DEFAULTS,
        files: Files | None = None,
        presence: Presence | None = None,
    ) -> None:
        self.gom = WatchingGom()
        self._woken = threading.Semaphore(0)
        self.executor = HandExecutor(self._woken.release)
        self.journal = journal(self._woken.release)
        self.timers: list[tuple[float, Callable[[], None]]] = []
        """Seconds and action of each timer that did not fire yet."""
        self._due_s: list[float] = []
        self.clock = Clock()
        """By which timers are due; a test may put in the one by which jobs are timed."""
        registry = Registry(Settings(), [plugin(*requests)])
        self.journal.remember_schemas(_schemas(registry))
        self.bus = Bus(
            registry.types,
            self.gom,
            BACKEND,
            self.executor,
            self.journal,
            self._later,
            settings,
            files,
            presence,
        )
        self.jobs = self.bus.jobs
        self.outcomes: list[Outcome] = []
        """All that were answered, in their order."""
        self._by_hand = by_hand
        self.owner = threading.Thread(target=self.executor.run, name="owner")

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self.timers.append((seconds, action))
        self._due_s.append(self.clock.now_s + seconds)

    def submit(
        self, name: str = "say", params: Any = None, ignored: tuple[str, ...] = (), asker: Any = None, **meta: Any
    ) -> list[Outcome]:
        """Submit a call; its outcome will stand in the list."""
        answers: list[Outcome] = []

        def done(outcome: Outcome) -> None:
            answers.append(outcome)
            self.outcomes.append(outcome)

        self.bus.submit(Call(name, params or {}, ignored, Meta(**meta)), asker or Asker(), done)
        return answers

    def say(self, word: str, **meta: Any) -> list[Outcome]:
        """Submit a request `say`."""
        return self.submit("say", {"word": word}, **meta)

    def run(self, name: str = "say", params: Any = None, ignored: tuple[str, ...] = (), **meta: Any) -> Outcome:
        """Submit a call and wait for its outcome."""
        answers = self.submit(name, params, ignored, **meta)
        self.until(lambda: bool(answers))
        return answers[0]

    def hold(self, word: str = "hold", name: str = "say", **meta: Any) -> list[Outcome]:
        """Submit a request, and wait until its handler is inside gom and stays there."""
        self.gom.hold_word = word
        self.gom.go_on.clear()
        answers = self.submit(name, {"word": word}, **meta)
        self.until(lambda: self.executor.unfinished > 0)
        assert self.gom.entered.wait(WAIT_S)
        return answers

    def let_go(self) -> None:
        """Let that handler go on, and make the next `hold` possible."""
        self.gom.entered.clear()
        self.gom.hold_word = ""
        self.gom.go_on.set()

    def kept(self, **params: str) -> Any:
        """The job with this `id`, or this `key`, as the journal keeps it; None where it does not."""
        found: list[Any] = []
        self.journal.find(params.get("id", ""), params.get("key", ""), found.append)
        self.until(lambda: bool(found))
        return found[0]

    def until(self, reached: Callable[[], bool]) -> None:
        """Deliver until something is so."""
        if not (self._by_hand or self.owner.ident):
            self.owner.start()
        self.bus.deliver()
        while not reached():
            assert self._woken.acquire(timeout=WAIT_S)
            self.bus.deliver()

    def settle(self) -> None:
        """Deliver until nothing is under way."""
        self.until(lambda: not self.bus.unfinished)

    def step(self) -> None:
        """Do one piece of work by hand, and deliver its result, but nothing of the journal."""
        self.executor.step()
        self.executor.deliver()

    def fire(self) -> None:
        """Let all timers fire that wait now."""
        timers, self.timers[:], self._due_s[:] = list(self.timers), [], []
        for _, action in timers:
            action()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and each timer fire when it is due."""
        end_s = self.clock.now_s + seconds
        while self._due_s and min(self._due_s) <= end_s:
            place = self._due_s.index(min(self._due_s))
            self.clock.now_s = self._due_s.pop(place)
            self.timers.pop(place)[1]()
        self.clock.now_s = end_s

    def end(self) -> None:
        """Stop, wait for what runs, and close the journal."""
        self.bus.stop()
        if self.owner.ident:
            self.gom.go_on.set()
            self.owner.join(WAIT_S)
            assert not self.owner.is_alive()
        self.bus.deliver()
        self.journal.close()
        self.bus.deliver()


@contextmanager
def desk(
    *requests: Any,
    folder: Path | None = None,
    by_hand: bool = False,
    journal: Any = None,
    files: Files | None = None,
    presence: Presence | None = None,
    **options: Any,
) -> Iterator[Desk]:
    """A desk whose journal is in a folder, or in memory where there is none.

    :param journal: this journal in their place.
    :param files: which files requests may use.
    :param presence: whether the backend is there.
    :param options: settings.
    """

    def opened(wake: Callable[[], None]) -> Any:
        if journal is not None:
            return journal
        if folder is None:
            return MemoryJournal()
        return SqliteJournal(folder / "journal.sqlite3", folder / "receipts.jsonl", 0, 0, wake, _interrupted)

    made = Desk(requests, opened, by_hand, Settings(**options), files, presence)
    try:
        yield made
    finally:
        made.end()
