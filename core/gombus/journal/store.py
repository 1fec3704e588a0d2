"""The journal's file: a SQLite database with a row for every job. It belongs to one thread at a time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import JournalError
from ..lockfile import hold_beside
from ..model import Record
from ..receipt import Receipt
from ..receiptlog import Head
from . import Ending, layout

BUSY_S = 1.0
"""How long to wait for another program that reads or writes the file, in seconds."""
PRUNED_AT_ONCE = 500

COLUMNS = ", ".join(Record._fields)
"""Of the table job, in the order of a record's members."""
_SELECT = f"SELECT {COLUMNS} FROM job"
_AT_ONCE = 64
"""How many rows one statement takes at most. Around each statement the interpreter's lock is let go, and a thread that
computes keeps it for a while, so few statements with many rows cost far less than many with one."""


class _Many(NamedTuple):
    """A statement for any number of rows up to `_AT_ONCE`. Each number has a text of its own, which SQLite keeps."""

    before: str
    row: str
    after: str

    def of(self, count: int) -> str:
        """The statement for so many rows."""
        return self.before + ", ".join([self.row] * count) + self.after


_INSERT = _Many(f"INSERT INTO job ({COLUMNS}) VALUES ", f"({', '.join('?' * len(Record._fields))})", "")
# Every id is there, so this is an update of many rows, each with values of its own.
_FINISH = _Many(
    "INSERT INTO job (id, state, started, finished, receipt) VALUES ",
    "(?, ?, ?, ?, ?)",
    """ ON CONFLICT (id) DO UPDATE SET state = excluded.state, started = excluded.started,
    finished = excluded.finished, receipt = excluded.receipt""",
)
_START = _Many("UPDATE job SET state = 'running', started = ? WHERE state = 'queued' AND id IN (", "?", ")")
_REQUEUE = _Many("UPDATE job SET state = 'queued', started = ? WHERE state = 'running' AND id IN (", "?", ")")
_STATEMENTS = 4 * _AT_ONCE + 32
"""So many SQLite keeps prepared."""
_LATE = "UPDATE job SET late = ? WHERE id = ?"
_BY_ID = f"{_SELECT} WHERE id = ?"
_BY_KEY = f"{_SELECT} WHERE key = ?"
# Only a query that says what a partial index says is served by it.
_OPEN = f"{_SELECT} WHERE state = ? AND state <> 'completed' ORDER BY number"
# What is long is left out: many such lists can be on their way at once.
_SELECT_BRIEF = "SELECT {} FROM job".format(
    ", ".join({"params": "''", "receipt": "NULL", "late": "NULL"}.get(name, name) for name in Record._fields)
)
_LIST = f"{_SELECT_BRIEF} WHERE number < ? ORDER BY number DESC LIMIT ?"
_LIST_STATE = f"{_SELECT_BRIEF} WHERE number < ? AND state = ? AND state <> 'completed' ORDER BY number DESC LIMIT ?"
_LIST_COMPLETED = f"{_SELECT_BRIEF} WHERE number < ? AND state = ? ORDER BY number DESC LIMIT ?"
# Numbers grow without gaps, and the oldest are looked at alone: jobs end about in the order in which they came.
_PRUNE = f"""DELETE FROM job WHERE number IN (
    SELECT number FROM (SELECT number, state, finished FROM job ORDER BY number LIMIT {PRUNED_AT_ONCE})
    WHERE state NOT IN ('queued', 'running') AND (number <= (SELECT max(number) FROM job) - ? OR finished < ?))"""
_REMEMBER = "INSERT OR IGNORE INTO schema VALUES (?, ?, ?, ?, ?)"


class Store:
    """One journal file, opened for writing, and locked for all other servers.

    :raises JournalError: it cannot be used; the message names it and the remedy.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"{path}: its folder cannot be made: {error.strerror}: choose another with --journal PATH|off"
            raise JournalError(text) from error
        self._lock = hold_beside(path, "--journal")
        try:
            self._db, self.scope = _opened(path)
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Bring everything into the one file, and let go of it."""
        with suppress(*layout.Damage):
            # What stays in the file beside it is found there at the next start.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        self._lock.close()

    # Writing.

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is on the disk at the end, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def add(self, records: Iterable[Record]) -> None:
        """Keep new jobs."""
        self._at_once(_INSERT, list(records))

    def start(self, ids: Iterable[str]) -> None:
        """Mark queued jobs as running."""
        self._at_once(_START, [(id,) for id in ids], (time.time(),))

    def requeue(self, ids: Iterable[str]) -> None:
        """Mark running jobs as queued."""
        self._at_once(_REQUEUE, [(id,) for id in ids], (None,))

    def finish(self, endings: Iterable[Ending]) -> None:
        """Keep how jobs ended that are there."""
        self._at_once(_FINISH, [(e.id, e.state, e.started, e.finished, e.receipt.text) for e in endings])

    def late(self, receipts: Iterable[tuple[str, Receipt]]) -> None:
        """Keep late receipts, each with the id of its job."""
        self._db.executemany(_LATE, [(receipt.text, id) for id, receipt in receipts])

    def _at_once(self, statement: _Many, rows: Sequence[Sequence[Any]], first: Sequence[Any] = ()) -> None:
        for place in range(0, len(rows), _AT_ONCE):
            some = rows[place : place + _AT_ONCE]
            self._db.execute(statement.of(len(some)), (*first, *chain.from_iterable(some)))

    def prune(self, before: float, jobs: int) -> int:
        """Drop some of the oldest jobs, but none that has not ended.

        :param before: those that ended earlier, in seconds since 1970 (UTC).
        :param jobs: those that are older than the newest so many.
        :returns: how many were dropped.
        """
        return self._db.execute(_PRUNE, (jobs, before)).rowcount

    def remember_schemas(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep schemas: hash, request type, JSON text, version of its plugin."""
        now = time.time()
        self._db.executemany(_REMEMBER, [(*row, now) for row in rows])

    def head(self, log: str) -> Head | None:
        """The last line of a receipt log that this journal knows; None where it never wrote to it.

        :param log: as `layout.log_name` names it.
        """
        return head_of(self._db, log)

    def keep_head(self, head: Head, log: str) -> None:
        """Keep it."""
        value = f"{head.lines} {head.digest}"
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (layout.HEAD + log, value))

    def probe(self) -> None:
        """Write something that takes some room, and take it back."""
        self._db.execute("INSERT INTO meta VALUES ('probe', zeroblob(65536))")
        self._db.execute("DELETE FROM meta WHERE name = 'probe'")

    # Reading.

    def open_jobs(self, state: str) -> list[Record]:
        """All that are queued, or all that run, oldest first."""
        records = [Record(*row) for row in self._db.execute(_OPEN, (state,))]
        for record in records:
            if not _is_sound(record):
                raise sqlite3.DatabaseError(f"malformed: the record of job {record.id!r}")
        return records

    def find(self, id: str, key: str = "") -> Record | None:
        """The job with this id, or with this key where the id is empty."""
        row = self._db.execute(_BY_ID if id else _BY_KEY, (id or key,)).fetchone()
        return Record(*row) if row else None

    def page(self, state: str, before: str, limit: int) -> Sequence[Record]:
        """Jobs, newest first, as `Journal.list` says."""
        number = 1 << 62
        if before:
            row = self._db.execute("SELECT number FROM job WHERE id = ?", (before,)).fetchone()
            if row is None:
                return []
            number = row[0]
        if state:
            rows = self._db.execute(_LIST_COMPLETED if state == "completed" else _LIST_STATE, (number, state, limit))
        else:
            rows = self._db.execute(_LIST, (number, limit))
        return [Record(*row) for row in rows]

    def schema(self, hash: str) -> str | None:
        """The JSON text of a schema that was served once."""
        row = self._db.execute("SELECT text FROM schema WHERE hash = ?", (hash,)).fetchone()
        return str(row[0]) if row else None


def head_of(connection: sqlite3.Connection, log: str) -> Head | None:
    """The last line of a receipt log that a journal knows; None where it never wrote to it.

    :param log: as `layout.log_name` names it.
    """
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (layout.HEAD + log,)).fetchone()
    if row is None:
        return None
    try:
        lines, digest = row[0].split()
        return Head(int(lines), digest)
    except (ValueError, AttributeError) as error:
        raise sqlite3.DatabaseError("malformed: what it knows of the receipt log cannot be read") from error


def _is_sound(record: Record) -> bool:
    """Whether SQLite, which takes anything anywhere, gave what was written."""
    texts = (record.id, record.request, record.client, record.backend)
    times = (record.accepted, 0.0 if record.started is None else record.started)
    return all(isinstance(text, str) for text in texts) and all(isinstance(time, float) for time in times)


def _opened(path: Path) -> tuple[sqlite3.Connection, str]:
    """The journal, and where its keys hold."""
    connection = None
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS
        )
        version = layout.version_of(connection, path)
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise sqlite3.OperationalError("it must be a file on a local disk")
        # A job that was answered as accepted is on the disk, even after a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        layout.prepare(connection, version)
        connection.execute("COMMIT")
        scope = connection.execute("SELECT value FROM meta WHERE name = 'scope'").fetchone()
        if scope is None:
            raise sqlite3.DatabaseError("malformed: its scope is missing")
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, layout.Damage):
            raise unusable(path, error) from error
        raise
    return connection, str(scope[0])


def unusable(path: Path, error: Exception) -> JournalError:
    """What SQLite, or the system, says of a journal, with the remedy."""
    remedy = "choose another with --journal PATH|off"
    if "not a database" in str(error) or "malformed" in str(error):
        remedy = f"move it away, or {remedy}"
    return JournalError(f"{path}: cannot be used as journal: {error}: {remedy}")
