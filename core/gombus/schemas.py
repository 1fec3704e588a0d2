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

MAX_NODES = 1000
"""How many schemas a schema may consist of, with every reference replaced by what it leads to."""


def check_schema(schema: JsonObject) -> None:
    """Refuse a schema that could fetch, loop, take long, or that says what gombus does not read.

    :raises PluginError: naming the keyword, its place as a JSON Pointer, and what is allowed.
    """
    for problem in _metaschema()(schema):
        raise PluginError(f"its schema is refused at {problem.pointer or '/'} ({problem.keyword}): {problem.message}")
    definitions = schema.get("$defs", {})
    sizes: dict[str, int] = {}
    for name in definitions:
        _size(name, definitions, sizes, ())
    if sum(1 + sizes.get(_target(node), 0) for _, node in _nodes(schema, "")) > MAX_NODES:
        raise PluginError(
            f"its schema is refused at /: with its references followed it is larger than {MAX_NODES} schemas"
        )
    for pointer, node in _nodes(schema, ""):
        target = _target(node)
        if target and target not in definitions:
            raise PluginError(f"its schema is refused at {pointer}/$ref: there is no #/$defs/{target}")
        for name in node.get("required", ()):
            if name not in node.get("properties", {}):
                raise PluginError(f"its schema is refused at {pointer}/required: there is no property {name!r}")
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


def _target(node: JsonObject) -> str:
    """The definition that a schema refers to; empty where it refers to none."""
    return str(node.get("$ref", "")).rpartition("/")[2]


def _size(name: str, definitions: JsonObject, sizes: dict[str, int], above: tuple[str, ...]) -> int:
    """How many schemas a definition consists of; each is counted once, so that counting is quick."""
    if name in above:
        raise PluginError(f"its schema is refused at /$defs/{name}: it contains itself")
    if name and name not in sizes:
        inner = (node for _, node in _nodes(definitions.get(name, {}), ""))
        sizes[name] = sum(1 + _size(_target(node), definitions, sizes, (*above, name)) for node in inner)
    return sizes.get(name, 0)
