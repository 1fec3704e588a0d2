"""The project for people and for scripts."""

from __future__ import annotations

import json
import re

import pytest

from gombus_kit import samples
from gombus_kit.show import print_project, project_as_json
from gombus_kit.twin import Elements, Image, Project
from gombus_kit.twin.files import ImageFacts

IMAGE, ELEMENTS = str(samples.IMAGE), str(samples.ELEMENTS)


@pytest.fixture(autouse=True)
def plain_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed must not depend on the console of whoever runs the tests."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def filled() -> Project:
    """A project with something of everything in it."""
    project = Project()
    project.import_images([IMAGE], project.create_series("Microscopy", "2.0"))
    project.create_series("other", 50)
    project.import_elements([ELEMENTS], "clipboard")
    project.import_elements([ELEMENTS], "new_stage")
    return project


def shown(project: Project, capsys: pytest.CaptureFixture[str]) -> str:
    print_project(project)
    return capsys.readouterr().out


def run_together(text: str) -> str:
    """Without the lines of the tree and without white space, wherever the lines were broken."""
    return re.sub(r"[\s│├└─]", "", text)


def test_the_tree_shows_all_that_the_project_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(filled(), capsys).splitlines() == [
        "Project",
        "├── Measurement series (2)",
        "│   ├── Microscopy, focal length 2 mm",
        "│   │   └── example.jpg: 320 x 240 px, RGB, EXIF 50 mm",
        "│   └── other, focal length 50 mm",
        "├── Stages (1)",
        "│   └── Stage 1: Points.gxml: 3 point, 1 circle",
        "└── Clipboard: Points.gxml: 3 point, 1 circle",
    ]


def test_the_tree_of_an_empty_project_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(Project(), capsys).splitlines() == [
        "Project",
        "├── Measurement series (0)",
        "├── Stages (0)",
        "└── Clipboard: empty",
    ]


def test_an_image_without_exif_is_shown_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    project = Project()
    project.create_series("one", 50).images.append(Image("plain.png", ImageFacts(8, 6, "L", None)))
    assert "plain.png: 8 x 6 px, L\n" in shown(project, capsys)


@pytest.mark.parametrize("name", ["[red]x", "[/]", "[link=file:x]y[/link]", ":warning: x", "back\\", "Prüfling 7 µm"])
def test_a_name_is_shown_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    project = Project()
    project.create_series(name, 50)
    assert f"── {name}, focal length 50 mm\n" in shown(project, capsys)


def test_nothing_of_a_long_name_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    project = Project()
    project.create_series("x" * 256, 50)
    assert "x" * 256 + ",focallength50mm" in run_together(shown(project, capsys))


@pytest.mark.parametrize("name", ["x\x1b[31my", "two\nlines", "bell\a", "back\rwards"], ids=ascii)
def test_a_clients_control_characters_do_not_reach_the_terminal(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    project = Project()
    project.create_series(name, 50)
    lines = shown(project, capsys).split("\n")
    assert len(lines) == 6, "one line each for the project, its three branches and the series, and the end"
    assert all(line.isprintable() for line in lines)


def test_the_json_has_all_that_the_project_holds() -> None:
    elements = {"file": ELEMENTS, "counts": {"point": 3, "circle": 1}}
    image = {"file": IMAGE, "width": 320, "height": 240, "mode": "RGB", "exif_focal_length": 50.0}
    assert project_as_json(filled()) == {
        "measurement_series": [
            {"name": "Microscopy", "focal_length": 2.0, "images": [image]},
            {"name": "other", "focal_length": 50.0, "images": []},
        ],
        "stages": [{"name": "Stage 1", **elements}],
        "clipboard": elements,
    }


def test_the_json_of_an_empty_project_has_every_member() -> None:
    assert project_as_json(Project()) == {"measurement_series": [], "stages": [], "clipboard": None}


def test_the_json_can_be_written_by_the_standard_encoder() -> None:
    project = filled()
    project.clipboard = Elements("Größe.gxml", {"Fläche": 2})
    report = project_as_json(project)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
