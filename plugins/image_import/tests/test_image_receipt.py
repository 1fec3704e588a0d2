"""The request type `image`: what its receipt says was made, and what a plan says would be called."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from gombus import Context, Request
from gombus.files import Files
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


def params(file: str, name: str = "other", focal_length: Any = "50.0") -> dict[str, Any]:
    """Good parameters with this file."""
    return {"file": file, "name": name, "focal_length": focal_length}


def made(gom: Any, file: str, **others: Any) -> list[tuple[str, str]]:
    """Handle one request, refused or not: kind and name of what it says was made."""
    context = Context("image", gom, CLIENT, log)
    try:
        assert request().handler(params(file, **others), context) is None
    except gom.RequestError:
        return [*((each["kind"], each["name"]) for each in context.made), ("refused", "")]
    return [(each["kind"], each["name"]) for each in context.made]


def planned(twin: Twin, file: str, **others: Any) -> dict[str, Any]:
    """The plan of one request; nothing may be called for it."""
    before = [(series.name, len(series.images)) for series in twin.project.measurement_series]
    twin.calls.clear()
    given, files = Files().look(request(), params(file, **others))
    found = plan(request(), given, twin, files, CLIENT, log)
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


@pytest.mark.parametrize("focal_length", ["50.0", 50, 2.5], ids=repr)
@pytest.mark.parametrize(
    "name", ["other", "it's", 'the "red" one', "a']['b", "C:\\", "Prüfling 7 µm", "\u202e\n", "n" * 256], ids=ascii
)
@pytest.mark.parametrize("existing", [False, True], ids=["new series", "existing series"])
def test_a_plan_has_the_calls_of_a_real_run_and_runs_none(
    existing: bool, name: str, focal_length: Any, twin: Twin, image: str
) -> None:
    twin.project.create_series("first", 50)
    if existing:
        made(twin, image, name=name)
    found = planned(twin, image, name=name, focal_length=focal_length)
    assert (found["ok"], found["failing"]) == (True, [])
    gom = Guard(twin, request().name, request().commands).gom()
    made(gom, image, name=name, focal_length=focal_length)
    create = {"command": CREATE, "arguments": {"camera_focal_length": focal_length, "name": name}}
    series = {"gom": f"gom.app.project.measurement_series[{name!r}]"}
    files = [{"gom": f"gom.File({image!r})"}]
    call = {"command": IMPORT, "arguments": {"image_files": files, "measurement_series": series}}
    assert calls_of(gom) == ([call] if existing else [create, call])
    assert json.dumps(found["calls"]) == json.dumps(calls_of(gom))


def test_a_plan_can_be_asked_for_again_and_then_carried_out(twin: Twin, image: str) -> None:
    first, second = planned(twin, image), planned(twin, image)
    assert first == second
    assert made(twin, image) == [("measurement series", "other"), ("image", image)]
    assert [call["command"] for call in planned(twin, image)["calls"]] == [IMPORT]


@pytest.mark.parametrize("kind", ["break", "error", "refuse"])
def test_a_command_that_would_fail_is_not_called_so_the_plan_does_not_know(kind: str, twin: Twin, image: str) -> None:
    twin.faults.faults.update({CREATE: kind, IMPORT: kind})
    assert planned(twin, image)["ok"]


def test_a_plan_for_a_missing_file_says_so_and_what_would_be_called(twin: Twin) -> None:
    found = planned(twin, "/nope/missing.jpg")
    assert not found["ok"]
    assert [failing["code"] for failing in found["failing"]] == ["file_unreadable"]
    assert [call["command"] for call in found["calls"]] == [CREATE, IMPORT]


def test_a_plan_says_what_the_file_is(twin: Twin, image: str) -> None:
    (file,) = planned(twin, image)["files"]
    assert (file["parameter"], file["path"], file["size"]) == ("/file", image, Path(image).stat().st_size)


class Failing(Twin):
    """An INSPECT that cannot be looked into."""

    error: Exception

    @property
    def app(self) -> Any:
        """Fails."""
        raise self.error


def test_a_look_up_that_fails_otherwise_plans_no_second_series(image: str) -> None:
    twin = Failing()
    twin.error = RuntimeError("connection lost")
    found = plan(request(), params(image), twin, [], CLIENT, log)
    assert ([failing["code"] for failing in found["failing"]], found["calls"]) == (["internal"], [])


def test_esc_during_the_look_up_ends_the_plan(image: str) -> None:
    twin = Failing()
    twin.error = Twin.BreakError("Esc")
    with pytest.raises(Twin.BreakError):
        plan(request(), params(image), twin, [], CLIENT, log)
