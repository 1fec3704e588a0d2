"""Which wire a message is of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

import properties
from gombus.errors import MalformedMessage
from gombus.model import Answer, Call
from gombus.strict import MAX_DEPTH, MAX_SIZE
from gombus.wire.choice import Wires
from gombus.wire.jsonrpc import Invoke, Message, Reject
from rpc import message
from support import request, stop_request

WIRES = Wires([request(), stop_request()])
MALFORMED = Answer("Error: Malformed JSON message.", "malformed")


def parse_error(decoded: Any) -> str:
    """The sentence of the parse error that it must be."""
    assert isinstance(decoded, Message)
    assert not decoded.batch
    (entry,) = decoded.entries
    assert isinstance(entry, Reject)
    assert (entry.id, entry.notification) == (None, False)
    assert isinstance(entry.error, MalformedMessage)
    return str(entry.error)


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("value", [message("say", {"word": "x"}, 1), [message("say", {"word": "x"}, 1)]])
def test_what_says_so_is_structured_on_every_connection(value: Any, structured: bool) -> None:
    for sent in (json.dumps(value), json.dumps(value).encode(), json.dumps(value) + "\n"):
        decoded = WIRES.decode(sent, structured)
        assert decoded == Message((Invoke(1, Call("say", {"word": "x"}), False),), isinstance(value, list))


LEGACY: list[tuple[str, Any]] = [
    ('{"say": {"word": "x"}}', Call("say", {"word": "x"})),
    ('{"say": {"word": "jsonrpc"}}', Call("say", {"word": "jsonrpc"})),
    ("quit", Call("quit", {})),
    ('quit {"jsonrpc": "2.0"}', Call("quit", {})),
    ("5", Answer("Error: Unknown request:\n5", "unknown_request")),
    ("[]", Answer("Error: Unknown request:\n[]", "unknown_request")),
    ("[1]", Answer("Error: Unknown request:\n[1]", "unknown_request")),
    ("{", MALFORMED),
    ("", MALFORMED),
    ('{"say": {"word": "jsonrpc"', MALFORMED),
    ('{"foo": ["jsonrpc", NaN]}', MALFORMED),
]


@pytest.mark.parametrize(("sent", "decoded"), LEGACY)
def test_all_else_is_legacy_where_nothing_was_negotiated(sent: str, decoded: Any) -> None:
    assert WIRES.decode(sent) == decoded


@pytest.mark.parametrize("sent", [sent for sent, _ in LEGACY])
def test_nothing_is_legacy_where_the_structured_wire_was_negotiated(sent: str) -> None:
    decoded = WIRES.decode(sent, structured=True)
    assert isinstance(decoded, Message)
    assert all(isinstance(entry, Reject) for entry in decoded.entries)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ('{"jsonrpc": "2.0", "method": "say", "params": "bar", "baz]', "no JSON: "),
        ('[{"jsonrpc": "2.0", "method": "say", "id": 1}, {"jsonrpc": "2.0", "method"', "no JSON: "),
        ('{"jsonrpc": "2.0", "method": "say", "id": NaN}', "NaN is no JSON number"),
        ('{"jsonrpc": "2.0", "method": "say", "id": 1e999}', "a number is too large"),
        ('{"jsonrpc": "2.0", "method": "say", "id": 9007199254740993}', "an integer beyond 2^53"),
        ('{"jsonrpc": "2.0", "method": "say", "id": 1, "id": 2}', "the member 'id' stands twice"),
        ('{"jsonrpc": "2.0", "method": "say", "id": "\\ud800"}', "half of a surrogate pair"),
        ('{"jsonrpc": "2.0", "params": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", "nested deeper than 16 levels"),
        ('{"jsonrpc": "2.0", "params": "' + "x" * MAX_SIZE + '"}', "longer than 65536 characters"),
    ],
)
@pytest.mark.parametrize("structured", [False, True])
def test_what_cannot_be_read_is_a_parse_error_for_a_client_that_writes_the_member(
    sent: str, said: str, structured: bool
) -> None:
    assert said in parse_error(WIRES.decode(sent, structured))


def test_bytes_that_are_no_text() -> None:
    assert WIRES.decode(b"\xff\xfe") == MALFORMED
    assert WIRES.decode(b'{"jsonrpc": "\xff"}') == MALFORMED
    assert parse_error(WIRES.decode(b"\xff\xfe", structured=True)) == "The message is no UTF-8 text."


@properties.SUITE
@given(properties.MESSAGES)
def test_any_message_is_decoded_to_what_its_wire_allows(sent: str | bytes) -> None:
    properties.choice(sent)
