"""What is done with the calls of a journal that lasts, on its thread: many in one transaction, and none lost.

What cannot be written is not accepted. How a job ended is owed: its client is told, and it is written when it can be.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Callable

from ..errors import JournalError, NotReady
from ..model import QUEUED, RUNNING, Record
from ..receipt import Receipt
from ..receiptlog import Head, ReceiptLog
from . import layout
from .layout import log_name
from .recovery import left_over
from .store import Store, unusable

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""How often it is tried to write again, in seconds, where nobody asks for it."""
PRUNE_EVERY = 1000
"""After so many endings what is too old is dropped."""
DAY_S = 86_400.0

ACCEPT, START, REQUEUE, FINISH, LATE, SCHEMAS = "accept", "start", "requeue", "finish", "late", "schemas"
FIND, LIST, SCHEMA = "find", "list", "schema"
OWED = (REQUEUE, FINISH, LATE, SCHEMAS)
"""What was told, or is told to nobody, and must be written some time."""
READS = (FIND, LIST, SCHEMA)
"""Questions: they change nothing."""


class Op:
    """One call: its kind, what it is about, and who gets the answer, if anybody."""

    __slots__ = ("answer", "argument", "done", "kind", "logged")

    def __init__(self, kind: str, argument: Any, done: Callable[..., None] | None = None) -> None:
        self.kind = kind
        self.argument = argument
        self.done = done
        self.answer: tuple[Any, ...] = ()
        """What `done` gets."""
        self.logged = False
        """Whether its receipt has a line in the receipt log."""

    def receipt(self) -> Receipt | None:
        """What is to get a line in the receipt log."""
        receipt: Receipt | None = None
        if self.kind == FINISH and self.argument.ran and not self.logged:
            receipt = self.argument.receipt
        elif self.kind == LATE and not self.logged:
            receipt = self.argument[1]
        return receipt


class Writer:
    """A journal's files, opened. Made on the owner thread, then used on the journal's alone.

    :param receipts: the receipt log's file; None means none.
    :param days: jobs that ended longer ago are dropped; 0 keeps all.
    :param jobs: how many jobs are kept; 0 keeps all.
    :param interrupted: makes the receipt (JSON text) of a job that ran when the last server ended; its record has
        state and end already.
    :raises JournalError: the journal or the receipt log cannot be used.
    """

    def __init__(
        self, path: Path, receipts: Path | None, days: int, jobs: int, interrupted: Callable[[Record], str]
    ) -> None:
        self.reason = ""
        """Why nothing can be written now; empty where it can."""
        self.owed: list[Op] = []
        """What is still to be written."""
        self._days = days
        self._jobs = jobs
        self._endings = 0
        self._pruning = bool(days or jobs)
        self._receipts: ReceiptLog | None = None
        self._store = Store(path)
        try:
            self.scope = self._store.scope
            self._head = Head()
            self._log = ""
            if receipts:
                self._log = log_name(path, receipts)
                known = self._store.head(self._log)
                self._receipts = ReceiptLog(receipts, known or Head())
                self._head = self._receipts.head if known is None else known
                if known is None:
                    # What stands in it now is from before, or from elsewhere, and says nothing of this journal's jobs.
                    with self._store.transaction():
                        self._store.keep_head(self._head, self._log)
            self._recover(interrupted)
            self.queued = self._store.open_jobs(QUEUED)
            """The jobs that were queued when the last server ended, in the order of their acceptance."""
        except BaseException as error:
            self.close()
            if isinstance(error, layout.Damage):
                raise unusable(path, error) from error
            if isinstance(error, OSError):
                raise JournalError(f"{receipts}: cannot be written: {error.strerror}") from error
            raise

    def close(self) -> None:
        """Let go of the files."""
        if self._receipts is not None:
            self._receipts.close()
        self._store.close()

    def _recover(self, interrupted: Callable[[Record], str]) -> None:
        jobs = self._store.open_jobs(RUNNING) + self._store.open_jobs(QUEUED)
        logged = self._receipts.beyond() if self._receipts and self._receipts.head != self._head else []
        endings, late = left_over(jobs, logged, interrupted, time.time())
        ops = [Op(FINISH, ending) for ending in endings]
        for id, receipt in late:
            ops.append(Op(LATE, (id, receipt)))
            ops[-1].logged = True
        if ops or logged:
            self._transaction(ops)
        count = sum(1 for ending in endings if ending.ran)
        if count:
            log.warning("%d jobs ran when the last server ended: interrupted, their effect is not known", count)

    @property
    def rest_s(self) -> float | None:
        """How long it may be waited for the next call, in seconds; None means for ever."""
        if self.reason:
            return RETRY_S
        return 0.0 if self._pruning else None

    def carry_out(self, ops: Sequence[Op]) -> None:
        """Do all of them, and note the answers."""
        writes = self.owed + [op for op in ops if op.kind not in READS]
        if writes or self.reason or self._pruning:
            self._write(writes)
        for op in ops:
            if op.kind in READS:
                op.answer = (self._read(op),)

    # Writing.

    def _write(self, ops: Sequence[Op]) -> None:
        try:
            self._transaction(ops)
        except Exception as error:
            if _is_of_all(error):
                self._fail(ops, error)
            else:
                self._write_one_by_one(ops)
        else:
            self._succeed()

    def _write_one_by_one(self, ops: Sequence[Op]) -> None:
        """One call's values cannot be written: the others are."""
        for place, op in enumerate(ops):
            try:
                self._transaction([op])
            except Exception as error:
                if _is_of_all(error):
                    self._fail(ops[place:], error)
                    return
                log.exception("bug: the journal cannot keep this %s: %.500r", op.kind, op.argument)
                if op.kind not in OWED:
                    op.answer = (NotReady("its journal cannot keep this request"),)
        self._succeed()

    def _succeed(self) -> None:
        self.owed = []
        if self.reason:
            self.reason = ""
            log.info("the journal can be written again, and nothing is owed")

    def _fail(self, ops: Sequence[Op], error: Exception) -> None:
        if isinstance(error, OSError):
            reason = f"its receipt log cannot be written: {error.strerror}"
        else:
            reason = f"its journal cannot be written: {error}"
        if not self.reason:
            log.error("%s; no request is accepted until it can", reason)
        self.reason = reason
        self.owed = [op for op in ops if op.kind in OWED]
        for op in ops:
            if op.kind not in OWED:
                op.answer = (NotReady(reason),)

    def _transaction(self, ops: Sequence[Op]) -> None:
        pruned = 0
        with self._store.transaction():
            # What is accepted depends on nothing else here, and many at once cost less.
            ordered = sorted(ops, key=lambda op: op.kind != ACCEPT)
            for kind, group in groupby(ordered, lambda op: op.kind):
                self._apply(kind, list(group))
            if self._pruning:
                before = time.time() - self._days * DAY_S if self._days else 0.0
                pruned = self._store.prune(before, self._jobs or 1 << 62)
            if self.reason:
                self._store.probe()
            # The receipt log comes before the commit: what the journal knows of it is there.
            head = self._log_receipts(ops)
            if head != self._head:
                self._store.keep_head(head, self._log)
        self._head = head
        self._pruning = pruned > 0 or (self._endings >= PRUNE_EVERY and bool(self._days or self._jobs))
        if self._pruning:
            self._endings = 0

    def _apply(self, kind: str, ops: list[Op]) -> None:
        store = self._store
        if kind == ACCEPT:
            self._accept(ops)
        elif kind == FINISH:
            store.finish(op.argument for op in ops)
            self._endings += len(ops)
        elif kind == LATE:
            store.late(op.argument for op in ops)
        elif kind == SCHEMAS:
            store.remember_schemas(row for op in ops for row in op.argument)
        elif kind == REQUEUE:
            store.requeue(id for op in ops for id in op.argument)
        else:
            store.start(id for op in ops for id in op.argument)
            for op in ops:
                op.answer = (None,)

    def _accept(self, ops: Sequence[Op]) -> None:
        new = []
        keys: dict[str, Record] = {}
        for op in ops:
            record = op.argument
            known = None
            if record.key is not None:
                known = keys.get(record.key) or self._store.find("", record.key)
                keys.setdefault(record.key, record)
            if known is None:
                new.append(record)
            op.answer = (known and self._as_told(known),)
        self._store.add(new)

    def _log_receipts(self, ops: Sequence[Op]) -> Head:
        if self._receipts is None:
            return self._head
        due = [(op, receipt) for op in ops if (receipt := op.receipt()) is not None]
        if due:
            self._receipts.append([receipt.text for _, receipt in due])
            # Where the commit fails, the next try must not write the lines again.
            for op, _ in due:
                op.logged = True
        return self._receipts.head

    # Reading.

    def _read(self, op: Op) -> Any:
        try:
            if op.kind == FIND:
                record = self._store.find(*op.argument)
                return record and self._as_told(record)
            if op.kind == LIST:
                state = op.argument[0]
                records = [self._as_told(record) for record in self._store.page(*op.argument)]
                return [record for record in records if state in ("", record.state)]
            return self._store.schema(op.argument)
        except layout.Damage as error:
            log.error("the journal cannot be read: %s", error)
            return None if op.kind == SCHEMA else NotReady(f"its journal cannot be read: {error}")

    def _as_told(self, record: Record) -> Record:
        """The job as it will be when what is owed is written."""
        for op in self.owed:
            if op.kind == FINISH and op.argument.id == record.id:
                _, state, started, finished, receipt, _ = op.argument
                record = record._replace(state=state, started=started, finished=finished, receipt=receipt.text)
            elif op.kind == LATE and op.argument[0] == record.id:
                record = record._replace(late=op.argument[1].text)
            elif op.kind == REQUEUE and record.id in op.argument:
                record = record._replace(state=QUEUED, started=None)
        return record


def _is_of_all(error: Exception) -> bool:
    """Whether an error keeps everything from being written, and not only one call with values that cannot be kept."""
    return (
        isinstance(error, (sqlite3.OperationalError, UnicodeDecodeError, OSError, MemoryError))
        or type(error) is sqlite3.DatabaseError
    )
