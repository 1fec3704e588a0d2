"""The tables of the journal's file, and how an older layout becomes today's."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

from ..errors import JournalError

APPLICATION_ID = 0x676F6D62
"""Marks a SQLite file as a journal of gombus: ``gomb``."""
VERSION = 2
Damage = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises: where SQLite's own sentence quotes damaged bytes, they may be no text."""

_TODAY = (
    """CREATE TABLE job (
        number INTEGER PRIMARY KEY, id TEXT UNIQUE, request TEXT, params TEXT, client TEXT, backend TEXT, state TEXT,
        accepted REAL, started REAL, finished REAL, key TEXT, digest TEXT, receipt TEXT, late TEXT)""",
    "CREATE UNIQUE INDEX job_key ON job (key) WHERE key IS NOT NULL",
    "CREATE INDEX job_state ON job (state, number) WHERE state <> 'completed'",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)",
    "CREATE TABLE schema (hash TEXT PRIMARY KEY, request TEXT, text TEXT, version TEXT, first_seen REAL)",
)
_MIGRATIONS = {
    1: (
        "ALTER TABLE job ADD COLUMN late TEXT",
        "CREATE TABLE schema (hash TEXT PRIMARY KEY, request TEXT, text TEXT, version TEXT, first_seen REAL)",
    ),
}
"""What makes the next layout of each older one."""


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The layout of a journal, 1 to `VERSION`; 0 for a file that is empty.

    :raises JournalError: the file is no journal, or has the layout of a newer gombus.
    """
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return 0
    if application != APPLICATION_ID:
        raise JournalError(f"{path}: is a database, but no journal of gombus: choose another with --journal PATH")
    if version > VERSION:
        raise JournalError(
            f"{path}: was written by a newer gombus (layout {version}, this one knows {VERSION}): "
            "update gombus, or choose another with --journal PATH"
        )
    return int(version)


def prepare(connection: sqlite3.Connection, version: int) -> None:
    """Make today's layout of an older one, or of an empty file, inside the transaction that is open.

    :param version: as `version_of` gives it.
    """
    if version == VERSION:
        return
    if version == 0:
        for statement in _TODAY:
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('scope', ?)", (str(uuid.uuid4()),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for older in range(version or VERSION, VERSION):
        for statement in _MIGRATIONS[older]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
