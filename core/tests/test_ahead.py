"""How many jobs may be marked as running at a time."""

from __future__ import annotations

import random

from gombus.ahead import AHEAD_S, MAX_AHEAD, Ahead


def fill(ahead: Ahead, request: str) -> int:
    """Mark as many jobs of a request type as may be; how many those are."""
    count = 0
    while ahead.has_room(request):
        ahead.add(request)
        count += 1
    return count


def empty(ahead: Ahead, request: str, count: int) -> None:
    """So many of them have ended."""
    for _ in range(count):
        ahead.remove(request)


def known(job_s: float, jobs: int = 60, request: str = "a") -> Ahead:
    """Knows that so many jobs of a request type took so long, in s."""
    ahead = Ahead()
    for _ in range(jobs):
        ahead.took(request, job_s, whole=True)
    return ahead


def test_one_of_which_nothing_is_known_is_marked_alone() -> None:
    ahead = known(1e-6)
    assert fill(ahead, "b") == 1
    assert not ahead.has_room("a")
    empty(ahead, "b", 1)
    ahead.add("a")
    assert not ahead.has_room("b")


def test_short_is_what_is_known_to_be() -> None:
    assert not Ahead().is_short("a")
    assert known(AHEAD_S * 0.6).is_short("a")
    assert not known(AHEAD_S * 1.5).is_short("a")
    ahead = known(1e-6)
    ahead.took("a", AHEAD_S * 2, whole=False)
    assert not ahead.is_short("a")


def test_as_much_work_as_may_be_lost_is_marked() -> None:
    assert fill(known(1.0), "a") == 1
    assert fill(known(AHEAD_S * 0.6), "a") == 1
    assert fill(known(AHEAD_S / 4.5), "a") == 4
    assert fill(known(0.0), "a") == MAX_AHEAD


def test_the_work_of_all_types_counts_together() -> None:
    ahead = known(AHEAD_S / 10)
    for _ in range(60):
        ahead.took("b", AHEAD_S * 0.75, whole=True)
    ahead.add("b")
    assert fill(ahead, "a") == 2
    assert not ahead.has_room("b")
    empty(ahead, "b", 1)
    assert fill(ahead, "a") == 7


def test_what_turns_out_to_be_long_counts_for_those_that_are_marked_already() -> None:
    ahead = known(1e-6)
    for _ in range(60):
        ahead.took("b", 1e-6, whole=True)
    assert fill(ahead, "a") == MAX_AHEAD
    empty(ahead, "a", 2)
    ahead.took("a", 1.0, whole=True)
    assert not ahead.has_room("b")


def test_one_short_job_is_not_enough_and_one_long_one_is() -> None:
    ahead = known(1e-6, jobs=1)
    assert fill(ahead, "a") == 1
    ahead = known(1e-6)
    ahead.took("a", 4.0, whole=True)
    for _ in range(25):
        assert fill(ahead, "a") == 1
        empty(ahead, "a", 1)
        ahead.took("a", 1e-6, whole=True)


def test_what_was_refused_half_way_tells_of_long_jobs_only() -> None:
    ahead = Ahead()
    for _ in range(60):
        ahead.took("a", 1e-6, whole=False)
    assert fill(ahead, "a") == 1
    ahead = known(1e-6)
    ahead.took("a", 1.0, whole=False)
    assert fill(ahead, "a") == 1
    empty(ahead, "a", 1)
    for _ in range(60):
        ahead.took("a", 1e-6, whole=False)
    assert fill(ahead, "a") == 1


def test_whatever_comes_and_goes_it_is_empty_at_the_end() -> None:
    chance = random.Random(1)
    ahead = known(1e-6)
    marked: list[str] = []
    for _ in range(2000):
        request = chance.choice("aab")
        if chance.random() < 0.5 and ahead.has_room(request):
            ahead.add(request)
            marked.append(request)
        elif marked:
            ended = marked.pop(chance.randrange(len(marked)))
            ahead.remove(ended)
            ahead.took(ended, chance.choice([1e-6, 1e-4]), whole=chance.random() < 0.9)
    for request in marked:
        ahead.remove(request)
    assert ahead.has_room("never seen")
