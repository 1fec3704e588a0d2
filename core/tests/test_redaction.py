"""Secrets are taken out of log lines and errors."""

from __future__ import annotations

import json
import logging

import pytest

from gombus import redaction
from gombus.errors import GomRefused, Refusal
from gombus.guard import gom_refused
from gombus.log import JsonFormatter, TextFormatter
from gombus.model import Call, Outcome
from gombus.redaction import hide, redacted
from gombus.refusals import error_object
from gombus.wire.legacy import LegacyWire
from support import RequestError, request

KEY = "4cc3ss-k3y"


@pytest.fixture(autouse=True)
def _nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_hidden", [])


def test_nothing_is_taken_out_before_it_is_a_secret() -> None:
    assert redacted(f"the key {KEY}") == f"the key {KEY}"
    hide("")
    assert redacted("abc") == "abc"


def test_each_secret_is_taken_out_wherever_it_stands() -> None:
    hide("secret")
    hide("secret-and-more")
    hide("other")
    hide("other")
    assert redacted("secret, secret-and-more; othersecret") == "…, …; ……"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_log_lines_and_tracebacks_have_none(formatter: logging.Formatter) -> None:
    hide(KEY)
    record = logging.LogRecord("gombus", logging.ERROR, "", 0, "no %s", (KEY,), None)
    try:
        raise RuntimeError(f"Handshake failed for /?apikey={KEY}")
    except RuntimeError as error:
        record.exc_info = (RuntimeError, error, error.__traceback__)
    line = formatter.format(record)
    assert KEY not in line
    assert "Handshake failed for /?apikey=" in line


def test_what_clients_are_told_of_an_error_has_none() -> None:
    hide(KEY)
    refused = gom_refused(RequestError(f"no {KEY}", f"E-{KEY}", f"log {KEY}"))
    assert (refused.description, refused.error_code, refused.error_log) == ("no …", "E-…", "log …")
    for error in (Refusal(f"I quote {KEY}"), GomRefused("no", "E-1", f"log {KEY}")):
        assert KEY not in json.dumps(error_object(error), ensure_ascii=False)
        said = LegacyWire([request()]).encode(Call("say", {}), Outcome(error=error))
        assert said.startswith("Error: ")
        assert KEY not in said
