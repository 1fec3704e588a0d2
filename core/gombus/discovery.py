"""Where plugins come from: entry points of the group `gombus`, and modules that the settings name."""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Callable, NamedTuple

from .config import Settings

log = logging.getLogger(__name__)

GROUP = "gombus"


class Candidate(NamedTuple):
    """A plugin that was found and is not loaded yet."""

    name: str
    distribution: str
    version: str
    module: str
    load: Callable[[], Any]
    """Import it; may raise anything, because it runs the plugin's code."""


def find_candidates(settings: Settings) -> list[Candidate]:
    """All plugins in the order of their names, whatever order they were installed in. Imports none of them."""
    found = sorted(_entry_points(), key=lambda candidate: (candidate.name, candidate.distribution))
    modules = {candidate.module for candidate in found}
    named = [
        Candidate(module, "", "", module, _importer(module))
        for module in sorted(set(settings.plugin_modules))
        if module not in modules
    ]
    return found + named


def _entry_points() -> Iterator[Candidate]:
    # By distribution, because an entry point of Python 3.9 does not know which one it belongs to.
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
            name = distribution.metadata.get("Name") if points else None
            version = distribution.metadata.get("Version") if points else None
        # Its files are read only now; any tool may have damaged them, in ways that differ between Pythons.
        except Exception as error:
            log.warning("a damaged distribution is left out: %s", error)
            continue
        # The first on sys.path is the one that imports find.
        same = re.sub(r"[-_.]+", "-", name or "").lower()
        if name and same not in seen:
            seen.add(same)
            for point in points:
                yield Candidate(point.name, name, version or "", point.value, point.load)


def _importer(module: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(module)
