"""Reading an App's file."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gombus import GombusError
from gombus.paths import refusal

from . import archive, metainfo
from .build import MODULES
from .target import PLATFORMS, Target, is_python
from .wheels import Wheel, WheelError, read


class AppError(GombusError):
    """A file is no App that can be read."""


@dataclass(frozen=True)
class App:
    """What is in an App, as far as it can be read, and what cannot."""

    entries: dict[str, int]
    """Name -> size, in bytes."""
    texts: dict[str, bytes]
    """All entries but wheels."""
    wheels: list[Wheel]
    """Their files are there as long as the App is open."""
    problems: list[str]

    def read_json(self, name: str) -> Any:
        """An entry as JSON.

        :raises AppError: it is not there, or is none.
        """
        try:
            return json.loads(self.texts[name])
        except KeyError:
            raise AppError(f"{name}: is not there") from None
        except (ValueError, RecursionError) as error:
            raise AppError(f"{name}: is no JSON: {error}") from error

    def target(self) -> Target | None:
        """What it was built for; None where it does not say."""
        try:
            own = self.read_json(metainfo.OWN)
        except AppError:
            return None
        if not isinstance(own, dict):
            return None
        python, platform = own.get("python"), own.get("platform")
        if not isinstance(python, str) or not is_python(python) or platform not in PLATFORMS:
            return None
        return Target(python, platform)


@contextmanager
def opened(path: Path) -> Iterator[App]:
    """Read an App; its wheels lie in a folder of their own meanwhile.

    :raises AppError: it is no zip file, is damaged, or unpacks to more than is allowed.
    """
    with tempfile.TemporaryDirectory() as name:
        try:
            with zipfile.ZipFile(path) as file:
                app = _read(file, Path(name))
        except archive.ArchiveError as error:
            raise AppError(f"{path}: {error}") from error
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise AppError(f"{path}: is no App that can be read: {error}") from error
        yield app


def _read(file: zipfile.ZipFile, folder: Path) -> App:
    app = App({}, {}, [], [])
    entries = file.infolist()
    archive.bounded(entries, archive.MAX_BYTES)
    archive.bounded([entry for entry in entries if not entry.filename.endswith(".whl")], archive.MAX_TEXT_BYTES)
    seen = set()
    for entry in entries:
        name = entry.filename
        reason = _reason(entry)
        if reason:
            app.problems.append(f"{name!r}: {reason}")
            continue
        if entry.is_dir():
            continue
        if name.lower() in seen:
            app.problems.append(f"{name}: is there twice; Windows does not tell upper and lower case apart")
            continue
        seen.add(name.lower())
        app.entries[name] = entry.file_size
        if not name.endswith(".whl"):
            app.texts[name] = archive.content(file, entry)
        elif name.rpartition("/")[0] != MODULES:
            app.problems.append(f"{name}: is not used there; allowed: {MODULES}/")
        else:
            wheel = folder / name.rpartition("/")[2]
            archive.copy(file, entry, wheel)
            try:
                app.wheels.append(read(wheel))
            except WheelError as error:
                app.problems.append(f"{MODULES}: {error}")
    return app


def _reason(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not unpacked; empty where it is."""
    # As it stands in the file: Python has made slashes of Windows' own, and has cut it at a zero.
    name = entry.orig_filename
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        return "leads out of the App; allowed: names below its folder, with /"
    refused = refusal(name)
    if refused:
        return f"{refused}; allowed: what Windows can have"
    if not entry.is_dir() and not archive.is_file(entry):
        return "is a link or a device; allowed: files"
    return ""
