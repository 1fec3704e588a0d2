"""How many lines of the log one client, or many, can cause."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest

from gombus import loglimit
from gombus.loglimit import OF_ALL, OF_ONE, WINDOW_S, LimitedHandler

REFUSED = "%s: %s: %s"


class Log:
    """A handler over a clock that stands still, and what it wrote."""

    def __init__(self) -> None:
        self.now_s = 5.0
        self.stream = io.StringIO()
        self.handler = LimitedHandler(self.stream, lambda: self.now_s)

    def say(
        self, message: str, *arguments: Any, level: int = logging.WARNING, name: str = "gombus.net.session"
    ) -> None:
        """A record arrives."""
        self.handler.handle(logging.LogRecord(name, level, "x.py", 1, message, arguments, None))

    def lines(self) -> list[str]:
        """What was written since the last look."""
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return text.splitlines()


def test_what_one_client_floods_is_cut_off_and_counted_and_others_are_heard() -> None:
    log = Log()
    for number in range(OF_ONE + 1000):
        log.say(REFUSED, "client:1", "malformed", number)
    *written, announced = log.lines()
    assert written == [f"client:1: malformed: {number}" for number in range(OF_ONE)]
    assert announced == f"too many lines like this; no more for 60 s: client:1: malformed: {OF_ONE}"
    log.say(REFUSED, "client:2", "malformed", "{")
    log.say("%s: cut, because it %s", "client:1", "did not close")
    assert log.lines() == ["client:2: malformed: {", "client:1: cut, because it did not close"]
    log.now_s += WINDOW_S
    log.say(REFUSED, "client:1", "malformed", "again")
    assert log.lines() == [
        f"1000 lines like this were left out, the last one: client:1: malformed: {OF_ONE + 999}",
        "client:1: malformed: again",
    ]


def test_a_client_that_comes_back_as_another_is_cut_off_too() -> None:
    log = Log()
    for number in range(OF_ALL + 500):
        log.say(REFUSED, f"client:{number}", "malformed", "{")
    assert len(log.lines()) == OF_ALL + 1
    kept = len(log.handler._written)
    for number in range(10_000):
        log.say(REFUSED, f"other:{number}", "malformed", "{")
    assert log.lines() == []
    # Nor does it fill the memory.
    assert len(log.handler._written) == kept
    log.handler.close()
    assert log.lines() == ["10500 lines like this were left out, the last one: other:9999: malformed: {"]


def test_what_one_client_has_left_out_is_not_counted_against_others() -> None:
    log = Log()
    for _ in range(OF_ALL * 10):
        log.say(REFUSED, "client:1", "malformed", "{")
    log.lines()
    log.say(REFUSED, "client:2", "malformed", "{")
    assert log.lines() == ["client:2: malformed: {"]


@pytest.mark.parametrize(
    ("level", "name"), [(logging.DEBUG, "gombus.bus"), (logging.INFO, "gombus.request.image")], ids=["debug", "plugin"]
)
def test_what_was_asked_for_and_what_plugins_say_is_written_whole(level: int, name: str) -> None:
    log = Log()
    for number in range(OF_ALL * 2):
        log.say("step %d", number, level=level, name=name)
    assert len(log.lines()) == OF_ALL * 2


def test_lines_without_a_client_are_of_one_kind_too() -> None:
    log = Log()
    for _ in range(OF_ONE * 2):
        log.say("bug in what takes a result")
    assert len(log.lines()) == OF_ONE + 1


def test_a_traceback_is_not_repeated_by_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loglimit, "OF_ONE", 1)
    log = Log()
    for _ in range(3):
        try:
            raise ValueError("no")
        except ValueError as error:
            record = logging.LogRecord("gombus.bus", logging.ERROR, "x.py", 1, "%s: bug", ("c",), None)
            record.exc_info = (type(error), error, error.__traceback__)
            log.handler.handle(record)
    log.handler.close()
    assert "".join(log.lines()).count("Traceback") == 1


def test_a_line_that_cannot_be_put_together_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loglimit, "OF_ONE", 0)
    log = Log()
    log.say("%d", "no number")
    log.handler.close()
    assert log.lines() == []
    assert "--- Logging error ---" in capsys.readouterr().err
