"""Schemas of request types are code from strangers: what is not safe to run is refused when a plugin is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from .errors import PluginError
from .model import JsonObject
from .patterns import slow_reason
from .resources import read_schema
from .validation import Validator, compile_schema


def check_schema(schema: JsonObject) -> None:
    """Refuse a schema that could fetch, loop, take long, or that says what gombus does not read.

    :raises PluginError: naming the keyword, its place as a JSON Pointer, and what is allowed.
    """
    for problem in _metaschema()(schema):
        raise PluginError(f"its schema is refused at {problem.pointer or '/'} ({problem.keyword}): {problem.message}")
    definitions = schema.get("$defs", {})
    for name in definitions:
        _refuse_loops(name, definitions, ())
    for pointer, node in _nodes(schema, ""):
        target = node.get("$ref", "#/$defs/").rpartition("/")[2]
        if target and target not in definitions:
            raise PluginError(f"its schema is refused at {pointer}/$ref: there is no #/$defs/{target}")
        if "pattern" in node:
            reason = slow_reason(node["pattern"], node["maxLength"])
            if reason:
                raise PluginError(f"its schema is refused at {pointer}/pattern: {node['pattern']!r} {reason}")


@lru_cache(maxsize=1)
def _metaschema() -> Validator:
    return compile_schema(read_schema("gombus", "metaschema.json"))


def _nodes(node: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """Every schema inside a schema that the metaschema lets pass, itself first."""
    yield pointer, node
    for keyword in ("properties", "$defs"):
        for name, inner in node.get(keyword, {}).items():
            yield from _nodes(inner, f"{pointer}/{keyword}/{name}")
    if "items" in node:
        yield from _nodes(node["items"], f"{pointer}/items")
    for keyword in ("anyOf", "oneOf"):
        for index, inner in enumerate(node.get(keyword, ())):
            yield from _nodes(inner, f"{pointer}/{keyword}/{index}")


def _refuse_loops(name: str, definitions: JsonObject, above: tuple[str, ...]) -> None:
    if name in above:
        raise PluginError(f"its schema is refused at /$defs/{name}: it contains itself")
    for _, node in _nodes(definitions.get(name, {}), ""):
        if "$ref" in node:
            _refuse_loops(node["$ref"].rpartition("/")[2], definitions, (*above, name))
