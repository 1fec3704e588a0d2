"""A lock on a folder or a file that ends with the process that holds it."""

from __future__ import annotations

import sqlite3
from pathlib import Path


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
