"""The tables of the journal's file, and how an older layout becomes today's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gombus.errors import JournalError
from gombus.journal import layout
from gombus.journal.store import Store
from journals import receipt

VERSION_1 = (
    """CREATE TABLE job (
        number INTEGER PRIMARY KEY, id TEXT UNIQUE, request TEXT, params TEXT, client TEXT, backend TEXT, state TEXT,
        accepted REAL, started REAL, finished REAL, key TEXT, digest TEXT, receipt TEXT)""",
    "CREATE UNIQUE INDEX job_key ON job (key) WHERE key IS NOT NULL",
    "CREATE INDEX job_state ON job (state, number) WHERE state <> 'completed'",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT)",
    "INSERT INTO meta VALUES ('scope', 'the scope')",
    """INSERT INTO job VALUES
        (7, 'a', 'say', '{}', 'c', 'twin', 'completed', 1.5, 2.5, 3.5, 'k', 'd', '{"job": "a"}')""",
    "INSERT INTO job VALUES (8, 'b', 'say', '{}', 'c', 'twin', 'queued', 4.5, NULL, NULL, NULL, NULL, NULL)",
    "PRAGMA application_id = 0x676F6D62",
    "PRAGMA user_version = 1",
)


def write(path: Path, statements: tuple[str, ...]) -> None:
    """Make a journal of an older gombus."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def shape(path: Path) -> list[tuple[str, str, str]]:
    """Tables with their columns, and indexes with their conditions."""
    connection = sqlite3.connect(path)
    found = []
    for kind, name, text in connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall():
        columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
        found.append((kind, name, str(columns) if kind == "table" else text))
    connection.close()
    return found


def test_a_journal_of_version_1_becomes_todays_with_all_that_it_keeps(tmp_path: Path) -> None:
    old = tmp_path / "old"
    write(old, VERSION_1)
    opened = Store(old)
    assert opened.scope == "the scope"
    ended, queued = opened.find("a"), opened.find("b")
    assert ended
    assert queued
    assert ended[1:] == ("say", "{}", "c", "twin", "completed", 1.5, 2.5, 3.5, "k", "d", '{"job": "a"}', None, None)
    assert opened.open_jobs("queued") == [queued]
    with opened.transaction():
        opened.late([("a", receipt("a"))])
        opened.remember_schemas([("h", "say", "{}", "1.0")])
    assert opened.schema("h") == "{}"
    opened.close()
    Store(tmp_path / "new").close()
    assert shape(old) == shape(tmp_path / "new")
    again = Store(old)
    assert again.find("a") == ended._replace(late=receipt("a").text)
    again.close()


def test_a_migration_that_fails_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "old"
    write(path, (*VERSION_1, "CREATE TABLE schema (other)"))
    before = shape(path)
    with pytest.raises(JournalError, match="old: cannot be used as journal: table schema already exists"):
        Store(path)
    assert shape(path) == before


def test_there_is_a_way_from_every_older_layout() -> None:
    assert list(layout._MIGRATIONS) == list(range(1, layout.VERSION))
