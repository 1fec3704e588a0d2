"""Apps and wheels as files: written the same for the same content, and read without trust in what they say."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gombus import GombusError

MAX_BYTES = 2 * 1024**3
"""What one file may hold, unpacked, and one of its wheels."""
MAX_TEXT_BYTES = 64 * 1024**2
"""What is taken into memory of one file: of an App all but its wheels, of a wheel what it says of itself."""

_TIME = (2020, 2, 2, 0, 0, 0)
"""The time of every entry. Which it is says nothing; hatchling's wheels have the same."""


class ArchiveError(GombusError):
    """A zip file cannot be read, or holds more than is allowed."""


def write(path: Path, entries: Mapping[str, bytes]) -> None:
    """Put a whole file in its place, sorted and with fixed times.

    :param entries: name -> content.
    :raises OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for name in sorted(entries):
                entry = zipfile.ZipInfo(name, _TIME)
                # Wheels are compressed already.
                entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, entries[name])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def bounded(entries: list[zipfile.ZipInfo], limit: int) -> None:
    """Look whether entries are no more than is allowed. No more than they say is ever unpacked of them.

    :raises ArchiveError: naming the largest.
    """
    if sum(entry.file_size for entry in entries) > limit:
        largest = max(entries, key=lambda entry: entry.file_size)
        raise ArchiveError(f"unpacks to more than {limit // 1024**2} MiB; the largest is {largest.filename}")


def content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """One entry.

    :raises ArchiveError: it is damaged.
    """
    with _opened(archive, entry) as stream:
        # With a number, because without one all that the packed bytes come to is unpacked at once.
        return stream.read(entry.file_size + 1)


def copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Unpack one entry into a file, not through memory.

    :raises ArchiveError: it is damaged.
    """
    with _opened(archive, entry) as stream, path.open("wb") as file:
        shutil.copyfileobj(stream, file)


def is_file(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is no link and no device."""
    return stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)


@contextmanager
def _opened(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[BinaryIO]:
    # zipfile does not bound what the other ways of packing come to.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveError(f"{entry.filename} is packed in another way; allowed: stored, deflated")
    try:
        with archive.open(entry) as stream:
            yield stream  # type: ignore[misc]
    # The last is raised where one is encrypted.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ArchiveError(f"{entry.filename} is damaged: {error}") from error
