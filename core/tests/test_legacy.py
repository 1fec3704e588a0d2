"""The codec of the legacy wire, with request types of its own. The reference's rows stand in tests/reference.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

import properties
from gombus import Legacy, errors
from gombus.model import Answer, Call, Outcome
from gombus.wire.choice import Wires
from gombus.wire.legacy import ECHO
from support import request, stop_request

SAY = request(
    legacy=Legacy(
        required=("word", "file"),
        texts={"gom_refused": "Could not say {word} from {file}."},
    )
)
LOUD = request("loud", legacy=Legacy(precedence=1))
WIRES = Wires([request("aside"), LOUD, SAY, stop_request(), stop_request("quit_all")])

GOOD = {"word": "hello", "file": "f"}


def test_a_request_becomes_a_call() -> None:
    assert WIRES.decode(json.dumps({"say": GOOD})) == Call("say", GOOD)


def test_a_trailing_newline_changes_nothing() -> None:
    assert WIRES.decode(json.dumps({"say": GOOD}) + "\n") == Call("say", GOOD)


def test_bytes_are_read_as_text() -> None:
    assert WIRES.decode(json.dumps({"say": {**GOOD, "word": "Größe"}}, ensure_ascii=False).encode()) == Call(
        "say", {**GOOD, "word": "Größe"}
    )


@pytest.mark.parametrize(
    "message", ["", "{", "\ufeff{}", "nul", b"\xff\xfe", '{"a": 1, "a": 2}', "[" * 100_000, "[NaN]"]
)
def test_what_is_no_strict_json_is_malformed(message: str | bytes) -> None:
    assert WIRES.decode(message) == Answer("Error: Malformed JSON message.", "malformed")


@pytest.mark.parametrize(
    ("message", "name"),
    [("quit", "quit"), ("quit\n", "quit"), ("quitting", "quit"), ("quit_all", "quit_all"), ("quit_allow", "quit_all")],
)
def test_plain_text_means_the_longest_name_that_it_starts_with(message: str, name: str) -> None:
    assert WIRES.decode(message) == Call(name, {})


@pytest.mark.parametrize("message", ["say", "qui", "Quit", " quit", "true", "null"])
def test_other_plain_text_is_read_as_json(message: str) -> None:
    assert isinstance(WIRES.decode(message), Answer)


def test_a_plain_request_in_json_is_answered_and_not_run() -> None:
    assert WIRES.decode('{"quit": 1}') == Answer("bye")


@pytest.mark.parametrize("value", [5, "x", None, True, 1.5, [], {"foo": 1}, {}])
def test_an_unknown_request_is_echoed_as_python_writes_it(value: Any) -> None:
    assert WIRES.decode(json.dumps(value)) == Answer(f"Error: Unknown request:\n{value!r}", "unknown_request")


def test_the_echo_is_cut() -> None:
    answer = WIRES.decode(json.dumps(["x" * 1000]))
    assert answer == Answer("Error: Unknown request:\n['" + "x" * (ECHO - 2), "unknown_request")


@pytest.mark.parametrize(
    ("params", "missing"),
    [({}, "word"), ({"file": "f"}, "word"), ({"word": "w"}, "file"), ([], "word"), ("file", "word"), (None, "word")],
)
def test_missing_parameters_are_named_in_their_order(params: Any, missing: str) -> None:
    answer = WIRES.decode(json.dumps({"say": params}))
    assert answer == Answer(f"Error: Missing parameter '{missing}' in 'say' request.", "invalid_params")


def test_parameters_must_be_an_object_where_none_is_required() -> None:
    answer = Answer("Error: Invalid parameters of 'loud' request: an object is allowed.", "invalid_params")
    assert WIRES.decode('{"loud": 5}') == answer


@pytest.mark.parametrize("order", [("loud", "say", "aside"), ("aside", "say", "loud")])
def test_of_several_request_types_the_one_with_precedence_wins(order: tuple[str, ...]) -> None:
    call = WIRES.decode(json.dumps(dict.fromkeys(order, GOOD)))
    assert isinstance(call, Call)
    assert call.name == "loud"
    assert sorted(call.ignored) == ["/aside", "/say"]


def test_without_precedence_the_first_name_wins() -> None:
    call = WIRES.decode(json.dumps({"say": GOOD, "aside": {}}))
    assert isinstance(call, Call)
    assert call.name == "aside"


def test_extra_members_are_left_out_and_named() -> None:
    message = {"say": {**GOOD, "extra": 1, "a/b": 2}, "c~d": 3}
    assert WIRES.decode(json.dumps(message)) == Call("say", GOOD, ("/c~0d", "/say/extra", "/say/a~1b"))


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9007199254740993"])
def test_a_number_that_is_none_is_named_with_its_parameter(number: str) -> None:
    answer = WIRES.decode(f'{{"say": {{"word": {number}, "file": "f"}}}}')
    assert isinstance(answer, Answer)
    assert answer.text.startswith("Error: Invalid parameter 'word' in 'say' request: ")


@pytest.mark.parametrize("message", ['{"say": NaN}', '{"foo": {"word": NaN}}', '{"say": {"word": NaN'])
def test_a_number_that_is_none_elsewhere_is_malformed(message: str) -> None:
    assert WIRES.decode(message) == Answer("Error: Malformed JSON message.", "malformed")


CALL = Call("say", {"word": "{file}", "file": "C:/x"})


def test_what_was_carried_out_is_answered_with_the_word_for_it() -> None:
    assert WIRES.legacy.encode(CALL, Outcome("ignored")) == "O.k."
    assert WIRES.legacy.encode(Call("quit", {}), Outcome(stop=True)) == "bye"


def test_a_failure_has_the_request_type_s_own_sentence_with_what_was_sent() -> None:
    outcome = Outcome(error=errors.GomRefused("no"))
    assert WIRES.legacy.encode(CALL, outcome) == "Error: Could not say {file} from C:/x."


def test_a_failure_without_a_sentence_is_one_line() -> None:
    assert WIRES.legacy.encode(CALL, Outcome(error=errors.FileUnreadable("a\nb"))) == "Error: a b"


def test_of_several_invalid_parameters_the_first_required_one_is_named() -> None:
    problems = tuple(
        errors.Problem(pointer, "type", f"wrong {pointer}") for pointer in ("/other", "/file/3/name", "/word")
    )
    assert (
        WIRES.legacy.encode(CALL, Outcome(error=errors.InvalidParams(problems)))
        == "Error: Invalid parameter 'word' in 'say' request: wrong /word"
    )
    assert (
        WIRES.legacy.encode(CALL, Outcome(error=errors.PathRefused(problems[:2])))
        == "Error: Invalid parameter 'file' in 'say' request: wrong /file/3/name (at /3/name)"
    )


@properties.SUITE
@given(properties.LEGACY_VALUES)
def test_nothing_that_can_be_read_raises_and_every_outcome_has_its_words(value: Any) -> None:
    properties.legacy_wire(value)
