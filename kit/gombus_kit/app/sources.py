"""Where the wheels come from that an App is made of: a folder, a wheel, or a distribution by its name."""

from __future__ import annotations

import json
import re
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

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_ALLOWED = "{}: allowed: a folder with a pyproject.toml, a file .whl, or a distribution such as gombus-quit"


class SourceError(GombusError):
    """What was named is none of the three."""


def wheel_of(named: str, target: Target, folder: Path, isolated: bool) -> Wheel:
    """The wheel of what was named, put into this folder.

    What has a slash, or begins with a dot, is a path. A distribution that is installed here is taken as it is here:
    from its folder, where it was installed from one, as developers do, else in the same version. A folder that has
    the name of one that is not installed is taken in its place.

    :raises SourceError: it is no folder with a pyproject.toml, no wheel, and no name.
    :raises PipError: pip cannot build or fetch it.
    """
    path = Path(named)
    if _is_wheel(path):
        return read(Path(shutil.copy(path, folder)))
    # A folder `gombus` in the current one, such as a clone, must not stand for gombus.
    installed = None if _is_path(named) else _installed(named)
    if installed is None and (path / "pyproject.toml").is_file():
        return read(pip.build(path, folder, isolated))
    # Nor is anything fetched in the place of a folder that cannot be built.
    if installed is None and (_is_path(named) or path.exists()):
        raise SourceError(_ALLOWED.format(named))
    try:
        requirement = Requirement(named)
    except InvalidRequirement as error:
        raise SourceError(_ALLOWED.format(named)) from error
    if requirement.extras or requirement.marker:
        raise SourceError(f"{named}: allowed: a name and versions, such as {requirement.name}>=1")
    if installed is not None:
        source = _source(installed)
        if source is not None:
            return wheel_of(str(source), target, folder, isolated)
        requirement = Requirement(f"{requirement.name}=={installed.version}")
    before = set(folder.glob("*.whl"))
    pip.download([requirement], target, folder)
    fetched = set(folder.glob("*.whl")) - before
    if not fetched:
        raise SourceError(f"{named}: its wheel is there already; name each plugin once")
    return read(fetched.pop())


def _is_wheel(path: Path) -> bool:
    return path.suffix == ".whl" and path.is_file()


def _is_path(named: str) -> bool:
    return named.startswith(".") or "/" in named or "\\" in named


def _installed(name: str) -> metadata.Distribution | None:
    """What is installed by this name alone."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _source(distribution: metadata.Distribution) -> Path | None:
    """The folder or wheel that it was installed from, if that is still there."""
    text = distribution.read_text("direct_url.json")
    if text:
        parts = urlsplit(json.loads(text)["url"])
        path = Path(url2pathname(parts.path))
        if parts.scheme == "file" and ((path / "pyproject.toml").is_file() or _is_wheel(path)):
            return path
    return None
