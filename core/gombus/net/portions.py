"""A client's bytes in portions, so that what one client sends at once does not keep the event loop from the others.

A frame may be as short as six bytes: what one read of a socket brings can be ten thousand of them, or as many requests.
"""

from __future__ import annotations

import asyncio
import time
from typing import Callable

PORTION = 2048
"""How much is looked at in one go, in bytes."""
TURN_S = 0.003
"""For how long, in seconds, one client's bytes are looked at before the others have their turn."""

# What this thread itself works: while others have the interpreter or the processor no client is looked at. Windows
# counts that in steps that are far too long.
_clock = time.thread_time if time.get_clock_info("thread_time").resolution < TURN_S / 10 else time.perf_counter


class Portions:
    """Hands on what was received. Where that takes longer than a turn, the rest waits for a later one.

    :param take: gets the bytes, in order.
    :param changed: called when `waiting` may have changed; it must lead to a call of `hold`.
    """

    def __init__(self, take: Callable[[bytes], None], changed: Callable[[], None]) -> None:
        self._take = take
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._at = 0
        self._held = False
        self._due = False

    @property
    def waiting(self) -> bool:
        """Whether something waits; as long as it does no more is to be received."""
        return self._at < len(self._rest)

    def receive(self, data: bytes) -> None:
        """Bytes arrived."""
        if len(data) <= PORTION and not self.waiting:
            self._take(data)
        else:
            self._rest, self._at = self._rest[self._at :] + data, 0
            self._go_on()

    def hold(self, held: bool) -> None:
        """Hand on no further, or go on in the next turn."""
        self._held = held
        if self.waiting and not held and not self._due:
            self._due = True
            self._loop.call_soon(self._go_on)

    def finish(self) -> None:
        """No more comes: hand on what waits, at once."""
        while self.waiting:
            self._next()

    def drop(self) -> None:
        """Hand on nothing more of what waits."""
        self._rest = b""

    def _go_on(self) -> None:
        self._due = False
        until_s = _clock() + TURN_S
        while self.waiting and not self._held:
            self._next()
            if _clock() >= until_s:
                break
        if not self.waiting:
            self.drop()
        self._changed()

    def _next(self) -> None:
        begin = self._at
        self._at += PORTION
        self._take(self._rest[begin : self._at])
