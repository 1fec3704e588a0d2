"""The receipt log: its chain of hashes, what is found of changes, and what a crash or a full disk leaves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gombus.errors import JournalError
from gombus.receiptlog import Head, ReceiptLog, Verdict, read, verify


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test has its log."""
    return tmp_path / "new" / "receipts.jsonl"


def filled(path: Path, count: int = 5) -> Head:
    """A log with so many receipts."""
    log = ReceiptLog(path)
    head = log.append([json.dumps({"job": str(number)}) for number in range(1, count + 1)])
    log.close()
    return head


def test_each_line_has_the_hash_of_the_one_before(path: Path) -> None:
    head = filled(path, 3)
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert json.loads(lines[0]) == {"number": 1, "previous": "0" * 64, "receipt": {"job": "1"}}
    for number in (2, 3):
        entry = json.loads(lines[number - 1])
        assert entry["number"] == number
        assert entry["previous"] == hashlib.sha256(lines[number - 2]).hexdigest()
    assert head == Head(3, hashlib.sha256(lines[2]).hexdigest())
    assert verify(path, head) == Verdict(3, 0, "")


def test_it_goes_on_where_it_ended(path: Path) -> None:
    filled(path, 2)
    log = ReceiptLog(path)
    assert log.append(['{"job": "3"}']).lines == 3
    log.close()
    assert verify(path) == Verdict(3, 0, "")
    assert [receipt["job"] for receipt in read(path)] == ["1", "2", "3"]


def test_any_text_is_one_line_of_utf_8(path: Path) -> None:
    log = ReceiptLog(path)
    log.append(['{\n"job": "Größe \\n"\n}', '{"job": "\ud800"}'])
    log.close()
    assert verify(path) == Verdict(2, 0, "")
    assert [receipt["job"] for receipt in read(path)] == ["Größe \n", "\ud800"]
    assert "Größe" in path.read_text(encoding="utf-8")


def test_lines_longer_than_what_is_read_at_once_are_found_from_the_end(path: Path) -> None:
    log = ReceiptLog(path)
    log.append([json.dumps({"job": "x" * length}) for length in (200_000, 10, 150_000)])
    head = log.head
    log.close()
    log = ReceiptLog(path)
    assert log.head == head
    log.close()


# What `verify` finds.


def change(path: Path, number: int, was: bytes, now: bytes) -> None:
    """Alter one line."""
    lines = path.read_bytes().splitlines(keepends=True)
    assert was in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(was, now)
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize("number", [1, 3, 4])
def test_an_altered_line_is_named(path: Path, number: int) -> None:
    head = filled(path)
    change(path, number, b'"job": "', b'"job": "9')
    assert verify(path, head) == Verdict(number - 1, number, f"was altered: line {number + 1} has another hash for it")


def test_a_last_line_that_was_altered_is_found_by_what_the_journal_knows(path: Path) -> None:
    head = filled(path)
    change(path, 5, b'"5"', b'"6"')
    assert verify(path) == Verdict(5, 0, "")
    assert verify(path, head) == Verdict(4, 5, "was altered: the journal has another hash for it")


def test_a_log_that_was_written_anew_is_found_by_what_the_journal_knows(path: Path) -> None:
    head = filled(path)
    path.unlink()
    log = ReceiptLog(path)
    log.append(['{"job": "other"}'] * 7)
    log.close()
    assert verify(path, head) == Verdict(4, 5, "was altered: the journal has another hash for it")


@pytest.mark.parametrize(
    ("order", "line", "what"),
    [
        ([2, 3, 4, 5], 1, "has number 2, where 1 is due: lines were removed or moved"),
        ([1, 2, 4, 5], 3, "has number 4, where 3 is due: lines were removed or moved"),
        ([1, 3, 2, 4, 5], 2, "has number 3, where 2 is due: lines were removed or moved"),
        ([1, 2, 2, 3, 4, 5], 3, "has number 2, where 3 is due: lines were removed or moved"),
        ([1, 2, 3], 4, "is missing: the journal knows 5 lines"),
        ([], 1, "is missing: the journal knows 5 lines"),
    ],
)
def test_lines_that_were_removed_or_moved_are_named(path: Path, order: list[int], line: int, what: str) -> None:
    head = filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[number - 1] for number in order))
    assert verify(path, head) == Verdict(line - 1, line, what)


def test_a_first_line_that_follows_another_is_named(path: Path) -> None:
    filled(path)
    change(path, 1, b'"previous": "0', b'"previous": "1')
    assert verify(path) == Verdict(0, 1, "follows a line that is not there")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"\xff",
        b"[" * 100_000,
        b"5",
        b'{"number": 6}',
        b'{"number": true, "previous": "", "receipt": {}}',
        b'{"number": 6, "previous": 5, "receipt": {}}',
        b'{"number": 6, "previous": "", "receipt": []}',
        b'{"previous": "", "number": 6, "receipt": {}}',
    ],
)
def test_what_is_no_line_of_a_receipt_log_is_named_and_never_added_to(path: Path, line: bytes) -> None:
    filled(path)
    with open(path, "ab") as file:
        file.write(line + b"\n")
    assert verify(path) == Verdict(5, 6, "is no receipt")
    assert len(list(read(path))) == 5
    before = path.read_bytes()
    with pytest.raises(JournalError, match="does not end with a receipt: move it away, or choose another"):
        ReceiptLog(path)
    assert path.read_bytes() == before


def test_lines_beyond_what_the_journal_knows_are_fine(path: Path) -> None:
    head = filled(path, 3)
    log = ReceiptLog(path, head)
    log.append(['{"job": "4"}'])
    log.close()
    assert verify(path, head) == Verdict(4, 0, "")
    assert verify(path, Head()) == Verdict(4, 0, "")


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    for function in (verify, lambda path: list(read(path))):
        with pytest.raises(JournalError, match=r"none\.jsonl: cannot be read: No such file"):
            function(tmp_path / "none.jsonl")


# What a crash leaves.


@pytest.mark.parametrize("torn", [b"{", b'{"number": 3, "prev', b'{"number": 3, "previous": "\0\0\0', b"\0\0\0"])
def test_a_last_line_that_was_not_written_to_its_end_is_cut_off(
    path: Path, torn: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    head = filled(path, 2)
    with open(path, "ab") as file:
        file.write(torn)
    assert verify(path, head) == Verdict(2, 3, "is not written to its end")
    log = ReceiptLog(path, head)
    assert log.head == head
    assert "its last line was not written to its end, and is cut off: " in caplog.text
    log.append(['{"job": "3"}'])
    log.close()
    assert verify(path) == Verdict(3, 0, "")


@pytest.mark.parametrize("text", [b"hello", b'{"number": 3}\nhello', b"SQLite format 3\0", b"hello\n\0\0"])
def test_another_file_is_left_as_it_is(path: Path, text: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(text)
    with pytest.raises(JournalError, match=r"receipts\.jsonl: does not end with a receipt"):
        ReceiptLog(path)
    assert path.read_bytes() == text


def test_what_the_journal_does_not_know_yet_is_given(path: Path) -> None:
    head = filled(path, 2)
    log = ReceiptLog(path, head)
    assert log.beyond() == []
    log.append(['{"job": "3"}', '{"job": "4"}'])
    log.close()
    log = ReceiptLog(path, head)
    assert log.beyond() == [{"job": "3"}, {"job": "4"}]
    assert log.head.lines == 4
    log.close()


def test_a_journal_that_knows_nothing_yet_is_given_all(path: Path) -> None:
    filled(path, 2)
    log = ReceiptLog(path)
    assert log.beyond() == [{"job": "1"}, {"job": "2"}]
    log.close()


@pytest.mark.parametrize("left", [0, 1, 3])
def test_a_log_that_was_shortened_shows_for_ever(path: Path, left: int, caplog: pytest.LogCaptureFixture) -> None:
    head = filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:left]))
    log = ReceiptLog(path, head)
    assert "lacks line 5 as it was written" in caplog.text
    head = log.append(['{"job": "6"}'])
    log.close()
    assert head.lines == 6
    log = ReceiptLog(path, head)
    assert log.append(['{"job": "7"}']).lines == 7
    log.close()
    assert verify(path).line == left + 1
    assert verify(path, head).line == left + 1


def test_a_log_that_was_written_anew_shows_for_ever(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    head = filled(path)
    path.unlink()
    other = ReceiptLog(path)
    other.append(['{"job": "other"}'] * 7)
    other.close()
    log = ReceiptLog(path, head)
    assert log.beyond() == []
    head = log.append(['{"job": "6"}'])
    log.close()
    assert "lacks line 5 as it was written" in caplog.text
    assert verify(path, head).what


# A disk that is full.


def test_a_write_that_fails_half_way_leaves_nothing(path: Path) -> None:
    resource = pytest.importorskip("resource")
    head = filled(path, 2)
    log = ReceiptLog(path, head)
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
    try:
        for _ in range(2):
            with pytest.raises(OSError, match=r".+"):
                log.append(['{"job": "3"}', '{"job": "4"}'])
            assert path.stat().st_size == size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert log.head == head
    assert log.append(['{"job": "3"}']).lines == 3
    log.close()
    assert verify(path, head) == Verdict(3, 0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_where_not_even_cutting_back_works_it_is_tried_again() -> None:
    log = ReceiptLog(Path("/dev/full"))
    for _ in range(2):
        with pytest.raises(OSError, match=r".+"):
            log.append(["{}"])
    log.close()


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"cannot be opened: .*: choose another with --receipts"):
        ReceiptLog(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(JournalError, match=r"cannot be opened: .*: choose another with --receipts"):
        ReceiptLog(tmp_path / "file" / "receipts.jsonl")


def test_one_server_at_a_time_adds_to_it(path: Path) -> None:
    log = ReceiptLog(path)
    # Whatever leads to it.
    other = path.parent / "x" / ".." / path.name
    with pytest.raises(
        JournalError, match=r"is in use by another gombus: stop it, or choose another with --receipts PATH\|off$"
    ):
        ReceiptLog(other)
    log.append(['{"job": "1"}'])
    log.close()
    ReceiptLog(path).close()
    assert verify(path) == Verdict(1, 0, "")


def test_what_cannot_be_locked_is_said(path: Path) -> None:
    path.parent.mkdir()
    path.with_name(path.name + "-lock").mkdir()
    with pytest.raises(JournalError, match="cannot be locked"):
        ReceiptLog(path)
