"""What a handler can reach through ``context.gom``, and what is noted of its calls for the receipt."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import support
from asking import File, Item, Lying
from gombus.errors import CommandNotDeclared
from gombus.guard import Guard, calls_of, gom_refused

IMPORT = "gom.script.sys.import_other_images"


class RequestError(RuntimeError):
    """As gom's."""


class Gom:
    """A gom that keeps what was called."""

    RequestError = RequestError
    File = File
    _Private = File

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.app = SimpleNamespace(project=SimpleNamespace(name="p"))
        self.script = SimpleNamespace(
            sys=SimpleNamespace(import_other_images=self._command("import"), close_project=self._command("close"))
        )
        self.interactive = SimpleNamespace(sys=SimpleNamespace(ask=self._command("ask")))
        self.api = SimpleNamespace(progress=SimpleNamespace(create=self._command("progress")))
        self.__config__ = SimpleNamespace(api_access_key="secret")
        self.log = self._command("log")

    def _command(self, name: str) -> Any:
        def command(*args: Any, **kwargs: Any) -> str:
            self.calls.append((name, args, kwargs))
            if kwargs.get("file") == "bad":
                raise RequestError("refused")
            return f"{name} done"

        return command


@pytest.fixture
def gom() -> Gom:
    """The gom behind the guard."""
    return Gom()


def guarded(gom: Gom | None, *commands: str) -> Any:
    return Guard(gom, "image", commands).gom()


@pytest.mark.parametrize(
    ("command", "name"),
    [(IMPORT, "import"), ("gom.interactive.sys.ask", "ask"), ("gom.api.progress.create", "progress")],
)
def test_a_declared_command_is_called_with_its_arguments_and_gives_its_result(
    gom: Gom, command: str, name: str
) -> None:
    called = guarded(gom, command, "gom.script.sys.other")
    for step in command.split(".")[1:]:
        called = getattr(called, step)
    assert repr(called) == command
    assert gom.calls == []
    assert called(file="x", number=5) == f"{name} done"
    assert gom.calls == [(name, (), {"file": "x", "number": 5})]


def test_what_a_command_raises_comes_through(gom: Gom) -> None:
    with pytest.raises(RequestError, match="refused"):
        guarded(gom, IMPORT).script.sys.import_other_images(file="bad")


def test_a_command_that_is_not_declared_is_not_called_and_what_is_declared_is_named(gom: Gom) -> None:
    handler_gom = guarded(gom, IMPORT, "gom.script.a.b")
    with pytest.raises(CommandNotDeclared) as caught:
        handler_gom.script.sys.close_project()
    assert str(caught.value) == (
        f"request type 'image' declares gom.script.a.b, {IMPORT}, so it cannot call gom.script.sys.close_project"
    )
    assert gom.calls == []


@pytest.mark.parametrize(
    "path", ["script", "script.sys", "script.sys.import_other_images.again", "interactive.sys.ask"]
)
def test_parts_of_a_declared_command_and_what_lies_beyond_are_not_declared(gom: Gom, path: str) -> None:
    called = guarded(gom, IMPORT)
    for step in path.split("."):
        called = getattr(called, step)
    with pytest.raises(CommandNotDeclared, match=f"cannot call gom\\.{path}$"):
        called()
    assert gom.calls == []


def test_without_declared_commands_none_can_be_called(gom: Gom) -> None:
    with pytest.raises(CommandNotDeclared, match=r"declares no command, so it cannot call gom\.script\.sys\.x"):
        guarded(gom).script.sys.x()


@pytest.mark.parametrize("path", ["script.sys.import_other_images", "interactive.sys.ask"])
def test_commands_take_keyword_arguments_only(gom: Gom, path: str) -> None:
    called = guarded(gom, f"gom.{path}")
    for step in path.split("."):
        called = getattr(called, step)
    with pytest.raises(TypeError, match=f"gom.{path} takes keyword arguments only"):
        called("x")
    assert gom.calls == []


def test_functions_of_the_api_take_positional_arguments_too(gom: Gom) -> None:
    assert guarded(gom, "gom.api.progress.create").api.progress.create(1, text="x") == "progress done"
    assert gom.calls == [("progress", (1,), {"text": "x"})]


def test_the_project_and_gom_s_types_and_exceptions_are_passed_through(gom: Gom) -> None:
    handler_gom = guarded(gom)
    assert handler_gom.app is gom.app
    assert handler_gom.RequestError is RequestError
    assert handler_gom.File is File


@pytest.mark.parametrize("name", ["log", "calls", "__config__", "_Private", "_command"])
def test_everything_else_of_gom_is_closed(gom: Gom, name: str) -> None:
    with pytest.raises(CommandNotDeclared, match=f"gom.{name} is not for request types; allowed: script"):
        getattr(guarded(gom), name)
    assert gom.calls == []


def test_what_gom_does_not_have_is_missing(gom: Gom) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = guarded(gom).nothing


@pytest.mark.parametrize("name", ["app", "File", "nothing"])
def test_what_runs_beside_the_queue_has_no_gom_at_all(name: str) -> None:
    with pytest.raises(CommandNotDeclared, match=f"'image' runs beside the queue and cannot use gom.{name}"):
        getattr(guarded(None), name)


def test_what_runs_beside_the_queue_can_call_nothing_even_if_it_is_declared() -> None:
    with pytest.raises(CommandNotDeclared, match=f"'image' runs beside the queue and cannot use {IMPORT}"):
        guarded(None, IMPORT).script.sys.import_other_images()


def test_every_call_is_noted_with_its_arguments_in_its_order_also_one_that_is_refused(gom: Gom) -> None:
    handler_gom = guarded(gom, IMPORT, "gom.script.sys.close_project")
    handler_gom.script.sys.import_other_images(file="good", count=2)
    handler_gom.script.sys.close_project()
    with pytest.raises(RequestError):
        handler_gom.script.sys.import_other_images(file="bad")
    assert calls_of(handler_gom) == [
        {"command": IMPORT, "arguments": {"file": "good", "count": 2}},
        {"command": "gom.script.sys.close_project", "arguments": {}},
        {"command": IMPORT, "arguments": {"file": "bad"}},
    ]


def test_positional_arguments_are_noted_too(gom: Gom) -> None:
    handler_gom = guarded(gom, "gom.api.progress.create")
    handler_gom.api.progress.create(1, "a", text="x")
    assert calls_of(handler_gom) == [{"command": "gom.api.progress.create", "arguments": {"*": [1, "a"], "text": "x"}}]


def test_what_was_not_called_is_not_noted(gom: Gom) -> None:
    handler_gom = guarded(gom, IMPORT)
    _ = handler_gom.script.sys.import_other_images, handler_gom.app.project.name, handler_gom.File()
    with pytest.raises(CommandNotDeclared):
        handler_gom.script.sys.close_project()
    with pytest.raises(TypeError):
        handler_gom.script.sys.import_other_images("x")
    assert calls_of(handler_gom) == []


def test_arguments_are_noted_as_they_were_when_the_command_was_called(gom: Gom) -> None:
    handler_gom = guarded(gom, IMPORT)
    files = ["a"]
    handler_gom.script.sys.import_other_images(files=files)
    files.append("b")
    assert calls_of(handler_gom)[0]["arguments"] == {"files": ["a"]}


def test_each_request_has_calls_of_its_own(gom: Gom) -> None:
    guard = Guard(gom, "image", (IMPORT,))
    one, other = guard.gom(), guard.gom()
    one.script.sys.import_other_images()
    assert (len(calls_of(one)), calls_of(other)) == (1, [])


def test_inspect_s_reason_is_kept_and_a_backend_s_exception_may_say_less() -> None:
    refused = gom_refused(support.RequestError("No such series", "GAPP-0011", "log"))
    assert (refused.description, refused.error_code, refused.error_log) == ("No such series", "GAPP-0011", "log")
    refused = gom_refused(RequestError("bare"))
    assert (refused.description, refused.error_code, refused.error_log) == ("bare", "", "")


def test_arguments_are_noted_as_json_and_inspect_is_never_asked_for_it(gom: Gom) -> None:
    handler_gom = guarded(gom, IMPORT)
    item, file = Item(__id__="I#!1234", __category__=3, __stage__=-1), File(__args__=["C:/x.jpg"], __kwargs__={})
    assert handler_gom.script.sys.import_other_images(series=item, files=[file], size=float("nan")) == "import done"
    assert gom.calls[0][2]["series"] is item, "the command gets the real one"
    assert json.loads(json.dumps(calls_of(handler_gom), allow_nan=False)) == [
        {
            "command": IMPORT,
            "arguments": {
                "series": {"gom": "gom.Item('I#!1234')"},
                "files": [{"gom": "gom.File('C:/x.jpg')"}],
                "size": "nan",
            },
        }
    ]


def test_what_cannot_be_shown_does_not_keep_a_command_from_being_called(gom: Gom) -> None:
    handler_gom = guarded(gom, IMPORT)
    assert handler_gom.script.sys.import_other_images(value=Lying()) == "import done"
    assert [call["command"] for call in calls_of(handler_gom)] == [IMPORT]


def test_of_very_many_calls_the_first_are_noted_and_the_rest_is_counted(
    gom: Gom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gombus.guard.MAX_CALLS", 3)
    handler_gom = guarded(gom, IMPORT)
    for number in range(3):
        handler_gom.script.sys.import_other_images(number=number)
    assert [call["arguments"] for call in calls_of(handler_gom)] == [{"number": 0}, {"number": 1}, {"number": 2}]
    for number in range(2):
        handler_gom.script.sys.import_other_images(number=number)
    assert calls_of(handler_gom)[2:] == [
        {"command": IMPORT, "arguments": {"number": 2}},
        {"command": "…", "arguments": {"more": 2}},
    ]
    assert len(gom.calls) == 5


def test_a_receipt_that_is_being_written_does_not_change(gom: Gom) -> None:
    # Of a command that overran its time, while its handler goes on.
    handler_gom = guarded(gom, IMPORT)
    calls = calls_of(handler_gom)
    handler_gom.script.sys.import_other_images()
    assert calls == []
