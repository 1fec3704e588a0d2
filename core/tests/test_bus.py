"""Look up, check, run; and which exception becomes which refusal."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from gombus import errors
from gombus.bus import Bus
from gombus.config import Settings
from gombus.executor import Executor
from gombus.journal.memory import MemoryJournal
from gombus.model import ANYBODY, Call, Outcome
from gombus.registry import Registry
from support import SCHEMA, WAIT_S, BreakError, RequestError, WatchingGom, plugin, request

ASKER = SimpleNamespace(client="client:1", identity=ANYBODY, gone=False, notify=lambda method, params: None)


class Desk:
    """A bus over a gom that watches; its queue is run only by `run`."""

    def __init__(self, *requests: Any) -> None:
        self.gom = WatchingGom()
        self._woken = threading.Semaphore(0)
        self.executor: Executor[Outcome] = Executor(self._woken.release)
        self.journal = MemoryJournal()
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.bus = Bus(
            Registry(Settings(), [plugin(*requests)]).types,
            self.gom,
            {"name": "watching", "version": "1.0"},
            self.executor,
            self.journal,
            lambda seconds, action: self.later.append((seconds, action)),
        )
        self.outcomes: list[Outcome] = []
        self._owner = threading.Thread(target=self.executor.run)

    def submit(self, name: str, params: Any = None, ignored: tuple[str, ...] = ()) -> None:
        self.bus.submit(Call(name, params or {}, ignored), ASKER, self.outcomes.append)

    def run(self, name: str, params: Any = None, ignored: tuple[str, ...] = ()) -> Outcome:
        """Submit a call and wait for its outcome."""
        if not self._owner.is_alive():
            self._owner.start()
        self.submit(name, params, ignored)
        while self.executor.unfinished:
            assert self._woken.acquire(timeout=WAIT_S)
            self.executor.deliver()
        return self.outcomes[-1]

    def end(self) -> None:
        self.bus.stop()
        if self._owner.is_alive():
            self._owner.join(WAIT_S)
            assert not self._owner.is_alive()


@pytest.fixture
def desk_of() -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def make(*requests: Any) -> Desk:
        desks.append(Desk(*requests))
        return desks[-1]

    yield make
    for desk in desks:
        desk.end()


def test_a_good_call_runs_the_command_and_gives_its_result(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(request())
    outcome = desk.run("say", {"word": "hello"})
    assert (outcome.result, outcome.error, outcome.stop) == ("HELLO", None, False)
    assert desk.gom.words == ["hello"]


def test_an_unknown_request_is_refused_and_names_what_there_is(desk_of: Callable[..., Desk]) -> None:
    outcome = desk_of(request()).run("shout")
    assert isinstance(outcome.error, errors.UnknownRequest)
    assert str(outcome.error) == "No request type 'shout'; there are say."


def test_parameters_that_the_schema_refuses_never_reach_gom(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(request())
    outcome = desk.run("say", {"word": 5})
    assert isinstance(outcome.error, errors.InvalidParams)
    assert outcome.error.problems[0].pointer == "/word"
    assert desk.gom.words == []


@pytest.mark.parametrize("path", ["//host/share/x.jpg", "C:/../x", "a\x00b"])
def test_a_dangerous_path_is_refused_before_any_file_is_touched(
    desk_of: Callable[..., Desk], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of(request(files=("file", "files")))
    monkeypatch.setattr(os, "stat", lambda *_, **__: pytest.fail("a file was looked at"))
    for params in ({"file": path}, {"files": ["fine", path]}):
        desk.submit("say", params)
        error = desk.outcomes[-1].error
        assert isinstance(error, errors.PathRefused)
        assert error.problems[0].pointer == ("/file" if "file" in params else "/files/1")
    assert desk.executor.unfinished == 0


def test_every_file_must_be_one_that_opens(desk_of: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desk_of(request(files=("file", "files")))
    good = tmp_path / "good.txt"
    good.write_text("x", encoding="utf-8")
    missing = str(tmp_path / "missing.txt")
    assert desk.run("say", {"file": str(good), "files": [str(good)], "word": "a"}).error is None
    for path in (missing, str(tmp_path)):
        outcome = desk.run("say", {"files": [str(good), path], "word": "b"})
        assert isinstance(outcome.error, errors.FileUnreadable)
        assert path in str(outcome.error)
    assert desk.gom.words == ["a"]


def test_a_file_that_cannot_be_opened_is_unreadable(
    desk_of: Callable[..., Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "locked.txt"
    locked.write_text("x", encoding="utf-8")

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    # A file that another program holds open exclusively exists on Windows only.
    monkeypatch.setattr("builtins.open", refuse)
    outcome = desk_of(request(files=("file",))).run("say", {"file": str(locked)})
    assert isinstance(outcome.error, errors.FileUnreadable)
    assert "Permission denied" in str(outcome.error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are made differently here")
def test_a_pipe_is_no_file_and_is_not_waited_for(desk_of: Callable[..., Desk], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    outcome = desk_of(request(files=("file",))).run("say", {"file": str(pipe)})
    assert isinstance(outcome.error, errors.FileUnreadable)


def test_what_gom_refuses_carries_gom_s_reason(desk_of: Callable[..., Desk], caplog: pytest.LogCaptureFixture) -> None:
    desk = desk_of(request())
    desk.gom.errors["bad"] = RequestError("No such series", "GAPP-0011", "line 1\nline 2")
    error = desk.run("say", {"word": "bad"}).error
    assert isinstance(error, errors.GomRefused)
    assert (error.description, error.error_code, error.error_log) == ("No such series", "GAPP-0011", "line 1\nline 2")
    assert "gom_refused: GAPP-0011 No such series 'line 1\\nline 2'" in caplog.text


def test_esc_in_inspect_answers_and_stops_the_server(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(request())
    desk.gom.errors["esc"] = BreakError()
    outcome = desk.run("say", {"word": "esc"})
    assert isinstance(outcome.error, errors.GomRefused)
    assert outcome.stop


@pytest.mark.parametrize("raised", [ValueError("secret"), SystemExit(3), KeyboardInterrupt()])
def test_a_bug_in_a_plugin_is_answered_without_its_details(
    desk_of: Callable[..., Desk], raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    desk = desk_of(request())
    desk.gom.errors["bug"] = raised
    outcome = desk.run("say", {"word": "bug"})
    assert (outcome.result, outcome.stop) == (None, False)
    assert isinstance(outcome.error, errors.InternalError)
    assert str(outcome.error) == "Internal error in 'say' request; see the server's log."
    assert "Traceback" in caplog.text


def test_a_handler_may_refuse_by_itself(desk_of: Callable[..., Desk]) -> None:
    def handler(params: Any, context: Any) -> None:
        raise errors.FileUnreadable("It is locked.")

    assert str(desk_of(request(handler=handler)).run("say").error) == "It is locked."


def test_what_is_not_declared_cannot_be_called(desk_of: Callable[..., Desk], caplog: pytest.LogCaptureFixture) -> None:
    desk = desk_of(request(commands=("gom.script.test.other",)))
    assert isinstance(desk.run("say", {"word": "x"}).error, errors.InternalError)
    assert desk.gom.words == []
    assert "CommandNotDeclared" in caplog.text


def test_what_runs_at_once_does_not_wait_for_the_queue(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(request(), request("now", lambda *_: "now", at_once=True))
    desk.submit("say", {"word": "queued"})
    desk.submit("now")
    assert desk.outcomes == [Outcome("now")]
    assert desk.gom.words == []


def test_a_handler_can_stop_the_server(desk_of: Callable[..., Desk]) -> None:
    outcome = desk_of(request("end", lambda _, context: context.stop(), at_once=True)).run("end")
    assert outcome == Outcome(stop=True)


def test_after_stop_nothing_is_admitted_and_what_waits_is_refused(desk_of: Callable[..., Desk]) -> None:
    desk = desk_of(request())
    desk.submit("say", {"word": "queued"})
    desk.bus.stop()
    desk.submit("say", {"word": "late"})
    desk.bus.stop()
    assert [type(outcome.error) for outcome in desk.outcomes] == [errors.ServerStopping, errors.ServerStopping]
    assert desk.gom.words == []


def test_ignored_members_are_logged(desk_of: Callable[..., Desk], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    desk_of(request()).run("say", {"word": "x"}, ignored=("/extra",))
    assert "client:1: say request: ignored members ('/extra',)" in caplog.text


def test_a_context_has_what_the_docs_promise(desk_of: Callable[..., Desk], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[Any] = []

    def handler(params: Any, context: Any) -> None:
        seen.extend([context.request, context.client, context.gom.app.project.name])
        context.progress(3, 12, "images")
        context.log.info("hello from the handler")

    desk_of(request(handler=handler, schema=SCHEMA)).run("say")
    assert seen == ["say", "client:1", "p"]
    assert "say: 3 of 12 images" in caplog.text
    assert ("gombus.request.say", logging.INFO, "hello from the handler") in caplog.record_tuples


@pytest.mark.parametrize(
    "error", [errors.Refusal("It is locked."), type("Locked", (errors.Refusal,), {})("It is locked.")]
)
def test_a_handler_may_refuse_with_a_refusal_of_its_own(
    desk_of: Callable[..., Desk], error: errors.Refusal, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(params: Any, context: Any) -> None:
        raise error

    desk = desk_of(request(handler=handler))
    assert desk.run("say").error is error
    assert "say request: refused: It is locked." in caplog.text


def test_a_backend_s_exception_that_cannot_be_read_is_a_bug_and_the_thread_goes_on(
    desk_of: Callable[..., Desk],
) -> None:
    class Unreadable(RequestError):
        def __getattribute__(self, name: str) -> Any:
            if name == "description":
                raise ZeroDivisionError
            return super().__getattribute__(name)

    desk = desk_of(request())
    desk.gom.errors["odd"] = Unreadable("x")
    assert isinstance(desk.run("say", {"word": "odd"}).error, errors.InternalError)
    assert desk.run("say", {"word": "next"}).result == "NEXT"


def test_every_field_is_named_whether_its_schema_or_its_path_is_refused() -> None:
    desk = Desk(request(files=("file", "files")))
    desk.submit("say", {"word": 5, "file": r"\\host\a", "files": [5, "C:/../x", "C:/good.txt"]})
    error = desk.outcomes[0].error
    assert isinstance(error, errors.InvalidParams)
    found = {(problem.pointer, problem.keyword) for problem in error.problems}
    assert found == {("/word", "type"), ("/files/0", "type"), ("/file", "path"), ("/files/1", "path")}
    desk.submit("say", {"files": ["C:/../x"] * 10_000})
    error = desk.outcomes[1].error
    assert isinstance(error, errors.InvalidParams)
    assert len(error.problems) == 1 + 8
    desk.submit("say", {"file": {"a": 1}, "files": 5})
    assert isinstance(desk.outcomes[2].error, errors.InvalidParams)
