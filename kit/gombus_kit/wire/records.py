"""What was received is kept, but not without end: a twin may run for weeks."""

from __future__ import annotations

from typing import Any, TypeVar

from .values import Package

Value = TypeVar("Value")

MAX_KEPT = 10_000
"""How many of the last ones of a kind are kept."""
MAX_PART = 10_000
"""How many characters, bytes or entries of a part are kept: images in dialogs and arrays are of megabytes."""


def remember(kept: list[Value], value: Value) -> None:
    """Keep this one, too, without what is long in it."""
    kept.append(brief(value))
    del kept[:-MAX_KEPT]


def brief(value: Any) -> Any:
    """A value whose parts are cut after `MAX_PART`."""
    if isinstance(value, (str, bytes)):
        return value[:MAX_PART]
    if type(value) is tuple:
        return tuple(map(brief, value))
    if isinstance(value, list):
        return [brief(each) for each in value[:MAX_PART]]
    if isinstance(value, dict):
        return {key: brief(each) for key, each in value.items()}
    if isinstance(value, Package):
        return Package(value.shape, value.kind, brief(value.data))
    return value
