"""The journal that lasts, with its thread: who is told, where, when, and what a killed process leaves."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gombus.errors import NotReady
from gombus.journal import sqlite, writer
from gombus.journal.reading import reading
from gombus.model import COMPLETED, INTERRUPTED, QUEUED, RUNNING
from gombus.receiptlog import read, verify
from journals import ending, opened, receipt, record
from support import WAIT_S


def test_the_life_of_a_job(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        job = record(key="k")
        assert (asked.journal.batched, asked.journal.reason, asked.journal.queued) == (True, "", [])
        assert asked.ask("accept", job) is None
        assert asked.ask("start", [job.id]) is None
        assert asked.ask("find", "", "k").state == RUNNING
        asked.ask("requeue", [job.id])
        assert asked.ask("find", job.id, "") == job
        asked.ask("finish", ending(job.id))
        asked.journal.late(job.id, receipt(job.id))
        kept = asked.ask("find", job.id, "")
        assert (kept.id, kept.state, kept.late) == (job.id, COMPLETED, receipt(job.id).text)
        assert asked.ask("list", "", "", 10) == [kept._replace(params="", receipt=None, late=None)]
        asked.journal.remember_schemas([("h", "say", "{}", "1.0")])
        assert asked.ask("schema_seen", "h") == "{}"
        assert asked.ask("accept", record(key="k")) == kept
        assert asked.journal.unfinished == 0
        scope = asked.journal.scope
    with opened(tmp_path) as asked:
        assert asked.journal.scope == scope
        assert asked.ask("find", job.id, "") == kept


def test_answers_come_in_the_order_of_the_calls_and_of_the_questions_where_deliver_is_called(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        order: list[Any] = []
        threads: set[int] = set()

        def told(number: int) -> Any:
            return lambda *_: (order.append(number), threads.add(threading.get_ident()))

        for number in range(0, 300, 3):
            job = record()
            asked.journal.accept(job, told(number))
            asked.journal.find(job.id, "", told(number + 1))
            asked.journal.finish(ending(job.id), told(number + 2))
        assert asked.journal.unfinished == 300
        assert order == []
        asked.wait(lambda: len(order) == 300)
        assert [number for number in order if number % 3 == 1] == list(range(1, 300, 3))
        assert [number for number in order if number % 3 != 1] == [number for number in range(300) if number % 3 != 1]
        assert threads == {threading.get_ident()}
        assert asked.journal.unfinished == 0
        assert asked.wakes < 300


def test_what_waits_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    batches: list[int] = []
    carry_out = writer.Writer.carry_out

    def counted(self: writer.Writer, ops: Any) -> None:
        batches.append(len(ops))
        assert go_on.wait(WAIT_S)
        carry_out(self, ops)

    monkeypatch.setattr(writer.Writer, "carry_out", counted)
    with opened(tmp_path) as asked:
        answers: list[Any] = []
        for _ in range(100):
            asked.journal.accept(record(), answers.append)
        go_on.set()
        asked.wait(lambda: len(answers) == 100)
        assert sum(batches) == 100
        assert len(batches) <= 2 or batches[0] + batches[1] > 2
        assert asked.wakes <= len(batches)


@pytest.mark.parametrize(("reads", "before"), [(4, 4), (1000, 200)], ids=["some at a time", "without the protection"])
def test_what_is_to_be_kept_does_not_wait_for_all_that_was_asked(
    reads: int, before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "READS", reads)
    go_on, kept = threading.Event(), threading.Event()
    done: list[str] = []
    carry_out = writer.Writer.carry_out

    def watch(self: writer.Writer, ops: Any) -> None:
        assert go_on.wait(WAIT_S)
        carry_out(self, ops)
        done.extend(op.kind for op in ops)
        if writer.ACCEPT in done:
            kept.set()

    monkeypatch.setattr(writer.Writer, "carry_out", watch)
    with opened(tmp_path) as asked:
        answers: list[Any] = []
        for _ in range(200):
            asked.journal.find("none", "", answers.append)
        asked.journal.accept(record(), answers.append)
        go_on.set()
        # Nothing is handed back meanwhile.
        assert kept.wait(WAIT_S)
        assert done.count(writer.FIND) == before
        asked.wait(lambda: len(answers) == 201)
        assert asked.journal.unfinished == 0


@pytest.mark.parametrize(("deliver_s", "at_once"), [(0.0, 1), (60.0, 5)], ids=["in turns", "without the protection"])
def test_others_have_their_turn_before_all_answers_are_handed_back(
    deliver_s: float, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "DELIVER_S", deliver_s)
    # A clock that always goes on, however coarse the system's is.
    monkeypatch.setattr(sqlite, "time", SimpleNamespace(monotonic=count().__next__))
    with opened(tmp_path) as asked:
        answers: list[Any] = []
        for _ in range(5):
            asked.journal.find("none", "", answers.append)
        asked.journal.close()
        counts = []
        while len(answers) < 5:
            asked.journal.deliver()
            counts.append(len(answers))
        assert counts == list(range(at_once, 6, at_once))
        # It woke for the rest, whether or not anything else does.
        assert asked.wakes >= len(counts)


def test_one_that_cannot_take_its_answer_does_not_keep_the_others_from_theirs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as asked:
        answers: list[Any] = []
        asked.journal.accept(record(), lambda _: 1 / 0)
        asked.journal.accept(record(), answers.append)
        asked.wait(lambda: answers == [None])
        assert asked.journal.unfinished == 0
    assert "ZeroDivisionError" in caplog.text


def test_a_full_disk_is_survived_and_what_was_told_is_written_when_there_is_room(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        jobs = [record(RUNNING) for _ in range(3)]
        assert asked.accept(*jobs) == [None] * 3
        db = asked.journal._writer._store._db
        db.execute("PRAGMA max_page_count = 1")
        for job in jobs[:2]:
            asked.ask("finish", ending(job.id, value="x" * 100_000))
        assert asked.journal.reason == "its journal cannot be written: database or disk is full"
        refusal = asked.ask("accept", record())
        assert isinstance(refusal, NotReady)
        assert refusal.reason == asked.journal.reason
        assert asked.ask("find", jobs[0].id, "").state == COMPLETED
        db.execute("PRAGMA max_page_count = 1000000")
        with reading(tmp_path / "journal.sqlite3") as reader:
            assert {job.state for job in reader.jobs()} == {RUNNING}
        assert asked.ask("accept", record()) is None
        assert asked.journal.reason == ""
    with opened(tmp_path) as asked:
        assert [asked.ask("find", job.id, "").state for job in jobs] == [COMPLETED, COMPLETED, INTERRUPTED]
        assert verify(tmp_path / "receipts.jsonl", asked.journal._writer._head).what == ""


def test_it_tries_again_without_being_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    written = threading.Event()
    succeed = writer.Writer._succeed

    def told(self: writer.Writer) -> None:
        if self.reason:
            written.set()
        succeed(self)

    monkeypatch.setattr(writer.Writer, "_succeed", told)
    with opened(tmp_path) as asked:
        job = record(RUNNING)
        asked.ask("accept", job)
        db = asked.journal._writer._store._db
        db.execute("PRAGMA max_page_count = 1")
        asked.ask("finish", ending(job.id, value="x" * 100_000))
        assert asked.journal.reason
        assert not written.is_set()
        db.execute("PRAGMA max_page_count = 1000000")
        assert written.wait(WAIT_S)


def test_close_writes_what_waits_and_what_is_owed(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        jobs = [record(RUNNING) for _ in range(2)]
        asked.accept(*jobs)
        db = asked.journal._writer._store._db
        db.execute("PRAGMA max_page_count = 1")
        asked.ask("finish", ending(jobs[0].id, value="x" * 100_000))
        db.execute("PRAGMA max_page_count = 1000000")
        asked.journal.finish(ending(jobs[1].id), lambda: None)
    with reading(tmp_path / "journal.sqlite3") as reader:
        assert {job.state for job in reader.jobs()} == {COMPLETED}
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "journal.sqlite3",
        "journal.sqlite3-lock",
        "receipts.jsonl",
        "receipts.jsonl-lock",
    ]


def test_what_cannot_be_written_at_the_end_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path) as asked:
        job = record(RUNNING)
        asked.ask("accept", job)
        asked.journal._writer._store._db.execute("PRAGMA max_page_count = 1")
        asked.ask("finish", ending(job.id, value="x" * 100_000))
    assert "database or disk is full: what 1 calls are to keep is lost" in caplog.text
    with opened(tmp_path) as asked:
        assert asked.ask("find", job.id, "").state == INTERRUPTED


def test_a_bug_does_not_end_the_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as asked:
        with monkeypatch.context() as patch:
            patch.setattr(writer.Writer, "_read", lambda self, op: 1 / 0)
            assert isinstance(asked.ask("find", "x", ""), NotReady)
        assert asked.ask("accept", record()) is None
    assert "bug in the journal" in caplog.text


def test_too_many_are_dropped_while_nobody_asks(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        jobs = [record() for _ in range(30)]
        asked.accept(*jobs)
        for job in jobs:
            asked.ask("finish", ending(job.id))
    with opened(tmp_path, jobs=10) as asked:
        assert [job.id for job in asked.ask("list", "", "", 100)] == [job.id for job in reversed(jobs[20:])]


def test_a_wake_up_is_not_missed_between_two_looks(tmp_path: Path) -> None:
    """What is answered while answers are handed out is handed out, too."""
    with opened(tmp_path) as asked:
        left = 200
        done = False

        def next_one(answer: Any) -> None:
            nonlocal left, done
            assert answer is None
            left -= 1
            if left:
                asked.journal.accept(record(), next_one)
            else:
                done = True

        asked.journal.accept(record(), next_one)
        asked.wait(lambda: done)
        assert asked.journal.unfinished == 0


KILLED = """
import sys
from pathlib import Path
from journals import ending, opened, record

folder = Path(sys.argv[1])
with opened(folder) as asked:
    def accept():
        job = record("running")
        asked.journal.accept(job, lambda answer: accepted(job, answer))
    def accepted(job, answer):
        print("accepted", job.id, flush=True)
        asked.journal.finish(ending(job.id), lambda: finished(job))
    def finished(job):
        print("finished", job.id, flush=True)
        accept()
    for _ in range(16):
        accept()
    asked.wait(lambda: False)
"""


@pytest.mark.parametrize("lines", [1, 40, 333, 1500])
def test_a_killed_process_leaves_all_that_it_told(tmp_path: Path, lines: int) -> None:
    here = Path(__file__).resolve().parent
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(here)!r})\n{KILLED}", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            told = [process.stdout.readline().split() for _ in range(lines)]
            process.kill()
            told += [line.split() for line in process.stdout.read().splitlines() if line.count("-") == 4]
            assert process.wait(WAIT_S) != 0
        accepted = {id for word, id in told if word == "accepted"}
        finished = {id for word, id in told if word == "finished"}
        with reading(tmp_path / "journal.sqlite3") as reader:
            states = {job.id: job.state for job in reader.jobs()}
            assert list(reader.problems()) == []
        assert accepted <= states.keys()
        assert {states[id] for id in finished} <= {COMPLETED}
        with opened(tmp_path) as asked:
            assert asked.journal.queued == []
            head = asked.journal._writer._head
            kept = {job.id: job.state for job in asked.ask("list", "", "", 1 << 40)}
        assert kept.keys() == states.keys()
        assert set(kept.values()) <= {COMPLETED, INTERRUPTED}
        assert verify(tmp_path / "receipts.jsonl", head).what == ""
        # Each job has one line, which says the same as the journal.
        logged = [(line["job"], line["state"]) for line in read(tmp_path / "receipts.jsonl")]
        assert sorted(logged) == sorted(kept.items())


def test_what_is_queued_is_given_to_the_next_server_in_its_order(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        jobs = [record(key=key) for key in [None, "a", None, "b", None]]
        asked.accept(*jobs)
        asked.ask("finish", ending(jobs[2].id))
    with opened(tmp_path) as asked:
        assert asked.journal.queued == [job for job in jobs if job is not jobs[2]]
        assert {job.state for job in asked.journal.queued} == {QUEUED}


def test_its_thread_has_a_name(tmp_path: Path) -> None:
    with opened(tmp_path):
        assert "gombus-journal" in {thread.name for thread in threading.enumerate()}
    assert "gombus-journal" not in {thread.name for thread in threading.enumerate()}
