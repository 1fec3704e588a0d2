"""The request type `elements`: what it asks of INSPECT, what it leaves in the project, and what it refuses."""

from __future__ import annotations

import logging
from importlib import metadata
from pathlib import Path
from typing import Any, Callable

import pytest

from gombus import Context, Request
from gombus.files import Files
from gombus.guard import Guard, calls_of
from gombus.plan import plan
from gombus.validation import compile_schema
from gombus_elements_import import gombus_requests, gombus_simulate
from gombus_kit.twin import Twin

IMPORT = "gom.script.sys.import_gom_inspection_exchange"


@pytest.fixture
def twin() -> Twin:
    """A simulated INSPECT that knows this plugin's command."""
    twin = Twin()
    gombus_simulate(twin)
    return twin


@pytest.fixture
def elements(tmp_path: Path) -> str:
    """An exchange file with two points and a plane."""
    path = tmp_path / "Points.gxml"
    path.write_text("<elements><point/><point/><plane/></elements>", encoding="utf-8")
    return str(path)


def request() -> Request:
    """The one request type of this plugin."""
    (request,) = gombus_requests()
    return request


def context_with(gom: Any) -> Context:
    """What the handler gets."""
    return Context("elements", gom, "127.0.0.1:50000", logging.getLogger("tests"))


def handle(gom: Any, file: str, import_mode: object = "clipboard", context: Context | None = None) -> Any:
    """Handle one request as the server does, short of the network."""
    context = context or context_with(gom)
    return request().handler({"file": file, "import_mode": import_mode}, context)


def held(twin: Twin) -> tuple[Any, list[Any]]:
    """What the clipboard and the stages hold, as values."""
    clipboard = twin.project.clipboard
    return (
        clipboard and (clipboard.file, clipboard.counts),
        [(stage.name, stage.elements.file, stage.elements.counts) for stage in twin.project.stages],
    )


def params(**changes: Any) -> dict[str, Any]:
    """Good parameters, but for these."""
    return {"file": "C:/temp/Points.gxml", "import_mode": "clipboard", **changes}


COUNTS = {"point": 2, "plane": 1}


@pytest.mark.parametrize("import_mode", ["clipboard", "new_stage"])
def test_one_command_gets_the_file_and_the_mode_exactly_as_they_were_sent(
    import_mode: str, twin: Twin, elements: str
) -> None:
    assert handle(twin, elements, import_mode) is None
    assert list(twin.calls) == [(IMPORT, {"files": [elements], "import_mode": import_mode})]
    assert type(twin.calls[0].arguments["files"][0]) is str, "the path as text, not as a gom.File"


def test_the_clipboard_gets_the_elements_and_no_stage_is_made(twin: Twin, elements: str) -> None:
    handle(twin, elements, "clipboard")
    assert held(twin) == ((elements, COUNTS), [])


def test_every_import_into_a_new_stage_makes_one_and_leaves_the_clipboard(twin: Twin, elements: str) -> None:
    handle(twin, elements, "new_stage")
    handle(twin, elements, "new_stage")
    assert held(twin) == (None, [("Stage 1", elements, COUNTS), ("Stage 2", elements, COUNTS)])


@pytest.mark.parametrize("import_mode", ["clipboard", "new_stage"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param("no XML", id="no XML"),
        pytest.param("<elements/>", id="no elements"),
        pytest.param('<!DOCTYPE e [<!ENTITY x "y">]><e><p>&x;</p></e>', id="entities"),
    ],
)
def test_a_file_that_inspect_refuses_leaves_the_project_as_it_was(
    content: str, import_mode: str, twin: Twin, elements: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.gxml"
    bad.write_text(content, encoding="utf-8")
    handle(twin, elements, "clipboard")
    handle(twin, elements, "new_stage")
    before = held(twin)
    with pytest.raises(twin.RequestError):
        handle(twin, str(bad), import_mode)
    assert held(twin) == before


@pytest.mark.parametrize("import_mode", ["", "both", None, 1])
def test_a_mode_that_the_schema_would_have_stopped_is_refused_by_inspect(
    import_mode: object, twin: Twin, elements: str
) -> None:
    with pytest.raises(twin.RequestError):
        handle(twin, elements, import_mode)
    assert held(twin) == (None, [])


@pytest.mark.parametrize("kind", ["refuse", "break", "error"])
def test_what_the_command_raises_comes_through_and_nothing_is_imported(kind: str, twin: Twin, elements: str) -> None:
    twin.faults.faults[IMPORT] = kind
    expected = {"refuse": twin.RequestError, "break": twin.BreakError, "error": RuntimeError}[kind]
    with pytest.raises(expected) as caught:
        handle(twin, elements)
    assert caught.type is expected
    assert held(twin) == (None, [])
    assert len(twin.calls) == 1, "it is not tried again"


def test_only_the_declared_command_is_called(twin: Twin, elements: str) -> None:
    # The guard is what the server hands to handlers; it raises for any other command.
    gom = Guard(twin, request().name, request().commands).gom()
    handle(gom, elements, "clipboard")
    handle(gom, elements, "new_stage")
    assert {call.command for call in twin.calls} == set(request().commands) == {IMPORT}


@pytest.mark.parametrize(
    ("import_mode", "kind"), [("clipboard", "elements in the clipboard"), ("new_stage", "stage of elements")]
)
def test_the_receipt_says_what_was_made(import_mode: str, kind: str, twin: Twin, elements: str) -> None:
    context = context_with(twin)
    handle(twin, elements, import_mode, context)
    assert context.made == [{"kind": kind, "name": elements}]


def test_what_was_refused_was_not_made(twin: Twin, elements: str) -> None:
    twin.faults.faults[IMPORT] = "refuse"
    context = context_with(twin)
    with pytest.raises(twin.RequestError):
        handle(twin, elements, context=context)
    assert context.made == []


@pytest.mark.parametrize("import_mode", ["clipboard", "new_stage"])
def test_a_plan_has_the_calls_of_a_real_run_and_runs_none(import_mode: str, twin: Twin, elements: str) -> None:
    sent = params(file=elements, import_mode=import_mode)
    log = logging.getLogger("tests")
    planned = plan(request(), sent, twin, Files().look(request(), sent)[1], "127.0.0.1:50000", log)
    assert (planned["ok"], planned["failing"]) == (True, [])
    assert (list(twin.calls), held(twin)) == ([], (None, []))
    gom = Guard(twin, request().name, request().commands).gom()
    handle(gom, elements, import_mode)
    assert planned["calls"] == calls_of(gom)
    assert len(twin.calls) == 1


def test_a_plan_for_a_file_that_is_missing_says_so_and_what_would_be_called(twin: Twin, tmp_path: Path) -> None:
    missing = str(tmp_path / 'it\'s "missing".gxml')
    log = logging.getLogger("tests")
    sent = params(file=missing)
    planned = plan(request(), sent, twin, Files().look(request(), sent)[1], "127.0.0.1:50000", log)
    assert not planned["ok"]
    assert planned["failing"] == [
        {"code": "file_unreadable", "message": f"File {missing} could not be read: there is no such file."}
    ]
    assert planned["calls"] == [{"command": IMPORT, "arguments": {"files": [missing], "import_mode": "clipboard"}}]
    assert list(twin.calls) == []


def test_the_plugin_teaches_the_twin_exactly_its_command(twin: Twin) -> None:
    assert twin.commands == request().commands


@pytest.mark.parametrize("import_mode", ["clipboard", "new_stage"])
def test_both_import_modes_are_allowed(import_mode: str) -> None:
    assert compile_schema(request().schema)(params(import_mode=import_mode)) == ()


@pytest.mark.parametrize(
    "import_mode",
    [
        "",
        "both",
        "Clipboard",
        "CLIPBOARD",
        "new stage",
        "new_stage\n",
        " clipboard",
        True,
        None,
        0,
        1,
        [],
        {},
        ["clipboard"],
    ],
    ids=repr,
)
def test_any_other_import_mode_is_refused_and_the_two_are_named(import_mode: Any) -> None:
    (problem,) = compile_schema(request().schema)(params(import_mode=import_mode))
    assert problem.pointer == "/import_mode"
    assert problem.message == f"{import_mode!r} is not allowed; allowed: 'clipboard', 'new_stage'"


@pytest.mark.parametrize("member", ["file", "import_mode"])
def test_no_parameter_may_be_missing(member: str) -> None:
    sent = params()
    del sent[member]
    (problem,) = compile_schema(request().schema)(sent)
    assert (problem.pointer, problem.keyword) == (f"/{member}", "required")


@pytest.mark.parametrize(
    "file", ["", 5, None, True, [], {}, ["C:/x.gxml"], "x" * 1025], ids=lambda value: ascii(value)[:20]
)
def test_the_file_is_a_text_that_is_not_empty_and_not_endless(file: Any) -> None:
    (problem,) = compile_schema(request().schema)(params(file=file))
    assert problem.pointer == "/file"


@pytest.mark.parametrize("file", ["x", "x" * 1024, "C:/Users/IQMPRINK/Documents/Points.gxml"], ids=len)
def test_any_other_text_is_allowed_as_file(file: str) -> None:
    assert compile_schema(request().schema)(params(file=file)) == ()


def test_a_parameter_that_is_not_known_is_refused_and_named() -> None:
    (problem,) = compile_schema(request().schema)(params(importMode="clipboard"))
    assert (problem.pointer, problem.keyword) == ("/importMode", "additionalProperties")


@pytest.mark.parametrize("sent", [None, [], "elements", 5, True], ids=repr)
def test_what_is_no_object_is_refused(sent: Any) -> None:
    assert compile_schema(request().schema)(sent) != ()


def test_every_example_is_allowed() -> None:
    examples = request().schema["examples"]
    assert examples
    for example in examples:
        assert compile_schema(request().schema)(example) == ()


def test_on_the_legacy_wire_it_answers_as_the_reference_does() -> None:
    legacy = request().legacy
    sent = params(file="/nope", import_mode="new_stage")
    assert legacy.required == ("file", "import_mode"), "missing ones are reported in this order"
    assert legacy.ok == "O.k."
    assert not legacy.plain
    assert {code: text.format(**sent) for code, text in legacy.texts.items()} == {
        "file_unreadable": "Elements file /nope could not be read.",
        "gom_refused": "Elements could not be imported from file /nope with import mode new_stage.",
    }


def test_the_server_checks_the_file_and_queues_the_request() -> None:
    assert request().name == "elements"
    assert request().files == ("file",)
    assert not request().at_once


def test_the_distribution_offers_the_plugin_to_gombus() -> None:
    (point,) = metadata.distribution("gombus-elements-import").entry_points
    assert (point.group, point.name) == ("gombus", "elements_import")
    hook: Callable[[], list[Request]] = point.load().gombus_requests
    assert [request.name for request in hook()] == ["elements"]
