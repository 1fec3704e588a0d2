"""Wheels and Apps made on the spot, with no package index."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gombus_kit.app import metainfo
from gombus_kit.app.archive import write
from gombus_kit.app.build import MODULES
from gombus_kit.app.icon import icon
from gombus_kit.app.target import Target
from gombus_kit.app.wheels import Wheel, read

TARGET = Target("3.9")
_ICON = icon()


def wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
    plugins: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    lines: Sequence[str] = (),
) -> Wheel:
    """Make a wheel.

    :param lines: more of its METADATA.
    :param files: more of its content, by name.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    metadata = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines]
    content = {
        f"{info}/METADATA": "\n".join([*metadata, *(f"Requires-Dist: {text}" for text in requires), "", "text"]),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n",
        **(files or {}),
    }
    if plugins:
        content[f"{info}/entry_points.txt"] = "\n".join(
            ["[gombus]", *(f"{key} = {module}" for key, module in plugins.items())]
        )
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in content.items():
            archive.writestr(entry.replace("INFO", info), text)
    return read(path)


def app_entries(wheels: Sequence[Wheel], target: Target = TARGET, kind: str = "server") -> dict[str, Any]:
    """The entries of an App that is in order; its start script does nothing."""
    plugins = tuple(module for item in wheels for module in item.plugins)
    meta = metainfo.app("An App", metainfo.APP_UUID, "1.0.0", "somebody", "For a test", target)
    entries: dict[str, Any] = {
        "metainfo.json": metainfo.as_json(meta),
        metainfo.OWN: metainfo.as_json(metainfo.own(kind, target, plugins)),
        "doc/README.md": b"# An App\n",
        "doc/Releasenotes.md": b"# 1.0.0\n",
        "icon.png": _ICON,
        **{f"license/license_{item.name}.txt": b"free\n" for item in wheels},
        **{f"{MODULES}/{item.path.name}": item.path.read_bytes() for item in wheels},
    }
    if kind == "server":
        entries["scripts/gombus_start.py"] = b"import gom\n"
        entries["scripts/gombus_start.metainfo"] = metainfo.as_json(metainfo.script("gombus_start", "Start"))
    return entries


def app_file(folder: Path, entries: Mapping[str, bytes], name: str = "test.addon") -> Path:
    """Write an App."""
    path = folder / name
    write(path, entries)
    return path
