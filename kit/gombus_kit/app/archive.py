"""Writing an App's file, the same for the same content: sorted, and with fixed times."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

_TIME = (2020, 2, 2, 0, 0, 0)
"""The time of every entry. Which it is says nothing; hatchling's wheels have the same."""


def write(path: Path, entries: Mapping[str, bytes]) -> None:
    """Put a whole file in its place.

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
