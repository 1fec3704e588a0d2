"""What an App is built for: a Python and a platform, whichever this program runs on."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from packaging.markers import Marker, default_environment
from packaging.tags import Tag, compatible_tags, cpython_tags, platform_tags

WINDOWS = "win_amd64"
"""The platform of ZEISS INSPECT."""
THIS = "this"
PLATFORMS = (WINDOWS, THIS)
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
_WINDOWS_FACTS = {
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_release": "10",
    "platform_system": "Windows",
    "platform_version": "10.0",
    "sys_platform": "win32",
}


@dataclass(frozen=True)
class Target:
    """One Python (`3.9`) on one platform (`win_amd64`, or `this` computer's)."""

    python: str
    platform: str = WINDOWS

    def __str__(self) -> str:
        return f"Python {self.python} on {'this platform' if self.platform == THIS else self.platform}"

    @property
    def version(self) -> tuple[int, int]:
        """The Python as numbers."""
        major, minor = self.python.split(".")
        return int(major), int(minor)

    @property
    def runs_here(self) -> bool:
        """Whether an App for it can be started on this computer, by an interpreter of that Python."""
        return self.platform == THIS or (self.platform == WINDOWS and WINDOWS in platform_tags())

    @property
    def is_this_python(self) -> bool:
        """Whether the running interpreter is of that Python."""
        return self.version == sys.version_info[:2]

    @property
    def platforms(self) -> list[str]:
        """Platform tags of wheels that fit."""
        return [WINDOWS] if self.platform == WINDOWS else list(platform_tags())

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """The tags of wheels that fit."""
        name = f"cp{self.version[0]}{self.version[1]}"
        return frozenset(
            [
                *cpython_tags(self.version, [name], self.platforms),
                *compatible_tags(self.version, name, self.platforms),
            ]
        )

    @property
    def abis(self) -> list[str]:
        """ABI tags of wheels that fit."""
        return sorted({tag.abi for tag in self.tags})

    def applies(self, marker: Marker | None, extra: str = "") -> bool:
        """Whether a requirement with this marker is one on the target.

        pip evaluates markers for the Python that it runs on, whatever `--platform` and `--python-version` say.
        """
        return marker is None or any(marker.evaluate({**facts, "extra": extra}) for facts in self._facts())

    def _facts(self) -> Iterator[dict[str, str]]:
        facts = {name: str(value) for name, value in default_environment().items()}
        if self.platform == WINDOWS:
            facts.update(_WINDOWS_FACTS)
        facts.update(implementation_name="cpython", platform_python_implementation="CPython")
        # Which patch release will run it is not known: what the first or the last of them needs is taken along.
        for patch in (0, 99):
            version = f"{self.python}.{patch}"
            yield {
                **facts,
                "python_version": self.python,
                "python_full_version": version,
                "implementation_version": version,
            }


def is_python(text: str) -> bool:
    """Whether a text names a Python that gombus supports."""
    return re.fullmatch(r"3\.\d+", text) is not None and text in PYTHONS
