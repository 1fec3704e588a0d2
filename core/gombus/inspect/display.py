"""What a person at INSPECT sees while gombus serves inside it: a dialog, a progress bar, and lines in INSPECT's log.

gom may be used on the owner thread alone, between jobs. Other threads leave here what is to be shown, and ask for it.
"""

from __future__ import annotations

import html
import importlib
import io
import logging
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any, Callable

from ..executor import Executor
from ..log import TextFormatter
from ..loglimit import LimitedHandler
from ..watch import Watch

log = logging.getLogger(__name__)

AUTO = "auto"
OFF = "off"
MAX_LINES = 100
"""How many log lines wait for the owner thread; what comes then is counted."""
_TEXT = (
    "gombus serves on {url}\n\nTo stop it: send quit, or press Esc in the main window of ZEISS INSPECT. "
    "Closing this window does not stop it."
)


class Errands:
    """The way to the owner thread, for what belongs to no request.

    :param network: the network thread.
    :param call: has something done on that thread; may be called on any.
    :param stopping: whether nothing more is admitted.
    :param stop: stops the server.
    :param watch: reports what does not return.
    """

    def __init__(
        self,
        network: threading.Thread,
        executor: Executor[Any],
        call: Callable[[Callable[[], None]], None],
        stopping: Callable[[], bool],
        stop: Callable[[], None],
        watch: Watch,
    ) -> None:
        self._network = network
        self._executor = executor
        self._call = call
        self._stopping = stopping
        self._stop = stop
        self._watch = watch
        self._told = False

    def run(self, work: Callable[[], bool]) -> None:
        """Have work done between jobs. It says whether the user pressed Esc meanwhile, and must not raise."""
        if threading.current_thread() is not self._network:
            self._call(partial(self.run, work))
        # At once, so that it comes before the next job. What is submitted after a stop would be waited for in vain.
        elif not self._stopping():
            self._executor.submit(partial(self._watched, work), self._done)
            self._watch.begun()

    def _watched(self, work: Callable[[], bool]) -> bool:
        self._watch.showing()
        return work()

    def _done(self, esc: Any) -> None:
        # Anything else stands for work that was not begun. It may come twice, because the warning is shown, too.
        if esc is True and not self._told:
            self._told = True
            log.warning("the user pressed Esc in INSPECT; gombus stops")
            self._stop()


class Display:
    """Shows what goes on. Nothing that fails here reaches a job, or the one who asks.

    `update` and `close` belong to the owner thread, `serving` and `progress` to any one thread each.

    :param gom: the client's module.
    :param dialog: `auto`, `off`, or the dialog's own text, where `{url}` stands for the address.
    :param errands: lead to a call of `update` on the owner thread, soon.
    """

    def __init__(self, gom: Any, dialog: str, errands: Errands) -> None:
        self._gom = gom
        self._text = _TEXT if dialog == AUTO else "" if dialog == OFF else dialog
        self._errands = errands
        self._asked = False
        self._url = ""
        self._dialog: Any = None
        self._counted = self._shown = (0, 0)
        self._bar: Any = None
        self._bar_fails = False
        self._broken = False
        self._lines: deque[logging.LogRecord] = deque()
        self._left_out = 0
        self._handler = _Handler(self._take)
        logging.getLogger().addHandler(self._handler)

    def serving(self, url: str) -> None:
        """The server listens there."""
        self._url = url
        # In any case: an earlier call was lost where the network thread did not run yet.
        self._asked = True
        self._errands.run(self.update)

    def progress(self, done: int, total: int) -> None:
        """So many requests of batches are answered; both are 0 where there is none."""
        self._counted = (done, total)
        self._wake()

    def update(self) -> bool:
        """Show what has come together.

        :returns: whether the user pressed Esc meanwhile. INSPECT says so once, to whichever call comes first.
        """
        # Lowered first: what comes after this asks anew.
        self._asked = False
        if self._url and self._text:
            url, self._url = self._url, ""
            self._try(lambda: self._open(url))
        if self._counted != self._shown and not self._bar_fails:
            self._bar_fails = not self._try(self._move)
            if self._bar_fails:
                # One that stands still would tell of requests that are long done.
                self._try(self._remove_bar)
        self._write()
        return self._broken

    def close(self) -> None:
        """Write what waits, and take dialog and progress bar away. Nothing is shown after that."""
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        self._write()
        self._try(self._remove_bar)
        if self._dialog is not None:
            self._try(lambda: self._gom.script.sys.close_user_defined_dialog(dialog=self._dialog))

    def _try(self, action: Callable[[], Any]) -> bool:
        try:
            action()
        except self._gom.BreakError:
            self._broken = True
        except Exception as error:
            log.debug("INSPECT does not show it: %s: %s", type(error).__name__, error)
            return False
        return True

    # The dialog.

    def _open(self, url: str) -> None:
        # Opened, not shown: a dialog that is shown keeps this thread until somebody closes it.
        system = self._gom.script.sys
        self._dialog = system.create_user_defined_dialog(dialog=_dialog(self._text.replace("{url}", url)))
        system.open_user_defined_dialog(dialog=self._dialog)

    # The progress bar.

    def _move(self) -> None:
        self._shown = done, total = self._counted
        if not total:
            self._remove_bar()
            return
        if self._bar is None:
            self._bar = importlib.import_module("gom.api.progress").ProgressBar()
            self._bar.set_message(_message(done, total))
            self._bar.__enter__()
        # Both go out with each of them, because the client sends its message again with every number.
        self._bar.set_message(_message(done, total))
        self._bar.set_progress(100 * done // total)

    def _remove_bar(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.__exit__(None, None, None)

    # The log.

    def _take(self, record: logging.LogRecord) -> None:
        # On any thread, one at a time: the handler's lock is held.
        if len(self._lines) >= MAX_LINES:
            self._left_out += 1
        else:
            self._lines.append(record)
        self._wake()

    def _write(self) -> None:
        for _ in range(len(self._lines)):
            line = self._lines.popleft()
            self._try(lambda line=line: self._write_line(line))  # type: ignore[misc]
        left_out, self._left_out = self._left_out, 0
        if left_out:
            self._try(lambda: self._write_line(_line(logging.WARNING, f"{left_out} lines more were left out")))

    def _write_line(self, record: logging.LogRecord) -> None:
        # To the handlers alone, because gom's logger hands on to the root logger, from where the line came.
        for handler in self._gom.log.handlers:
            # The client's prints its errors, Esc among them, and lets nobody else know.
            handler.handleError = _raise
            try:
                handler.handle(record)
            finally:
                with suppress(AttributeError):
                    del handler.handleError

    def _wake(self) -> None:
        # One piece of work is enough for all that is shown before it runs.
        if not self._asked:
            self._asked = True
            self._errands.run(self.update)


class _Handler(LimitedHandler):
    """Takes warnings and errors, no more of a kind in a minute than standard error gets."""

    def __init__(self, take: Callable[[logging.LogRecord], None]) -> None:
        # Set before anything, because the base class closes what it could not make.
        self._take_line = take
        # Nothing is written there.
        super().__init__(io.StringIO())
        self.setLevel(logging.WARNING)
        self.setFormatter(_Formatter())

    def write(self, record: logging.LogRecord) -> None:
        """Hand on one line."""
        try:
            line = _line(record.levelno, self.format(record))
        except Exception:
            self.handleError(record)
            return
        self._take_line(line)


class _Formatter(TextFormatter):
    """The line without time and level, which gom's own handler puts before it."""

    def head(self, record: logging.LogRecord) -> str:
        """What stands before the message."""
        return record.name


def _line(level: int, text: str) -> logging.LogRecord:
    # Without arguments, so that no percent sign of a client's is one.
    return logging.LogRecord("gombus", level, "", 0, text, None, None)


def _raise(record: logging.LogRecord) -> None:
    raise  # what the handler has just caught


def _message(done: int, total: int) -> str:
    return f"gombus: {done} of {total} requests"


def _dialog(text: str) -> dict[str, Any]:
    """The dialog's definition, as INSPECT's dialog editor writes it."""
    content = "".join(f"<p>{html.escape(line) or '<br/>'}</p>" for line in text.splitlines())
    return {
        "content": [
            [
                {
                    "columns": 1,
                    "default_font_family": "",
                    "default_font_size": 0,
                    "name": "text",
                    "rows": 1,
                    "text": _words(f"<html>{content}</html>"),
                    "tooltip": _words(""),
                    "type": "display::text",
                    "wordwrap": True,
                }
            ]
        ],
        "control": {"id": "Close"},
        "embedding": "always_toplevel",
        "position": "automatic",
        "size": {"height": 180, "width": 420},
        "sizemode": "automatic",
        "style": "",
        "title": _words("gombus"),
    }


def _words(text: str) -> dict[str, Any]:
    return {"id": "", "text": text, "translatable": False}
