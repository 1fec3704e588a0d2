"""The twin's project for people, as a tree, and for scripts, as JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from .twin import Elements, Image, Project

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def print_project(project: Project) -> None:
    """Print the project as a tree on standard output."""
    tree = Tree("Project")
    series_branch = tree.add(f"Measurement series ({len(project.measurement_series)})")
    for series in project.measurement_series:
        branch = series_branch.add(_text(f"{series.name}, focal length {series.focal_length:g} mm"))
        for image in series.images:
            branch.add(_text(_image_line(image)))
    stages_branch = tree.add(f"Stages ({len(project.stages)})")
    for stage in project.stages:
        stages_branch.add(_text(f"{stage.name}: {_elements_line(stage.elements)}"))
    tree.add(_text(f"Clipboard: {_elements_line(project.clipboard) if project.clipboard else 'empty'}"))
    Console(highlight=False).print(tree)


def project_as_json(project: Project) -> dict[str, Any]:
    """The project as one JSON object; focal lengths in mm, sizes in pixels."""
    return {
        "measurement_series": [
            {
                "name": series.name,
                "focal_length": series.focal_length,
                "images": [{"file": image.file, **image.facts._asdict()} for image in series.images],
            }
            for series in project.measurement_series
        ],
        "stages": [{"name": stage.name, **stage.elements._asdict()} for stage in project.stages],
        "clipboard": project.clipboard._asdict() if project.clipboard else None,
    }


def _text(line: str) -> Text:
    """A line as it is: no markup, no emoji, and a client's control characters as escapes."""
    return Text(_CONTROL.sub(lambda match: repr(match.group())[1:-1], line))


def _image_line(image: Image) -> str:
    facts = image.facts
    exif = f", EXIF {facts.exif_focal_length:g} mm" if facts.exif_focal_length else ""
    return f"{Path(image.file).name}: {facts.width} x {facts.height} px, {facts.mode}{exif}"


def _elements_line(elements: Elements) -> str:
    counts = ", ".join(f"{count} {tag}" for tag, count in elements.counts.items())
    return f"{Path(elements.file).name}: {counts}"
