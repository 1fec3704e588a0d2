"""The receipt log: a file of JSON lines to which receipts are added, each line with the hash of the one before.

``{"number": 2, "previous": "<SHA-256 of the whole line before, without its newline>", "receipt": {...}}``

A line that is altered, removed or moved shows, because the next one says what it was; lines that are missing at the
end show, because the journal keeps how many there are and the hash of the last.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .errors import JournalError
from .lockfile import hold_beside

log = logging.getLogger(__name__)

_BLOCK = 65_536
_BEGIN = b'{"number": '


class Head(NamedTuple):
    """How long a receipt log is, and its last line."""

    lines: int = 0
    digest: str = "0" * 64
    """SHA-256 of the last line without its newline, as hexadecimal digits; zeros where there is none."""


class Verdict(NamedTuple):
    """What `verify` found."""

    lines: int
    """How many are in order, from the first."""
    line: int
    """The first that is not, counted from 1; 0 where all are."""
    what: str
    """What is wrong with it; empty where nothing is."""


class ReceiptLog:
    """A receipt log, opened for adding, and locked for all other servers.

    A last line without its newline was being written when the power went or the process was killed. Its receipt was
    told to nobody, so it is cut off, with a warning.

    :param known: what the journal knows of it. Where the file does not hold that, it was changed from outside; then
        the new lines follow what the journal knows, so that the gap shows for ever.
    :raises JournalError: the file cannot be opened, is in use, or is no receipt log.
    """

    def __init__(self, path: Path, known: Head = Head()) -> None:  # noqa: B008  # a constant
        self._path = path
        self._broken = False
        self._known = known
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = open(path, "ab+", buffering=0)  # noqa: SIM115  # kept open
        except OSError as error:
            raise JournalError(f"{path}: cannot be opened: {error.strerror}: choose another with --receipts") from error
        try:
            self._lock = hold_beside(path, "--receipts")
        except BaseException:
            self._file.close()
            raise
        try:
            self.head = self._read_end(known)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                text = f"{path}: cannot be read: {error.strerror}: choose another with --receipts"
                raise JournalError(text) from error
            raise

    def append(self, receipts: Sequence[str]) -> Head:
        """Add receipts (JSON texts); they are on the disk when it returns.

        :raises OSError: none of them was added.
        """
        count, digest = self.head
        lines = []
        for receipt in receipts:
            count += 1
            # A newline of a JSON text stands between two of its tokens, never in a string.
            text = receipt.replace("\n", " ")
            line = f'{{"number": {count}, "previous": "{digest}", "receipt": {text}}}'.encode(
                "utf-8", "backslashreplace"
            )
            digest = _hash(line)
            lines.append(line + b"\n")
        data = b"".join(lines)
        try:
            if self._broken:
                self._cut(self._size)
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError:
            # Half a line must not stand before the next.
            self._broken = True
            self._cut(self._size)
            raise
        self._size += len(data)
        self.head = Head(count, digest)
        return self.head

    def beyond(self) -> list[dict[str, Any]]:
        """The receipts that stand after what the journal knew, oldest first. To be asked before the first is added."""
        found: list[dict[str, Any]] = []
        if self.head == self._known:
            return found
        for line in _backwards(self._file, self._size):
            entry = _entry(line)
            if entry is not None:
                if entry["number"] <= self._known.lines:
                    break
                found.append(entry["receipt"])
        return found[::-1]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._lock.close()

    def _cut(self, size: int) -> None:
        self._file.truncate(size)
        self._broken = False

    def _read_end(self, known: Head) -> Head:
        self._size = self._file.seek(0, os.SEEK_END)
        lines = _backwards(self._file, self._size)
        torn = next(lines)
        # Zeros are what some file systems leave of a write that a power cut ended.
        if not (torn.startswith(_BEGIN) or _BEGIN.startswith(torn) or not torn.strip(b"\0")):
            raise self._no_receipt_log()
        line = next(lines, None)
        if line is None:
            head = Head()
        elif entry := _entry(line):
            head = Head(entry["number"], _hash(line))
        else:
            raise self._no_receipt_log()
        if torn:
            # Only now that the file is known to be a receipt log.
            self._size -= len(torn)
            self._cut(self._size)
            log.warning("%s: its last line was not written to its end, and is cut off: %.200r", self._path, torn)
        while known.lines and line and (entry := _entry(line)) and entry["number"] > known.lines:
            line = next(lines, None)
        if known.lines and (line is None or _hash(line) != known.digest):
            log.error("%s: lacks line %d as it was written; see: gombus receipts verify", self._path, known.lines)
            return known
        return head

    def _no_receipt_log(self) -> JournalError:
        return JournalError(
            f"{self._path}: does not end with a receipt: move it away, or choose another with --receipts PATH|off"
        )


def verify(path: Path, head: Head | None = None) -> Verdict:
    """Find the first line of a receipt log that is not as it was written.

    :param head: what the journal knows of it; lines beyond that are in order.
    :raises JournalError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return _verified(file, head)
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from error


def _verified(file: BinaryIO, head: Head | None) -> Verdict:
    digest = Head().digest
    count = 0
    for count, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            return Verdict(count - 1, count, "is not written to its end")
        line = line[:-1]
        entry = _entry(line)
        if entry is None:
            return Verdict(count - 1, count, "is no receipt")
        if entry["number"] != count:
            what = f"has number {entry['number']}, where {count} is due: lines were removed or moved"
            return Verdict(count - 1, count, what)
        if entry["previous"] != digest:
            if count == 1:
                return Verdict(0, 1, "follows a line that is not there")
            return Verdict(count - 2, count - 1, f"was altered: line {count} has another hash for it")
        digest = _hash(line)
        if head is not None and head.lines == count and head.digest != digest:
            return Verdict(count - 1, count, "was altered: the journal has another hash for it")
    if head is not None and head.lines > count:
        return Verdict(count, count + 1, f"is missing: the journal knows {head.lines} lines")
    return Verdict(count, 0, "")


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The receipts of a receipt log, oldest first; lines that are none are left out.

    :raises JournalError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            for line in file:
                entry = _entry(line)
                if entry:
                    yield entry["receipt"]
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from error


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _entry(line: bytes) -> dict[str, Any] | None:
    """One line as JSON object; None where it is no line of a receipt log."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or list(entry) != ["number", "previous", "receipt"]:
        return None
    kinds = [type(value) for value in entry.values()]
    return entry if kinds == [int, str, dict] else None


def _backwards(file: BinaryIO, end: int) -> Iterator[bytes]:
    """The lines of a file from its last, without their newlines; before them what follows the last newline."""
    rest = b""
    while end:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        block = file.read(end - begin)
        end = begin
        rest, *lines = (block + rest).split(b"\n")
        yield from reversed(lines)
    yield rest
