"""What handlers know as ``gom``: `script`, `app`, `File`, and gom's exceptions, over the twin's project."""

from __future__ import annotations

import inspect
import threading
import time
from collections import deque
from types import SimpleNamespace
from typing import Any, Callable, NamedTuple, TypeVar

from . import errors
from .faults import Faults
from .project import Project

Function = TypeVar("Function", bound=Callable[..., Any])

MAX_CALLS = 10_000
"""How many of the last calls are remembered."""


class File:
    """A file for a command, as ``gom.File(path)`` makes it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, File) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"gom.File({self.path!r})"


class CommandCall(NamedTuple):
    """A command that was called."""

    command: str
    arguments: dict[str, Any]


class Twin:
    """A simulated INSPECT. Like the real one, it answers only the thread that made it.

    :param faults: what is to go slow or wrong.
    """

    RequestError = errors.RequestError
    BreakError = errors.BreakError
    File = File

    def __init__(self, faults: Faults | None = None) -> None:
        self.project = Project()
        self.faults = faults or Faults()
        self.calls: deque[CommandCall] = deque(maxlen=MAX_CALLS)
        """The commands that were called, refused ones too, the last `MAX_CALLS` of them."""
        self._commands: dict[str, tuple[Callable[..., Any], inspect.Signature]] = {}
        self._thread = threading.get_ident()

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that plugins taught it."""
        return tuple(self._commands)

    def command(self, name: str) -> Callable[[Function], Function]:
        """Decorator: this function is what the command does. It gets the command's keyword arguments.

        :param name: such as ``gom.script.sys.import_other_images``.
        """

        def teach(function: Function) -> Function:
            self._commands[name] = function, inspect.signature(function)
            return function

        return teach

    @property
    def app(self) -> Any:
        """``gom.app``."""
        self._check_thread()
        return SimpleNamespace(project=self.project)

    @property
    def script(self) -> Any:
        """``gom.script``."""
        return _Command(self, "gom.script")

    @property
    def interactive(self) -> Any:
        """``gom.interactive``."""
        return _Command(self, "gom.interactive")

    @property
    def api(self) -> Any:
        """``gom.api``."""
        return _Command(self, "gom.api")

    def _check_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("gom can be used only on the thread that opened it")

    def _run(self, name: str, arguments: dict[str, Any]) -> Any:
        self._check_thread()
        self.calls.append(CommandCall(name, arguments))
        delay = self.faults.delays_s.get(name, self.faults.delay_s)
        if delay:
            time.sleep(delay)
        fault = self.faults.faults.get(name)
        if fault == "refuse":
            raise errors.RequestError("Refused, because the twin was told to", errors.FAULT)
        if fault == "break":
            raise errors.BreakError("Esc, because the twin was told to")
        if fault == "error":
            raise RuntimeError("failed, because the twin was told to")
        if name not in self._commands:
            raise errors.RequestError(f"There is no command {name}", errors.UNKNOWN_COMMAND)
        function, signature = self._commands[name]
        try:
            signature.bind(**arguments)
        except TypeError as error:
            raise errors.RequestError(f"{name}: {error}", errors.BAD_ARGUMENT) from error
        return function(**arguments)


class _Command:
    __slots__ = ("_name", "_twin")

    def __init__(self, twin: Twin, name: str) -> None:
        self._twin = twin
        self._name = name

    def __getattr__(self, name: str) -> _Command:
        return _Command(self._twin, f"{self._name}.{name}")

    def __call__(self, **arguments: Any) -> Any:
        return self._twin._run(self._name, arguments)
