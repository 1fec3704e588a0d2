"""What a journal does with the calls that wait: together where it can, and so that none is lost where it cannot."""

from __future__ import annotations

import json
import logging
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gombus.errors import JournalError, NotReady
from gombus.journal import store, writer
from gombus.journal.writer import Op, Writer
from gombus.model import CANCELLED, COMPLETED, FAILED, INTERRUPTED, QUEUED, RUNNING, Record
from gombus.receipt import Receipt
from gombus.receiptlog import Head, read, verify
from journals import ending, interrupted, receipt, record


class Bench:
    """A journal's files in a folder, written on the test's own thread."""

    def __init__(self, folder: Path, days: int = 0, jobs: int = 0, receipts: bool = True) -> None:
        self.path = folder / "journal.sqlite3"
        self.log = folder / "receipts.jsonl"
        self._options = (self.log if receipts else None, days, jobs, interrupted)
        self.writer = Writer(self.path, *self._options)

    def again(self) -> None:
        """Close and open."""
        self.writer.close()
        self.writer = Writer(self.path, *self._options)

    def turn_to(self, log: Path) -> None:
        """Open with another receipt log."""
        self.log = log
        self._options = (log, *self._options[1:])
        self.again()

    def do(self, *ops: Op) -> list[Any]:
        """Carry out all at once, and give the answers."""
        self.writer.carry_out(ops)
        return [op.answer[0] if op.answer else None for op in ops]

    @property
    def head(self) -> Head:
        """What the journal knows of the receipt log."""
        head = self.writer._store.head(self.log.name)
        assert head
        return head

    def accept(self, *jobs: Record) -> list[Any]:
        return self.do(*(Op(writer.ACCEPT, job) for job in jobs))

    def finish(self, *ids: str) -> list[Any]:
        return self.do(*(Op(writer.FINISH, ending(id)) for id in ids))

    def find(self, id: str) -> Record:
        (found,) = self.do(Op(writer.FIND, (id, "")))
        assert isinstance(found, Record)
        return found

    def states(self, *jobs: Record) -> list[str]:
        return [self.find(job.id).state for job in jobs]

    @contextmanager
    def full(self) -> Iterator[None]:
        """The disk is full meanwhile."""
        db = self.writer._store._db
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        yield
        db.execute("PRAGMA max_page_count = 1000000")


BIG = "x" * 100_000
"""More than fits on the pages that are there."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.writer.close()


def jobs_in(log: Path) -> list[str]:
    """Which jobs have a line, in order."""
    return [str(line["job"]) for line in read(log)]


def test_the_life_of_many_jobs(bench: Bench) -> None:
    jobs = [record() for _ in range(5)]
    assert bench.accept(*jobs) == [None] * 5
    assert bench.do(Op(writer.START, [job.id for job in jobs])) == [None]
    assert bench.states(*jobs) == [RUNNING] * 5
    bench.do(Op(writer.REQUEUE, [jobs[0].id]))
    ends = [ending(job.id, state) for job, state in zip(jobs[1:], [COMPLETED, FAILED, CANCELLED, COMPLETED])]
    bench.do(*(Op(writer.FINISH, end) for end in ends))
    assert bench.states(*jobs) == [QUEUED, COMPLETED, FAILED, CANCELLED, COMPLETED]
    (listed,) = bench.do(Op(writer.LIST, (COMPLETED, "", 10)))
    assert [job.id for job in listed] == [jobs[4].id, jobs[1].id]


def test_calls_of_one_batch_are_done_in_their_order(bench: Bench) -> None:
    job, other = record(), record(key="k")
    ops = [
        Op(writer.ACCEPT, job),
        Op(writer.FIND, (job.id, "")),
        Op(writer.START, [job.id]),
        Op(writer.REQUEUE, [job.id]),
        Op(writer.ACCEPT, other),
        Op(writer.FINISH, ending(job.id)),
        Op(writer.FIND, ("", "k")),
    ]
    answers = bench.do(*ops)
    assert answers[0] is answers[2] is answers[4] is None
    assert answers[1].state == COMPLETED
    assert answers[6] == other


def test_a_key_that_is_taken_gives_the_job_that_has_it(bench: Bench) -> None:
    jobs = [record(key="k") for _ in range(3)]
    first, second = bench.accept(*jobs[:2])
    assert (first, second) == (None, jobs[0])
    bench.finish(jobs[0].id)
    (third,) = bench.accept(jobs[2])
    assert (third.id, third.state) == (jobs[0].id, COMPLETED)
    (listed,) = bench.do(Op(writer.LIST, ("", "", 10)))
    assert [job.id for job in listed] == [third.id]


def test_what_ran_and_what_came_late_gets_a_line_in_the_receipt_log(bench: Bench) -> None:
    jobs = [record() for _ in range(3)]
    bench.accept(*jobs)
    bench.do(
        Op(writer.FINISH, ending(jobs[1].id, FAILED)),
        Op(writer.FINISH, ending(jobs[0].id, CANCELLED, ran=False)),
        Op(writer.LATE, (jobs[1].id, receipt(jobs[1].id))),
        Op(writer.FINISH, ending(jobs[2].id)),
    )
    assert jobs_in(bench.log) == [jobs[1].id, jobs[1].id, jobs[2].id]
    assert verify(bench.log, bench.head).what == ""
    assert bench.head.lines == 3


def test_without_a_receipt_log_there_is_none(tmp_path: Path) -> None:
    bench, job = Bench(tmp_path, receipts=False), record()
    bench.accept(job)
    bench.finish(job.id)
    bench.writer.close()
    assert not bench.log.exists()


def test_schemas_are_known_by_their_hash(bench: Bench) -> None:
    bench.do(Op(writer.SCHEMAS, [("h", "say", "{}", "1.0")]))
    assert bench.do(Op(writer.SCHEMA, "h"), Op(writer.SCHEMA, "x")) == ["{}", None]


# One call that cannot be kept.


def test_one_that_cannot_be_kept_does_not_keep_the_others_from_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    good, other, bad = record(), record(), record(params="\ud800")
    bench.accept(good)
    answers = bench.accept(bad, other, good)
    assert answers[1] is None
    for answer in (answers[0], answers[2]):
        assert isinstance(answer, NotReady)
        assert answer.reason == "its journal cannot keep this request"
    assert bench.find(other.id) == other
    assert bench.writer.reason == ""
    assert "UnicodeEncodeError" in caplog.text
    assert "UNIQUE constraint failed" in caplog.text


def test_an_end_that_cannot_be_kept_is_logged_and_the_others_are_kept(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = [record(RUNNING) for _ in range(2)]
    bench.accept(*jobs)
    broken = Receipt(lambda: {}["missing"])
    bench.do(Op(writer.FINISH, ending(jobs[0].id)._replace(receipt=broken)), Op(writer.FINISH, ending(jobs[1].id)))
    assert bench.states(*jobs) == [RUNNING, COMPLETED]
    assert (bench.writer.owed, bench.writer.reason) == ([], "")
    assert jobs_in(bench.log) == [jobs[1].id]
    assert "bug: the journal cannot keep this finish" in caplog.text


# A journal that cannot be written.


def test_a_full_disk_accepts_nothing_and_owes_what_was_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    jobs = [record(RUNNING) for _ in range(3)] + [record()]
    bench.accept(*jobs)
    ends = [ending(jobs[0].id, value=BIG), ending(jobs[1].id, FAILED, value=BIG)]
    with bench.full():
        answers = bench.do(
            Op(writer.ACCEPT, record()),
            *(Op(writer.FINISH, end) for end in ends),
            Op(writer.START, [jobs[3].id]),
            Op(writer.LATE, (jobs[1].id, receipt(jobs[1].id))),
            Op(writer.REQUEUE, [jobs[2].id]),
            Op(writer.SCHEMAS, [("h", "say", "{}", "1.0")]),
            Op(writer.FIND, (jobs[3].id, "")),
        )
        assert [str(answer) for answer in (answers[0], answers[3])] == [
            "The server cannot accept requests now: its journal cannot be written: database or disk is full"
        ] * 2
        assert answers[1] is answers[2] is answers[4] is answers[5] is None
        assert answers[7].state == QUEUED
        # Nobody is told anything else meanwhile than what the clients were told.
        assert bench.states(*jobs) == [COMPLETED, FAILED, QUEUED, QUEUED]
        assert bench.find(jobs[1].id).late == receipt(jobs[1].id).text
        assert bench.do(Op(writer.LIST, (RUNNING, "", 10))) == [[]]
        assert isinstance(bench.accept(record())[0], NotReady)
        assert bench.writer.reason == "its journal cannot be written: database or disk is full"
        assert bench.writer.rest_s == writer.RETRY_S
    bench.do()
    assert (bench.writer.reason, bench.writer.owed, bench.writer.rest_s) == ("", [], None)
    bench.again()
    assert bench.states(*jobs) == [COMPLETED, FAILED, QUEUED, QUEUED]
    assert bench.find(jobs[1].id).late == receipt(jobs[1].id).text
    assert bench.do(Op(writer.SCHEMA, "h")) == ["{}"]
    assert [entry.levelname for entry in caplog.records] == ["ERROR", "INFO"]
    assert "database or disk is full; no request is accepted until it can" in caplog.text


def test_what_is_owed_comes_before_what_comes_later(bench: Bench) -> None:
    job = record(RUNNING)
    bench.accept(job)
    with bench.full():
        bench.do(Op(writer.REQUEUE, [job.id]), Op(writer.SCHEMAS, [("h", "say", BIG, "1.0")]))
        assert [op.kind for op in bench.writer.owed] == [writer.REQUEUE, writer.SCHEMAS]
    assert bench.do(Op(writer.START, [job.id])) == [None]
    assert bench.states(job) == [RUNNING]


def test_that_the_disk_is_full_no_more_is_noticed_without_a_call(bench: Bench) -> None:
    with bench.full():
        assert isinstance(bench.accept(record(params=json.dumps(BIG)))[0], NotReady)
        assert bench.writer.owed == []
        bench.do()
        assert bench.writer.reason
    bench.do()
    assert bench.writer.reason == ""
    assert bench.accept(record()) == [None]


def test_another_program_that_holds_the_journal_is_waited_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.0)
    bench.again()
    job = record(RUNNING)
    bench.accept(job)
    other = sqlite3.connect(bench.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert bench.finish(job.id) == [None]
    assert bench.writer.reason == "its journal cannot be written: database is locked"
    assert bench.states(job) == [COMPLETED]
    other.execute("ROLLBACK")
    other.close()
    bench.do()
    assert bench.writer.reason == ""


def test_one_that_cannot_be_kept_and_then_a_full_disk(bench: Bench) -> None:
    job, bad = record(RUNNING), record(params="\ud800")
    bench.accept(job)
    with bench.full():
        answers = bench.do(Op(writer.ACCEPT, bad), Op(writer.FINISH, ending(job.id, value=BIG)))
        assert isinstance(answers[0], NotReady)
        assert len(bench.writer.owed) == 1
    bench.do()
    assert bench.states(job) == [COMPLETED]


def test_a_receipt_has_one_line_however_often_its_end_is_tried(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    job = record(RUNNING)
    bench.accept(job)
    with monkeypatch.context() as patch:
        patch.setattr(writer.Store, "keep_head", _full)
        for _ in range(3):
            bench.finish() if bench.writer.owed else bench.finish(job.id)
            assert bench.writer.reason
    bench.do()
    assert bench.states(job) == [COMPLETED]
    assert jobs_in(bench.log) == [job.id]
    assert verify(bench.log, bench.head).what == ""


def _full(self: object, head: object, log: str) -> None:
    """As a commit that fails after the receipt log was written."""
    raise sqlite3.OperationalError("database or disk is full")


def test_an_end_that_only_the_receipt_log_has_is_not_interrupted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [record(RUNNING) for _ in range(2)]
    bench.accept(*jobs)
    with monkeypatch.context() as patch:
        patch.setattr(writer.Store, "keep_head", _full)
        bench.finish(jobs[0].id)
        bench.do(Op(writer.LATE, (jobs[0].id, receipt(jobs[0].id, FAILED))))
    bench.again()
    assert bench.states(*jobs) == [COMPLETED, INTERRUPTED]
    assert bench.find(jobs[0].id).late == receipt(jobs[0].id, FAILED).text
    assert jobs_in(bench.log) == [jobs[0].id, jobs[0].id, jobs[1].id]
    assert verify(bench.log, bench.head).what == ""
    bench.again()
    assert jobs_in(bench.log) == [jobs[0].id, jobs[0].id, jobs[1].id]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_receipt_log_that_cannot_be_written_is_as_a_journal_that_cannot(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "receipts.jsonl"
    log.symlink_to("/dev/full")
    bench, job = Bench(tmp_path), record(RUNNING)
    bench.accept(job)
    bench.finish(job.id)
    # Cutting back fails there as well, with another sentence.
    assert bench.writer.reason.startswith("its receipt log cannot be written: ")
    assert isinstance(bench.accept(record())[0], NotReady)
    assert [op.argument.id for op in bench.writer.owed] == [job.id]
    bench.writer.close()
    log.unlink()
    bench = Bench(tmp_path)
    assert bench.states(job) == [INTERRUPTED]
    bench.writer.close()


def test_a_journal_that_cannot_be_read_says_so(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.writer._store._db.execute("ALTER TABLE job RENAME TO other")
    bench.writer._store._db.execute("DROP TABLE schema")
    found, listed, schema = bench.do(Op(writer.FIND, ("x", "")), Op(writer.LIST, ("", "", 1)), Op(writer.SCHEMA, "h"))
    for answer in (found, listed):
        assert isinstance(answer, NotReady)
        assert answer.reason == "its journal cannot be read: no such table: job"
    assert schema is None
    assert "no such table: schema" in caplog.text


# Opening.


def test_what_ran_is_interrupted_and_what_was_queued_is_left(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    jobs = [record(RUNNING), record(), record(), record(RUNNING, started=5.0), record()]
    bench.accept(*jobs)
    bench.finish(jobs[4].id)
    bench.again()
    assert [job.id for job in bench.writer.queued] == [jobs[1].id, jobs[2].id]
    assert bench.states(*jobs) == [INTERRUPTED, QUEUED, QUEUED, INTERRUPTED, COMPLETED]
    kept = bench.find(jobs[3].id)
    assert kept.started == 5.0
    assert kept.finished
    assert kept.receipt == interrupted(jobs[3]._replace(state=INTERRUPTED, finished=kept.finished))
    assert jobs_in(bench.log) == [jobs[4].id, jobs[0].id, jobs[3].id]
    assert "2 jobs ran when the last server ended: interrupted" in caplog.text
    bench.again()
    assert bench.find(jobs[3].id) == kept


@pytest.mark.parametrize("broken", ["journal", "receipts"])
def test_a_start_that_cannot_be_written_is_one_sentence_and_changes_nothing(
    bench: Bench, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = record(RUNNING)
    bench.accept(job)
    with monkeypatch.context() as patch:
        if broken == "journal":
            patch.setattr(writer.Store, "keep_head", _full)
            text = r"journal\.sqlite3: cannot be used as journal: database or disk is full: choose another"
        else:
            patch.setattr(writer.ReceiptLog, "append", _no_space)
            text = r"receipts\.jsonl: cannot be written: No space left on device"
        with pytest.raises(JournalError, match=text):
            bench.again()
    bench.again()
    assert bench.states(job) == [INTERRUPTED]
    assert jobs_in(bench.log) == [job.id]


def _no_space(self: object, receipts: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_receipt_log_that_cannot_be_opened_leaves_the_journal_free(tmp_path: Path) -> None:
    (tmp_path / "receipts.jsonl").write_bytes(b"hello")
    with pytest.raises(JournalError, match="does not end with a receipt"):
        Bench(tmp_path)
    (tmp_path / "receipts.jsonl").unlink()
    Bench(tmp_path).writer.close()


# A file that is damaged.


def kept(folder: Path) -> Path:
    """A journal with jobs of each kind, and a receipt log."""
    bench = Bench(folder)
    jobs = [record(RUNNING if number % 7 == 0 else QUEUED, key=f"key {number}") for number in range(60)]
    bench.accept(*jobs)
    bench.finish(*(job.id for job in jobs[:30]))
    bench.do(Op(writer.SCHEMAS, (("hash", "say", "{}", "1.0"),)))
    bench.writer.close()
    return bench.path


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM meta WHERE name = 'scope'",
        "UPDATE meta SET value = 'x' WHERE name LIKE 'receipts%'",
        "UPDATE meta SET value = 5 WHERE name LIKE 'receipts%'",
        "UPDATE job SET accepted = 'yesterday' WHERE state = 'running'",
        "UPDATE job SET request = NULL WHERE state = 'queued'",
        "UPDATE job SET started = x'00' WHERE state = 'running'",
        "UPDATE job SET client = CAST(x'ff' AS TEXT) WHERE state = 'queued'",
    ],
)
def test_values_that_are_damaged_are_one_sentence_at_the_start(tmp_path: Path, change: str) -> None:
    path = kept(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute(change).rowcount > 0
    # The second time, too, because the first one let go of it.
    for _ in range(2):
        with pytest.raises(JournalError, match=r"cannot be used as journal: .*choose another with --journal"):
            Bench(tmp_path)


def test_a_table_that_is_damaged_is_one_sentence_at_the_start(tmp_path: Path) -> None:
    path = kept(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'meta'").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(JournalError, match=r"cannot be used as journal: .*malformed.*: move it away, or choose"):
            Bench(tmp_path)


def test_whatever_bytes_are_damaged_it_is_used_or_refused_in_one_sentence(tmp_path: Path) -> None:
    content = kept(tmp_path / "sound").read_bytes()
    refused = 0
    for seed in range(200):
        chance = random.Random(seed)
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 3, 10])):
            place, size = chance.randrange(len(content) - 200), chance.choice([1, 8, 200])
            damaged[place : place + size] = chance.randbytes(size)
        folder = tmp_path / str(seed)
        shutil.copytree(tmp_path / "sound", folder)
        (folder / "journal.sqlite3").write_bytes(damaged)
        try:
            bench = Bench(folder)
        except JournalError:
            refused += 1
        else:
            # What cannot be read is answered, too.
            assert all(op.answer for op in asked(bench))
            bench.writer.close()
    assert 20 < refused < 180


def asked(bench: Bench) -> list[Op]:
    """Questions, which were carried out."""
    ops = [Op(writer.LIST, ("", "", 100)), *(Op(writer.FIND, ("", f"key {number}")) for number in range(60))]
    bench.writer.carry_out(ops)
    return ops


# What is dropped.


def rest(bench: Bench) -> int:
    """Let it do what it does without a call, and give how often."""
    times = 0
    while bench.writer.rest_s == 0.0:
        bench.do()
        times += 1
    return times


def count(bench: Bench) -> int:
    (listed,) = bench.do(Op(writer.LIST, ("", "", 1 << 40)))
    return len(listed)


def test_too_many_are_dropped_at_the_start_a_few_at_a_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    jobs = [record() for _ in range(2 * store.PRUNED_AT_ONCE + 100)]
    bench.accept(*jobs)
    bench.finish(*(job.id for job in jobs[1:]))
    bench.writer.close()
    bench = Bench(tmp_path, jobs=50)
    assert rest(bench) == 4
    assert count(bench) == 51
    assert bench.states(jobs[0]) == [QUEUED]
    bench.writer.close()


def test_too_many_and_too_old_ones_are_dropped_after_so_many_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PRUNE_EVERY", 10)
    bench = Bench(tmp_path, days=2, jobs=15)
    rest(bench)
    jobs = [record() for _ in range(20)]
    bench.accept(*jobs)
    bench.finish(*(job.id for job in jobs[:9]))
    assert bench.writer.rest_s is None
    old = ending(jobs[9].id)
    bench.do(Op(writer.FINISH, old._replace(finished=old.finished - 3 * writer.DAY_S)))
    assert rest(bench) == 2
    # Five are too many, and so is one that ended three days ago.
    assert count(bench) == 14
    assert bench.do(Op(writer.FIND, (jobs[9].id, ""))) == [None]
    bench.writer.close()


def test_without_limits_all_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PRUNE_EVERY", 1)
    bench, job = Bench(tmp_path), record()
    bench.accept(job)
    bench.do(Op(writer.FINISH, ending(job.id, finished=1.0)))
    assert bench.writer.rest_s is None
    assert count(bench) == 1
    bench.writer.close()


# Another receipt log for the same journal.


def logged(made: Bench, log: Path) -> Record:
    """A job whose receipt stands in this log, which the journal is opened with."""
    made.turn_to(log)
    job = record(RUNNING)
    made.accept(job)
    made.finish(job.id)
    return job


def test_another_log_begins_another_chain_and_the_end_of_each_is_known(bench: Bench, tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    jobs = [logged(bench, log) for log in (one, other, one, other)]
    for log, begun in ((one, jobs[::2]), (other, jobs[1::2])):
        assert jobs_in(log) == [job.id for job in begun]
        head = bench.writer._store.head(log.name)
        assert head
        assert (head.lines, verify(log, head).what) == (2, "")
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:1]))
        assert verify(log, head).what == "is missing: the journal knows 2 lines"


def test_a_log_that_was_moved_goes_on_and_says_nothing_new_of_its_jobs(bench: Bench, tmp_path: Path) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "folder" / "new.jsonl"
    first = logged(bench, old)
    waiting = record()
    bench.accept(waiting)
    bench.writer.close()
    new.parent.mkdir()
    old.replace(new)
    second = logged(bench, new)
    assert jobs_in(new) == [first.id, second.id]
    assert verify(new, bench.writer._store.head(str(new))).what == ""
    assert bench.find(first.id).late is None
