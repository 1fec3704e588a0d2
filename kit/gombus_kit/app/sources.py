"""Where the wheels come from that an App is made of: a folder, a wheel, or a distribution by its name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.requirements import InvalidRequirement, Requirement

from gombus import GombusError

from . import pip
from .target import Target
from .wheels import Wheel, read


class SourceError(GombusError):
    """What was named is none of the three."""


def wheel_of(named: str, target: Target, folder: Path, isolated: bool) -> Wheel:
    """The wheel of what was named, put into this folder.

    A distribution that is installed here from a folder, as developers do, is built from there.

    :raises SourceError: it is no folder with a pyproject.toml, no wheel, and no name.
    :raises PipError: pip cannot build or fetch it.
    """
    path = Path(named)
    if path.suffix == ".whl" and path.is_file():
        return read(Path(shutil.copy(path, folder)))
    if (path / "pyproject.toml").is_file():
        return read(pip.build(path, folder, isolated))
    try:
        requirement = Requirement(named)
    except InvalidRequirement as error:
        raise SourceError(
            f"{named}: allowed: a folder with a pyproject.toml, a file .whl, or a distribution such as gombus-quit"
        ) from error
    for source in _installed_from(requirement):
        return wheel_of(str(source), target, folder, isolated)
    before = set(folder.glob("*.whl"))
    pip.download([requirement], target, folder)
    return read((set(folder.glob("*.whl")) - before).pop())


def _installed_from(requirement: Requirement) -> Iterator[Path]:
    try:
        text = metadata.distribution(requirement.name).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return
    if text and not requirement.specifier:
        parts = urlsplit(json.loads(text)["url"])
        path = Path(url2pathname(parts.path))
        if parts.scheme == "file" and ((path / "pyproject.toml").is_file() or path.is_file()):
            yield path
