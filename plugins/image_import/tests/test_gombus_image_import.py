"""The request type `image`: what it asks of INSPECT, what it leaves in the project, and what it refuses."""

from __future__ import annotations

import logging
from importlib import metadata
from pathlib import Path
from typing import Any, Callable

import PIL.Image
import pytest

from gombus import Context, Request
from gombus.guard import Guard
from gombus.validation import compile_schema
from gombus_image_import import gombus_requests, gombus_simulate
from gombus_kit.twin import Twin

CREATE = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT = "gom.script.sys.import_other_images"


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


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A file that can be read and is no picture."""
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no picture")
    return str(path)


def request() -> Request:
    """The one request type of this plugin."""
    (request,) = gombus_requests()
    return request


def handle(gom: Any, file: str, name: str = "other", focal_length: object = "50.0") -> Any:
    """Handle one request as the server does, short of the network."""
    context = Context("image", gom, "127.0.0.1:50000", logging.getLogger("tests"))
    return request().handler({"file": file, "name": name, "focal_length": focal_length}, context)


def series_of(twin: Twin) -> list[tuple[str, float, list[str]]]:
    """Name, focal length and files of every measurement series."""
    return [
        (series.name, series.focal_length, [image.file for image in series.images])
        for series in twin.project.measurement_series
    ]


def params(**changes: Any) -> dict[str, Any]:
    """Good parameters, but for these."""
    return {"file": "C:/temp/example.jpg", "name": "other", "focal_length": "50.0", **changes}


def test_a_series_that_does_not_exist_is_created_then_the_image_is_imported_into_it(twin: Twin, image: str) -> None:
    assert handle(twin, image, "Microscopy", "2.0") is None
    assert list(twin.calls) == [
        (CREATE, {"camera_focal_length": "2.0", "name": "Microscopy"}),
        (
            IMPORT,
            {
                "image_files": [twin.File(image)],
                "measurement_series": twin.app.project.measurement_series["Microscopy"],
            },
        ),
    ]
    assert series_of(twin) == [("Microscopy", 2.0, [image])]


def test_a_series_that_exists_is_not_created_again_and_keeps_its_focal_length(twin: Twin, image: str) -> None:
    handle(twin, image, "other", 50)
    series = twin.app.project.measurement_series["other"]
    twin.calls.clear()
    handle(twin, image, "other", 99)
    assert list(twin.calls) == [(IMPORT, {"image_files": [twin.File(image)], "measurement_series": series})]
    assert series_of(twin) == [("other", 50.0, [image, image])]


def test_a_series_that_the_user_made_is_used(twin: Twin, image: str) -> None:
    twin.project.create_series("by hand", 35)
    handle(twin, image, "by hand")
    assert [call.command for call in twin.calls] == [IMPORT]
    assert series_of(twin) == [("by hand", 35.0, [image])]


@pytest.mark.parametrize("focal_length", ["50.0", "2.0", "050", ".5", "5.", 50, 50.0, 0.5], ids=repr)
def test_the_focal_length_goes_to_inspect_exactly_as_it_was_sent(focal_length: object, twin: Twin, image: str) -> None:
    handle(twin, image, focal_length=focal_length)
    sent = twin.calls[0].arguments["camera_focal_length"]
    assert sent == focal_length
    assert type(sent) is type(focal_length), "text stays text, a number stays a number"


@pytest.mark.parametrize("name", ["Microscopy", "0", " other ", "Prüfling 7 µm", "[red]", "n" * 256])
def test_the_name_goes_to_inspect_exactly_as_it_was_sent(name: str, twin: Twin, image: str) -> None:
    twin.project.create_series("first", 50)
    handle(twin, image, name)
    assert twin.calls[0].arguments["name"] == name
    assert series_of(twin)[1:] == [(name, 50.0, [image])]


def test_a_refused_creation_leaves_the_project_as_it_was_and_imports_nothing(twin: Twin, image: str) -> None:
    twin.faults.faults[CREATE] = "refuse"
    with pytest.raises(twin.RequestError):
        handle(twin, image)
    assert [call.command for call in twin.calls] == [CREATE]
    assert series_of(twin) == []


@pytest.mark.parametrize(("name", "focal_length"), [("", 50), ("other", "0"), ("other", "abc"), ("other", -1)])
def test_what_the_schema_would_have_stopped_is_refused_by_inspect_and_leaves_nothing(
    name: str, focal_length: object, twin: Twin, image: str
) -> None:
    with pytest.raises(twin.RequestError):
        handle(twin, image, name, focal_length)
    assert series_of(twin) == []


def test_a_refused_import_leaves_a_known_series_as_it_was(twin: Twin, image: str, broken: str) -> None:
    handle(twin, image)
    with pytest.raises(twin.RequestError):
        handle(twin, broken)
    assert series_of(twin) == [("other", 50.0, [image])]


def test_after_a_refused_import_the_new_series_is_there_empty_and_a_second_try_uses_it(
    twin: Twin, image: str, broken: str
) -> None:
    # As the reference leaves it: the two commands are the contract, and none of them takes a series away.
    with pytest.raises(twin.RequestError):
        handle(twin, broken)
    assert series_of(twin) == [("other", 50.0, [])]
    handle(twin, image)
    assert [call.command for call in twin.calls] == [CREATE, IMPORT, IMPORT]
    assert series_of(twin) == [("other", 50.0, [image])]


@pytest.mark.parametrize("kind", ["break", "error"])
@pytest.mark.parametrize("command", [CREATE, IMPORT])
def test_what_is_no_refusal_is_not_taken_for_one(command: str, kind: str, twin: Twin, image: str) -> None:
    twin.faults.faults[command] = kind
    with pytest.raises(twin.BreakError if kind == "break" else RuntimeError) as caught:
        handle(twin, image)
    assert not isinstance(caught.value, twin.RequestError)
    # Esc, or a broken client: nothing more is asked of INSPECT.
    assert twin.calls[-1].command == command


@pytest.mark.parametrize("error", [Twin.BreakError("Esc"), RuntimeError("connection lost")], ids=["Esc", "lost"])
def test_a_look_up_that_fails_otherwise_does_not_mean_that_there_is_no_series(error: Exception, image: str) -> None:
    class Failing(Twin):
        @property
        def app(self) -> Any:
            raise error

    twin = Failing()
    gombus_simulate(twin)
    with pytest.raises(type(error)) as caught:
        handle(twin, image)
    assert caught.value is error
    assert list(twin.calls) == [], "no second series of the same name is asked for"


def test_only_the_declared_commands_are_called_and_all_of_them(twin: Twin, image: str, broken: str) -> None:
    # The guard is what the server hands to handlers; it raises for any other command.
    gom = Guard(twin, request().name, request().commands).gom()
    handle(gom, image)
    handle(gom, image)
    with pytest.raises(twin.RequestError):
        handle(gom, broken, "new")
    assert {call.command for call in twin.calls} == set(request().commands) == {CREATE, IMPORT}


def test_the_plugin_teaches_the_twin_exactly_its_commands(twin: Twin) -> None:
    assert sorted(twin.commands) == sorted(request().commands)


FOCAL_LENGTHS: list[Any] = [
    *("50.0", "2.0", "50", ".5", "5.", "0.5", "050.0", "0.001", "1" * 24),
    *(50, 0.5, 50.0, 1, 1e-9),
]
NO_FOCAL_LENGTHS: list[Any] = [
    *("", "abc", "nan", "NaN", "inf", "Infinity", "-1", "+1", "0", "0.0", ".0", "0.", "000", "."),
    *("1e400", "1e2", " 50", "50 ", "5_0", "5,0", "0x10", "50.0.0", "50 mm", "1" * 25),
    # Arabic and full-width digits, and ends of lines that Python's $ would let pass.
    *("٥٠", "５０", "50.0\n", "50.0\r\n", "\n50.0", "50.0\x00"),
    *(True, False, None, [], {}, ["50.0"], -1, 0, 0.0, -0.5),
]
NO_TEXTS: list[Any] = ["", 5, None, True, [], {}, ["C:/temp/example.jpg"]]


@pytest.mark.parametrize("focal_length", FOCAL_LENGTHS, ids=ascii)
def test_every_positive_decimal_is_allowed_as_focal_length_and_taken_by_the_twin(
    focal_length: Any, twin: Twin, image: str
) -> None:
    assert compile_schema(request().schema)(params(focal_length=focal_length)) == ()
    handle(twin, image, focal_length=focal_length)
    assert series_of(twin) == [("other", float(focal_length), [image])]


@pytest.mark.parametrize("focal_length", NO_FOCAL_LENGTHS, ids=ascii)
def test_what_is_no_focal_length_is_refused_by_the_schema(focal_length: Any) -> None:
    problems = compile_schema(request().schema)(params(focal_length=focal_length))
    assert {problem.pointer for problem in problems} == {"/focal_length"}
    # The client is told what was sent and what is allowed, whatever keyword refused it.
    assert all("a number > 0, or its decimal text" in problem.message for problem in problems)


@pytest.mark.parametrize("member", ["file", "name", "focal_length"])
def test_no_parameter_may_be_missing(member: str) -> None:
    sent = params()
    del sent[member]
    (problem,) = compile_schema(request().schema)(sent)
    assert (problem.pointer, problem.keyword) == (f"/{member}", "required")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("file", value) for value in NO_TEXTS),
        *(("name", value) for value in NO_TEXTS),
        ("file", "x" * 1025),
        ("name", "x" * 257),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_file_and_name_are_texts_that_are_not_empty_and_not_endless(member: str, value: Any) -> None:
    (problem,) = compile_schema(request().schema)(params(**{member: value}))
    assert problem.pointer == f"/{member}"


@pytest.mark.parametrize(("member", "value"), [("file", "x" * 1024), ("file", "x"), ("name", "x" * 256), ("name", "x")])
def test_file_and_name_may_be_as_long_as_they_say(member: str, value: str) -> None:
    assert compile_schema(request().schema)(params(**{member: value})) == ()


def test_a_parameter_that_is_not_known_is_refused_and_named() -> None:
    (problem,) = compile_schema(request().schema)(params(focalLength=50))
    assert (problem.pointer, problem.keyword) == ("/focalLength", "additionalProperties")


@pytest.mark.parametrize("sent", [None, [], "image", 5, True], ids=repr)
def test_what_is_no_object_is_refused(sent: Any) -> None:
    assert compile_schema(request().schema)(sent) != ()


def test_every_example_is_allowed() -> None:
    examples = request().schema["examples"]
    assert examples
    for example in examples:
        assert compile_schema(request().schema)(example) == ()


def test_on_the_legacy_wire_it_answers_as_the_reference_does() -> None:
    legacy = request().legacy
    sent = params(file="/nope")
    assert legacy.required == ("file", "name", "focal_length"), "missing ones are reported in this order"
    assert legacy.ok == "O.k."
    assert not legacy.plain
    assert {code: text.format(**sent) for code, text in legacy.texts.items()} == {
        "file_unreadable": "Image file /nope could not be read.",
        "gom_refused": "Image could not be imported from file /nope.",
    }
    assert legacy.precedence > 0, "image wins where a message has elements, too"


def test_the_server_checks_the_file_and_queues_the_request() -> None:
    assert request().name == "image"
    assert request().files == ("file",)
    assert not request().at_once


def test_the_distribution_offers_the_plugin_to_gombus() -> None:
    (point,) = metadata.distribution("gombus-image-import").entry_points
    assert (point.group, point.name) == ("gombus", "image_import")
    hook: Callable[[], list[Request]] = point.load().gombus_requests
    assert [request.name for request in hook()] == ["image"]
