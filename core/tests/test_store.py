"""The journal's file: opening, locking, what is kept, and what is dropped."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gombus.errors import JournalError
from gombus.journal import layout, store
from gombus.journal.store import Store
from gombus.model import CANCELLED, COMPLETED, FAILED, QUEUED, RUNNING
from gombus.receiptlog import Head
from journals import ending, receipt, record
from support import WAIT_S

ALL = 1 << 62


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test has its journal; the name needs care in a URI."""
    return tmp_path / "new folder" / "jour?nal#1%41.sqlite3"


def test_what_is_kept_is_there_after_it_was_opened_again(path: Path) -> None:
    jobs = [record(key=key, params='{"word": "Größe"}') for key in (None, "k")]
    kept = Store(path)
    with kept.transaction():
        kept.add(jobs)
        kept.start([jobs[0].id])
        kept.keep_head(Head(3, "a" * 64), "r.jsonl")
    scope = kept.scope
    kept.close()
    again = Store(path)
    assert again.scope == scope
    assert (again.head("r.jsonl"), again.head("other.jsonl")) == (Head(3, "a" * 64), None)
    assert again.find("", "k") == again.find(jobs[1].id) == jobs[1]
    started = again.find(jobs[0].id)
    assert started
    assert started._replace(started=None) == jobs[0]._replace(state=RUNNING)
    assert started.started
    assert again.find("x") is again.find("", "x") is None
    again.close()


def test_each_journal_has_a_scope_of_its_own(tmp_path: Path) -> None:
    stores = [Store(tmp_path / name) for name in ("a", "b")]
    assert stores[0].scope != stores[1].scope
    assert stores[0].head("r.jsonl") is None
    for opened in stores:
        opened.close()


def test_the_file_is_written_so_that_a_power_cut_loses_nothing(path: Path) -> None:
    opened = Store(path)
    assert opened._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert opened._db.execute("PRAGMA synchronous").fetchone() == (2,)
    opened.close()
    assert [file.name for file in path.parent.iterdir() if "-wal" in file.name] == []


@pytest.mark.parametrize("count", [1, 3, 4, 63, 64, 65, 200])
def test_any_number_of_jobs_is_written_at_once(path: Path, count: int) -> None:
    jobs = [record() for _ in range(count)]
    opened = Store(path)
    with opened.transaction():
        opened.add(jobs)
        opened.start(job.id for job in jobs)
    assert [job.id for job in opened.open_jobs(RUNNING)] == [job.id for job in jobs]
    with opened.transaction():
        opened.requeue(job.id for job in jobs)
    assert opened.open_jobs(QUEUED) == jobs
    endings = [ending(job.id, state) for job, state in zip(jobs, [COMPLETED, FAILED] * count)]
    with opened.transaction():
        opened.finish(endings)
        opened.late((job.id, receipt(job.id, FAILED)) for job in jobs)
    for job, end in zip(jobs, endings):
        assert opened.find(job.id) == job._replace(
            state=end.state,
            started=end.started,
            finished=end.finished,
            receipt=end.receipt.text,
            late=receipt(job.id, FAILED).text,
        )
    opened.close()


def test_only_queued_ones_are_started_and_only_running_ones_put_back(path: Path) -> None:
    jobs = [record() for _ in range(3)]
    opened = Store(path)
    with opened.transaction():
        opened.add(jobs)
        opened.finish([ending(jobs[0].id, CANCELLED)])
        opened.start([jobs[0].id, jobs[1].id])
        opened.requeue([jobs[0].id])
    states = [found.state for job in jobs if (found := opened.find(job.id))]
    assert states == [CANCELLED, RUNNING, QUEUED]
    opened.close()


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    job = record()
    opened = Store(path)
    with pytest.raises(ZeroDivisionError), opened.transaction():
        opened.add([job])
        _ = 1 / 0
    assert opened.find(job.id) is None
    with pytest.raises(sqlite3.IntegrityError), opened.transaction():
        opened.add([job, job])
    assert opened.find(job.id) is None
    with opened.transaction():
        opened.add([job])
    assert opened.find(job.id) == job
    opened.close()


def test_the_newest_come_first_and_states_and_places_choose(path: Path) -> None:
    jobs = [record() for _ in range(6)]
    opened = Store(path)
    with opened.transaction():
        opened.add(jobs)
        opened.finish([ending(job.id, state) for job, state in zip(jobs, [COMPLETED, FAILED] * 2)])
    newest = [job.id for job in reversed(jobs)]
    for arguments, expected in [
        (("", "", 100), newest),
        (("", "", 2), newest[:2]),
        (("", newest[1], 2), newest[2:4]),
        ((COMPLETED, "", 100), [newest[3], newest[5]]),
        ((COMPLETED, newest[3], 100), [newest[5]]),
        ((FAILED, "", 1), [newest[2]]),
        ((QUEUED, newest[0], 100), [newest[1]]),
        ((CANCELLED, "", 100), []),
        (("", "unknown", 100), []),
    ]:
        page = opened.page(*arguments)
        assert [job.id for job in page] == expected
        # Many lists may be on their way at once.
        assert {(job.params, job.receipt) for job in page} <= {("", None)}
    opened.close()


def test_what_is_asked_often_is_served_by_an_index(path: Path) -> None:
    opened = Store(path)
    for query, values, index in [
        (store._BY_ID, ("x",), "sqlite_autoindex_job_1"),
        (store._BY_KEY, ("x",), "job_key"),
        (store._OPEN, (QUEUED,), "job_state"),
        (store._LIST_STATE, (ALL, FAILED, 10), "job_state"),
        (store._START.of(4), (1.0, *"abcd"), "sqlite_autoindex_job_1"),
        (store._LATE, ("x", "y"), "sqlite_autoindex_job_1"),
    ]:
        plan = " ".join(row[3] for row in opened._db.execute("EXPLAIN QUERY PLAN " + query, values))
        assert f"INDEX {index} " in plan
        assert "TEMP B-TREE" not in plan
    opened.close()


def test_schemas_are_kept_as_they_were_first_seen(path: Path) -> None:
    opened = Store(path)
    with opened.transaction():
        opened.remember_schemas([("h", "say", "{}", "1.0")])
        opened.remember_schemas([("h", "say", "{}", "2.0"), ("i", "say", "[]", "2.0")])
    assert (opened.schema("h"), opened.schema("i"), opened.schema("x")) == ("{}", "[]", None)
    assert opened._db.execute("SELECT version FROM schema WHERE hash = 'h'").fetchone() == ("1.0",)
    opened.close()


# What is dropped.


def numbers(opened: Store) -> list[int]:
    return [number for (number,) in opened._db.execute("SELECT number FROM job ORDER BY number")]


def test_the_oldest_are_dropped_where_there_are_too_many_but_no_open_one(path: Path) -> None:
    jobs = [record(state) for state in [QUEUED, RUNNING] + [QUEUED] * 8]
    opened = Store(path)
    with opened.transaction():
        opened.add(jobs)
        opened.finish(ending(job.id) for job in jobs[2:])
        assert opened.prune(0.0, 4) == 4
        assert opened.prune(0.0, 4) == 0
    assert numbers(opened) == [1, 2, 7, 8, 9, 10]
    opened.close()


def test_those_that_ended_too_long_ago_are_dropped(path: Path) -> None:
    jobs = [record() for _ in range(5)]
    opened = Store(path)
    with opened.transaction():
        opened.add(jobs)
        opened.finish(ending(job.id, finished=time_s) for job, time_s in zip(jobs[1:], [10.0, 20.0, 30.0, 40.0]))
        assert opened.prune(30.0, ALL) == 2
    assert numbers(opened) == [1, 4, 5]
    opened.close()


def test_only_so_many_are_dropped_at_once(path: Path) -> None:
    jobs = [record() for _ in range(store.PRUNED_AT_ONCE + 20)]
    opened = Store(path)
    with opened.transaction():
        opened.add(jobs)
        opened.finish(ending(job.id) for job in jobs)
        assert [opened.prune(0.0, 10) for _ in range(3)] == [store.PRUNED_AT_ONCE, 10, 0]
        assert len(numbers(opened)) == 10
    opened.close()


def test_nothing_is_dropped_of_an_empty_journal(path: Path) -> None:
    opened = Store(path)
    with opened.transaction():
        assert opened.prune(ALL, 0) == 0
    opened.close()


# What cannot be opened.


def sql(path: Path, *statements: str) -> None:
    """Make a database of another's."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_second_server_is_refused_and_the_first_goes_on(path: Path) -> None:
    first = Store(path)
    with pytest.raises(JournalError, match=r"is in use by another gombus: stop it, or choose another with --journal"):
        Store(path)
    with first.transaction():
        first.add([record()])
    first.close()
    Store(path).close()


def test_a_second_server_is_refused_whatever_leads_to_the_journal(path: Path, tmp_path: Path) -> None:
    first = Store(path)
    try:
        (tmp_path / "link").symlink_to(path)
    except OSError:  # not everybody may make one on Windows
        pytest.skip("no symbolic links here")
    finally:
        first.close()
    first = Store(path)
    with pytest.raises(JournalError, match="link: is in use by another gombus"):
        Store(tmp_path / "link")
    first.close()


def test_what_is_no_file_on_a_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalError, match=r":memory:: cannot be .*: choose another with --journal"):
        Store(Path(":memory:"))


def test_a_lock_ends_with_its_process(path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from gombus.journal.store import Store\n"
        "store = Store(Path(sys.argv[1])); print('open', flush=True); sys.stdin.readline(); os._exit(1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        with pytest.raises(JournalError, match="is in use by another gombus"):
            Store(path)
        other.communicate("\n", timeout=WAIT_S)
    Store(path).close()


@pytest.mark.parametrize("content", [b"hello", b"x" * 100_000])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal: cannot be used as journal: .*: move it away, or choose another"):
        Store(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    sql(path, "CREATE TABLE job (id)", "PRAGMA user_version = 1")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="is a database, but no journal of gombus: choose another with --journal"):
        Store(path)
    assert path.read_bytes() == before


def test_a_newer_journal_is_left_as_it_is(path: Path) -> None:
    Store(path).close()
    sql(path, f"PRAGMA user_version = {layout.VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"was written by a newer gombus \(layout 4, this one knows 3\): update"):
        Store(path)
    assert path.read_bytes() == before


def test_a_damaged_journal_is_named_with_the_remedy(path: Path) -> None:
    opened = Store(path)
    with opened.transaction():
        opened.add([record(RUNNING) for _ in range(1000)])
    opened.close()
    content = path.read_bytes()
    # The page of the tables' names.
    path.write_bytes(content[:100] + b"\xff" * 3996 + content[4096:])
    with pytest.raises(JournalError, match=r"cannot be used as journal: .*malformed.*: move it away, or choose"):
        Store(path)


def test_places_that_cannot_be_used_are_named_with_the_remedy(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.write_bytes(b"")
    (tmp_path / "no-lock").mkdir()
    for path, text in [
        (folder, "folder: cannot be used as journal: unable to open database file: choose another with --journal"),
        (file / "below" / "journal", "its folder cannot be made: .*: choose another with --journal"),
        (tmp_path / "no", "no: cannot be locked: .*no-lock: unable to open database file: choose another"),
    ]:
        with pytest.raises(JournalError, match=text):
            Store(path)


def test_a_disk_that_is_full_at_the_start_is_one_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(JournalError, match=r"cannot be used as journal: .*: choose another with --journal"):
            Store(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    Store(path).close()


def test_values_that_are_no_text_are_refused_and_not_changed(path: Path) -> None:
    opened = Store(path)
    strange: Any = "\ud800"
    with pytest.raises(ValueError, match="surrogates"), opened.transaction():
        opened.add([record(params=strange)])
    opened.close()
