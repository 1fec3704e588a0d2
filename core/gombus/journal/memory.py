"""The journal of a server that keeps nothing beyond its own end."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Callable

from ..errors import NotReady
from ..model import QUEUED, RUNNING, Record
from ..receipt import Receipt
from . import Accepted, Ending, Started

KEPT = 1000
"""How many jobs that ended are kept."""


class MemoryJournal:
    """Keeps all open jobs and the last that ended. Every call is done from inside the call itself."""

    batched = False
    reason = ""
    unfinished = 0

    def __init__(self) -> None:
        self.scope = str(uuid.uuid4())
        self.queued: list[Record] = []
        """No jobs are left from before."""
        self._records: dict[str, Record] = {}
        self._endings: dict[str, Ending] = {}
        self._late: dict[str, Receipt] = {}
        self._keys: dict[str, str] = {}
        self._ended: deque[str] = deque()
        self._schemas: dict[str, str] = {}

    def accept(self, record: Record, done: Accepted) -> None:
        """Keep a new job."""
        if record.key is not None:
            known = self._keys.setdefault(record.key, record.id)
            if known != record.id:
                done(self._whole(self._records[known]))
                return
        self._records[record.id] = record
        done(None)

    def start(self, ids: Sequence[str], done: Started) -> None:
        """Mark queued jobs as running."""
        now = time.time()
        for id in ids:
            if id in self._records:
                self._records[id] = self._records[id]._replace(state=RUNNING, started=now)
        done(None)

    def requeue(self, ids: Sequence[str], done: Callable[[], None]) -> None:
        """Mark running jobs as queued again."""
        for id in ids:
            if id in self._records:
                self._records[id] = self._records[id]._replace(state=QUEUED, started=None)
        done()

    def finish(self, ending: Ending, done: Callable[[], None]) -> None:
        """Keep how a job ended; the one that ended first makes room."""
        if ending.id in self._records and ending.id not in self._endings:
            self._endings[ending.id] = ending
            self._ended.append(ending.id)
            if len(self._ended) > KEPT:
                self._forget(self._ended.popleft())
        done()

    def late(self, id: str, receipt: Receipt) -> None:
        """Keep a late receipt."""
        if id in self._records:
            self._late[id] = receipt

    def find(self, id: str, key: str, done: Callable[[Record | NotReady | None], None]) -> None:
        """Look up one job."""
        record = self._records.get(id or self._keys.get(key, ""))
        done(None if record is None else self._whole(record))

    def list(self, state: str, before: str, limit: int, done: Callable[[Sequence[Record] | NotReady], None]) -> None:
        """Jobs, newest first."""
        found: list[Record] = []
        reached = not before
        for record in reversed(self._records.values()):
            if len(found) == limit:
                break
            if reached:
                whole = self._whole(record)
                if not state or whole.state == state:
                    found.append(whole)
            reached = reached or record.id == before
        done(found)

    def schema_seen(self, hash: str, done: Callable[[str | None], None]) -> None:
        """A schema by its hash."""
        done(self._schemas.get(hash))

    def remember_schemas(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep schemas: hash, request type, JSON text, version of its plugin."""
        self._schemas.update((hash, text) for hash, _, text, _ in rows)

    def deliver(self) -> None:
        """Nothing is ever due."""

    def close(self) -> None:
        """Nothing is to be written."""

    def _forget(self, id: str) -> None:
        record = self._records.pop(id)
        del self._endings[id]
        self._late.pop(id, None)
        if record.key is not None:
            del self._keys[record.key]

    def _whole(self, record: Record) -> Record:
        """The job with what came of it, which is put together only when somebody asks."""
        ending = self._endings.get(record.id)
        if ending is None:
            return record
        late = self._late.get(record.id)
        return record._replace(
            state=ending.state,
            started=ending.started,
            finished=ending.finished,
            receipt=ending.receipt.text,
            late=None if late is None else late.text,
        )
