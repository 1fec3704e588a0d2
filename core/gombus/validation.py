"""The one seam behind which a JSON value is held against a schema. Nothing else imports jsonschema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Callable

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from .errors import Problem
from .model import JsonObject
from .patterns import compile_pattern
from .strict import pointer_escape

Validator = Callable[[Any], "tuple[Problem, ...]"]
"""Gives the problems of a JSON value, at most `MAX_PROBLEMS`; an empty tuple means that it is valid."""

MAX_PROBLEMS = 8
SHOWN = 60
"""How many characters of a refused value are shown back."""
ALLOWED = 1000
"""How many characters are said of what is allowed in its place."""


_LIBRARY: Any = Draft202012Validator.VALIDATORS


def _pattern(validator: Any, pattern: str, instance: Any, schema: JsonObject) -> tuple[ValidationError, ...]:
    # A pattern is judged for strings up to maxLength; a longer one is refused for its length.
    if not isinstance(instance, str) or len(instance) > schema.get("maxLength", len(instance)):
        return ()
    return () if compile_pattern(pattern).search(instance) else (ValidationError("does not match"),)


_NAMES: dict[type, tuple[str, ...]] = {
    bool: ("boolean",),
    str: ("string",),
    int: ("number", "integer"),
    float: ("number",),
    type(None): ("null",),
    list: ("array",),
    dict: ("object",),
}


def _is_type(value: Any, name: str) -> bool:
    """Whether a JSON value is of a type; asked many times per request."""
    names = _NAMES.get(value.__class__)
    if names is None:
        # What `strict` decodes is never of another class, but what a plugin wrote may be.
        names = next((names for kind, names in _NAMES.items() if isinstance(value, kind)), ())
    # A number without a fraction is an integer (JSON Schema 2020-12, section 6.1.1).
    return name in names or (name == "integer" and "number" in names and value.is_integer())


class _Types:
    @staticmethod
    def is_type(instance: Any, type: str) -> bool:
        """For the keywords that jsonschema checks by itself."""
        return _is_type(instance, type)


def _items(validator: Any, items: Any, instance: Any, schema: JsonObject) -> Iterable[ValidationError]:
    # What it costs is judged for up to maxItems; more are refused for their number.
    if not isinstance(instance, list) or len(instance) > schema.get("maxItems", len(instance)):
        return ()
    checked: Iterable[ValidationError] = _LIBRARY["items"](validator, items, instance, schema)
    return checked


def _type(validator: Any, types: Any, instance: Any, schema: JsonObject) -> tuple[ValidationError, ...]:
    for name in (types,) if isinstance(types, str) else types:
        if _is_type(instance, name):
            return ()
    return (ValidationError("is of another type"),)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON values: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(inner, other[name]) for name, inner in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _additional(validator: Any, allowed: Any, instance: Any, schema: JsonObject) -> Iterator[ValidationError]:
    if allowed is not False:
        yield from _LIBRARY["additionalProperties"](validator, allowed, instance, schema)
    elif isinstance(instance, dict) and not instance.keys() <= schema.get("properties", {}).keys():
        yield ValidationError("has others")


_HOLDS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "enum": lambda _, values, value: any(_same(each, value) for each in values),
    "const": lambda _, only, value: _same(only, value),
    "minItems": lambda _, least, value: not isinstance(value, list) or len(value) >= least,
    "maxItems": lambda _, most, value: not isinstance(value, list) or len(value) <= most,
    "anyOf": lambda validator, schemas, value: any(_inside(validator, schemas, value)),
    "oneOf": lambda validator, schemas, value: sum(_inside(validator, schemas, value)) == 1,
}


def _inside(validator: Any, schemas: Any, value: Any) -> Iterator[bool]:
    return (next(validator.descend(value, schema), None) is None for schema in schemas)


def _keyword(holds: Callable[[Any, Any, Any], bool]) -> Any:
    """What jsonschema does for a keyword, but for its messages: they show the whole value for each schema that it
    fails, however long it is, and nobody reads them.
    """

    def check(validator: Any, allowed: Any, instance: Any, schema: JsonObject) -> tuple[ValidationError, ...]:
        return () if holds(validator, allowed, instance) else (ValidationError("does not hold"),)

    return check


_Draft: Any = extend(  # type: ignore[no-untyped-call]  # as in its stubs
    Draft202012Validator,
    {
        "pattern": _pattern,
        "type": _type,
        "items": _items,
        "additionalProperties": _additional,
        **{name: _keyword(holds) for name, holds in _HOLDS.items()},
    },
    type_checker=_Types(),
)


def compile_schema(schema: JsonObject) -> Validator:
    """Make the check for one schema (draft 2020-12). References beyond the schema itself are never fetched."""
    return _checker(_Draft(schema, registry=Registry()))


def no_schema_reason(schema: JsonObject) -> Problem | None:
    """Why this is no schema of draft 2020-12; None where it is one."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "".join("/" + pointer_escape(str(step)) for step in error.absolute_path)
        return Problem(place, str(error.validator), f"{shown(error.instance)} is not allowed in a JSON Schema")
    return None


def _checker(validator: Any) -> Validator:
    is_valid = validator.is_valid

    def check(value: Any) -> tuple[Problem, ...]:
        if is_valid(value):
            return ()
        problems = (problem for error in validator.iter_errors(value) for problem in _problems(error))
        return tuple(islice(_once(problems), MAX_PROBLEMS))

    return check


def compile_parameters(schema: JsonObject) -> Validator:
    """Make the check for the parameters of a request type; gives what `compile_schema` gives, in a third of the time.

    `metaschema.json` lets the outermost schema say only which members there are, which are required, and that there
    are no others. That is looked at here; each member is held against its own schema by jsonschema.
    """
    root = _Draft(schema, registry=Registry())
    check = _checker(root)
    members = {name: _is_valid(root.evolve(schema=inner)) for name, inner in schema["properties"].items()}
    required = frozenset(schema.get("required", ()))

    def check_parameters(value: Any) -> tuple[Problem, ...]:
        if type(value) is dict and required <= value.keys() <= members.keys():
            for name, member in value.items():
                if not members[name](member):
                    return check(value)
            return ()
        return check(value)

    return check_parameters


def _is_valid(validator: Any) -> Callable[[Any], bool]:
    """What the validator's own `is_valid` gives, without looking up its keywords each time."""
    schema = validator.schema
    keywords = [(validator.VALIDATORS[name], value) for name, value in schema.items() if name in validator.VALIDATORS]

    def is_valid(value: Any) -> bool:
        for check, allowed in keywords:
            for _ in check(validator, allowed, value, schema) or ():
                return False
        return True

    return is_valid


def _once(problems: Iterator[Problem]) -> Iterator[Problem]:
    """Each problem once; none is looked for before it is asked for."""
    seen: set[Problem] = set()
    for problem in problems:
        if problem not in seen:
            seen.add(problem)
            yield problem


def _problems(error: ValidationError) -> Iterator[Problem]:
    keyword = str(error.validator)
    place = "".join("/" + pointer_escape(str(step)) for step in error.absolute_path)
    instance: Any = error.instance
    schema: Any = error.schema
    if keyword == "required":
        for name in schema["required"]:
            if name not in instance:
                yield Problem(f"{place}/{pointer_escape(name)}", keyword, "is missing")
    elif keyword == "additionalProperties":
        known = schema.get("properties", {})
        for name in instance:
            if name not in known:
                allowed = _cut(", ".join(known), ALLOWED) or "nothing"
                yield Problem(f"{place}/{pointer_escape(name[:SHOWN])}", keyword, f"is not known; allowed: {allowed}")
    else:
        yield Problem(place, keyword, f"{shown(instance)} is not allowed; allowed: {_allowed(schema, error)}")


def _allowed(schema: JsonObject, error: ValidationError) -> str:
    if "enum" in schema:
        return _cut(", ".join(map(repr, schema["enum"])), ALLOWED)
    if "description" in schema:
        return _cut(str(schema["description"]), ALLOWED)
    return f"{error.validator} {shown(error.validator_value)}"


def shown(value: Any) -> str:
    """A value as Python writes it, cut to a length that can stand in a sentence."""
    return _cut(repr(value), SHOWN)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
