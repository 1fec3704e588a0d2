"""What importing gom does to its process, and how that is undone: in this one place."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


@contextmanager
def undone() -> Iterator[None]:
    """Put back what importing gom, inside, replaces: the streams, sys.exit, sys.excepthook, os.environ and os.putenv.

    Its versions fail off gom's thread, tell INSPECT of every change of the environment and of every exit, and lack
    `isatty` and `encoding`, which log handlers and command lines ask for. Its import finders stay where they are, but
    no longer make other errors of an `ImportError`. What it appends to `sys.path` stays.
    """
    streams, leave, hook = (sys.stdout, sys.stderr), sys.exit, sys.excepthook
    environ, putenv, finders = os.environ, os.putenv, list(sys.meta_path)
    try:
        yield
    finally:
        (sys.stdout, sys.stderr), sys.exit, sys.excepthook = streams, leave, hook
        os.environ, os.putenv = environ, putenv
        sys.meta_path[:] = [finder if finder in finders else _careful(finder) for finder in sys.meta_path]


def undo(gom: Any) -> None:
    """The same for a gom that was imported before: what it replaced is taken out of what it keeps.

    `sys.excepthook` stays: INSPECT shows with it what a script of its own ended with.
    """
    for name, flusher in (("stdout", "__stdout_flusher__"), ("stderr", "__stderr_flusher__")):
        replaced = getattr(gom, flusher, None)
        if replaced is not None and getattr(sys, name) is replaced:
            setattr(sys, name, getattr(replaced, name))
    listener: Any = getattr(gom, "__environment_listener__", None)
    for name in ("environ", "putenv"):
        if listener is not None and getattr(os, name) is listener:
            setattr(os, name, getattr(listener, name))
    handler: Any = type(getattr(gom, "__exit_handler__", None))
    if getattr(handler, "original_exit", None) is not None and sys.exit is getattr(handler, "exit", None):
        sys.exit = handler.original_exit
    sys.meta_path[:] = [
        _careful(finder) if type(finder).__module__.startswith("gom.") else finder for finder in sys.meta_path
    ]


def _careful(finder: Any) -> Any:
    # One that knows the old protocol only asks INSPECT nothing; Pythons from 3.12 on pass it over.
    return _Careful(finder) if hasattr(finder, "find_spec") else finder


class _Careful:
    """Asks a finder that asks INSPECT. Where it cannot, nothing was found: Python's own `ImportError` says so."""

    def __init__(self, finder: Any) -> None:
        self._finder = finder
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What this module is; None where it is not found, or INSPECT cannot be asked."""
        # The client answers the thread only that imported it.
        if threading.get_ident() != self._thread:
            return None
        try:
            spec: ModuleSpec | None = self._finder.find_spec(name, path, target)
        except Exception as error:
            if type(error).__name__ == "BreakError":
                raise
            return None
        return spec
