"""Ids of jobs: UUIDs of version 7 (RFC 9562 section 5.7), which sort by the time at which they were made."""

from __future__ import annotations

import random
import time


class JobIds:
    """Makes ids that grow strictly, even within one millisecond and when the clock is set back. For one thread."""

    def __init__(self) -> None:
        self._last_ms = 0
        self._counter = 0
        # Not os.urandom for every id: a system call lets go of the interpreter's lock, and the owner thread takes it.
        self._random = random.Random()

    def new(self) -> str:
        """A new id, such as ``0193a2c4-5e11-7d5c-a5c1-0a1f6c2b9e77``."""
        now_ms = time.time_ns() // 1_000_000
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            # RFC 9562 section 6.2, method 1: a counter that begins at random, with room above it to grow.
            self._counter = self._random.getrandbits(40)
        else:
            self._counter += 1
        counter, tail = self._counter, self._random.getrandbits(32)
        # 48 bits of time, 4 of version, the counter with 2 of variant after its first 12, 32 at random.
        high, low = counter >> 30, counter & 0x3FFF_FFFF
        return f"{self._last_ms >> 16:08x}-{self._last_ms & 0xFFFF:04x}-7{high:03x}-{_hex(low, tail)}"


def _hex(low: int, tail: int) -> str:
    digits = f"{1 << 63 | low << 32 | tail:016x}"
    return f"{digits[:4]}-{digits[4:]}"
