"""Where the wheels come from that an App is made of: a folder, a wheel, or a distribution by its name."""

from __future__ import annotations

import json
import shutil
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

    A distribution that is installed here is taken as it is here: from its folder, where it was installed from one, as
    developers do, else in the same version.

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
    if not requirement.specifier:
        source, requirement = _installed(requirement)
        if source is not None:
            return wheel_of(str(source), target, folder, isolated)
    before = set(folder.glob("*.whl"))
    pip.download([requirement], target, folder)
    return read((set(folder.glob("*.whl")) - before).pop())


def _installed(requirement: Requirement) -> tuple[Path | None, Requirement]:
    """The folder or wheel that it was installed from, if that is still there, and its version."""
    try:
        distribution = metadata.distribution(requirement.name)
    except metadata.PackageNotFoundError:
        return None, requirement
    text = distribution.read_text("direct_url.json")
    if text:
        parts = urlsplit(json.loads(text)["url"])
        path = Path(url2pathname(parts.path))
        if parts.scheme == "file" and ((path / "pyproject.toml").is_file() or path.is_file()):
            return path, requirement
    return None, Requirement(f"{requirement.name}=={distribution.version}")
