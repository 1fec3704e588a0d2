"""A JSON value held against a schema: what is found, where, and how it is said."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable

from gombus.errors import Problem
from gombus.validation import ALLOWED, MAX_PROBLEMS, SHOWN, compile_parameters, compile_schema, shown
from rpc import VALUES

IMAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file": {"description": "path of a file", "type": "string", "minLength": 1, "maxLength": 8},
        "mode": {"description": "how", "type": "string", "enum": ["clipboard", "new_stage"]},
        "focal_length": {"description": "a number > 0", "type": "number", "exclusiveMinimum": 0},
        "count": {"type": "integer", "maximum": 9},
        "points": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["x", "y/z"],
                "properties": {"x": {"type": "number"}, "y/z": {"type": "number"}, "~": {"type": "null"}},
                "additionalProperties": False,
            },
        },
    },
    "required": ["file", "mode"],
    "additionalProperties": False,
}
CLOSED = {"additionalProperties": False}
GOOD: dict[str, Any] = {"file": "x.jpg", "mode": "clipboard"}
check_image = compile_schema(IMAGE)


def described(properties: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [tuple(problem) for problem in check_image({**GOOD, **properties})]


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"focal_length": 2},
        {"focal_length": 2.5},
        {"count": 9},
        {"count": 9.0},
        {"points": []},
        {"points": [{"x": 1, "y/z": 2}, {"x": 1, "y/z": 2, "~": None}]},
    ],
)
def test_what_the_schema_allows_has_no_problems(properties: dict[str, Any]) -> None:
    assert check_image({**GOOD, **properties}) == ()


@pytest.mark.parametrize(
    ("properties", "problems"),
    [
        ({"file": 5}, [("/file", "type", "5 is not allowed; allowed: path of a file")]),
        ({"file": ""}, [("/file", "minLength", "'' is not allowed; allowed: path of a file")]),
        ({"file": None}, [("/file", "type", "None is not allowed; allowed: path of a file")]),
        ({"mode": "x"}, [("/mode", "enum", "'x' is not allowed; allowed: 'clipboard', 'new_stage'")]),
        ({"focal_length": -1}, [("/focal_length", "exclusiveMinimum", "-1 is not allowed; allowed: a number > 0")]),
        ({"focal_length": True}, [("/focal_length", "type", "True is not allowed; allowed: a number > 0")]),
        ({"count": 1.5}, [("/count", "type", "1.5 is not allowed; allowed: type 'integer'")]),
        ({"count": False}, [("/count", "type", "False is not allowed; allowed: type 'integer'")]),
        ({"count": 10}, [("/count", "maximum", "10 is not allowed; allowed: maximum 9")]),
        (
            {"extra": 1},
            [
                (
                    "/extra",
                    "additionalProperties",
                    "is not known; allowed: file, mode, focal_length, count, points",
                )
            ],
        ),
        (
            {"points": [{"x": 1, "y/z": 1}, {}]},
            [("/points/1/x", "required", "is missing"), ("/points/1/y~1z", "required", "is missing")],
        ),
        (
            {"points": [{"x": 1, "y/z": 1, "~": 0, "a~b": 1}]},
            [
                ("/points/0/~0", "type", "0 is not allowed; allowed: type 'null'"),
                ("/points/0/a~0b", "additionalProperties", "is not known; allowed: x, y/z, ~"),
            ],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_problem_has_its_place_its_keyword_and_what_is_allowed(
    properties: dict[str, Any], problems: list[tuple[str, str, str]]
) -> None:
    assert sorted(described(properties)) == sorted(problems)


PARAMETERS: dict[str, Any] = {
    **IMAGE,
    "properties": {**IMAGE["properties"], "text": {"$ref": "#/$defs/text"}},
    "$defs": {"text": {"type": "string", "maxLength": 4, "pattern": "^[a-z]*$"}},
}
check_parameters = compile_parameters(PARAMETERS)
check_parameters_slowly = compile_schema(PARAMETERS)
MEMBERS: dict[str, list[Any]] = {
    "file": ["x.jpg", "", 5, "x" * 9, None],
    "mode": ["clipboard", "", 0],
    "focal_length": [1, 0.5, 0, True, "1"],
    "count": [9, 9.0, 9.5, 10, []],
    "points": [[], [{"x": 1, "y/z": 1}], [{}], {}],
    "text": ["", "ab", "AB", "ab\n", "abcde"],
    "extra": [1],
}


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in MEMBERS.items()})
    | st.sampled_from([None, [], "x", 5])
)
def test_parameters_are_checked_as_their_whole_schema_says(value: Any) -> None:
    assert check_parameters(value) == check_parameters_slowly(value)


def test_parameters_that_are_allowed_have_no_problems() -> None:
    assert check_parameters({**GOOD, "text": "ab"}) == ()
    assert [problem.pointer for problem in check_parameters({**GOOD, "text": "AB"})] == ["/text"]
    assert compile_parameters({"type": "object", "properties": {}, "additionalProperties": False})({}) == ()


def test_each_missing_parameter_is_reported_once() -> None:
    assert check_image({}) == (
        Problem("/file", "required", "is missing"),
        Problem("/mode", "required", "is missing"),
    )


def test_a_value_that_is_no_object_at_all_is_refused() -> None:
    assert compile_schema({"type": "object"})([]) == (Problem("", "type", "[] is not allowed; allowed: type 'object'"),)


def test_where_nothing_is_allowed_it_is_said() -> None:
    check = compile_schema({"type": "object", "additionalProperties": False})
    assert check({"a": 1}) == (Problem("/a", "additionalProperties", "is not known; allowed: nothing"),)


def test_no_more_problems_than_a_sentence_can_hold() -> None:
    problems = described({"points": [5] * 100})
    assert len(problems) == MAX_PROBLEMS
    assert [pointer for pointer, _, _ in problems] == [f"/points/{index}" for index in range(MAX_PROBLEMS)]
    assert len(described({f"extra{index}": 1 for index in range(100)})) == MAX_PROBLEMS


def test_problems_beyond_the_first_ones_are_not_even_looked_for() -> None:
    class Watched(list):  # type: ignore[type-arg]
        read = 0

        def __iter__(self) -> Any:
            for item in super().__iter__():
                self.read += 1
                yield item

    # A message has room for thousands of them, and finding all would keep the other clients waiting.
    names = Watched(f"p{index}" for index in range(1000))
    problems = compile_schema({"type": "object", "required": names})({})
    assert [problem.pointer for problem in problems] == [f"/p{index}" for index in range(MAX_PROBLEMS)]
    assert names.read < 100


def test_what_was_sent_is_shown_cut() -> None:
    (pointer, _, message) = described({"file": "x" * 60_000})[0]
    assert pointer == "/file"
    assert message == "'" + "x" * (SHOWN - 2) + "… is not allowed; allowed: path of a file"
    (pointer, _, message) = described({"n" * 60_000: 1})[0]
    assert pointer == "/" + "n" * SHOWN
    assert len(message) < 100


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        ("a\nb", r"'a\nb'"),
        ("\x1b[2J", r"'\x1b[2J'"),
        ("x" * (SHOWN - 2), "'" + "x" * (SHOWN - 2) + "'"),
        ("x" * (SHOWN - 1), "'" + "x" * (SHOWN - 2) + "…"),
        ([0] * 1000, ("[" + "0, " * 100)[: SHOWN - 1] + "…"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_shown_value_fits_into_a_sentence(value: Any, text: str) -> None:
    assert shown(value) == text
    assert len(text) <= SHOWN


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [("^[a-z]+$", "abc", "abc\n"), (r"^\d+$", "12", "\u0661\u0662"), ("^[$]$", "$", "")],
)
def test_patterns_are_read_as_json_schema_means_them(pattern: str, good: str, bad: str) -> None:
    check = compile_schema({"type": "string", "maxLength": 8, "pattern": pattern})
    assert check(good) == ()
    assert [problem.keyword for problem in check(bad)] == ["pattern"]


def test_a_pattern_is_held_against_strings_alone() -> None:
    assert compile_schema({"type": ["string", "number"], "maxLength": 8, "pattern": "^a$"})(5) == ()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 4, "pattern": "^[a-z]*$"},
        {"pattern": "^[a-z]*$", "maxLength": 4, "type": "string"},
    ],
    ids=["length first", "pattern first"],
)
def test_a_string_that_is_too_long_is_not_held_against_the_pattern(schema: dict[str, Any]) -> None:
    # The pattern was judged quick for strings up to maxLength; on longer ones it may take for ever.
    assert [problem.keyword for problem in compile_schema(schema)("!!!!!")] == ["maxLength"]
    assert [problem.keyword for problem in compile_schema(schema)("!!!!")] == ["pattern"]
    # maxLength counts characters, as JSON Schema does.
    assert [problem.keyword for problem in compile_schema(schema)("😀😀😀😀")] == ["pattern"]


def test_references_within_the_schema_are_followed() -> None:
    check = compile_schema({"$ref": "#/$defs/point", "$defs": {"point": {"type": "array", "maxItems": 2}}})
    assert check([1, 2]) == ()
    assert [problem.keyword for problem in check([1, 2, 3])] == ["maxItems"]


def test_a_reference_to_another_computer_is_never_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/schema.json"
        with pytest.raises(Unresolvable):
            compile_schema({"$ref": url})({})
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_reference_to_a_file_is_never_read(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema"}), encoding="utf-8")
    with pytest.raises(Unresolvable):
        compile_schema({"$ref": schema.as_uri()})({})


# However it is built, a refusal is short, and what it costs does not grow with the number of schemas that fail.


class Shown(list):  # type: ignore[type-arg]  # of anything
    """A list that counts how often it is shown."""

    shown = 0

    def __repr__(self) -> str:
        Shown.shown += 1
        return "a list"


def test_a_value_that_fails_many_schemas_is_shown_once() -> None:
    Shown.shown = 0
    choices = {"anyOf": [{"anyOf": [{"type": "number"}, {"enum": [1]}, {"const": 2}, {"maxItems": 0}]}] * 16}
    (problem,) = compile_schema({"oneOf": [choices] * 16})(Shown([1]))
    assert problem.keyword == "oneOf"
    assert Shown.shown <= 2


def test_items_beyond_the_allowed_number_are_not_looked_at() -> None:
    """What a schema can cost is judged by maxItems when it is loaded."""
    check = compile_schema({"type": "array", "items": {"type": "number"}, "maxItems": 2})
    assert [problem.keyword for problem in check(["x"] * 3)] == ["maxItems"]
    assert [problem.keyword for problem in check(["x"] * 2)] == ["type"] * 2


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["x" * 1000] * 1000},
        {"description": "x" * 5000, "type": "number"},
        {"type": "object", "properties": {"x" * 100 + str(number): {} for number in range(100)}, **CLOSED},
        {"type": "object", "properties": {}, "required": [f"{number}" for number in range(1000)]},
    ],
)
def test_a_refusal_is_short_whatever_the_schema_says(schema: dict[str, Any]) -> None:
    problems = compile_schema(schema)({"a": 1})
    assert 0 < len(problems) <= MAX_PROBLEMS
    assert all(len(problem.message) < ALLOWED + 200 for problem in problems)


@pytest.mark.parametrize(
    ("allowed", "taken", "refused"),
    [
        (1, [1, 1.0], [True, "1", [1], None]),
        (True, [True], [1, 1.0, "true"]),
        (0, [0, 0.0, -0.0], [False, None, ""]),
        (None, [None], [0, False, "", []]),
        ([1, [True]], [[1, [True]], [1.0, [True]]], [[1, [1]], [1], [1, [True], 2], {}, "1"]),
        ({"a": [0]}, [{"a": [0]}], [{"a": [False]}, {"a": [0], "b": 1}, {}, [], {"b": [0]}]),
    ],
)
def test_equal_is_what_json_schema_calls_so(allowed: Any, taken: list[Any], refused: list[Any]) -> None:
    for schema in ({"const": allowed}, {"enum": ["other", allowed]}):
        check = compile_schema(schema)
        assert [value for value in taken if check(value)] == []
        assert [value for value in refused if not check(value)] == []


KEYWORDS: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": ["number", "null"]},
    {"type": ["array", "object"]},
    {"enum": [1, "a", [0], {"a": False}, None, True]},
    {"const": [1, {"a": 0}]},
    {"minItems": 1},
    {"maxItems": 1},
    {"anyOf": [{"type": "string"}, {"minItems": 2}, {"const": 0}]},
    {"oneOf": [{"type": "number"}, {"minimum": 1}, {"enum": [0, "a"]}]},
    {"properties": {"a": {"type": "integer"}}, **CLOSED},
    {"additionalProperties": {"type": "integer"}},
]


@settings(max_examples=500, deadline=None, database=None)
@given(VALUES, st.sampled_from(KEYWORDS))
def test_each_keyword_means_what_it_means_to_jsonschema(value: Any, schema: dict[str, Any]) -> None:
    assert (compile_schema(schema)(value) == ()) == Draft202012Validator(schema).is_valid(value)
