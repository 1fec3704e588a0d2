"""What holds for every installed request type, whoever wrote it."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest
from websockets.sync.client import connect

from gombus.config import load
from gombus.model import Answer, Call
from gombus.refusals import ERRORS
from gombus.registry import Registry, RequestType
from gombus.wire.choice import Wires
from support import WAIT_S
from twins import TwinServer

INSTALLED = Registry(load(environ={}))
KINDS = [pytest.param(kind, id=name) for name, kind in sorted(INSTALLED.types.items())]


def test_the_default_bundle_is_installed_and_nothing_fails() -> None:
    assert sorted(INSTALLED.types) == ["elements", "image", "quit"]
    assert [plugin.name for plugin in INSTALLED.plugins] == ["elements_import", "image_import", "kit", "quit"]
    assert INSTALLED.failed == ()
    assert list(INSTALLED.backends) == ["twin"]


@pytest.mark.parametrize("kind", KINDS)
def test_its_examples_are_allowed_by_its_schema(kind: RequestType) -> None:
    examples = kind.request.schema["examples"]
    assert [kind.validate(example) for example in examples] == [()] * len(examples)


@pytest.mark.parametrize("kind", KINDS)
def test_its_schema_refuses_what_it_does_not_know(kind: RequestType) -> None:
    example = {**kind.request.schema["examples"][0], "unknown_member": 1}
    assert [problem.pointer for problem in kind.validate(example)] == ["/unknown_member"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_required_parameter_is_missed_on_both_sides(kind: RequestType) -> None:
    """What the schema requires, the legacy wire asks for, in the order of the plugin."""
    request = kind.request
    assert set(request.legacy.required) == set(request.schema.get("required", ()))
    for name in request.legacy.required:
        params = {key: value for key, value in request.schema["examples"][0].items() if key != name}
        assert [problem.pointer for problem in kind.validate(params)] == [f"/{name}"]
        answer = Wires([request]).decode(json.dumps({request.name: params}))
        sentence = f"Error: Missing parameter '{name}' in '{request.name}' request."
        assert answer == Answer(sentence, "invalid_params")


@pytest.mark.parametrize("kind", KINDS)
def test_its_example_is_decoded_to_a_call_of_it(kind: RequestType) -> None:
    request = kind.request
    example = request.schema["examples"][0]
    message = request.name if request.legacy.plain else json.dumps({request.name: example})
    assert Wires([request]).decode(message) == Call(request.name, example)


@pytest.mark.parametrize("kind", KINDS)
def test_it_says_something_for_every_way_to_fail(kind: RequestType) -> None:
    """A type with files or commands has its own sentences for what can happen to them."""
    texts = kind.request.legacy.texts
    assert ("file_unreadable" in texts) == bool(kind.request.files)
    assert ("gom_refused" in texts) == bool(kind.request.commands)
    assert set(texts) <= {row.code for row in ERRORS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_twin_knows_its_commands(kind: RequestType, twin_server: Callable[..., TwinServer]) -> None:
    assert set(kind.request.commands) <= set(twin_server().twin.commands)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, 5, "x", [], [{}], {"": 1}, {"file": {"file": []}}, True, 1e300, "\ud7ff"])
def test_rubbish_gets_one_answer_and_never_reaches_inspect(
    kind: RequestType, value: Any, twin_server: Callable[..., TwinServer]
) -> None:
    server = twin_server()
    with connect(server.url, proxy=None) as connection:
        connection.send(json.dumps({kind.request.name: value}))
        connection.send("null")
        answers = [connection.recv(WAIT_S), connection.recv(WAIT_S)]
    assert str(answers[0]).startswith("Error: ") or kind.request.legacy.plain
    assert answers[1] == "Error: Unknown request:\nNone"
    assert not server.twin.calls
