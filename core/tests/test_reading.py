"""Reading a journal, while a server writes it or while none does."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from gombus.errors import JournalError
from gombus.journal import layout
from gombus.journal.reading import reading
from gombus.journal.store import Store
from gombus.model import COMPLETED, FAILED, QUEUED
from gombus.receipt import Receipt
from gombus.receiptlog import Head
from journals import ending, receipt, record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test has its journal; the name needs care in a URI."""
    return tmp_path / "new folder" / "jour?nal#1%41.sqlite3"


def names(path: Path) -> list[str]:
    """What is in the journal's folder."""
    return sorted(file.name for file in path.parent.iterdir())


def test_while_a_server_writes(path: Path) -> None:
    store, jobs = Store(path), [record() for _ in range(3)]
    with store.transaction():
        store.add(jobs[:2])
        store.keep_head(Head(3, "a" * 64))
    before = names(path)
    with reading(path) as reader:
        assert reader.head == Head(3, "a" * 64)
        listed = reader.jobs()
        assert next(listed) == jobs[1]
        # What is written meanwhile waits for nobody, and does not change what is being read.
        with store.transaction():
            store.add(jobs[2:])
        assert list(listed) == [jobs[0]]
        assert list(reader.all_jobs()) == jobs
        assert reader.find(jobs[2].id) == jobs[2]
        assert reader.find("x") is None
    assert names(path) == before
    store.close()


def test_while_none_does_no_file_is_made(path: Path) -> None:
    store, job = Store(path), record()
    with store.transaction():
        store.add([job])
    store.close()
    before = names(path)
    with reading(path) as reader:
        assert list(reader.jobs()) == [job]
        assert reader.head == Head()
        assert list(reader.problems()) == []
        assert names(path) == before
    assert names(path) == before


def test_after_a_server_was_killed_what_it_wrote_last_is_seen(path: Path, tmp_path: Path) -> None:
    store, job = Store(path), record()
    with store.transaction():
        store.add([job])
    left = tmp_path / "left"
    shutil.copytree(path.parent, left)
    store.close()
    before = names(left / path.name)
    with reading(left / path.name) as reader:
        assert list(reader.jobs()) == [job]
    assert names(left / path.name) == before


def test_states_request_types_times_and_a_limit_choose(path: Path) -> None:
    jobs = [record(accepted=float(number)) for number in range(6)]
    jobs[5] = jobs[5]._replace(request="image")
    store = Store(path)
    with store.transaction():
        store.add(jobs)
        store.finish([ending(jobs[0].id), ending(jobs[1].id, FAILED), ending(jobs[2].id)])
    store.close()
    with reading(path) as reader:
        for arguments, expected in [
            ({}, [5, 4, 3, 2, 1, 0]),
            ({"limit": 2}, [5, 4]),
            ({"state": COMPLETED}, [2, 0]),
            ({"state": QUEUED, "request": "say"}, [4, 3]),
            ({"request": "image"}, [5]),
            ({"since": 2.0, "limit": 3, "request": "say"}, [4, 3, 2]),
        ]:
            assert [job.id for job in reader.jobs(**arguments)] == [jobs[number].id for number in expected]
        assert reader.counts() == {COMPLETED: 2, FAILED: 1, QUEUED: 3}


def test_what_is_wrong_is_found(path: Path) -> None:
    store, jobs = Store(path), [record(params="{"), record("lost"), *(record() for _ in range(4))]
    _, _, cut, short, other, sound = jobs
    with store.transaction():
        store.add(jobs)
        receipts = [Receipt.kept(text) for text in ('{"cut', "[]", receipt(cut.id).text, receipt(sound.id).text)]
        store.finish(ending(job.id)._replace(receipt=kept) for job, kept in zip(jobs[2:], receipts))
        store.late([(sound.id, Receipt.kept("5"))])
        store.remember_schemas([("h", "say", "[" * 100_000, "1.0")])
    store.close()
    with reading(path) as reader:
        assert list(reader.problems()) == [
            "there are jobs with the state 'lost', which is none",
            f"job {jobs[0].id}: params is no JSON object",
            f"job {cut.id}: receipt is no JSON object",
            f"job {short.id}: receipt is no JSON object",
            f"job {other.id}: receipt is not that of this job",
            f"job {sound.id}: late is no JSON object",
            "schema h: text is no JSON object",
        ]


def test_damage_is_found(path: Path) -> None:
    store = Store(path)
    with store.transaction():
        store.add([record() for _ in range(1000)])
    store.close()
    content = bytearray(path.read_bytes())
    content[-3 * 4096 : -2 * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(JournalError, match="cannot be read: database disk image is malformed"), reading(path) as reader:
        assert next(reader.problems())
        list(reader.all_jobs())


def test_what_is_no_journal_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"hello" * 1000)
    (tmp_path / "empty").write_bytes(b"")
    for name, version in (("old", 1), ("new", layout.VERSION + 1)):
        Store(tmp_path / name).close()
        connection = sqlite3.connect(tmp_path / name)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
    for name, text in [
        ("none", "none: there is no journal; gombus serve makes one"),
        (".", "there is no journal"),
        ("text", "text: cannot be read: file is not a database"),
        ("empty", "empty: is empty; gombus serve makes a journal of it"),
        ("old", "old: has layout 1 of an older gombus; gombus serve makes it 2"),
        ("new", "new: was written by a newer gombus"),
    ]:
        with pytest.raises(JournalError, match=text), reading(tmp_path / name):
            pass
    assert not (tmp_path / "none").exists()
