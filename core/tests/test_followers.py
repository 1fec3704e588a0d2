"""Who is notified of a job, of what, and how often."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from desk import Asker, Clock
from gombus import followers
from gombus.followers import MAX_FOLLOWERS, PROGRESS, PROGRESS_S, STATUS, Followers
from gombus.model import NO_META, Meta

TOKEN = Meta(progress_token="p")
TASK = Meta(task=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which notifications are spaced."""
    clock = Clock()
    monkeypatch.setattr(followers, "time", clock)
    return clock


class Post:
    """What is to be done on the network thread, until the test does it."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, action: Callable[[], None]) -> None:
        self.waiting.append(action)

    def deliver(self) -> None:
        """Do it."""
        waiting, self.waiting = self.waiting, []
        for action in waiting:
            action()


def at_once(action: Callable[[], None]) -> None:
    """This is the network thread."""
    action()


def no_timer(seconds: float, action: Callable[[], None]) -> None:
    """It never fires."""


def steps(asker: Asker) -> list[float]:
    """How far the asker was told that it is, each time."""
    return [params["progress"] for method, params in asker.notified if method == PROGRESS]


def test_only_who_asked_for_it_follows() -> None:
    told = Followers()
    told.add(Asker(), NO_META)
    told.add(Asker(), Meta(key="k", schema_hash="h"))
    assert not told
    told.add(Asker(), TOKEN)
    assert told


def test_it_is_known_who_follows() -> None:
    told, follower = Followers(), Asker()
    told.add(follower, TASK)
    assert told.include(follower)
    assert not told.include(Asker())
    told.clear()
    assert not told.include(follower)


@pytest.mark.parametrize("token", [0, "", 5, "p"])
def test_each_is_told_what_it_asked_for(token: Any) -> None:
    told, counting, task, both = Followers(), Asker(), Asker(), Asker()
    told.add(counting, Meta(progress_token=token))
    told.add(task, TASK)
    told.add(both, Meta(progress_token="b", task=True))
    told.report(at_once, no_timer, 1.0, 4.0, "images")
    told.tell_status(lambda: {"job": "j"})
    step = {"progress": 1.0, "total": 4.0, "message": "images"}
    assert counting.notified == [(PROGRESS, {"progressToken": token, **step})]
    assert task.notified == [(STATUS, {"job": "j"})]
    assert both.notified == [(PROGRESS, {"progressToken": "b", **step}), (STATUS, {"job": "j"})]


def test_one_that_asks_again_is_told_once_with_its_latest_token() -> None:
    told, asker = Followers(), Asker()
    for meta in (TOKEN, TASK, TOKEN, TASK, TOKEN._replace(progress_token="q")):
        told.add(asker, meta)
    told.report(at_once, no_timer, 1.0, 4.0, "")
    told.tell_status(dict)
    assert [params.get("progressToken") for _, params in asker.notified] == ["q", None]
    told.add(asker, TASK)
    told.report(at_once, no_timer, 4.0, 4.0, "")
    assert asker.notified[-1][1]["progressToken"] == "q"


def test_how_far_it_is_can_be_asked_for_even_where_nobody_follows() -> None:
    told, post = Followers(), Post()
    assert told.progress is None
    told.report(post, no_timer, 3.0, 12.0, "images")
    assert told.progress == {"progress": 3.0, "total": 12.0, "message": "images"}
    assert post.waiting == []


def test_one_notification_at_a_time_is_on_its_way_and_has_the_newest_step(clock: Clock) -> None:
    told, asker, post = Followers(), Asker(), Post()
    told.add(asker, TOKEN)
    for step in range(1000):
        told.report(post, no_timer, float(step), 1000.0, "")
    assert len(post.waiting) == 1
    post.deliver()
    assert steps(asker) == [999.0]


def test_steps_are_spaced_but_the_end_is_told_at_once(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "PROGRESS_S", 0.125)
    told, asker = Followers(), Asker()
    told.add(asker, TOKEN)
    for step in range(1, 99):
        told.report(at_once, no_timer, float(step), 99.0, "")
        clock.now_s += 0.03125
    told.report(at_once, no_timer, 99.0, 99.0, "")
    assert steps(asker) == [*map(float, range(1, 99, 4)), 99.0]


@pytest.mark.parametrize(("done", "total"), [(1.0, 0.0), (0.0, 0.0), (5.0, 5.0), (7.0, 5.0)])
def test_a_handler_that_does_not_know_how_much_there_is_to_do_is_spaced_too(
    clock: Clock, done: float, total: float
) -> None:
    told, asker = Followers(), Asker()
    told.add(asker, TOKEN)
    for _ in range(1000):
        told.report(at_once, no_timer, done, total, "")
    assert len(steps(asker)) == 1
    clock.now_s += PROGRESS_S
    told.report(at_once, no_timer, done, total, "")
    assert len(steps(asker)) == 2


def test_nobody_is_told_of_progress_after_the_end(clock: Clock) -> None:
    told, asker, post = Followers(), Asker(), Post()
    told.add(asker, TOKEN)
    told.report(post, no_timer, 1.0, 2.0, "")
    told.clear()
    post.deliver()
    # A handler that overran its time goes on.
    told.report(post, no_timer, 2.0, 2.0, "")
    assert (asker.notified, post.waiting) == ([], [])
    assert told.progress == {"progress": 2.0, "total": 2.0, "message": ""}


def test_what_comes_too_soon_is_told_when_its_time_has_come_and_with_the_newest_step(clock: Clock) -> None:
    told, asker, timers = Followers(), Asker(), list[tuple[float, Callable[[], None]]]()
    told.add(asker, TOKEN)

    def later(seconds: float, action: Callable[[], None]) -> None:
        timers.append((seconds, action))

    for step in (1.0, 2.0, 3.0):
        told.report(at_once, later, step, 9.0, "")
    assert (steps(asker), [seconds for seconds, _ in timers]) == ([1.0], [pytest.approx(PROGRESS_S)])
    # The handler goes quiet.
    clock.now_s += PROGRESS_S
    timers.pop()[1]()
    assert steps(asker) == [1.0, 3.0]
    told.report(at_once, later, 4.0, 9.0, "")
    told.report(at_once, later, 9.0, 9.0, "")
    assert steps(asker) == [1.0, 3.0, 9.0]
    timers.pop()[1]()
    assert (steps(asker), timers) == ([1.0, 3.0, 9.0], [])


def test_those_that_left_make_room_and_there_are_never_too_many() -> None:
    told, first = Followers(), Asker()
    told.add(first, TASK)
    for _ in range(10 * MAX_FOLLOWERS):
        left = Asker()
        told.add(left, TASK)
        left.gone = True
    assert len(told._followers) <= MAX_FOLLOWERS
    others = [Asker() for _ in range(2 * MAX_FOLLOWERS)]
    for asker in others:
        told.add(asker, TASK)
    told.tell_status(dict)
    assert [len(asker.notified) for asker in (first, *others)] == [1] * MAX_FOLLOWERS + [0] * (MAX_FOLLOWERS + 1)
