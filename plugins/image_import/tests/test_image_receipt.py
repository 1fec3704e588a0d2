"""The request type `image`: what its receipt says was made, and what a plan says would be called."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from gombus import Context, Request
from gombus.guard import Guard, calls_of
from gombus.plan import plan
from gombus_image_import import gombus_requests, gombus_simulate
from gombus_kit.twin import Twin

CREATE = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT = "gom.script.sys.import_other_images"
CLIENT = "127.0.0.1:50000"
log = logging.getLogger("tests")


@pytest.fixture
def twin() -> Twin:
    """A simulated INSPECT that knows this plugin's commands."""
    twin = Twin()
    gombus_simulate(twin)
    return twin


@pytest.fixture
def image(tmp_path: Path) -> str:
    """A small picture."""
    path = tmp_path / "example.png"
    PIL.Image.new("L", (8, 6)).save(path)
    return str(path)


def request() -> Request:
    """The one request type of this plugin."""
    (request,) = gombus_requests()
    return request


def params(file: str) -> dict[str, Any]:
    """Good parameters with this file."""
    return {"file": file, "name": "other", "focal_length": "50.0"}


def made(gom: Any, file: str) -> list[tuple[str, str]]:
    """Handle one request, refused or not: kind and name of what it says was made."""
    context = Context("image", gom, CLIENT, log)
    try:
        assert request().handler(params(file), context) is None
    except gom.RequestError:
        return [*((each["kind"], each["name"]) for each in context.made), ("refused", "")]
    return [(each["kind"], each["name"]) for each in context.made]


def planned(twin: Twin, file: str) -> dict[str, Any]:
    """The plan of one request; nothing may be called for it."""
    before = [(series.name, len(series.images)) for series in twin.project.measurement_series]
    twin.calls.clear()
    found = plan(request(), params(file), twin, [("/file", file)], CLIENT, log)
    assert list(twin.calls) == []
    assert [(series.name, len(series.images)) for series in twin.project.measurement_series] == before
    return found


def test_the_series_is_said_to_be_made_where_it_is_and_every_image(twin: Twin, image: str) -> None:
    assert made(twin, image) == [("measurement series", "other"), ("image", image)]
    assert made(twin, image) == [("image", image)]


def test_what_was_refused_is_not_said_to_be_made(twin: Twin, tmp_path: Path, image: str) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    twin.faults.faults[CREATE] = "refuse"
    assert made(twin, image) == [("refused", "")]
    twin.faults.faults.clear()
    assert made(twin, str(broken)) == [("measurement series", "other"), ("refused", "")]
    assert made(twin, str(broken)) == [("refused", "")]


@pytest.mark.parametrize("existing", [False, True], ids=["new series", "existing series"])
def test_a_plan_has_the_calls_of_a_real_run_and_runs_none(existing: bool, twin: Twin, image: str) -> None:
    if existing:
        made(twin, image)
    found = planned(twin, image)
    assert (found["ok"], found["failing"]) == (True, [])
    gom = Guard(twin, request().name, request().commands).gom()
    made(gom, image)
    assert [call["command"] for call in calls_of(gom)] == ([IMPORT] if existing else [CREATE, IMPORT])
    series = {"gom": "gom.app.project.measurement_series['other']"}
    assert found["calls"][-1]["arguments"]["measurement_series"] == series
    assert found["calls"] == calls_of(gom)


def test_a_plan_for_a_missing_file_says_so_and_what_would_be_called(twin: Twin) -> None:
    found = planned(twin, "/nope/missing.jpg")
    assert not found["ok"]
    assert [failing["code"] for failing in found["failing"]] == ["file_unreadable"]
    assert [call["command"] for call in found["calls"]] == [CREATE, IMPORT]
