"""What handlers know as ``context.gom``: the commands that their request type declares, and nothing that acts beside.

This keeps what the documents say of a request type true. It is no sandbox: a plugin is code that a site trusts.
"""

from __future__ import annotations

import time
from typing import Any

from .errors import CommandNotDeclared, GomRefused
from .redaction import redacted
from .rendering import noted

MAX_CALLS = 10_000
"""How many calls of one request are noted; the rest is counted. A receipt is to fit into one message."""
_COMMAND_ROOTS = frozenset({"script", "interactive", "api"})


class Inside:
    """What of gom the owner thread is in: noted by that thread, read by the network thread."""

    __slots__ = ("noted",)

    def __init__(self) -> None:
        self.noted = ("", 0.0)
        """Path of the command, empty outside of one; and since when, on the monotonic clock."""


class Guard:
    """What one request type may use of gom.

    :param gom: what the backend opened; None for a request type that runs beside the queue and cannot use it.
    :param inside: where it is noted which command runs.
    """

    def __init__(self, gom: Any, request: str, commands: tuple[str, ...], inside: Inside | None = None) -> None:
        self._gom = gom
        self._inside = Inside() if inside is None else inside
        self._request = request
        self._commands = frozenset(commands)

    def gom(self) -> GuardedGom:
        """`gom` for one request, which notes the commands that it really calls."""
        return GuardedGom(self)

    def read(self, name: str) -> Any:
        """``gom.app``, or one of gom's types and exceptions.

        :raises CommandNotDeclared: it is neither.
        :raises AttributeError: gom does not have it.
        """
        gom = self._opened(f"gom.{name}")
        # What is read of it goes to gom past this guard.
        self._inside.noted = ("", time.monotonic())
        value = getattr(gom, name)
        if name == "app" or (isinstance(value, type) and not name.startswith("_")):
            return value
        raise CommandNotDeclared(f"gom.{name} is not for request types; allowed: script, interactive, api, app, types")

    def check(self, path: str, args: tuple[Any, ...]) -> None:
        """Whether a command may be called so.

        :raises CommandNotDeclared: the request type does not declare it.
        :raises TypeError: it takes keyword arguments only.
        """
        self._opened(path)
        if path not in self._commands:
            declared = ", ".join(sorted(self._commands)) or "no command"
            raise CommandNotDeclared(f"request type {self._request!r} declares {declared}, so it cannot call {path}")
        if args and not path.startswith("gom.api."):
            # The real client drops them without a word.
            raise TypeError(f"{path} takes keyword arguments only")

    def run(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a command that was checked."""
        self._inside.noted = (path, time.monotonic())
        try:
            command = self._gom
            for name in path.split(".")[1:]:
                command = getattr(command, name)
            return command(*args, **kwargs)
        finally:
            self._inside.noted = ("", time.monotonic())

    def _opened(self, path: str) -> Any:
        if self._gom is None:
            raise CommandNotDeclared(f"request type {self._request!r} runs beside the queue and cannot use {path}")
        return self._gom


class GuardedGom:
    """`gom` for one request.

    ``.script``, ``.interactive`` and ``.api`` lead to the declared commands; ``.app`` and gom's types and exceptions
    (`File`, `RequestError`, …) are passed through.
    """

    __slots__ = ("_calls", "_guard", "_more")

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._calls: list[dict[str, Any]] = []
        self._more = 0

    def __getattr__(self, name: str) -> Any:
        return _Command(self, f"gom.{name}") if name in _COMMAND_ROOTS else self._read(name)

    def _read(self, name: str) -> Any:
        return self._guard.read(name)

    def _run(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._guard.check(path, args)
        if len(self._calls) < MAX_CALLS:
            self._calls.append(noted(path, args, kwargs))
        else:
            self._more += 1
        return self._guard.run(path, args, kwargs)


def calls_of(gom: GuardedGom) -> list[dict[str, Any]]:
    """The commands that were called, each ``{"command": path, "arguments": JSON object}``."""
    more = [{"command": "…", "arguments": {"more": gom._more}}] if gom._more else []
    return [*gom._calls, *more]


def gom_refused(error: Exception) -> GomRefused:
    """gom.RequestError as our own; getattr, because a backend's exception class may carry less."""
    description = getattr(error, "description", "") or error
    said = (description, getattr(error, "error_code", ""), getattr(error, "error_log", ""))
    return GomRefused(*(redacted(str(text)) for text in said))


class _Command:
    """A command, or a group of them: known by its path until it is called."""

    __slots__ = ("_guard", "_path")

    def __init__(self, guard: GuardedGom, path: str) -> None:
        self._guard = guard
        self._path = path

    def __getattr__(self, name: str) -> _Command:
        return _Command(self._guard, f"{self._path}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._guard._run(self._path, args, kwargs)

    def __repr__(self) -> str:
        return self._path
