"""What was received is kept, but not without end: a twin may run for weeks."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")

MAX_KEPT = 10_000
"""How many of the last ones of a kind are kept."""


def remember(kept: list[Value], value: Value) -> None:
    """Keep this one, too."""
    kept.append(value)
    del kept[:-MAX_KEPT]
