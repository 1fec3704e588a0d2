"""The queue between the network and the one thread that owns gom.

Work goes in on the network thread and is run on the owner thread, one piece at a time and in order; what came out goes
back in batches, with one wake-up for all that stands ready, because a wake-up costs more than a small piece of work.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Callable, Generic, NamedTuple, TypeVar

log = logging.getLogger(__name__)

Result = TypeVar("Result")

SWITCH_INTERVAL_S = 0.0005
"""How long work that computes in Python may keep other threads waiting, in s: with Python's own 0.005 an answer of the
server would take ten times as long meanwhile. Only while work runs that may take long: the threads that work for one
request would take the interpreter from each other more often, which costs a journal a tenth of its throughput."""


class _Piece(NamedTuple):
    work: Callable[[], Any]
    done: Callable[[Any], None]
    short: bool


class Executor(Generic[Result]):
    """Runs pieces of work on the thread that calls `run`.

    `submit`, `deliver` and `stop` belong to the network thread, `run` and `post` to the owner thread.

    :param wake: called on the owner thread when results stand ready after none did; it must lead to a call of
        `deliver` on the network thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: SimpleQueue[_Piece | None] = SimpleQueue()
        self._finished: deque[Callable[[], None]] = deque()
        self._woken = False
        self.unfinished = 0
        """How many pieces were submitted and not yet delivered."""
        self.began_s = 0.0
        """When the piece that runs began, on the monotonic clock; 0 where none does."""

    def submit(self, work: Callable[[], Result], done: Callable[[Result], None], short: bool = False) -> None:
        """Queue one piece. `work` runs on the owner thread and must not raise; `done` gets its result here.

        :param short: whether it takes no longer than Python's own switch interval.
        """
        self.unfinished += 1
        self._waiting.put(_Piece(work, done, short))

    def run(self) -> None:
        """Run what is submitted until `stop`; the piece that runs then is finished first."""
        while True:
            piece = self._waiting.get()
            if piece is None:
                return
            self._work_at(piece)

    def post(self, action: Callable[[], None]) -> None:
        """Have something done on the network thread, in order with the results."""
        self._finished.append(action)
        if not self._woken:
            self._woken = True
            self._wake()

    def deliver(self) -> None:
        """Hand out the results that stand ready now."""
        # Lowered before they are counted: what is finished after that wakes anew. Not all that is finished meanwhile,
        # because an owner thread that posts without end would keep the event loop from everything else.
        self._woken = False
        for _ in range(len(self._finished)):
            self._safely(self._finished.popleft())

    def stop(self, instead: Result) -> None:
        """Let `run` return after the piece that it runs; what still waits is not run and gets `instead`."""
        left = []
        with suppress(Empty):
            while True:
                left.append(self._waiting.get_nowait())
        self._waiting.put(None)
        for piece in left:
            if piece is not None:
                self._safely(partial(self._hand_out, piece, instead))

    def _work_at(self, piece: _Piece) -> None:
        self.began_s = time.monotonic()
        if piece.short:
            result = piece.work()
        else:
            interval_s = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_INTERVAL_S)
            result = piece.work()
            sys.setswitchinterval(interval_s)
        self.began_s = 0.0
        self.post(partial(self._hand_out, piece, result))

    def _hand_out(self, piece: _Piece, result: Any) -> None:
        self.unfinished -= 1
        piece.done(result)

    @staticmethod
    def _safely(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            # One that cannot take its result must not keep the others from theirs.
            log.exception("bug in what takes a result")
