"""What a client that is made up does to the process is undone; the real one's effects are in tests/."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gombus.inspect.effects import undo, undone

MISSING = "a_module_that_is_not_there"


class BreakError(Exception):
    """As the real client's."""


class Finder:
    """Asks INSPECT for every module that is missing."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self._error = error

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        self.asked.append(name)
        if self._error is not None:
            raise self._error


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    finders = list(sys.meta_path)
    yield
    sys.meta_path[:] = finders


def state() -> tuple[Any, ...]:
    return sys.stdout, sys.stderr, sys.exit, sys.excepthook, os.environ, os.putenv


@pytest.mark.parametrize("error", [None, RuntimeError("another thread"), OSError("gone")], ids=repr)
def test_finders_of_the_client_make_no_other_error_of_an_import_error(error: Exception | None) -> None:
    finder, old = Finder(error), SimpleNamespace(find_module=lambda name, path=None: None)
    with undone():
        sys.meta_path.insert(0, old)  # type: ignore[arg-type]
        sys.meta_path.append(finder)  # type: ignore[arg-type]
    assert sys.meta_path[0] is old
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(MISSING)
    assert finder.asked == [MISSING]
    raised: list[BaseException] = []

    def elsewhere() -> None:
        try:
            importlib.import_module(MISSING)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert [type(one) for one in raised] == [ModuleNotFoundError]
    # INSPECT answers the one thread only.
    assert finder.asked == [MISSING]
    sys.meta_path.remove(old)  # type: ignore[arg-type]


def test_esc_in_an_import_is_esc() -> None:
    with undone():
        sys.meta_path.append(Finder(BreakError()))  # type: ignore[arg-type]
    with pytest.raises(BreakError):
        importlib.import_module(MISSING)


def test_a_gom_that_was_imported_before_is_undone_by_what_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    before = state()

    class Exit:
        original_exit = sys.exit

        @staticmethod
        def exit(code: int) -> None:
            """The client's."""

    flushers = SimpleNamespace(stdout=sys.stdout), SimpleNamespace(stderr=sys.stderr)
    listener: Any = SimpleNamespace(environ=os.environ, putenv=os.putenv)
    gom = SimpleNamespace()
    for name, value in (
        ("__stdout_flusher__", flushers[0]),
        ("__stderr_flusher__", flushers[1]),
        ("__environment_listener__", listener),
        ("__exit_handler__", Exit()),
    ):
        setattr(gom, name, value)
    Finder.__module__ = "gom.__tools__"
    finder = Finder(RuntimeError("no"))
    sys.meta_path.append(finder)  # type: ignore[arg-type]
    try:
        sys.stdout, sys.stderr, sys.exit = *flushers, Exit.exit  # type: ignore[assignment]
        os.environ = os.putenv = listener  # as the client does
        undo(gom)
        assert state() == before
    finally:
        sys.stdout, sys.stderr, sys.exit, sys.excepthook, os.environ, os.putenv = before
        Finder.__module__ = __name__
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(MISSING)
    # Nothing is left to undo the second time, and of a gom that keeps nothing.
    undo(gom)
    undo(SimpleNamespace())
    assert state() == before
