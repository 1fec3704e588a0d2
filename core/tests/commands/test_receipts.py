"""`gombus receipts`: the receipt log."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gombus.model import FAILED
from journals import ending, opened, record
from programs import gombus

FILES = [
    {"path": "D:/spool/1/a.jpg", "sent": "C:/a.jpg", "size": 10, "sha256": "ab" * 32},
    {"path": "C:/\u001b[31m.jpg", "size": None, "sha256": None},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal with a receipt log of three lines."""
    with opened(tmp_path) as asked:
        for state, files in (("completed", FILES), (FAILED, FILES[:1]), ("completed", [])):
            job = record()
            asked.ask("accept", job)
            asked.ask("finish", ending(job.id, state, files=files))
    return tmp_path


def receipts(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a subcommand on the log of this folder."""
    done = gombus("receipts", *arguments, GOMBUS_JOURNAL=str(folder / "journal.sqlite3"))
    assert done.stderr == ""
    return done.returncode, done.stdout


def shorten(folder: Path) -> None:
    """Remove the last line."""
    log = folder / "receipts.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))


def test_a_log_that_is_as_it_was_written(folder: Path) -> None:
    log, journal = folder / "receipts.jsonl", folder / "journal.sqlite3"
    text = f"{log}: 3 lines, all as they were written; {journal} agrees\n"
    assert receipts(folder, "verify") == (0, text)
    code, text = receipts(folder, "verify", "--json")
    assert code == 0
    assert json.loads(text) == {
        "file": str(log),
        "ok": True,
        "lines": 3,
        "line": None,
        "problem": "",
        "journal": str(journal),
    }


def test_the_first_line_that_was_altered_is_named(folder: Path) -> None:
    log = folder / "receipts.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"failed"', b'"completed"'))
    what = "was altered: line 3 has another hash for it"
    assert receipts(folder, "verify") == (1, f"{log}: line 2 {what}\n")
    code, text = receipts(folder, "verify", "--json")
    answer = json.loads(text)
    assert (code, answer["ok"], answer["line"], answer["problem"]) == (1, False, 2, what)


def test_lines_that_are_missing_at_the_end_show_where_the_journal_is(folder: Path, tmp_path: Path) -> None:
    shorten(folder)
    log, journal = folder / "receipts.jsonl", folder / "journal.sqlite3"
    missing = f"{log}: line 3 is missing: the journal knows 3 lines\n"
    assert receipts(folder, "verify") == (1, missing)
    fine = f"{log}: 2 lines, all as they were written; no journal was asked for the end\n"
    assert receipts(folder, "verify", str(log)) == (0, fine)
    assert receipts(folder, "verify", str(log), "--journal", str(journal)) == (1, missing)
    journal.unlink()
    assert receipts(folder, "verify") == (0, fine)


def test_while_a_server_runs(tmp_path: Path) -> None:
    with opened(tmp_path) as asked:
        job = record()
        asked.ask("accept", job)
        asked.ask("finish", ending(job.id))
        code, text = receipts(tmp_path, "verify")
        assert (code, text.endswith("agrees\n")) == (0, True)


def test_receipts_are_listed_newest_first_with_a_row_a_file(folder: Path) -> None:
    assert receipts(folder, "list") == (
        0,
        "FINISHED  REQUEST  STATE      FILE             SIZE  SHA-256\n"
        "-         say      completed  -                -     -\n"
        "-         say      failed     C:/a.jpg         10    abababababab\n"
        "-         say      completed  C:/a.jpg         10    abababababab\n"
        "-         say      completed  C:/\\x1b[31m.jpg  -     -\n",
    )
    copy = folder / "copy.jsonl"
    shutil.copy(folder / "receipts.jsonl", copy)
    code, text = receipts(folder, "list", str(copy), "--json", "--limit", "2")
    assert code == 0
    assert [receipt["files"] for receipt in json.loads(text)] == [[], FILES[:1]]


def test_errors_are_one_line(tmp_path: Path) -> None:
    for arguments, text in [
        (["--receipts", "off"], "there is no receipt log: it is off; choose one with FILE"),
        (["--receipts", str(tmp_path / "r")], f"{tmp_path / 'r'}: cannot be read: No such file or directory"),
        (
            ["--journal", "off", "--receipts", "r"],
            "option --receipts: receipts: 'r' is not allowed without a journal; allowed: auto, off",
        ),
    ]:
        for subcommand in ("verify", "list"):
            done = gombus("receipts", subcommand, *arguments, GOMBUS_JOURNAL=str(tmp_path / "j"))
            assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {text}\n")
    assert list(tmp_path.iterdir()) == []


def test_each_log_of_a_journal_is_verified_to_its_own_end(folder: Path) -> None:
    other, journal = folder / "other.jsonl", folder / "journal.sqlite3"
    with opened(folder, log=other) as asked:
        job = record()
        asked.ask("accept", job)
        asked.ask("finish", ending(job.id))
    for log, lines in ((folder / "receipts.jsonl", 3), (other, 1)):
        text = f"{log}: {lines} lines, all as they were written; {journal} agrees\n"
        assert receipts(folder, "verify", "--receipts", str(log)) == (0, text)
    shorten(folder)
    assert receipts(folder, "verify")[0] == 1
    unknown = folder / "unknown.jsonl"
    unknown.touch()
    text = f"{unknown}: 0 lines, all as they were written; {journal} does not know this log\n"
    assert receipts(folder, "verify", "--receipts", str(unknown)) == (0, text)
