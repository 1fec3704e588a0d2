"""What was given to INSPECT: the facts of every file before and after a handler ran."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .errors import FileUnreadable, Refusal

CHUNK = 1024 * 1024
"""How much of a file is read at once, in bytes."""
_RACY_S = 2.0
"""A file that was written so shortly before it was looked at can change again without its time changing: that of some
file systems counts in steps of 2 s. git calls such entries racily clean."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_YEARS_S = -62_135_596_800.0, 253_402_300_799.0
"""The years 1 to 9999, which are all that `datetime` has; file systems can have others."""


class NamedFile(NamedTuple):
    """One file that a request names."""

    pointer: str
    """JSON Pointer to the parameter that names it."""
    sent: str
    """The path as the client sent it."""
    path: str
    """The path on this computer."""


class FileFacts(NamedTuple):
    """One file as it was before the handler ran."""

    file: NamedFile
    """Its path is the one that the handler gets."""
    status: os.stat_result
    sha256: str
    racy: bool
    source: str | None = None
    """The path from which it was copied; None where the handler gets the file itself."""


class FileLook(NamedTuple):
    """What a plan says of one file."""

    facts: dict[str, Any]
    failing: Refusal | None = None
    """Why it could not be used now."""


def after(facts: Iterable[FileFacts]) -> list[dict[str, Any]]:
    """The facts for the receipt: size in bytes, time of the last change, SHA-256, and whether it changed meanwhile."""
    return [
        {
            **names(read.file),
            **({} if read.source is None else {"source": read.source}),
            "size": read.status.st_size,
            "mtime": iso(read.status.st_mtime),
            "sha256": read.sha256,
            "changed": _changed(read),
        }
        for read in facts
    ]


def names(file: NamedFile) -> dict[str, Any]:
    """How receipts and plans name a file."""
    facts = {"parameter": file.pointer, "path": file.path}
    return facts if file.sent == file.path else {**facts, "sent": file.sent}


def look(file: NamedFile) -> os.stat_result:
    """The facts of a file that can be opened; nothing of it is read.

    :raises FileUnreadable: there is no such file, or it cannot be opened.
    """
    with opened(file) as stream:
        return os.fstat(stream.fileno())


def iso(seconds: float) -> str:
    """A time in seconds since 1970 as ``2026-11-24T03:16:58.123Z``."""
    first_s, last_s = _YEARS_S
    if not first_s <= seconds <= last_s:
        seconds = min(max(seconds, first_s), last_s)
    whole = round(seconds * 1e6) // 1000
    return f"{_to_the_second(whole // 1000)}.{whole % 1000:03}Z"


@lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    # Added, because Windows' own conversion knows no time before 1970.
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="seconds").replace("+00:00", "")


def read(file: NamedFile) -> FileFacts:
    """Read a file, and give its facts.

    :raises FileUnreadable: there is no such file, or it cannot be opened.
    """
    with opened(file) as stream:
        status = os.fstat(stream.fileno())
        racy = is_racy(status)
        digest = hashlib.sha256()
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return FileFacts(file, status, digest.hexdigest(), racy)


@contextmanager
def opened(file: NamedFile) -> Iterator[BinaryIO]:
    """A file that is open for reading. What fails inside with the system's reason is that it cannot be read.

    :raises FileUnreadable: there is no such file, or it cannot be opened.
    """
    try:
        # Opening a pipe would wait for its other end, and a folder opens on some systems.
        if not Path(file.path).is_file():
            raise FileUnreadable(f"File {file.sent} could not be read: there is no such file.")
        with open(file.path, "rb") as stream:
            yield stream
    except OSError as error:
        raise FileUnreadable(f"File {file.sent} could not be read: {error.strerror or error}") from error


def is_racy(status: os.stat_result) -> bool:
    """Whether a file can change now without its facts changing."""
    return time.time() - status.st_mtime < _RACY_S


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether these are the facts of one file that nobody changed between them."""
    # The time of the last change of anything, where it is that, cannot be set back as that of the content can.
    names = ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_dev")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _changed(facts: FileFacts) -> bool:
    try:
        status = Path(facts.file.path).stat()
        if same(status, facts.status) and not facts.racy:
            return False
        again = read(facts.file)
        return (again.status.st_size, again.sha256) != (facts.status.st_size, facts.sha256)
    except (OSError, FileUnreadable):
        return True
