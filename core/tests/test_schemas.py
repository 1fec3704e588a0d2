"""What a plugin's schema may say. The files in `schemas/bad` carry the expected refusal in their ``$comment``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gombus.errors import PluginError
from gombus.schemas import check_schema
from gombus.validation import compile_schema

FOLDER = Path(__file__).parent / "schemas"
GOOD = sorted((FOLDER / "good").glob("*.json"))
BAD = sorted((FOLDER / "bad").glob("*.json"))
BASE: dict[str, Any] = json.loads((FOLDER / "good" / "smallest.json").read_text(encoding="utf-8"))


def _with_value(schema: Any, **definitions: Any) -> dict[str, Any]:
    return {**BASE, "properties": {"value": {"description": "the value", **schema}}, "$defs": definitions}


def test_there_are_files_of_both_kinds() -> None:
    assert len(GOOD) > 10
    assert len(BAD) > 40


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
    assert str(caught.value).startswith("its schema is refused at /")
    assert schema["$comment"] in str(caught.value)


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
