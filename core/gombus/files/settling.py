"""Waiting for files that are still being written."""

from __future__ import annotations

import os
import sys
import time
from typing import Callable

from ..errors import FileUnsettled, ServerStopping
from ..evidence import NamedFile, look, same

POLL_S = 0.2
"""How long to wait between two looks, in s."""


class Settling:
    """Waits until nobody changed a file for a while.

    A file has settled when the system says that nothing of it changed for `quiet_s`, or when nothing of it was seen to
    change for so long: the first costs one look, the second is for clocks that disagree. What counts is the later one
    of the time of the content, which copying programs set to that of the original while they are still writing, and of
    what they cannot set: on Windows, when the file was made; elsewhere, when anything of it changed.

    :param quiet_s: in s.
    :param limit_s: how long to wait at most for all files of a request, in s.
    :param wait: waits so many seconds; gives at once, and True, where the server stops.
    :param held: whether another program has this file open for writing.
    """

    def __init__(
        self, quiet_s: float, limit_s: float, wait: Callable[[float], bool], held: Callable[[str], bool]
    ) -> None:
        self._quiet_s = quiet_s
        self._limit_s = limit_s
        self._wait = wait
        self._held = held

    def end_s(self) -> float:
        """When waiting that begins now has to end, on the monotonic clock."""
        return time.monotonic() + self._limit_s

    def settled(self, file: NamedFile) -> bool:
        """Whether a file needs no waiting, as far as one look tells.

        :raises FileUnreadable: there is no such file, or it cannot be opened.
        """
        return not self._held(file.path) and self._age_s(look(file)) >= self._quiet_s

    def wait_for(self, file: NamedFile, end_s: float) -> None:
        """Wait until a file has settled.

        :raises FileUnreadable: there is no such file, or it cannot be opened.
        :raises FileUnsettled: it had not by then.
        :raises ServerStopping: the server stops meanwhile.
        """
        seen: os.stat_result | None = None
        since_s, changed = 0.0, False
        while True:
            held = self._held(file.path)
            now_s = time.monotonic()
            if not held:
                status = look(file)
                if seen is None or not same(seen, status):
                    changed = seen is not None
                    seen, since_s = status, now_s
                # Once it was seen to change, no clock is needed to know when.
                if now_s - since_s >= self._quiet_s or (not changed and self._age_s(status) >= self._quiet_s):
                    return
            if now_s >= end_s:
                what = "held open by the program that writes it" if held else "being written"
                raise FileUnsettled(f"File {file.sent} was still {what} after {self._limit_s:g} s.")
            if self._wait(min(POLL_S, end_s - now_s)):
                raise ServerStopping("The server is stopping; the request was not started.")

    @staticmethod
    def _age_s(status: os.stat_result) -> float:
        """How long ago, in s, the file was changed by this computer's clock; negative where another one set it."""
        return time.time() - max(status.st_mtime, status.st_ctime)


def writers_of() -> Callable[[str], bool]:
    """What tells whether a program has a file open for writing. Only Windows can tell; elsewhere nobody ever has."""
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        generic_read, share_read, share_delete, open_existing, sharing_violation = 0x80000000, 1, 4, 3, 32
        nothing = ctypes.c_void_p(-1).value
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        create, close = kernel32.CreateFileW, kernel32.CloseHandle
        text, number, pointer = wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p
        create.argtypes = (text, number, number, pointer, number, number, pointer)
        create.restype = pointer
        close.argtypes = (pointer,)

        def held(path: str) -> bool:
            # Windows refuses to share with readers alone what somebody writes.
            handle = create(path, generic_read, share_read | share_delete, None, open_existing, 0, None)
            if handle == nothing:
                return bool(ctypes.get_last_error() == sharing_violation)
            close(handle)
            return False

        return held
    else:
        return lambda path: False
