"""The queue between the two threads."""

from __future__ import annotations

import sys
import threading

import pytest

from gombus.executor import Executor
from support import WAIT_S


class Bench:
    """An executor whose owner thread runs, and whose wake-ups are counted."""

    def __init__(self) -> None:
        self.wakes = 0
        self.woken = threading.Semaphore(0)
        self.executor: Executor[str] = Executor(self._wake)
        self.results: list[str] = []
        self.owner = threading.Thread(target=self.executor.run)

    def _wake(self) -> None:
        self.wakes += 1
        self.woken.release()

    def deliver_until(self, count: int) -> None:
        while len(self.results) < count:
            assert self.woken.acquire(timeout=WAIT_S)
            self.executor.deliver()

    def stop(self) -> None:
        self.executor.stop("refused")
        self.owner.join(WAIT_S)
        assert not self.owner.is_alive()


def test_work_runs_on_the_owner_thread_in_order() -> None:
    bench = Bench()
    ran: list[tuple[int, int]] = []

    def work(number: int) -> str:
        ran.append((number, threading.get_ident()))
        return str(number)

    for number in range(100):
        bench.executor.submit(lambda number=number: work(number), bench.results.append)
    bench.owner.start()
    bench.deliver_until(100)
    bench.stop()
    assert ran == [(number, bench.owner.ident) for number in range(100)]
    assert bench.results == [str(number) for number in range(100)]


def test_other_threads_wait_for_less_while_work_runs_that_may_take_long() -> None:
    bench = Bench()
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    try:
        for short in (False, True):
            bench.executor.submit(lambda: f"{sys.getswitchinterval():.4f}", bench.results.append, short)
        bench.owner.start()
        bench.deliver_until(2)
        bench.stop()
        assert bench.results == ["0.0005", "0.0050"]
        assert sys.getswitchinterval() == pytest.approx(0.005)
    finally:
        sys.setswitchinterval(before_s)


def test_done_runs_where_deliver_is_called() -> None:
    bench = Bench()
    threads: list[int] = []
    bench.executor.submit(lambda: "x", lambda _: (threads.append(threading.get_ident()), bench.results.append("x")))
    bench.owner.start()
    bench.deliver_until(1)
    bench.stop()
    assert threads == [threading.get_ident()]


def test_results_that_stand_ready_together_wake_once() -> None:
    bench = Bench()
    last = threading.Event()
    for number in range(50):
        bench.executor.submit(lambda number=number: str(number), bench.results.append)
    bench.executor.submit(lambda: (last.set(), "last")[1], bench.results.append)
    bench.owner.start()
    assert last.wait(WAIT_S)
    bench.stop()
    assert bench.wakes == 1
    bench.executor.deliver()
    assert len(bench.results) == 51


def test_unfinished_counts_what_is_not_delivered() -> None:
    bench = Bench()
    bench.executor.submit(lambda: "x", bench.results.append)
    assert bench.executor.unfinished == 1
    bench.owner.start()
    bench.deliver_until(1)
    assert bench.executor.unfinished == 0
    bench.stop()


def test_stop_finishes_what_runs_and_refuses_what_waits() -> None:
    bench = Bench()
    entered, go_on = threading.Event(), threading.Event()

    def running() -> str:
        entered.set()
        assert go_on.wait(WAIT_S)
        return "ran"

    bench.executor.submit(running, bench.results.append)
    bench.executor.submit(lambda: "never", bench.results.append)
    bench.executor.submit(lambda: "never", bench.results.append)
    bench.owner.start()
    assert entered.wait(WAIT_S)
    bench.executor.stop("refused")
    assert bench.results == ["refused", "refused"]
    assert bench.executor.unfinished == 1
    go_on.set()
    bench.owner.join(WAIT_S)
    bench.executor.deliver()
    assert bench.results == ["refused", "refused", "ran"]
    assert bench.executor.unfinished == 0


def test_a_second_stop_changes_nothing() -> None:
    bench = Bench()
    bench.executor.stop("refused")
    bench.executor.stop("refused")
    bench.owner.start()
    bench.owner.join(WAIT_S)
    assert not bench.owner.is_alive()


def test_one_that_cannot_take_its_result_does_not_keep_the_others_from_theirs(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.executor.submit(lambda: "first", lambda _: 1 / 0)
    bench.executor.submit(lambda: "second", bench.results.append)
    bench.owner.start()
    bench.deliver_until(1)
    bench.executor.submit(lambda: "third", lambda _: 1 / 0)
    bench.stop()
    bench.executor.deliver()
    assert bench.results == ["second"]
    assert bench.executor.unfinished == 0
    assert "ZeroDivisionError" in caplog.text


def test_what_is_posted_meanwhile_waits_for_the_next_turn_and_wakes_anew() -> None:
    bench = Bench()
    turns: list[int] = []

    def again() -> None:
        turns.append(len(turns))
        bench.executor.post(again)

    bench.executor.post(again)
    for turn in range(1, 4):
        bench.executor.deliver()
        assert (len(turns), bench.wakes) == (turn, turn + 1)
