"""The twin's project for people, as a tree, and for scripts, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from .twin import Elements, Image, Project


def print_project(project: Project) -> None:
    """Print the project as a tree on standard output."""
    tree = Tree("Project")
    series_branch = tree.add(f"Measurement series ({len(project.measurement_series)})")
    for series in project.measurement_series:
        branch = series_branch.add(f"{escape(series.name)}, focal length {series.focal_length:g} mm")
        for image in series.images:
            branch.add(escape(_image_line(image)))
    stages_branch = tree.add(f"Stages ({len(project.stages)})")
    for stage in project.stages:
        stages_branch.add(escape(f"{stage.name}: {_elements_line(stage.elements)}"))
    tree.add(escape(f"Clipboard: {_elements_line(project.clipboard) if project.clipboard else 'empty'}"))
    Console(highlight=False, soft_wrap=True).print(tree)


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


def _image_line(image: Image) -> str:
    facts = image.facts
    exif = f", EXIF {facts.exif_focal_length:g} mm" if facts.exif_focal_length else ""
    return f"{Path(image.file).name}: {facts.width} x {facts.height} px, {facts.mode}{exif}"


def _elements_line(elements: Elements) -> str:
    counts = ", ".join(f"{count} {tag}" for tag, count in elements.counts.items())
    return f"{Path(elements.file).name}: {counts}"
