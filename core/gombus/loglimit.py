"""Keeps clients from filling the disk with log lines: of those that are alike only so many are written in a minute."""

from __future__ import annotations

import copy
import logging
import time
from typing import TYPE_CHECKING, Callable, TextIO

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    _StreamHandler = logging.StreamHandler

OF_ONE = 30
"""How many lines of one kind that one client causes are written in `WINDOW_S`."""
OF_ALL = 300
"""How many lines of one kind are written in `WINDOW_S`, whoever causes them: a client can come back as another."""
WINDOW_S = 60.0

# What plugins say comes with gom commands, which are slow, and their lines may differ in more than what is filled in.
_PLUGINS = "gombus.request."
_Key = tuple[str, ...]


class LimitedHandler(_StreamHandler):
    """Writes log lines. What is left out is announced, and counted when the time is over.

    Lines are of one kind where logger and wording are equal; the first thing that is filled in says of whom they are.

    :param clock: seconds that never go back.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._until_s = clock() + WINDOW_S
        self._written: dict[_Key, int] = {}
        self._left_out: dict[_Key, tuple[int, logging.LogRecord]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or leave it out."""
        if self._clock() >= self._until_s:
            self._next_window()
        if record.levelno < logging.INFO or record.name.startswith(_PLUGINS):
            self.write(record)
            return
        kind = (record.name, str(record.msg))
        one = (*kind, str(record.args[0]) if isinstance(record.args, tuple) and record.args else "")
        for key, most in ((kind, OF_ALL), (one, OF_ONE)):
            if self._written.get(key, 0) >= most:
                self._leave_out(key, record)
                return
        for key in (kind, one):
            self._written[key] = self._written.get(key, 0) + 1
        self.write(record)

    def write(self, record: logging.LogRecord) -> None:
        """Write one line that is not left out."""
        super().emit(record)

    def close(self) -> None:
        """Say what was left out."""
        self.acquire()
        try:
            self._next_window()
        finally:
            self.release()
        super().close()

    def _leave_out(self, key: _Key, record: logging.LogRecord) -> None:
        count, _ = self._left_out.get(key, (0, record))
        self._left_out[key] = (count + 1, record)
        if not count:
            self._say(record, f"too many lines like this; no more for {self._until_s - self._clock():.0f} s")

    def _next_window(self) -> None:
        left_out, self._left_out = self._left_out, {}
        self._written.clear()
        self._until_s = self._clock() + WINDOW_S
        for count, record in left_out.values():
            self._say(record, f"{count} lines like this were left out, the last one")

    def _say(self, record: logging.LogRecord, what: str) -> None:
        said = copy.copy(record)
        said.msg = f"{what}: {record.msg}"
        said.exc_info = said.exc_text = None
        self.write(said)
