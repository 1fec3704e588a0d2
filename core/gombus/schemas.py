"""Schemas of request types are code from strangers: what is not safe to run is refused when a plugin is loaded."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .errors import PluginError
from .model import JsonObject
from .patterns import MAX_STEPS, slow_reason, steps_of
from .resources import read_schema
from .strict import MAX_DEPTH, MAX_INTEGER, pointer_escape
from .validation import Validator, compile_schema, no_schema_reason

MAX_NODES = 1000
"""How many schemas a schema may consist of, with every reference replaced by what it leads to."""
MAX_NESTING = 32
"""How deep they may be inside each other then."""
MAX_VALUES = 20_000
"""How many JSON values a schema may consist of."""
MAX_CHARACTERS = 200_000
"""How long its texts may be together."""
MAX_CHECKS = 12_000
"""How many keywords one request may be held against: about 0.1 s on an office PC."""
MAX_STEPS_TOGETHER = 4 * MAX_STEPS
"""How many steps the patterns may take in one request."""

_LOCAL = re.compile(r"#/\$defs/[A-Za-z0-9_-]+")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES = ("$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor")
_ANNOTATIONS = {"title", "description", "default", "examples", "$comment"}
_KINDS: JsonObject = {
    "string": ("pattern", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("items", "minItems", "maxItems"),
    "object": ("properties", "required", "additionalProperties"),
}
_FITS = {keyword: kind for kind, keywords in _KINDS.items() for keyword in keywords}
"""Keyword -> the type of which it says something."""


def check_schema(schema: JsonObject) -> None:
    """Refuse a schema that could fetch, loop, take long, or that says what gombus does not read.

    :raises PluginError: naming the keyword, its place as a JSON Pointer, and what is allowed.
    """
    _refuse_no_json(schema)
    for problem in _metaschema()(schema):
        raise _refused(problem.pointer or "/", problem.message, problem.keyword)
    definitions = schema.get("$defs", {})
    sizes: dict[str, int] = {}
    for name in definitions:
        _size(name, definitions, sizes, ())
    if sum(1 + sizes.get(_target(node), 0) for _, node in _nodes(schema, "")) > MAX_NODES:
        raise _refused("/", f"with its references followed it is larger than {MAX_NODES} schemas")
    for pointer, node in _nodes(schema, ""):
        _check_node(pointer, node, definitions)
    _refuse_costly("/properties", _cost("", schema, definitions, 0))


def check_result(schema: Any) -> None:
    """Refuse a schema of results that is none, or that leads out of itself. It is published, and never run.

    :param schema: None where there is none.
    :raises PluginError: naming the keyword and its place as a JSON Pointer.
    """
    if schema is None:
        return
    try:
        for pointer, value in _refuse_no_json(schema):
            _check_references(pointer, value, schema)
        problem = no_schema_reason(schema)
        if problem is not None:
            raise _refused(problem.pointer or "/", problem.message, problem.keyword)
    except PluginError as error:
        raise PluginError(f"result: {error}") from error


def _refused(place: str, reason: str, keyword: str = "") -> PluginError:
    """:param place: JSON Pointer, which ends with the keyword.
    :param keyword: of the metaschema, where that refuses it.
    """
    return PluginError(f"its schema is refused at {place}{f' ({keyword})' if keyword else ''}: {reason}")


def _check_references(pointer: str, value: JsonObject, schema: JsonObject) -> None:
    for keyword in _REFERENCES:
        target = value.get(keyword)
        if isinstance(target, str) and not (_LOCAL.fullmatch(target) and _target(value) in schema.get("$defs", {})):
            raise _refused(f"{pointer}/{keyword}", f"{target[:60]!r} does not lead to one of its own #/$defs/")
    for keyword in _NAMES:
        if isinstance(value.get(keyword), str):
            raise _refused(f"{pointer}/{keyword}", "a place of its own is not allowed")


def _refuse_no_json(schema: Any) -> list[tuple[str, JsonObject]]:
    """Refuse what a plugin's Python may have made that is no JSON, or that other readers of JSON would not take.

    :returns: each JSON object in it, with its place.
    """
    objects: list[tuple[str, JsonObject]] = []
    waiting: list[tuple[str, Any, int]] = [("", schema, 1)]
    seen = characters = 0
    while waiting:
        pointer, value, depth = waiting.pop()
        seen += 1
        characters += len(value) if isinstance(value, str) else 0
        if seen > MAX_VALUES or characters > MAX_CHARACTERS:
            raise _refused("/", f"it has more than {MAX_VALUES} values, or {MAX_CHARACTERS} characters in its texts")
        if depth > MAX_DEPTH and isinstance(value, (dict, list)):
            raise _refused(pointer, f"it is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            objects.append((pointer, value))
            for name, inner in value.items():
                if not _is_text(name):
                    raise _refused(pointer or "/", f"{name!r} is no name of a JSON member")
                waiting.append((f"{pointer}/{pointer_escape(name)}", inner, depth + 1))
        elif type(value) is list:
            waiting.extend((f"{pointer}/{index}", inner, depth + 1) for index, inner in enumerate(value))
        elif not _is_scalar(value):
            kind = type(value).__name__
            raise _refused(pointer or "/", f"this {kind} is no JSON value; numbers are finite, integers up to 2^53")
    if not isinstance(schema, dict):
        raise _refused("/", "a JSON object is allowed")
    return objects


def _is_text(value: Any) -> bool:
    return type(value) is str and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_scalar(value: Any) -> bool:
    if type(value) is int:
        return abs(value) <= MAX_INTEGER
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) is bool or _is_text(value)


@lru_cache(maxsize=1)
def _metaschema() -> Validator:
    return compile_schema(read_schema("gombus", "metaschema.json"))


def _check_node(pointer: str, node: JsonObject, definitions: JsonObject) -> None:
    target = _target(node)
    if target and target not in definitions:
        raise _refused(f"{pointer}/$ref", f"there is no #/$defs/{target}")
    for name in node.get("required", ()):
        if name not in node.get("properties", {}):
            raise _refused(f"{pointer}/required", f"there is no property {name!r}")
    if "type" in node:
        types = [node["type"]] if isinstance(node["type"], str) else node["type"]
        kinds = {"number" if kind == "integer" else kind for kind in types}
        for keyword in node:
            if keyword in _FITS and _FITS[keyword] not in kinds:
                raise _refused(f"{pointer}/{keyword}", f"it says nothing of the type {', '.join(types)}")
    if "pattern" in node:
        reason = slow_reason(node["pattern"], node["maxLength"])
        if reason:
            raise _refused(f"{pointer}/pattern", f"{node['pattern']!r} {reason}")


def _nodes(node: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """Every schema inside a schema that the metaschema lets pass, itself first."""
    yield pointer, node
    for keyword in ("properties", "$defs"):
        for name, inner in node.get(keyword, {}).items():
            yield from _nodes(inner, f"{pointer}/{keyword}/{pointer_escape(name)}")
    if "items" in node:
        yield from _nodes(node["items"], f"{pointer}/items")
    for keyword in ("anyOf", "oneOf"):
        for index, inner in enumerate(node.get(keyword, ())):
            yield from _nodes(inner, f"{pointer}/{keyword}/{index}")


def _target(node: JsonObject) -> str:
    """The definition that a schema refers to; empty where it refers to none."""
    return str(node.get("$ref", "")).rpartition("/")[2]


def _size(name: str, definitions: JsonObject, sizes: dict[str, int], above: tuple[str, ...]) -> int:
    """How many schemas a definition consists of; each is counted once, so that counting is quick."""
    if name in above:
        raise _refused(f"/$defs/{name}", "it contains itself")
    if name and name not in sizes:
        inner = (node for _, node in _nodes(definitions.get(name, {}), ""))
        sizes[name] = sum(1 + _size(_target(node), definitions, sizes, (*above, name)) for node in inner)
    return sizes.get(name, 0)


class _Cost(NamedTuple):
    """What it takes to hold one value against a schema."""

    checks: int
    steps: int
    """Of patterns."""


def _cost(pointer: str, node: JsonObject, definitions: JsonObject, depth: int) -> _Cost:
    """:raises PluginError: an array may have so many items that it takes too much, or it is nested too deep."""
    if depth > MAX_NESTING:
        raise _refused(f"{pointer}/$ref", f"with its references followed it is nested deeper than {MAX_NESTING} levels")

    def inner(keyword: str, place: Any, schema: JsonObject) -> _Cost:
        return _cost(f"{pointer}/{keyword}/{place}".rstrip("/"), schema, definitions, depth + 1)

    values = node.get("enum", [node["const"]] if "const" in node else [])
    checks = len(node.keys() - _ANNOTATIONS) + sum(map(_count, values)) // 8
    steps = steps_of(node["pattern"], node["maxLength"]) if "pattern" in node else 0
    costs = [inner("properties", pointer_escape(name), each) for name, each in node.get("properties", {}).items()]
    for keyword in ("anyOf", "oneOf"):
        costs += [inner(keyword, index, each) for index, each in enumerate(node.get(keyword, ()))]
    target = _target(node)
    if target:
        costs.append(_cost(f"/$defs/{target}", definitions[target], definitions, depth + 1))
    if "items" in node:
        one, most = inner("items", "", node["items"]), int(node.get("maxItems", 0))
        costs.append(_refuse_costly(f"{pointer}/maxItems", _Cost(one.checks * most, one.steps * most)))
    return _Cost(checks + sum(cost.checks for cost in costs), steps + sum(cost.steps for cost in costs))


def _count(value: Any) -> int:
    """How many values a JSON value consists of."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, inner))


def _refuse_costly(place: str, cost: _Cost) -> _Cost:
    if cost.checks > MAX_CHECKS:
        raise _refused(place, f"one request could take {cost.checks} checks; allowed: {MAX_CHECKS}")
    if cost.steps > MAX_STEPS_TOGETHER:
        raise _refused(
            place,
            f"patterns could take {cost.steps} steps in one request; allowed: {MAX_STEPS_TOGETHER}: "
            "lower maxItems or maxLength, or simplify the pattern",
        )
    return cost
