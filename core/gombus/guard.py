"""What handlers know as ``context.gom``: the commands that their request type declares, and nothing that acts beside.

This keeps what the documents say of a request type true. It is no sandbox: a plugin is code that a site trusts.
"""

from __future__ import annotations

from typing import Any

from .errors import CommandNotDeclared

_COMMAND_ROOTS = frozenset({"script", "interactive", "api"})


class GuardedGom:
    """`gom` for one request type.

    ``.script``, ``.interactive`` and ``.api`` lead to the declared commands; ``.app`` and gom's types and exceptions
    (`File`, `RequestError`, …) are passed through.
    """

    def __init__(self, gom: Any, request: str, commands: tuple[str, ...]) -> None:
        self._gom = gom
        self._request = request
        self._commands = frozenset(commands)

    def __getattr__(self, name: str) -> Any:
        if self._gom is None:
            raise CommandNotDeclared(f"request type {self._request!r} runs beside the queue and cannot use gom.{name}")
        if name in _COMMAND_ROOTS:
            return _Command(self, f"gom.{name}")
        value = getattr(self._gom, name)
        if name == "app" or (isinstance(value, type) and not name.startswith("_")):
            return value
        raise CommandNotDeclared(f"gom.{name} is not for request types; allowed: script, interactive, api, app, types")

    def _run(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if path not in self._commands:
            declared = ", ".join(sorted(self._commands)) or "no command"
            raise CommandNotDeclared(f"request type {self._request!r} declares {declared}, so it cannot call {path}")
        if args and not path.startswith("gom.api."):
            # The real client drops them without a word.
            raise TypeError(f"{path} takes keyword arguments only")
        command = self._gom
        for name in path.split(".")[1:]:
            command = getattr(command, name)
        return command(*args, **kwargs)


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
