"""`gombus journal`: what became of every request."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gombus.model import FAILED, RUNNING, Record
from gombus.receipt import Receipt
from journals import Asked, ending, opened, receipt, record
from programs import gombus

REFUSED = {"error": {"code": -32803, "message": "no", "data": {"code": "gom_refused"}}}


def fill(asked: Asked) -> list[Record]:
    """Four jobs: completed, failed, running, queued."""
    jobs = [
        record(accepted=1_800_000_000.0, params='{"word": "=1+1", "file": "Größe"}'),
        record(accepted=1_800_000_001.5, key="-key"),
        record(RUNNING, accepted=1_800_000_002.0, started=1_800_000_002.25),
        record(accepted=1_800_000_003.0)._replace(request="image"),
    ]
    asked.accept(*jobs)
    asked.ask("finish", ending(jobs[0].id, finished=1_800_000_004.0))
    asked.ask("finish", ending(jobs[1].id, FAILED, finished=1_800_000_005.0, **REFUSED))
    asked.journal.late(jobs[1].id, receipt(jobs[1].id))
    return jobs


@pytest.fixture
def journal(tmp_path: Path) -> tuple[str, list[Record]]:
    """A journal that no server has open, and its jobs."""
    with opened(tmp_path) as asked:
        jobs = fill(asked)
    return str(tmp_path / "journal.sqlite3"), jobs


def test_jobs_are_listed_newest_first(journal: tuple[str, list[Record]]) -> None:
    path, jobs = journal
    done = gombus("journal", "list", "--journal", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [re.split(" {2,}", line) for line in done.stdout.splitlines()[:4]] == [
        ["ACCEPTED", "REQUEST", "STATE", "SECONDS", "CLIENT", "JOB"],
        ["2027-01-15T08:00:03.000Z", "image", "queued", "-", "127.0.0.1:5", jobs[3].id],
        ["2027-01-15T08:00:02.000Z", "say", "running", "-", "127.0.0.1:5", jobs[2].id],
        ["2027-01-15T08:00:01.500Z", "say", "failed: gom_refused", "1.000", "127.0.0.1:5", jobs[1].id],
    ]


def test_states_request_types_times_and_a_limit_choose(journal: tuple[str, list[Record]]) -> None:
    path, jobs = journal

    def listed(*arguments: str) -> list[str]:
        done = gombus("journal", "list", "--json", "--journal", path, *arguments)
        assert done.returncode == 0
        return [job["job"] for job in json.loads(done.stdout)]

    ids = [job.id for job in jobs]
    assert listed("--state", "failed") == [ids[1]]
    assert listed("--request", "say", "--limit", "2") == [ids[2], ids[1]]
    assert listed("--since", "2027-01-15T08:00:02Z") == [ids[3], ids[2]]
    assert listed("--since", "2027-01-15T09:00:03+01:00") == [ids[3]]
    assert listed("--since", "2027-01-16") == []
    assert listed("--since", "2027-01-15") == ids[::-1]


def test_a_job_is_shown_whole(journal: tuple[str, list[Record]]) -> None:
    path, jobs = journal
    done = gombus("journal", "show", jobs[1].id, "--json", "--journal", path)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "job": jobs[1].id,
        "request": "say",
        "state": "failed",
        "accepted": "2027-01-15T08:00:01.500Z",
        "started": "2027-01-15T08:00:04.000Z",
        "finished": "2027-01-15T08:00:05.000Z",
        "client": "127.0.0.1:5",
        "backend": "twin",
        "idempotencyKey": "-key",
        "digest": "d",
        "params": {"word": "x"},
        "receipt": {"job": jobs[1].id, "request": "say", "state": "failed", **REFUSED},
        "late": {"job": jobs[1].id, "request": "say", "state": "completed"},
    }
    plain = gombus("journal", "show", jobs[1].id, "--journal", path).stdout
    assert "state: failed\n" in plain
    assert '"code": "gom_refused"' in plain
    assert "finished: null\n" in gombus("journal", "show", jobs[3].id, "--journal", path).stdout


def test_a_job_that_is_not_there_is_one_line(journal: tuple[str, list[Record]]) -> None:
    path, _ = journal
    done = gombus("journal", "show", "x", "--journal", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: {path}: there is no job x\n"


def test_all_jobs_are_written_as_json_lines(journal: tuple[str, list[Record]], tmp_path: Path) -> None:
    path, jobs = journal
    out = tmp_path / "jobs.jsonl"
    assert gombus("journal", "export", "--out", str(out), "--journal", path).returncode == 0
    assert b"\r" not in out.read_bytes()
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [job["job"] for job in written] == [job.id for job in jobs]
    assert written[0]["params"] == {"word": "=1+1", "file": "Größe"}
    assert gombus("journal", "export", "--journal", path).stdout == out.read_text(encoding="utf-8")


def test_all_jobs_are_written_as_a_table_that_is_safe_in_a_spreadsheet(
    journal: tuple[str, list[Record]], tmp_path: Path
) -> None:
    path, jobs = journal
    out = tmp_path / "jobs.csv"
    assert gombus("journal", "export", "--format", "csv", "--out", str(out), "--journal", path).returncode == 0
    content = out.read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == 5
    rows: list[Any] = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    assert [row["job"] for row in rows] == [job.id for job in jobs]
    assert rows[0]["finished"] == "2027-01-15T08:00:04.000Z"
    assert json.loads(rows[0]["params"]) == {"word": "=1+1", "file": "Größe"}
    assert rows[1]["idempotencyKey"] == "'-key"
    assert (rows[0]["idempotencyKey"], rows[3]["receipt"]) == ("", "")


def test_it_works_while_a_server_runs(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        jobs = fill(asked)
        done = gombus("journal", "list", "--json", GOMBUS_JOURNAL=str(tmp_path / "journal.sqlite3"))
        assert [job["job"] for job in json.loads(done.stdout)] == [job.id for job in reversed(jobs)]
        done = gombus("journal", "check", GOMBUS_JOURNAL=str(tmp_path / "journal.sqlite3"))
        assert (done.returncode, done.stderr) == (0, "")


def test_a_sound_journal(journal: tuple[str, list[Record]]) -> None:
    path, _ = journal
    done = gombus("journal", "check", "--journal", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: nothing is wrong; jobs: 1 completed, 1 failed, 1 queued, 1 running\n"


def test_what_is_wrong_with_a_journal_is_listed_and_the_rest_is_shown(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        job = record(params="{")
        asked.ask("accept", job)
        asked.ask("finish", ending(job.id, FAILED, **REFUSED))
    path = str(tmp_path / "journal.sqlite3")
    done = gombus("journal", "check", "--journal", path)
    assert (done.returncode, done.stdout) == (1, f"{path}: job {job.id}: params is no JSON object\n")
    assert json.loads(gombus("journal", "show", job.id, "--json", "--journal", path).stdout)["params"] == "{"


@pytest.mark.parametrize("text", ['{"cut', "[]", "{}", "null"])
def test_a_damaged_receipt_is_named_and_the_jobs_are_still_listed(tmp_path: Path, text: str) -> None:
    with opened(tmp_path) as asked:
        job, sound = record(), record()
        asked.accept(job, sound)
        damaged = ending(job.id, FAILED)._replace(receipt=Receipt.kept(text), ran=False)
        asked.ask("finish", damaged)
        asked.ask("finish", ending(sound.id))
    path = str(tmp_path / "journal.sqlite3")
    done = gombus("journal", "check", "--journal", path)
    assert (done.returncode, done.stdout.startswith(f"{path}: job {job.id}: receipt ")) == (1, True)
    done = gombus("journal", "list", "--journal", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "failed: ?" in done.stdout
    assert sound.id in done.stdout
    assert gombus("journal", "show", job.id, "--journal", path).returncode == 0


def test_errors_are_one_line(tmp_path: Path) -> None:
    settings = tmp_path / "gombus.toml"
    settings.write_text("journal = 'off'\n", encoding="utf-8")
    done = gombus("journal", "list", "--config", str(settings))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the journal is off: nothing is kept; choose one with --journal PATH\n"
    done = gombus("journal", "check", "--journal", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: {tmp_path / 'none'}: there is no journal; gombus serve makes one\n"
    assert [file.name for file in tmp_path.iterdir()] == ["gombus.toml"]


@pytest.mark.parametrize("date", ["yesterday", "2027-13-01", "9999-99"])
def test_a_date_that_is_none_is_a_usage_error(journal: tuple[str, list[Record]], date: str) -> None:
    done = gombus("journal", "list", "--since", date, "--journal", journal[0])
    assert done.returncode == 2
    assert "is no date such as 2026-11-24 or" in done.stderr


def test_the_journal_is_not_written_over(journal: tuple[str, list[Record]]) -> None:
    path, _ = journal
    done = gombus("journal", "export", "--out", path, "--journal", path)
    assert (done.returncode, done.stderr) == (1, f"Error: {path}: is the journal; choose another file to write\n")
    assert gombus("journal", "check", "--journal", path).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_one_line(journal: tuple[str, list[Record]]) -> None:
    done = gombus("journal", "export", "--out", "/dev/full", "--journal", journal[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: /dev/full: cannot be written: No space left on device\n"
