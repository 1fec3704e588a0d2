"""Reads a journal, while a server writes it or while none does, and changes nothing: no file, no lock."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import JournalError
from ..model import ENDED, OPEN, Record
from ..receiptlog import Head
from ..tasks import flaw, json_object
from . import layout
from .store import BUSY_S, COLUMNS, head_of


class Reader:
    """An open journal."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @property
    def head(self) -> Head:
        """The receipt log's last line that this journal knows."""
        return head_of(self._db)

    def jobs(self, state: str = "", request: str = "", since: float = 0.0, limit: int = -1) -> Iterator[Record]:
        """Jobs, newest first.

        :param state: only of this state; empty means all.
        :param request: only of this request type; empty means all.
        :param since: only those accepted then or later, in seconds since 1970 (UTC).
        :param limit: how many; -1 means all.
        """
        query = f"""SELECT {COLUMNS} FROM job WHERE (? = '' OR state = ?) AND (? = '' OR request = ?) AND accepted >= ?
            ORDER BY number DESC LIMIT ?"""
        for row in self._db.execute(query, (state, state, request, request, since, limit)):
            yield Record(*row)

    def all_jobs(self) -> Iterator[Record]:
        """All jobs, oldest first."""
        for row in self._db.execute(f"SELECT {COLUMNS} FROM job ORDER BY number"):
            yield Record(*row)

    def find(self, id: str) -> Record | None:
        """The job with this id."""
        row = self._db.execute(f"SELECT {COLUMNS} FROM job WHERE id = ?", (id,)).fetchone()
        return Record(*row) if row else None

    def counts(self) -> Counter[str]:
        """How many jobs there are of each state."""
        return Counter(dict(self._db.execute("SELECT state, count(*) FROM job GROUP BY state ORDER BY state")))

    def problems(self) -> Iterator[str]:
        """What is wrong with the file, a sentence each."""
        for (text,) in self._db.execute("PRAGMA integrity_check"):
            if text != "ok":
                yield str(text)
        for state in self.counts().keys() - {*OPEN, *ENDED}:
            yield f"there are jobs with the state {state!r}, which is none"
        for record in self.all_jobs():
            for name, text in (("params", record.params), ("late", record.late or "{}")):
                if json_object(text) is None:
                    yield f"job {record.id}: {name} is no JSON object"
            if record.state in ENDED and (what := flaw(record)):
                yield f"job {record.id}: receipt {what}"
        for hash, text in self._db.execute("SELECT hash, text FROM schema"):
            if json_object(text) is None:
                yield f"schema {hash}: text is no JSON object"


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open a journal for reading.

    :raises JournalError: there is none, or it cannot be read; also where that shows while it is read.
    """
    if not path.is_file():
        raise JournalError(f"{path}: there is no journal; gombus serve makes one")
    try:
        with closing(_connected(path)) as connection:
            version = layout.version_of(connection, path)
            if 0 < version < layout.VERSION:
                text = f"has layout {version} of an older gombus; gombus serve makes it {layout.VERSION}"
                raise JournalError(f"{path}: {text}")
            if not version:
                raise JournalError(f"{path}: is empty; gombus serve makes a journal of it")
            yield Reader(connection)
    except layout.Damage as error:
        raise JournalError(f"{path}: cannot be read: {error}") from error


def _connected(path: Path) -> sqlite3.Connection:
    """While a server writes, or after one was killed, the file has another beside it, which SQLite must see.

    Where there is none the file is complete. Then SQLite is told that nobody changes it, because else it would make
    files beside it, which it may not be able to.
    """
    path = path.resolve()
    beside = path.with_name(path.name + "-wal")
    if not beside.exists():
        connection = _opened(path, "&immutable=1")
        if not beside.exists():
            return connection
        connection.close()
    return _opened(path, "")


def _opened(path: Path, more: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro{more}", uri=True, timeout=BUSY_S)
    connection.isolation_level = None
    return connection
