"""Calls of gom commands as JSON values, for receipts and plans. Nothing is ever asked of gom for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice
from typing import Any

MAX_DEPTH = 8
MAX_ITEMS = 64
MAX_TEXT = 1024
MAX_CHARACTERS = 16 * 1024
"""How much is shown of one call's arguments in all: lists of lists of lists are many."""
_EXACT = 2**53
"""Largest integer that every JSON reader keeps exact (RFC 7493 section 2.2)."""
_CUT = "…"


def noted(command: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """A call as it stands in receipts and plans: ``{"command": "gom.script.sys.x", "arguments": {…}}``.

    :param args: what is given by position, which only gom.api takes; stands under ``*``.
    """
    arguments = rendered(kwargs)
    return {"command": command, "arguments": {"*": rendered(args), **arguments} if args else arguments}


def rendered(value: Any) -> Any:
    """A JSON value for any argument: long ones cut, and what is gom's own as ``{"gom": "gom.File('C:/x.jpg')"}``.

    Never raises, because the command is to be called all the same.
    """
    return _Rendering().value(value, MAX_DEPTH)


def name_of(value: Any) -> str:
    """What an object of gom's is, as Python would write it; never raises.

    The real client asks INSPECT for `repr`, `str` and every attribute that is not its own, so only what an object
    itself holds is looked at: `__args__` and `__kwargs__` of types such as gom.File, `__id__` of items.
    """
    try:
        return _cut(_name_of(value))
    except Exception:
        # An object may answer anything to anybody who looks at it.
        return _CUT


class _Rendering:
    """One run over a value, with what may still be shown."""

    def __init__(self) -> None:
        self._left = MAX_CHARACTERS

    # Types are compared, and their own methods called: an object can lie about its class, and a subclass may ask gom.

    def value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if self._left <= 0:
            return _CUT
        self._left -= 8
        if value is None or kind is bool:
            return value
        if issubclass(kind, int):
            number = int.__int__(value)
            return number if -_EXACT <= number <= _EXACT else self._text(_digits(number))
        if issubclass(kind, float):
            real = float.__float__(value)
            # JSON has no NaN.
            return real if math.isfinite(real) else str(real)
        if issubclass(kind, str):
            return self._text(str.__str__(value))
        if not depth and issubclass(kind, (dict, list, tuple)):
            return _CUT
        if issubclass(kind, dict):
            return self._object(value, depth - 1)
        if issubclass(kind, list):
            return self._array(list.__iter__(value), list.__len__(value), depth - 1)
        if issubclass(kind, tuple):
            return self._array(tuple.__iter__(value), tuple.__len__(value), depth - 1)
        return {"gom": self._text(name_of(value))}

    def _object(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        members = {}
        for key, inner in islice(dict.items(value), MAX_ITEMS):
            members[self._text(_key(key))] = self.value(inner, depth)
        count = dict.__len__(value)
        return {**members, _CUT: count} if count > MAX_ITEMS else members

    def _array(self, items: Iterable[Any], count: int, depth: int) -> list[Any]:
        shown = [self.value(item, depth) for item in islice(items, MAX_ITEMS)]
        return [*shown, _CUT] if count > MAX_ITEMS else shown

    def _text(self, text: str) -> str:
        text = _cut(text)
        self._left -= len(text)
        return text


def _name_of(value: Any) -> str:
    kind = type(value)
    try:
        members = object.__getattribute__(value, "__dict__")
    except AttributeError:
        members = {}
    given = members.get("__gom_name__")
    if type(given) is str:
        return given
    name = kind.__name__ if kind.__module__ == "builtins" else f"gom.{kind.__name__}"
    id = members.get("__id__")
    if isinstance(id, str):
        # As the real client's own `repr`: an id that is no path is a number, such as I#!1234.
        return f"{id if id.startswith('gom.') else f'{name}({id!r})'}{_stage(members)}"
    arguments = members.get("__args__")
    if isinstance(arguments, (list, tuple)):
        keywords = members.get("__kwargs__") or {}
        shown = [*map(_plain, arguments), *(f"{_key(key)}={_plain(argument)}" for key, argument in keywords.items())]
        return f"{name}({', '.join(shown)})"
    for member in ("path", "name"):
        if isinstance(members.get(member), str):
            return f"{name}({members[member]!r})"
    if members and all(type(member) in (int, float) for member in members.values()):
        # Vectors.
        return f"{name}({', '.join(map(repr, members.values()))})"
    return name


def _stage(members: Any) -> str:
    # -1 is the current one, in which items stand if nothing else is said.
    stage = members.get("__stage__", -1)
    return "" if stage == -1 else f".in_stage[{_plain(stage)}]"


def _key(key: Any) -> str:
    kind = type(key)
    if issubclass(kind, str):
        return str.__str__(key)
    return str(key) if key is None or kind in (bool, int, float) else name_of(key)


def _plain(value: Any) -> str:
    kind = type(value)
    if issubclass(kind, str):
        return repr(str.__str__(value)[:MAX_TEXT])
    return repr(value) if value is None or kind in (bool, int, float) else kind.__name__


def _digits(number: int) -> str:
    # Python refuses to write very long ones in decimal.
    return str(number) if number.bit_length() <= 64 else hex(number)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + _CUT
