"""What a handler can reach through ``context.gom``: the declared commands, and nothing that acts beside."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gombus.errors import CommandNotDeclared
from gombus.guard import GuardedGom

IMPORT = "gom.script.sys.import_other_images"


class RequestError(RuntimeError):
    """As gom's."""


class File:
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
    return GuardedGom(gom, "image", commands)


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


@pytest.mark.parametrize("name", ["script", "app", "File", "nothing"])
def test_what_runs_beside_the_queue_has_no_gom_at_all(name: str) -> None:
    with pytest.raises(CommandNotDeclared, match=f"'image' runs beside the queue and cannot use gom.{name}"):
        getattr(guarded(None), name)
