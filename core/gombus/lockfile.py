"""A lock on a folder or a file that ends with the process that holds it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .errors import JournalError


def hold(path: Path) -> sqlite3.Connection:
    """Hold a lock until the connection is closed. A lock of SQLite's works on every system.

    :param path: the lock's own file; made if it is not there.
    :raises sqlite3.Error: with ``locked`` in its text where another one holds it, else it cannot be made.
    """
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def hold_beside(file: Path, option: str) -> sqlite3.Connection:
    """Hold the lock that belongs to a file: beside the file itself, whatever leads to it.

    :param option: of the command line, with which another file is chosen.
    :raises JournalError: another gombus holds it, or it cannot be made.
    """
    lock = file.resolve()
    lock = lock.with_name(lock.name + "-lock")
    try:
        return hold(lock)
    except sqlite3.Error as error:
        if "locked" in str(error):
            text = f"{file}: is in use by another gombus: stop it, or choose another with {option} PATH|off"
        else:
            text = f"{file}: cannot be locked: {lock}: {error}: choose another with {option} PATH|off"
        raise JournalError(text) from error
