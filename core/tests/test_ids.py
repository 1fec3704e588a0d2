"""Ids of jobs."""

from __future__ import annotations

import uuid

import pytest

from gombus import ids
from gombus.ids import JobIds


class Now:
    """Stands for the module `time`."""

    def __init__(self, ms: int) -> None:
        self.ms = ms

    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        return self.ms * 1_000_000 + 999_999


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    """The clock by which ids are made."""
    now = Now(0x0193_A2C4_5E11)
    monkeypatch.setattr(ids, "time", now)
    return now


def test_they_are_uuids_of_version_7() -> None:
    make = JobIds()
    for _ in range(10_000):
        text = make.new()
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 7, uuid.RFC_4122)


def test_they_begin_with_the_time(now: Now) -> None:
    assert JobIds().new().startswith("0193a2c4-5e11-7")


@pytest.mark.parametrize("steps", [(0,), (1,), (0, 0, 0, 1), (-5, 1), (-1_000_000,), (3_600_000, -3_600_000)])
def test_they_grow_strictly_whatever_the_clock_does(now: Now, steps: tuple[int, ...]) -> None:
    make = JobIds()
    made = []
    for number in range(3000):
        made.append(make.new())
        now.ms += steps[number % len(steps)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("bits", [0, (1 << 40) - 1])
def test_the_counter_has_room_to_grow(now: Now, bits: int) -> None:
    class Same:
        def getrandbits(self, count: int) -> int:
            return bits & (1 << count) - 1

    make = JobIds()
    make._random = Same()  # type: ignore[assignment]
    made = [make.new() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {uuid.UUID(text).version for text in made} == {7}
    assert {text[:13] for text in made} == {"0193a2c4-5e11"}
    # The counter grows over the bits of the variant, which stay.
    make._counter = (5 << 30) - 2
    before, after = make.new(), make.new()
    assert (before[14:18], after[14:18]) == ("7004", "7005")
    assert uuid.UUID(after).variant == uuid.RFC_4122


def test_two_makers_do_not_make_the_same(now: Now) -> None:
    one, other = JobIds(), JobIds()
    assert {one.new() for _ in range(1000)}.isdisjoint({other.new() for _ in range(1000)})
