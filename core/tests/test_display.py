"""With the real client and the wire twin: tests/test_inside.py. Here is what needs no INSPECT."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from gombus.inspect.display import MAX_LINES, Display, Errands
from gombus.redaction import hide

log = logging.getLogger("gombus.request.test")


class BreakError(Exception):
    """As gom's."""


class Lines(logging.Handler):
    """As gom's handler: what it cannot send is printed."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []
        self.fails: Exception | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.fails:
                raise self.fails
            self.lines.append((record.levelname, record.getMessage()))
        except Exception:
            self.handleError(record)


class Gom:
    """As much of gom as is used for log lines."""

    BreakError = BreakError

    def __init__(self) -> None:
        self.handler = Lines()
        self.log = SimpleNamespace(handlers=[self.handler])


class Asked(Errands):
    """Keeps what is asked of the owner thread."""

    def __init__(self) -> None:
        self.work: list[Callable[[], bool]] = []

    def run(self, work: Callable[[], bool]) -> None:
        self.work.append(work)


@contextmanager
def display(gom: Any) -> Iterator[tuple[Display, list[Callable[[], bool]]]]:
    """A display, and what it asks of the owner thread."""
    errands = Asked()
    asked = errands.work
    shown = Display(gom, "off", errands)
    try:
        yield shown, asked
    finally:
        shown.close()


def test_a_line_waits_until_the_owner_thread_comes() -> None:
    gom = Gom()
    with display(gom) as (shown, asked):
        log.warning("100%% of %s", "it")
        log.error("and more")
        log.info("not this")
        assert (gom.handler.lines, len(asked)) == ([], 1)
        assert shown.update() is False
        log.warning("later")
        assert len(asked) == 2
    assert gom.handler.lines == [
        ("WARNING", "gombus.request.test: 100% of it"),
        ("ERROR", "gombus.request.test: and more"),
        ("WARNING", "gombus.request.test: later"),
    ]


def test_an_errand_goes_to_the_network_thread_first_and_nowhere_after_a_stop() -> None:
    submitted: list[Any] = []
    called: list[Callable[[], None]] = []
    stopped: list[bool] = []
    stopping = [False]
    executor: Any = SimpleNamespace(submit=lambda work, done: submitted.append((work, done)))
    other = threading.Thread()
    watched: list[str] = []
    watch: Any = SimpleNamespace(begun=lambda: watched.append("begun"), showing=lambda: watched.append("showing"))
    rest: Any = (executor, called.append, lambda: stopping[0], lambda: stopped.append(True), watch)
    away = Errands(other, *rest)
    away.run(lambda: True)
    assert (len(called), submitted) == (1, [])
    here = Errands(threading.current_thread(), *rest)
    here.run(lambda: True)
    ((work, done),) = submitted
    for result in (False, object()):
        done(result)
    assert stopped == []
    for result in (work(), True):
        done(result)
    assert stopped == [True]
    assert watched == ["begun", "showing"]
    stopping[0] = True
    here.run(lambda: True)
    assert len(submitted) == 1


def test_after_the_end_nothing_is_taken() -> None:
    gom = Gom()
    with display(gom):
        pass
    log.warning("late")
    assert gom.handler.lines == []


def test_a_client_s_line_is_one_line_and_tells_no_secret() -> None:
    gom = Gom()
    hide("s3cret-of-inspect")
    with display(gom):
        log.warning("%s", "a\nb\x1b[2J s3cret-of-inspect")
    assert gom.handler.lines == [("WARNING", "gombus.request.test: a\\nb\\x1b[2J …")]


def test_lines_that_nobody_can_write_do_not_fill_the_memory() -> None:
    gom = Gom()
    with display(gom) as (shown, _):
        for number in range(MAX_LINES + 7):
            log.warning("line %d", number)
        shown.update()
    assert len(gom.handler.lines) == MAX_LINES + 1
    assert gom.handler.lines[-1] == ("WARNING", "7 lines more were left out")


def test_lines_of_one_kind_are_limited() -> None:
    gom = Gom()
    with display(gom):
        for _ in range(MAX_LINES):
            logging.getLogger("gombus.bus").warning("%s: refused", "client")
    assert len(gom.handler.lines) == 30 + 1 + 1
    assert gom.handler.lines[-1][1].startswith("gombus.bus: 70 lines like this were left out")


@pytest.mark.parametrize("fails", [RuntimeError("no"), ConnectionError("gone")])
def test_a_line_that_cannot_be_written_is_dropped(fails: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    gom = Gom()
    gom.handler.fails = fails
    with display(gom) as (shown, _):
        log.warning("lost")
        assert shown.update() is False
        gom.handler.fails = None
        log.warning("kept")
        shown.update()
        # Whoever else uses gom's logger meets its own handler again.
        assert "handleError" not in vars(gom.handler)
    assert gom.handler.lines == [("WARNING", "gombus.request.test: kept")]
    assert capsys.readouterr().err == ""


def test_a_line_that_cannot_be_put_together_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    gom = Gom()
    with display(gom):
        (handler,) = (it for it in logging.getLogger().handlers if type(it).__module__ == Display.__module__)
        # Past pytest's own handler, which raises.
        handler.handle(logging.LogRecord("gombus", logging.WARNING, "", 0, "%d", ("no number",), None))
    assert gom.handler.lines == []
    assert "--- Logging error ---" in capsys.readouterr().err


def test_esc_is_told() -> None:
    gom = Gom()
    gom.handler.fails = BreakError()
    with display(gom) as (shown, _):
        log.warning("any")
        assert shown.update() is True


class Bar:
    """As gom's progress bar, in an INSPECT that refuses one call."""

    def __init__(self, refuses: str) -> None:
        self.refuses = refuses
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.refuses:
            raise RuntimeError("no")

    def set_message(self, text: str) -> None:
        if "enter" in self.calls:
            self._call("message")

    def set_progress(self, percent: int) -> None:
        self._call("progress")

    def __enter__(self) -> Bar:
        self._call("enter")
        return self

    def __exit__(self, *error: object) -> None:
        self._call("exit")


@pytest.mark.parametrize("refuses", ["enter", "message", "progress"])
def test_a_progress_bar_that_inspect_does_not_move_is_taken_away(monkeypatch: pytest.MonkeyPatch, refuses: str) -> None:
    bar = Bar(refuses)
    monkeypatch.setitem(sys.modules, "gom.api.progress", SimpleNamespace(ProgressBar=lambda: bar))
    with display(Gom()) as (shown, _):
        shown.progress(1, 3)
        assert shown.update() is False
        assert bar.calls[-1] == "exit"
        shown.progress(2, 3)
        shown.update()
    assert bar.calls.count("exit") == 1
