"""Ctrl-C and SIGTERM, told to the network thread the moment they come.

The owner thread may sit in a gom call for minutes, and on Windows a thread that waits does not notice Ctrl-C at all.
Python writes each signal's number into a socket as soon as it arrives; the network thread reads it there.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NUMBERS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""The signals that mean to stop; SIGBREAK is Windows' Ctrl-Break."""


@contextmanager
def stop_signals() -> Iterator[socket.socket | None]:
    """A socket that gets one byte for each signal to stop, in place of what the signals do otherwise.

    Gives None off the main thread, where Python does not handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    before = {number: signal.signal(number, _ignore) for number in NUMBERS}
    before_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()


async def stop_signal(loop: asyncio.AbstractEventLoop, signals: socket.socket) -> None:
    """Wait for a signal that means to stop; a plugin may have given others a handler of their own."""
    while (await loop.sock_recv(signals, 1))[0] not in NUMBERS:
        pass


def _ignore(number: int, frame: FrameType | None) -> None:
    """The handler must be Python's for the byte to be written; what is to be done, the network thread does."""
