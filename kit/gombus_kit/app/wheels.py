"""What a wheel says of itself: its name, what it needs, its plugins and its licences."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from gombus import GombusError

from . import archive
from .archive import ArchiveError, bounded, content

GROUP = "gombus"
"""The group of entry points in which gombus's plugins stand."""
_LICENCES = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)([-_.].*)?", re.IGNORECASE)


class WheelError(GombusError):
    """A file is no wheel that can be read."""


class Wheel(NamedTuple):
    """One wheel."""

    path: Path
    name: str
    """As indexes spell it: `rpds-py`."""
    version: Version
    tags: frozenset[Tag]
    requires: tuple[Requirement, ...]
    plugins: tuple[str, ...]
    """The modules behind its entry points of the group `gombus`."""
    python: SpecifierSet
    """The Pythons that it is for."""
    author: str
    """Who made it, as far as it says so."""
    licence: str
    """The text of its licences, or what it says instead."""

    @property
    def pure(self) -> bool:
        """Whether it runs from within its file."""
        return any(tag.abi == "none" and tag.platform == "any" for tag in self.tags)


def read(path: Path) -> Wheel:
    """Read a wheel.

    :raises WheelError: naming the file and what is wrong.
    """
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise WheelError(f"{path.name}: is no wheel's name, such as gombus-0.1.0-py3-none-any.whl: {error}") from error
    try:
        with zipfile.ZipFile(path) as file:
            bounded(file.infolist(), archive.MAX_BYTES)
            info = _info(file)
            own = [entry for entry in file.infolist() if entry.filename.startswith(f"{info}/")]
            bounded(own, archive.MAX_TEXT_BYTES)
            metadata = BytesParser().parsebytes(_content(file, f"{info}/METADATA"))
            said = (canonicalize_name(metadata.get("Name") or ""), Version(metadata.get("Version") or ""))
            if said != (canonicalize_name(name), version):
                raise ValueError(f"it says that it is {said[0]} {said[1]}, and its name is another")
            requires = tuple(Requirement(text) for text in metadata.get_all("Requires-Dist", []))
            plugins = tuple(_plugins(file, info))
            python = SpecifierSet(metadata.get("Requires-Python") or "")
            author = metadata.get("Author") or metadata.get("Author-email") or ""
            licence = _licence(file, info, metadata)
    except (zipfile.BadZipFile, NotImplementedError, KeyError, ValueError, ConfigError, OSError, ArchiveError) as error:
        raise WheelError(f"{path.name}: is no wheel that can be read: {type(error).__name__}: {error}") from error
    return Wheel(path, canonicalize_name(name), version, tags, requires, plugins, python, author, licence)


def sources(wheel: Wheel) -> Iterator[tuple[str, bytes]]:
    """Name and text of each Python file in it.

    :raises ArchiveError: one is damaged, or they come to more than is allowed.
    """
    with zipfile.ZipFile(wheel.path) as file:
        entries = [entry for entry in file.infolist() if entry.filename.endswith(".py")]
        bounded(entries, archive.MAX_TEXT_BYTES)
        yield from ((entry.filename, content(file, entry)) for entry in entries)


def _content(file: zipfile.ZipFile, name: str) -> bytes:
    return content(file, file.getinfo(name))


def _info(file: zipfile.ZipFile) -> str:
    folders = {name.split("/")[0] for name in file.namelist()}
    for folder in sorted(folders):
        if folder.endswith(".dist-info"):
            return folder
    raise KeyError("it has no .dist-info folder")


def _plugins(file: zipfile.ZipFile, info: str) -> Iterator[str]:
    if f"{info}/entry_points.txt" not in file.namelist():
        return
    # Names of entry points are told apart by case, and a value may hold a percent sign.
    parser = ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(_content(file, f"{info}/entry_points.txt").decode())
    if parser.has_section(GROUP):
        yield from (value for _, value in parser.items(GROUP))


def _licence(file: zipfile.ZipFile, info: str, metadata: Message) -> str:
    named = set(metadata.get_all("License-File", []))
    texts = []
    for name in sorted(set(file.namelist())):
        inside = name.partition("/")[2]
        within = inside[len("licenses/") :] if inside.startswith("licenses/") else inside
        if name.startswith(f"{info}/") and (within in named or _LICENCES.fullmatch(within.rpartition("/")[2])):
            texts.append(f"{within}\n\n{_content(file, name).decode('utf-8', 'replace').strip()}\n")
    head = f"{metadata['Name']} {metadata['Version']}\n{_said(metadata, 'see below' if texts else 'it names none')}\n"
    return "\n".join([head, *texts])


def _said(metadata: Message, instead: str) -> str:
    said = metadata.get("License-Expression") or metadata.get("License")
    if said:
        return f"Licence: {said}"
    classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
    return "Licence: " + (", ".join(line.rpartition(" :: ")[2] for line in classifiers) or instead)
