"""What was received is kept, the last of it."""

from __future__ import annotations

from gombus_kit.wire.records import MAX_KEPT, remember


def test_the_last_ones_are_kept() -> None:
    kept: list[int] = []
    for number in range(MAX_KEPT + 5):
        remember(kept, number)
    assert kept == list(range(5, MAX_KEPT + 5))
