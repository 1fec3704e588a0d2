"""What was received is kept, the last of it."""

from __future__ import annotations

from gombus_kit.wire.records import MAX_KEPT, MAX_PART, brief, remember
from gombus_kit.wire.values import Package


def test_the_last_ones_are_kept() -> None:
    kept: list[int] = []
    for number in range(MAX_KEPT + 5):
        remember(kept, number)
    assert kept == list(range(5, MAX_KEPT + 5))


def test_what_is_long_is_cut() -> None:
    long = MAX_PART + 1
    value = ("x" * long, [{"a": b"x" * long}] * long, Package((long,), 1, b"x" * long), 2.5, None)
    cut = ("x" * MAX_PART, [{"a": b"x" * MAX_PART}] * MAX_PART, Package((long,), 1, b"x" * MAX_PART), 2.5, None)
    assert brief(value) == cut
    assert brief(cut) == cut
