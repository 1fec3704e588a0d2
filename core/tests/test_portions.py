"""Bytes in portions: nothing is lost or swapped, and nobody keeps the event loop to himself."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gombus.net import portions
from gombus.net.portions import PORTION, Portions

DATA = bytes(range(256)) * (PORTION // 64)
"""Four portions."""


class Taker:
    """Takes portions, as a connection does, and notes them."""

    def __init__(self, name: str = "", notes: list[str] | None = None) -> None:
        self.taken: list[bytes] = []
        self.held = False
        self.hold_after = 0
        self.done = asyncio.Event()
        self._name = name
        self._notes = [] if notes is None else notes
        self.portions = Portions(self._take, self.changed)

    @property
    def data(self) -> bytes:
        """All that was taken."""
        return b"".join(self.taken)

    def changed(self) -> None:
        """Say whether to go on."""
        self.portions.hold(self.held)
        if not self.portions.waiting:
            self.done.set()

    def _take(self, data: bytes) -> None:
        self.taken.append(data)
        self._notes.append(self._name)
        if len(self.taken) == self.hold_after:
            self.held = True
            self.changed()


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30.0))


def test_what_is_short_is_handed_on_at_once() -> None:
    async def test() -> None:
        taker = Taker()
        taker.portions.receive(b"x" * PORTION)
        assert taker.taken == [b"x" * PORTION]
        assert not taker.portions.waiting

    run(test())


def test_what_is_long_comes_in_portions_and_in_order() -> None:
    async def test() -> None:
        taker = Taker()
        taker.portions.receive(DATA + b"end")
        await taker.done.wait()
        assert taker.data == DATA + b"end"
        assert [len(portion) for portion in taker.taken] == [PORTION] * 4 + [3]

    run(test())


@pytest.mark.parametrize(
    ("turn_s", "order"),
    [(0.0, "abababab"), (60.0, "aaaabbbb")],
    ids=["in turns", "without the protection"],
)
def test_others_have_their_turn_before_the_rest(monkeypatch: pytest.MonkeyPatch, turn_s: float, order: str) -> None:
    monkeypatch.setattr(portions, "TURN_S", turn_s)

    async def test() -> None:
        notes: list[str] = []
        takers = [Taker(name, notes) for name in "ab"]
        for taker in takers:
            taker.portions.receive(DATA)
        for taker in takers:
            if taker.portions.waiting:
                await taker.done.wait()
        assert "".join(notes) == order
        assert [taker.data for taker in takers] == [DATA, DATA]

    run(test())


def test_nothing_is_handed_on_while_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "TURN_S", 60.0)

    async def test() -> None:
        taker = Taker()
        taker.hold_after = 2
        taker.portions.receive(DATA)
        assert (len(taker.taken), taker.portions.waiting) == (2, True)
        await asyncio.sleep(0)
        # What comes all the same waits behind it.
        taker.portions.receive(b"end")
        assert len(taker.taken) == 2
        taker.held = False
        taker.changed()
        taker.changed()
        assert len(taker.taken) == 2
        await taker.done.wait()
        assert taker.data == DATA + b"end"

    run(test())


def test_the_end_hands_on_what_waits_even_where_it_is_held() -> None:
    async def test() -> None:
        taker = Taker()
        taker.hold_after = 1
        taker.portions.receive(DATA)
        taker.portions.finish()
        assert taker.data == DATA
        assert not taker.portions.waiting

    run(test())


def test_what_is_dropped_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "TURN_S", 0.0)

    async def test() -> None:
        taker = Taker()
        taker.portions.receive(DATA)
        taker.portions.drop()
        await taker.done.wait()
        assert taker.data == DATA[:PORTION]

    run(test())
