"""The journal that lasts: a thread of its own carries out all calls that wait at once, and hands the answers back."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Callable

from ..errors import NotReady
from ..model import Record
from ..receipt import Receipt
from . import Accepted, Ending, Started, writer
from .writer import Op, Writer

log = logging.getLogger(__name__)

DELIVER_S = 0.01
"""For how long, in seconds, answers are handed back in one go."""
READS = 16
"""How many answers to questions may wait to be handed back: what is to be kept does not wait for all that was asked."""
ROOM_S = 0.005
"""How often, in seconds, it is looked whether there is room for more."""


class SqliteJournal:
    """A journal in a file. Its making opens and recovers it: what ran when the last server ended is interrupted.

    :param receipts: the receipt log's file; None means none.
    :param days: jobs that ended longer ago are dropped; 0 keeps all.
    :param jobs: how many jobs are kept; 0 keeps all.
    :param wake: called on the journal's thread when answers stand ready after none did; it must lead to a call of
        `deliver` on the network thread.
    :param interrupted: makes the receipt (JSON text) of a job that ran; its record has state and end already.
    :raises JournalError: the journal or the receipt log cannot be used.
    """

    batched = True

    def __init__(
        self,
        path: Path,
        receipts: Path | None,
        days: int,
        jobs: int,
        wake: Callable[[], None],
        interrupted: Callable[[Record], str],
    ) -> None:
        self._writer = Writer(path, receipts, days, jobs, interrupted)
        self.scope = self._writer.scope
        self.queued = self._writer.queued
        """The jobs that were queued when the last server ended, in the order of their acceptance."""
        self.reason = ""
        self.unfinished = 0
        self._wake = wake
        self._waiting: SimpleQueue[Op | None] = SimpleQueue()
        self._questions: deque[Op | None] = deque()
        self._answered: deque[Op] = deque()
        self._woken = False
        self._thread = threading.Thread(target=self._run, name="gombus-journal", daemon=True)
        self._thread.start()

    def accept(self, record: Record, done: Accepted) -> None:
        """Keep a new job."""
        self._ask(writer.ACCEPT, record, done)

    def start(self, ids: Sequence[str], done: Started) -> None:
        """Mark queued jobs as running."""
        self._ask(writer.START, ids, done)

    def requeue(self, ids: Sequence[str], done: Callable[[], None]) -> None:
        """Mark running jobs as queued again."""
        self._ask(writer.REQUEUE, ids, done)

    def finish(self, ending: Ending, done: Callable[[], None]) -> None:
        """Keep how a job ended."""
        self._ask(writer.FINISH, ending, done)

    def late(self, id: str, receipt: Receipt) -> None:
        """Keep a late receipt."""
        self._waiting.put(Op(writer.LATE, (id, receipt)))

    def find(self, id: str, key: str, done: Callable[[Record | NotReady | None], None]) -> None:
        """Look up one job."""
        self._ask(writer.FIND, (id, key), done)

    def list(self, state: str, before: str, limit: int, done: Callable[[Sequence[Record] | NotReady], None]) -> None:
        """Jobs, newest first."""
        self._ask(writer.LIST, (state, before, limit), done)

    def schema_seen(self, hash: str, done: Callable[[str | None], None]) -> None:
        """A schema by its hash."""
        self._ask(writer.SCHEMA, hash, done)

    def remember_schemas(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep schemas: hash, request type, JSON text, version of its plugin. May be called on any thread."""
        self._waiting.put(Op(writer.SCHEMAS, tuple(rows)))

    def deliver(self) -> None:
        """Call what is due."""
        until_s = time.monotonic() + DELIVER_S
        while True:
            if not self._answered:
                # Lowered before the last look: what is answered after it wakes anew.
                self._woken = False
                if not self._answered:
                    return
            op = self._answered.popleft()
            self.unfinished -= 1
            try:
                assert op.done is not None
                op.done(*op.answer)
            except Exception:
                # One that cannot take its answer must not keep the others from theirs.
                log.exception("bug in what takes an answer of the journal")
            if time.monotonic() > until_s:
                # Others have their turn before the rest. Nobody else wakes meanwhile: each would bring a go of its own.
                self._woken = True
                self._wake()
                return

    def close(self) -> None:
        """Write what is still to be written, and let go of the files."""
        self._waiting.put(None)
        self._thread.join()

    def _ask(self, kind: str, argument: Any, done: Callable[..., None]) -> None:
        self.unfinished += 1
        self._waiting.put(Op(kind, argument, done))

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch = self._take()
            ops = [op for op in batch if op is not None]
            stopping = len(ops) < len(batch)
            try:
                self._writer.carry_out(ops)
            except Exception:
                log.exception("bug in the journal")
                for op in ops:
                    if not op.answer and op.kind not in writer.OWED:
                        op.answer = (NotReady("there is a bug in its journal"),)
            self.reason = self._writer.reason
            self._answered.extend(op for op in ops if op.done)
            if self._answered and not self._woken:
                self._woken = True
                self._wake()
        if self._writer.owed:
            log.error("%s: what %d calls are to keep is lost", self.reason, len(self._writer.owed))
        self._writer.close()

    def _take(self) -> Sequence[Op | None]:
        """All that waits to be kept, and some of the questions. It waits for a call, unless there is more to do."""
        batch: list[Op | None] = []
        with suppress(Empty):
            op = self._waiting.get(timeout=self._patience_s())
            while True:
                (batch if op is None or op.kind not in writer.READS else self._questions).append(op)
                op = self._waiting.get_nowait()
        for _ in range(min(self._room, len(self._questions))):
            batch.append(self._questions.popleft())
        return batch

    @property
    def _room(self) -> int:
        """How many answers may be added to those that are not handed back yet."""
        return max(0, READS - len(self._answered))

    def _patience_s(self) -> float | None:
        if not self._questions:
            return self._writer.rest_s
        return 0.0 if self._room else ROOM_S
