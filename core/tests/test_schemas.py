"""What a plugin's schema may say. The files in `schemas/bad` carry the expected refusal in their ``$comment``."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from gombus.config import Settings
from gombus.errors import PluginError
from gombus.registry import Registry
from gombus.schemas import MAX_CHARACTERS, MAX_VALUES, check_result, check_schema
from gombus.validation import compile_schema
from support import plugin, request

FOLDER = Path(__file__).parent / "schemas"
GOOD = sorted((FOLDER / "good").glob("*.json"))
BAD = sorted((FOLDER / "bad").glob("*.json"))
BASE: dict[str, Any] = json.loads((FOLDER / "good" / "smallest.json").read_text(encoding="utf-8"))


def _with_value(schema: Any, **definitions: Any) -> dict[str, Any]:
    return {**BASE, "properties": {"value": {"description": "the value", **schema}}, "$defs": definitions}


def test_there_are_files_of_both_kinds() -> None:
    assert len(GOOD) > 10
    assert len(BAD) > 90


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_a_good_schema_is_taken_and_can_be_used(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    check_schema(schema)
    # A value that no schema here allows: all of the schema is run.
    assert compile_schema(schema)({"value": {"no": "such"}})


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_schema_is_refused_with_its_place_and_reason(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    with pytest.raises(PluginError) as caught:
        check_schema(schema)
    # A JSON Pointer, whose end is the keyword unless that stands behind it.
    assert schema["$comment"].startswith("at /")
    assert str(caught.value).startswith(f"its schema is refused {schema['$comment']}")


@pytest.mark.parametrize("schema", [None, 5, "x", [], True, {}], ids=repr)
def test_what_is_no_schema_at_all_is_refused(schema: Any) -> None:
    with pytest.raises(PluginError, match="its schema is refused at /"):
        check_schema(schema)


@pytest.mark.parametrize(
    "keyword",
    [
        "$anchor",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$schema",
        "$vocabulary",
        "$defs",
        "allOf",
        "contains",
        "contentMediaType",
        "definitions",
        "dependentSchemas",
        "else",
        "format",
        "if",
        "not",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
        "uniqueItems",
        "x-own",
    ],
)
def test_a_keyword_that_is_not_listed_is_refused_in_every_place(keyword: str) -> None:
    value = {"type": "boolean", keyword: True}
    for schema, place in [
        (_with_value(value), "/properties/value"),
        (_with_value({"type": "array", "maxItems": 1, "items": value}), "/properties/value/items"),
        (_with_value({"oneOf": [value]}), "/properties/value/oneOf/0"),
        (
            _with_value({"type": "object", "properties": {"in": value}, "additionalProperties": False}),
            "/properties/value/properties/in",
        ),
        (_with_value({"$ref": "#/$defs/a"}, a=value), "/$defs/a"),
    ]:
        with pytest.raises(PluginError) as caught:
            check_schema(schema)
        assert f"refused at {place}/{keyword} (additionalProperties): is not known" in str(caught.value)


def test_a_long_chain_of_definitions_is_no_circle() -> None:
    chain: dict[str, Any] = {f"d{index}": {"$ref": f"#/$defs/d{index + 1}"} for index in range(20)}
    schema = _with_value({"$ref": "#/$defs/d0"}, **chain, d20={"type": "boolean"})
    check_schema(schema)
    assert compile_schema(schema)({"value": True}) == ()
    assert [problem.keyword for problem in compile_schema(schema)({"value": 1})] == ["type"]


def test_definitions_that_double_at_every_step_are_refused() -> None:
    # One small value would be held against 65536 schemas.
    doubling: dict[str, Any] = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(16)}
    with pytest.raises(PluginError, match="its schema is refused at /"):
        check_schema(_with_value({"$ref": "#/$defs/d0"}, **doubling, d16={"type": "boolean"}))


def test_a_required_parameter_that_the_schema_does_not_have_is_refused() -> None:
    # Such a request type could never be called: the parameter is missing, and where it is sent it is not known.
    with pytest.raises(PluginError, match=r"its schema is refused at /.*vlaue"):
        check_schema({**_with_value({"type": "boolean"}), "required": ["vlaue"]})
    inner = {"type": "object", "properties": {}, "required": ["vlaue"], "additionalProperties": False}
    with pytest.raises(PluginError, match=r"its schema is refused at /properties/value.*vlaue"):
        check_schema(_with_value(inner))


class Text(str):
    """A text that shows as it likes."""


def _ring() -> dict[str, Any]:
    ring: dict[str, Any] = {}
    ring["a"] = ring
    return ring


def _aliases() -> list[Any]:
    value: list[Any] = [1]
    for _ in range(14):
        value = [value] * 10
    return value[0]  # type: ignore[no-any-return]  # a list of lists of lists


@pytest.mark.parametrize(
    ("value", "place"),
    [
        # What only a plugin's Python can make, and no file can hold.
        (float("nan"), ""),
        (float("inf"), ""),
        (10**400, ""),
        (10**5000, ""),
        (-(2**53) - 1, ""),
        ({1, 2}, ""),
        ((1, 2), ""),
        (b"x", ""),
        (Text("x"), ""),
        (object(), ""),
        (MappingProxyType({}), ""),
        (["\ud800"], "/0"),
        ([{"a/b": [None, {3: 4}]}], "/0/a~1b/1"),
        ({"a": {"\udfff": 1}}, "/a"),
        (_ring(), "/a" * 13),
        (_aliases(), ""),
        ([[1] * 1000] * (MAX_VALUES // 1000), ""),
        (["x" * (MAX_CHARACTERS + 1)], ""),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_is_no_json_value_is_refused_wherever_it_stands(value: Any, place: str) -> None:
    for keyword in ("const", "default"):
        schema = _with_value({"type": "boolean", keyword: value})
        with pytest.raises(PluginError) as caught:
            check_schema(schema)
        said = str(caught.value)
        # Of what is too large as a whole no place is named.
        assert f"refused at /properties/value/{keyword}{place}" in said or "it has more than " in said
        with pytest.raises(PluginError, match=r"^result: its schema is refused at /"):
            check_result(schema)


def test_a_dictionary_of_another_kind_is_one() -> None:
    check_schema(OrderedDict(_with_value(OrderedDict(type="boolean"))))


# Schemas of results.


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"type": "string"},
        {"type": "array", "items": {"type": "number"}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string", "pattern": "^(a+)+$"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "patternProperties": {"a": True}},
        {"type": "object", "properties": {"$ref": {"type": "string"}, "$id": {"type": "number"}}},
    ],
)
def test_a_schema_of_results_may_say_more_because_it_is_never_run(schema: Any) -> None:
    check_result(schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "https://example.com/schema.json"}, "at /$ref: 'https://example.com/schema.json' does not lead to"),
        ({"$ref": "file:///etc/passwd"}, "at /$ref: "),
        ({"$ref": "other.json"}, "at /$ref: "),
        ({"$ref": "#"}, "at /$ref: "),
        ({"$ref": "#/properties/a"}, "at /$ref: "),
        ({"$ref": "#/$defs/a"}, "at /$ref: '#/$defs/a' does not lead to one of its own #/$defs/"),
        ({"$ref": "#/$defs/a\n", "$defs": {"a\n": {}}}, "at /$ref: "),
        ({"$defs": {"a": {}}, "items": {"anyOf": [{"$ref": "//evil.example/#/$defs/a"}]}}, "at /items/anyOf/0/$ref: "),
        ({"items": {"$dynamicRef": "https://example.com/x"}}, "at /items/$dynamicRef: "),
        ({"x-more": [{"$ref": "https://example.com/x"}]}, "at /x-more/0/$ref: "),
        ({"$id": "https://example.com/"}, "at /$id: a place of its own is not allowed"),
        ({"items": {"$anchor": "a"}}, "at /items/$anchor: "),
        ({"type": "strnig"}, "at /type (anyOf): 'strnig' is not allowed in a JSON Schema"),
        ({"properties": {"a": {"minimum": "0"}}}, "at /properties/a/minimum (type): "),
        ({"properties": []}, "at /properties (type): "),
        (True, "at /: a JSON object is allowed"),
        ([], "at /: a JSON object is allowed"),
    ],
)
def test_a_schema_of_results_that_leads_elsewhere_or_is_none_is_refused(schema: Any, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        check_result(schema)
    assert str(caught.value).startswith(f"result: its schema is refused {said}")


def test_a_request_type_whose_result_leads_elsewhere_is_not_served() -> None:
    registry = Registry(Settings(), [plugin(request(result={"$ref": "https://example.com/schema.json"}))])
    (failed,) = registry.failed
    assert "request type 'say': result: its schema is refused at /$ref: " in failed.reason
    assert registry.types == {}
