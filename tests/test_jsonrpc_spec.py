"""The examples of the JSON-RPC 2.0 specification, section 7 (https://www.jsonrpc.org/specification), as it has them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from gombus import Request
from rpc import message, rpc
from support import WAIT_S, request, serving


class Example(NamedTuple):
    """What is sent, and what is answered; of an error only its number, because its words are ours."""

    title: str
    sent: str
    answer: Any
    """None where there is no answer."""
    recognisable: bool = True
    """Whether the message says of itself that it is JSON-RPC."""


def result(id: Any, value: Any) -> dict[str, Any]:
    """The answer to a request that succeeded."""
    return {"jsonrpc": "2.0", "result": value, "id": id}


def error(id: Any, code: int) -> dict[str, Any]:
    """The answer to one that did not."""
    return {"jsonrpc": "2.0", "error": {"code": code}, "id": id}


EXAMPLES = [
    Example(
        "positional parameters",
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        result(1, 19),
    ),
    Example(
        "positional parameters the other way round",
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        result(2, -19),
    ),
    Example(
        "named parameters",
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        result(3, 19),
    ),
    Example(
        "named parameters the other way round",
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        result(4, 19),
    ),
    Example("a notification", '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', None),
    Example("a notification of a method that there is not", '{"jsonrpc": "2.0", "method": "foobar"}', None),
    Example(
        "a method that there is not",
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        error("1", -32601),
    ),
    Example("invalid JSON", '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', error(None, -32700)),
    Example(
        "an invalid request object",
        '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
        error(None, -32600),
    ),
    Example(
        "a batch of invalid JSON",
        """[
  {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
  {"jsonrpc": "2.0", "method"
]""",
        error(None, -32700),
    ),
    Example("an empty array", "[]", error(None, -32600), recognisable=False),
    Example("an invalid batch that is not empty", "[1]", [error(None, -32600)], recognisable=False),
    Example("an invalid batch", "[1,2,3]", [error(None, -32600)] * 3, recognisable=False),
    Example(
        "a batch",
        """[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]""",
        [
            result("1", 7),
            result("2", 19),
            error(None, -32600),
            error("5", -32601),
            result("9", ["hello", 5]),
        ],
    ),
    Example(
        "a batch of notifications",
        """[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]""",
        None,
    ),
]


def types(notified: list[Any]) -> list[Request]:
    """The methods of the examples. They answer at once, so their results are bare values.

    :param notified: gets what the methods are told that only take notifications.
    """

    def method(name: str, answer: Any, *names: str) -> Request:
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": name,
            "description": "A method of the specification's examples.",
            "type": "object",
            "properties": {name: {"description": "a number", "type": "integer"} for name in names},
            "additionalProperties": False,
        }
        return request(name, lambda params, _: answer(params), schema=schema, at_once=True)

    return [
        method("subtract", lambda params: params["minuend"] - params["subtrahend"], "minuend", "subtrahend"),
        method("sum", lambda params: sum(params.values()), "a", "b", "c"),
        method("update", lambda params: notified.append(list(params.values())), "a", "b", "c", "d", "e"),
        method("notify_hello", lambda params: notified.append(list(params.values())), "number"),
        method("notify_sum", lambda params: notified.append(list(params.values())), "a", "b", "c"),
        method("get_data", lambda _: ["hello", 5]),
    ]


def without_words(answer: Any) -> Any:
    """An answer whose errors have only their number; each must have a sentence."""
    if isinstance(answer, list):
        return [without_words(member) for member in answer]
    if "error" in answer:
        assert set(answer["error"]) == {"code", "message", "data"}
        assert answer["error"]["message"]
        answer["error"] = {"code": answer["error"]["code"]}
    return answer


def answered(sent: str, structured: bool, notified: list[Any]) -> Any:
    """What is answered to one message; None where nothing is."""
    with serving(*types(notified)) as server, rpc(server, structured) as client:
        client.connection.send(sent)
        # Where there is no answer, this one's comes first.
        client.put(message("get_data", None, "the end"))
        first = client.read()
        if first == result("the end", ["hello", 5]):
            return None
        assert client.read() == result("the end", ["hello", 5])
        return without_words(first)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.title for example in EXAMPLES])
def test_over_the_subprotocol(example: Example) -> None:
    assert answered(example.sent, True, []) == example.answer


@pytest.mark.parametrize(
    "example", [pytest.param(example, id=example.title) for example in EXAMPLES if example.recognisable]
)
def test_over_a_connection_that_says_nothing(example: Example) -> None:
    assert answered(example.sent, False, []) == example.answer


@pytest.mark.parametrize("example", [example for example in EXAMPLES if not example.recognisable])
def test_what_does_not_say_that_it_is_json_rpc_is_answered_in_plain_words(example: Example) -> None:
    with serving(*types([])) as server, rpc(server, structured=False) as client:
        client.connection.send(example.sent)
        assert client.connection.recv(WAIT_S) == f"Error: Unknown request:\n{json.loads(example.sent)}"


def test_notifications_are_carried_out() -> None:
    notified: list[Any] = []
    for example in EXAMPLES:
        answered(example.sent, True, notified)
    assert notified == [[1, 2, 3, 4, 5], [7], [1, 2, 4], [7]]
