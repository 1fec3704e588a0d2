"""The codec of the structured wire: JSON values to requests, and outcomes to JSON text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

import properties
from gombus import errors
from gombus.model import NO_META, Call, Meta, Outcome
from gombus.receipt import Receipt
from gombus.refusals import ERRORS
from gombus.wire.jsonrpc import (
    MAX_BATCH,
    MAX_RESULT,
    Invoke,
    JsonRpcWire,
    Reject,
    encode,
    encode_batch,
    encode_notification,
)
from rpc import message
from support import request, stop_request

WIRE = JsonRpcWire([request(), stop_request()])
HASH = "0123456789abcdef" * 4


def read(value: Any) -> Invoke | Reject:
    """What one message that is no batch holds."""
    decoded = WIRE.decode(value)
    assert not decoded.batch
    (entry,) = decoded.entries
    return entry


def call_of(value: Any) -> Call:
    entry = read(value)
    assert isinstance(entry, Invoke), entry
    return entry.call


def rejected(value: Any) -> Reject:
    entry = read(value)
    assert isinstance(entry, Reject), entry
    return entry


def test_a_request_becomes_a_call() -> None:
    assert read(message("say", {"word": "x"}, 1)) == Invoke(1, Call("say", {"word": "x"}), False)


@pytest.mark.parametrize("id", ["a", "", 0, -1, 2**53, 1.5, None])
def test_an_id_is_a_string_a_number_or_null(id: Any) -> None:
    entry = read({"jsonrpc": "2.0", "method": "say", "id": id})
    assert isinstance(entry, Invoke)
    assert (entry.id, entry.notification) == (id, False)
    assert json.loads(encode(entry.id, Outcome()))["id"] == id


@pytest.mark.parametrize("id", [True, False, [], {}, [1], {"a": 1}])
def test_any_other_id_is_refused_and_not_sent_back(id: Any) -> None:
    entry = rejected({"jsonrpc": "2.0", "method": "say", "id": id})
    assert entry.id is None
    assert not entry.notification
    assert str(entry.error) == "The member 'id' is a string, a number or null."


def test_without_an_id_it_is_a_notification() -> None:
    entry = read(message("say"))
    assert isinstance(entry, Invoke)
    assert entry.notification


@pytest.mark.parametrize("value", [5, 1.5, "x", "", None, True])
def test_what_is_no_object_is_no_request(value: Any) -> None:
    entry = rejected(value)
    assert (entry.id, entry.notification) == (None, False)
    assert str(entry.error) == "A request is a JSON object."


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("jsonrpc", "1.0", "The member 'jsonrpc' must be \"2.0\"."),
        ("jsonrpc", 2.0, "The member 'jsonrpc' must be \"2.0\"."),
        ("jsonrpc", None, "The member 'jsonrpc' must be \"2.0\"."),
        ("method", 1, "The member 'method' must be a string."),
        ("method", None, "The member 'method' must be a string."),
        ("params", "bar", "The member 'params' is an object or an array."),
        ("params", None, "The member 'params' is an object or an array."),
        ("params", True, "The member 'params' is an object or an array."),
    ],
)
@pytest.mark.parametrize("id", [{}, {"id": 7}])
def test_a_member_that_is_wrong_is_named_even_without_an_id(
    member: str, value: Any, said: str, id: dict[str, int]
) -> None:
    entry = rejected({**message("say"), **id, member: value})
    assert (entry.id, entry.notification) == (id.get("id"), False)
    assert isinstance(entry.error, errors.InvalidRequest)
    assert str(entry.error) == said


@pytest.mark.parametrize("member", ["jsonrpc", "method"])
def test_a_member_that_is_missing_is_named(member: str) -> None:
    value = message("say", None, 1)
    del value[member]
    assert f"'{member}'" in str(rejected(value).error)


def test_further_members_of_a_request_are_let_pass() -> None:
    assert call_of({**message("say", {"word": "x"}, 1), "result": 5, "session": "abc"}) == Call("say", {"word": "x"})


# Parameters by position.


def test_parameters_by_position_are_in_the_order_of_the_schema() -> None:
    named = [("word", "a"), ("file", "b"), ("files", [])]
    for count in range(4):
        value = {**message("say", None, 1), "params": [given for _, given in named[:count]]}
        assert call_of(value) == Call("say", dict(named[:count]))


def test_too_many_parameters_by_position_are_refused_and_a_notification_is_not_answered() -> None:
    value = {**message("say"), "params": [1, 2, 3, 4]}
    for id, notification in (({"id": 1}, False), ({}, True)):
        entry = rejected({**value, **id})
        assert isinstance(entry.error, errors.InvalidParams)
        assert entry.notification == notification
        assert str(entry.error) == "/: 4 parameters by position are not allowed; there are: word, file, files"


def test_parameters_by_position_of_what_is_no_request_type_are_left_to_who_knows_it() -> None:
    assert call_of({**message("foobar", None, 1), "params": ["a", "b"]}) == Call("foobar", {"0": "a", "1": "b"})


# _meta.


@pytest.mark.parametrize(
    ("sent", "meta"),
    [
        ({}, NO_META),
        ({"progressToken": "t"}, Meta(progress_token="t")),
        ({"progressToken": ""}, Meta(progress_token="")),
        ({"progressToken": "t" * 128}, Meta(progress_token="t" * 128)),
        ({"progressToken": 0}, Meta(progress_token=0)),
        ({"progressToken": -5}, Meta(progress_token=-5)),
        ({"idempotencyKey": "k"}, Meta(key="k")),
        ({"idempotencyKey": "Teil 4711/ü"}, Meta(key="Teil 4711/ü")),
        ({"idempotencyKey": "k" * 128}, Meta(key="k" * 128)),
        ({"task": True}, Meta(task=True)),
        ({"task": False}, NO_META),
        ({"plan": True}, Meta(plan=True)),
        ({"plan": False, "task": True}, Meta(task=True)),
        ({"schemaHash": HASH}, Meta(schema_hash=HASH)),
        ({"haltOnFailure": True}, Meta(halt=True)),
        (
            {"progressToken": 1, "idempotencyKey": "k", "task": True, "schemaHash": HASH, "haltOnFailure": True},
            Meta(1, "k", True, False, HASH, True),
        ),
    ],
)
def test_meta_is_taken_off_the_parameters(sent: Any, meta: Meta) -> None:
    assert call_of(message("say", {"word": "x", "_meta": sent}, 1)) == Call("say", {"word": "x"}, meta=meta)


TOKEN = "a whole number, or a string of up to 128 characters"
KEY = "a string of 1 to 128 printable characters"
FLAG = "true or false"
DIGITS = "64 hexadecimal digits in lower case"


@pytest.mark.parametrize(
    ("member", "value", "allowed"),
    [
        *(("progressToken", value, TOKEN) for value in (None, True, 1.5, "t" * 129, [], {})),
        *(
            ("idempotencyKey", value, KEY)
            for value in (None, True, 5, "", "k" * 129, "a\nb", "a\x00", "\u2028", [], {})
        ),
        *(("task", value, FLAG) for value in (None, 0, 1, "true", [], {})),
        *(("plan", value, FLAG) for value in (None, 0, 1, "true", [], {})),
        *(("haltOnFailure", value, FLAG) for value in (None, 0, 1, "true", [], {})),
        *(
            ("schemaHash", value, DIGITS)
            for value in (None, 5, "", HASH[1:], HASH + "0", HASH.upper(), HASH[1:] + "\n")
        ),
    ],
)
def test_a_member_of_meta_that_is_wrong_is_named_with_what_is_allowed(member: str, value: Any, allowed: str) -> None:
    error = rejected(message("say", {"_meta": {"task": True, member: value}}, 1)).error
    assert isinstance(error, errors.InvalidRequest)
    assert str(error) == f"_meta.{member} is not allowed; allowed: {allowed}."


@pytest.mark.parametrize("value", [None, 5, "x", [], True])
def test_meta_is_an_object(value: Any) -> None:
    assert str(rejected(message("say", {"_meta": value}, 1)).error) == "_meta is an object."


def test_a_member_of_meta_that_is_not_known_is_named_and_cut() -> None:
    error = rejected(message("say", {"_meta": {"tsk" + "x" * 500: True}}, 1)).error
    assert str(error) == (
        f"_meta.tsk{'x' * 57} is not known; allowed: "
        "progressToken, idempotencyKey, task, plan, schemaHash, haltOnFailure."
    )


@pytest.mark.parametrize("beside", [{"task": True}, {"idempotencyKey": "k"}])
def test_a_plan_is_neither_a_task_nor_has_it_a_key(beside: dict[str, Any]) -> None:
    error = rejected(message("say", None, 1, plan=True, **beside)).error
    assert str(error) == "_meta.plan runs nothing, so it goes with neither task nor idempotencyKey."


def test_a_parameter_of_a_schema_may_look_like_meta_elsewhere() -> None:
    params = {"word": {"_meta": {"task": 5}}}
    assert call_of(message("say", params, 1)) == Call("say", params)


# Batches.


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_batch_that_is_empty_or_too_long_is_refused_as_one_request(count: int) -> None:
    entry = rejected([message("say", None, 1)] * count)
    assert (entry.id, entry.notification) == (None, False)
    assert str(entry.error) == f"A batch of {count} requests is not allowed; allowed: 1 to 64."


def test_the_longest_batch_is_read_in_its_order() -> None:
    decoded = WIRE.decode([message("say", {"word": str(id)}, id) for id in range(MAX_BATCH)])
    assert decoded.batch
    assert decoded.entries == tuple(Invoke(id, Call("say", {"word": str(id)}), False) for id in range(MAX_BATCH))


def test_each_member_of_a_batch_is_judged_alone() -> None:
    decoded = WIRE.decode([message("say", None, 1), 5, message("say"), {"id": 2}, []])
    assert [type(entry) for entry in decoded.entries] == [Invoke, Reject, Invoke, Reject, Reject]
    assert [entry.notification for entry in decoded.entries] == [False, False, True, False, False]
    assert [entry.id for entry in decoded.entries] == [1, None, None, 2, None]


@pytest.mark.parametrize(
    ("first", "halts"),
    [
        (message("say", None, 1), False),
        (message("say", None, 1, haltOnFailure=False), False),
        (message("say", None, 1, haltOnFailure=True), True),
        # What is refused has failed, and must not let the rest run.
        (message("say", None, 1, haltOnFailure=True, idempotencyKey=""), True),
        ({**message("say", None, 1, haltOnFailure=True), "jsonrpc": "1.0"}, True),
        (message("say", None, 1, haltOnFailure="yes"), True),
        ({**message("say", None, 1), "params": []}, False),
        ({"params": {"_meta": 5}}, False),
        (5, False),
    ],
)
def test_the_first_member_says_whether_a_failure_halts_a_batch(first: Any, halts: bool) -> None:
    assert WIRE.decode([first, message("say", None, 2)]).halts == halts
    assert not WIRE.decode([message("say", None, 2), first]).halts
    assert not WIRE.decode(first).halts


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        ({"jsonrpc": "2.0"}, True),
        ({"jsonrpc": None}, True),
        ([{"jsonrpc": "2.0"}], True),
        ([5, {"jsonrpc": "2.0"}], True),
        ({"say": {"jsonrpc": "2.0"}}, False),
        ([], False),
        ([[{"jsonrpc": "2.0"}]], False),
        ([1, "jsonrpc"], False),
        ("jsonrpc", False),
        (None, False),
    ],
)
def test_what_is_of_this_wire_where_the_connection_does_not_say_so(value: Any, ours: bool) -> None:
    assert WIRE.speaks(value) == ours


# Answers.


def test_a_result_is_the_bare_value() -> None:
    assert encode("a", Outcome({"ü": [1, None]})) == '{"jsonrpc":"2.0","id":"a","result":{"\\u00fc": [1, null]}}'


def test_the_result_of_a_job_is_its_receipt_as_it_was_kept() -> None:
    outcome = Outcome("not this", receipt=Receipt.kept('{"job":"j"}'))
    assert encode(None, outcome) == '{"jsonrpc":"2.0","id":null,"result":{"job":"j"}}'


def test_a_result_that_no_client_takes_is_a_bug_of_its_plugin() -> None:
    with pytest.raises(ValueError, match=r"^its result has more than 8388608 characters$"):
        encode(5, Outcome("x" * MAX_RESULT))


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, b"x"])
def test_a_result_that_is_no_json_value_is_a_bug_of_its_plugin(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^its result is no JSON value$"):
        encode(1, Outcome(value))


@pytest.mark.parametrize("row", ERRORS, ids=[row.code for row in ERRORS])
def test_an_error_has_the_number_and_the_word_of_its_row(row: Any) -> None:
    answer = json.loads(encode(5, Outcome(error=errors.RecordedRefusal(row.code, "One sentence.", {}))))
    assert answer == {
        "jsonrpc": "2.0",
        "id": 5,
        "error": {"code": row.number, "message": "One sentence.", "data": {"code": row.code}},
    }


def test_an_error_of_a_job_says_which_one_and_how_far_it_came() -> None:
    receipt = {"job": "j", "started": "2026-11-24T03:16:58.123Z", "error": {"code": -32803}}
    outcome = Outcome(error=errors.GomRefused("no", "E-1", "log"), job="j", receipt=Receipt(lambda: receipt))
    assert json.loads(encode(5, outcome))["error"] == {
        "code": -32803,
        "message": "no",
        "data": {
            "code": "gom_refused",
            "error_code": "E-1",
            "description": "no",
            "log": "log",
            "job": "j",
            "receipt": {"job": "j", "started": "2026-11-24T03:16:58.123Z"},
        },
    }


def test_details_that_are_no_json_value_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(errors.Refusal):
        def details(self) -> dict[str, Any]:
            return {"what": {1, 2}}

    assert json.loads(encode(5, Outcome(error=Odd("no"))))["error"]["data"] == {"code": "refused"}
    assert "bug in the details of Odd" in caplog.text


def test_the_answers_of_a_batch_are_one_array() -> None:
    answers = [encode(id, Outcome(id)) for id in (1, 2)]
    assert json.loads(encode_batch(answers)) == [{"jsonrpc": "2.0", "id": id, "result": id} for id in (1, 2)]


def test_a_notification_has_no_id() -> None:
    text = encode_notification("notifications/progress", {"message": "Größe"})
    assert json.loads(text) == {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"message": "Größe"}}
    assert text.isascii()


@properties.SUITE
@given(properties.RPC_VALUES)
def test_nothing_that_can_be_read_raises_and_all_of_it_gets_an_entry(value: Any) -> None:
    properties.jsonrpc_wire(value)
