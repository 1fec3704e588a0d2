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

from .errors import FileUnreadable

_CHUNK = 1024 * 1024
_RACY_S = 2.0
"""A file that was written so shortly before it was looked at can change again without its time changing: that of some
file systems counts in steps of 2 s. git calls such entries racily clean."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_YEARS_S = -62_135_596_800.0, 253_402_300_799.0
"""The years 1 to 9999, which are all that `datetime` has; file systems can have others."""


class FileFacts(NamedTuple):
    """One file as it was before the handler ran."""

    pointer: str
    """JSON Pointer to the parameter that names it."""
    path: str
    status: os.stat_result
    sha256: str
    racy: bool


def before(files: Iterable[tuple[str, str]]) -> list[FileFacts]:
    """Read the files that a request names: JSON Pointer and path of each.

    :raises FileUnreadable: there is no such file, or it cannot be opened.
    """
    return [_read(pointer, path) for pointer, path in files]


def after(facts: Iterable[FileFacts]) -> list[dict[str, Any]]:
    """The facts for the receipt: size in bytes, time of the last change, SHA-256, and whether it changed meanwhile."""
    return [
        {
            "parameter": file.pointer,
            "path": file.path,
            "size": file.status.st_size,
            "mtime": iso(file.status.st_mtime),
            "sha256": file.sha256,
            "changed": _changed(file),
        }
        for file in facts
    ]


def look(path: str) -> os.stat_result:
    """The facts of a file that can be opened; nothing of it is read.

    :raises FileUnreadable: there is no such file, or it cannot be opened.
    """
    with _opened(path) as file:
        return os.fstat(file.fileno())


# Lists of jobs have the same times again and again.
@lru_cache(maxsize=1024)
def iso(seconds: float) -> str:
    """A time in seconds since 1970 as ``2026-11-24T03:16:58.123Z``."""
    first_s, last_s = _YEARS_S
    # Added, because Windows' own conversion knows no time before 1970.
    time_ = _EPOCH + timedelta(seconds=min(max(seconds, first_s), last_s))
    return time_.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(pointer: str, path: str) -> FileFacts:
    with _opened(path) as file:
        status = os.fstat(file.fileno())
        racy = time.time() - status.st_mtime < _RACY_S
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return FileFacts(pointer, path, status, digest.hexdigest(), racy)


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        # Opening a pipe would wait for its other end, and a folder opens on some systems.
        if not Path(path).is_file():
            raise FileUnreadable(f"File {path} could not be read: there is no such file.")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise FileUnreadable(f"File {path} could not be read: {error.strerror or error}") from error


def _changed(file: FileFacts) -> bool:
    try:
        status = Path(file.path).stat()
        if _same(status, file.status) and not file.racy:
            return False
        again = _read(file.pointer, file.path)
        return (again.status.st_size, again.sha256) != (file.status.st_size, file.sha256)
    except (OSError, FileUnreadable):
        return True


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    # The time of the last change of anything, where it is that, cannot be set back as that of the content can.
    names = ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_dev")
    return all(getattr(one, name) == getattr(other, name) for name in names)
