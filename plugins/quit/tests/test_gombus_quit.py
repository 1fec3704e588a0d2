"""The request type `quit`: it stops the server, says who asked for it, and never touches INSPECT."""

from __future__ import annotations

import logging
from importlib import metadata
from typing import Any, Callable

import pytest

from gombus import Context, Request
from gombus.guard import Guard
from gombus.validation import compile_schema
from gombus_kit.twin import Twin
from gombus_quit import gombus_requests


def request() -> Request:
    """The one request type of this plugin."""
    (request,) = gombus_requests()
    return request


def context_with(gom: Any) -> Context:
    """What the handler gets."""
    return Context("quit", gom, "127.0.0.1:50000", logging.getLogger("tests"))


def test_it_asks_the_server_to_stop() -> None:
    context = context_with(Twin())
    assert not context.stopping
    assert request().handler({}, context) is None
    assert context.stopping


def test_it_says_in_the_log_who_asked_for_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "tests"):
        request().handler({}, context_with(Twin()))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "stop asked for by 127.0.0.1:50000 (no token)")
    ]


def test_it_calls_no_command() -> None:
    twin = Twin()
    request().handler({}, context_with(twin))
    assert list(twin.calls) == []
    assert request().commands == ()


def test_it_runs_beside_the_queue_where_there_is_no_gom_at_all() -> None:
    # So a gom command that takes minutes does not keep the answer waiting.
    assert request().at_once
    context = context_with(Guard(None, request().name, request().commands).gom())
    request().handler({}, context)
    assert context.stopping


def test_it_takes_no_parameters() -> None:
    assert compile_schema(request().schema)({}) == ()


@pytest.mark.parametrize("name", ["now", "force", "", "file"])
def test_any_parameter_is_refused_and_named(name: str) -> None:
    (problem,) = compile_schema(request().schema)({name: True})
    assert (problem.pointer, problem.keyword) == (f"/{name}", "additionalProperties")


@pytest.mark.parametrize("sent", [None, [], "quit", 1, True], ids=repr)
def test_what_is_no_object_is_refused(sent: Any) -> None:
    assert compile_schema(request().schema)(sent) != ()


def test_every_example_is_allowed() -> None:
    examples = request().schema["examples"]
    assert examples
    for example in examples:
        assert compile_schema(request().schema)(example) == ()


def test_on_the_legacy_wire_it_is_plain_text_and_is_answered_bye() -> None:
    legacy = request().legacy
    assert request().name == "quit"
    assert legacy.plain
    assert legacy.ok == "bye"


def test_the_distribution_offers_the_plugin_to_gombus() -> None:
    (point,) = metadata.distribution("gombus-quit").entry_points
    assert (point.group, point.name) == ("gombus", "quit")
    hook: Callable[[], list[Request]] = point.load().gombus_requests
    assert [request.name for request in hook()] == ["quit"]
