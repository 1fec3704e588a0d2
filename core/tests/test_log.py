"""Log lines: for people, for machines, and safe whatever a client sent."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gombus.config import load
from gombus.log import JsonFormatter, TextFormatter, configure


@pytest.fixture(autouse=True)
def _logging_put_back() -> Iterator[None]:
    root, websockets = logging.getLogger(), logging.getLogger("websockets")
    handlers, level, websockets_level = root.handlers[:], root.level, websockets.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    websockets.setLevel(websockets_level)


def _record(message: str, *arguments: Any, **members: Any) -> logging.LogRecord:
    record = logging.LogRecord("gombus.bus", logging.WARNING, "bus.py", 1, message, arguments, None)
    record.created, record.msecs = 1.0, 7.0
    vars(record).update(members)
    return record


def _raised(error: BaseException) -> Any:
    try:
        raise error
    except type(error):
        return sys.exc_info()


HEAD = "1970-01-01T00:00:01.007Z WARNING gombus.bus: "


def test_a_text_line_has_time_level_logger_and_message() -> None:
    assert TextFormatter().format(_record("refused %s", "x")) == HEAD + "refused x"


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("a\nb", r"a\nb"),
        ("a\r\nb", r"a\r\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\0\x07\x08", r"\x00\x07\x08"),
        ("\x7f\x85\x9f", r"\x7f\x85\x9f"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("a\tb", r"a\tb"),
        ("Größe 😀", "Größe 😀"),
        # What looks like the beginning of a traceback may be a client's.
        ("a\nTraceback\n1970-01-01T00:00:01.007Z info gombus: b", None),
        ("\nTraceback (most recent call last):\n  File", None),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_a_client_sent_stays_on_its_line(sent: str, written: str | None) -> None:
    line = TextFormatter().format(_record("%s", sent))
    assert line == HEAD + (sent.replace("\n", r"\n") if written is None else written)
    assert len(line.splitlines()) == 1


def test_a_traceback_follows_on_lines_of_its_own() -> None:
    text = TextFormatter().format(_record("bug in\n%s", "x", exc_info=_raised(ValueError("no \x1b[31m"))))
    first, second, *_, last = text.split("\n")
    assert first == HEAD + r"bug in\nx"
    assert second == "  Traceback (most recent call last):"
    assert last == r"  ValueError: no \x1b[31m"


def test_a_message_cannot_pretend_to_be_the_traceback_that_follows_it() -> None:
    text = TextFormatter().format(_record("%s", "a\nTraceback\nforged", exc_info=_raised(ValueError("no"))))
    assert text.split("\n")[0] == HEAD + r"a\nTraceback\nforged"
    assert text.endswith("\n  ValueError: no")


def test_an_exception_s_text_cannot_pretend_to_be_lines_of_the_log() -> None:
    text = TextFormatter().format(_record("bug", exc_info=_raised(ValueError("no\n2026 INFO gombus: forged"))))
    assert [line for line in text.split("\n")[1:] if not line.startswith("  ")] == []


@pytest.mark.parametrize(
    "sent", ["plain", "a\nb", "\nTraceback\nforged", "\x1b[31m\u2028", 'a "quoted" \\', "Größe 😀"]
)
def test_a_json_line_is_one_line_and_keeps_the_message(sent: str) -> None:
    line = JsonFormatter().format(_record("%s", sent))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.007Z",
        "level": "warning",
        "logger": "gombus.bus",
        "message": sent,
    }


def test_a_json_line_carries_the_traceback() -> None:
    line = JsonFormatter().format(_record("bug", exc_info=_raised(ValueError("no\nsuch"))))
    assert line.isprintable()
    read = json.loads(line)
    assert read["message"] == "bug"
    assert read["traceback"].startswith("Traceback (most recent call last):\n")
    assert read["traceback"].endswith("ValueError: no\nsuch")


def _lines(capsys: pytest.CaptureFixture[str], **options: Any) -> list[str]:
    """What is written at each level with these settings."""
    configure(load(options, environ={}))
    log = logging.getLogger("gombus.some")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.log(level, "line %s", level)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_of_the_settings_holds(level: str, lines: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(_lines(capsys, log_level=level)) == lines


def test_the_log_goes_to_standard_error_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert _lines(capsys)[0].endswith(" INFO gombus.some: line 20")


def test_the_log_goes_to_standard_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert [json.loads(line)["message"] for line in _lines(capsys, log_format="json")] == [
        "line 20",
        "line 30",
        "line 40",
    ]


def test_configuring_again_replaces_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    _lines(capsys, log_format="json")
    assert len(_lines(capsys)) == 3
    assert len(logging.getLogger().handlers) == 1


@pytest.mark.parametrize(("level", "written"), [("info", False), ("debug", True)])
def test_the_noise_of_the_network_is_written_at_level_debug_only(
    level: str, written: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(load({"log_level": level}, environ={}))
    logging.getLogger("websockets.server").error("opening handshake failed")
    assert ("opening handshake failed" in capsys.readouterr().err) is written
