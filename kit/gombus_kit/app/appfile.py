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

from . import metainfo
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
        except ValueError as error:
            raise AppError(f"{name}: is no JSON: {error}") from error

    def target(self) -> Target | None:
        """What it was built for; None where it does not say."""
        try:
            own = self.read_json(metainfo.OWN)
        except AppError:
            return None
        if not isinstance(own, dict) or own.get("platform") not in PLATFORMS or not is_python(str(own.get("python"))):
            return None
        return Target(own["python"], own["platform"])


@contextmanager
def opened(path: Path) -> Iterator[App]:
    """Read an App; its wheels lie in a folder of their own meanwhile.

    :raises AppError: it is no zip file.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(path) as archive:
                damaged = archive.testzip()
                if damaged:
                    raise AppError(f"{path}: {damaged} is damaged")
                yield _read(archive, folder)
        except (OSError, zipfile.BadZipFile) as error:
            raise AppError(f"{path}: is no App that can be read: {error}") from error


def _read(archive: zipfile.ZipFile, folder: Path) -> App:
    app = App({}, {}, [], [])
    seen = set()
    for entry in archive.infolist():
        name = entry.filename
        if entry.is_dir():
            continue
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            app.problems.append(f"{name!r}: leads out of the App; allowed: names below its folder, with /")
            continue
        if name.lower() in seen:
            app.problems.append(f"{name}: is there twice; Windows does not tell upper and lower case apart")
            continue
        seen.add(name.lower())
        app.entries[name] = entry.file_size
        if not name.endswith(".whl"):
            app.texts[name] = archive.read(entry)
        elif name.rpartition("/")[0] != MODULES:
            app.problems.append(f"{name}: is not used there; allowed: {MODULES}/")
        else:
            wheel = folder / name.rpartition("/")[2]
            wheel.write_bytes(archive.read(entry))
            try:
                app.wheels.append(read(wheel))
            except WheelError as error:
                app.problems.append(f"{MODULES}: {error}")
    return app
