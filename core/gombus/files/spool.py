"""A private folder into which files are copied, so that what was checked is what is imported."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Callable

from ..errors import ServerStopping, SettingsError, SpoolFailed
from ..evidence import CHUNK, FileFacts, NamedFile, is_racy, opened, read, same
from ..lockfile import hold

log = logging.getLogger(__name__)

LOCK = "gombus-spool-lock"
_OURS = re.compile(r"gombus-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[a-z0-9_]{8}")
"""Names of the folders of jobs; whatever is called otherwise is not ours to remove."""
_SWEEP_S = 3600.0
"""How often, in s, to look for folders whose time is over."""


class Spool:
    """The spool folder. Belongs to the owner thread.

    :param folder: made if it is not there.
    :param days: for how many days copies are kept; 0 removes them when their handler has returned.
    :param stopping: whether the server stops.
    :raises SettingsError: it cannot be used, or another gombus uses it.
    """

    def __init__(self, folder: Path, days: int, stopping: Callable[[], bool]) -> None:
        # INSPECT may have another current folder.
        self._folder = Path.cwd() / folder
        self._days = days
        self._stopping = stopping
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if _others_may_write(self._folder):
                raise self._unusable("may be written by other users")
            self._lock = hold(self._folder / LOCK)
        except (OSError, sqlite3.Error) as error:
            in_use = isinstance(error, sqlite3.Error) and "locked" in str(error)
            raise self._unusable("is in use by another gombus" if in_use else f"cannot be used: {error}") from error
        self._sweep()

    def close(self) -> None:
        """Let another gombus use the folder."""
        self._lock.close()

    def make(self, job: str) -> Path:
        """A new folder for a job, which only this user can read.

        :param job: its id.
        :raises SpoolFailed: it cannot be made.
        """
        if time.monotonic() >= self._sweep_at_s:
            self._sweep()
        try:
            return Path(tempfile.mkdtemp(prefix=f"gombus-{job}-", dir=self._folder))
        except OSError as error:
            raise SpoolFailed(f"No file can be copied for the import: {error.strerror or error}.") from error

    def copy(self, file: NamedFile, folder: Path, check: Callable[[BinaryIO], None]) -> FileFacts | None:
        """Copy a file while it is hashed.

        :param folder: made for it, below that of its job.
        :param check: gets the source when it is open, and may refuse it.
        :returns: its facts; None where the source changed meanwhile.
        :raises FileUnreadable: the source cannot be read.
        :raises SpoolFailed: the copy cannot be written; the disk may be full.
        :raises ServerStopping: the server stops.
        """
        digest = hashlib.sha256()
        # The same name, because INSPECT may show it.
        copy = folder / Path(file.path).name
        with opened(file) as source:
            check(source)
            before = os.fstat(source.fileno())
            racy = is_racy(before)
            with _writing(file):
                folder.mkdir(mode=0o700)
                target = open(copy, "xb")  # noqa: SIM115 - what reads the source fails in another way
            try:
                # What grows as fast as it is read would be copied for ever.
                while (chunk := source.read(CHUNK)) and target.tell() <= before.st_size:
                    if self._stopping():
                        raise ServerStopping("The server is stopping; the request was not started.")
                    digest.update(chunk)
                    with _writing(file):
                        target.write(chunk)
            finally:
                with _writing(file):
                    target.close()
            after = os.fstat(source.fileno())
            with _writing(file):
                os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
                status = copy.stat()
        if not same(before, after) or status.st_size != after.st_size:
            return None
        if racy and read(file).sha256 != digest.hexdigest():
            return None
        given = NamedFile(file.pointer, file.sent, str(copy))
        return FileFacts(given, status, digest.hexdigest(), is_racy(status), source=file.path)

    def release(self, folder: Path) -> None:
        """A handler has returned that used what is in this folder."""
        if not self._days:
            self.remove(folder)

    def remove(self, folder: Path) -> None:
        """Remove the folder of a job, or else of one of its files."""
        try:
            shutil.rmtree(folder)
        except OSError as error:
            # INSPECT may still have it open on Windows; it is tried again within the hour.
            log.info("spool: %s cannot be removed yet: %s", folder, error)

    def _unusable(self, reason: str) -> SettingsError:
        return SettingsError(f"spool: {self._folder} {reason}; allowed: off, auto, a folder that only gombus uses")

    def _sweep(self) -> None:
        """Remove what a crash left, and copies whose days are over."""
        self._sweep_at_s = time.monotonic() + _SWEEP_S
        before_s = time.time() - self._days * 86_400
        with os.scandir(self._folder) as entries:
            old = [
                entry.path
                for entry in entries
                if _OURS.fullmatch(entry.name)
                and entry.is_dir(follow_symlinks=False)
                and (not self._days or entry.stat(follow_symlinks=False).st_mtime < before_s)
            ]
        for path in old:
            self.remove(Path(path))


@contextmanager
def _writing(file: NamedFile) -> Iterator[None]:
    """What fails inside is the copy, not its source."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise SpoolFailed(f"File {file.sent} could not be copied for the import: {reason}.") from error


def _others_may_write(folder: Path) -> bool:
    """Whether other users could put their files in place of the copies."""
    # Windows has no such bits; there a folder below the user's own is private.
    if not hasattr(os, "geteuid"):
        return False
    status = folder.stat()
    return status.st_uid != os.geteuid() or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
