"""The one seam behind which a JSON value is held against a schema. Nothing else imports jsonschema."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Callable, ClassVar

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
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


def _pattern(validator: Any, pattern: str, instance: Any, schema: JsonObject) -> Iterator[ValidationError]:
    # A pattern is judged for strings up to maxLength; a longer one is refused for its length.
    if not isinstance(instance, str) or len(instance) > schema.get("maxLength", len(instance)):
        return
    if not compile_pattern(pattern).search(instance):
        yield ValidationError("does not match")


class _JsonTypes:
    """JSON's types of what `strict` decodes, whose classes are exact; asked many times per request."""

    _NAMES: ClassVar[dict[type, tuple[str, ...]]] = {
        str: ("string",),
        int: ("number", "integer"),
        float: ("number",),
        bool: ("boolean",),
        type(None): ("null",),
        list: ("array",),
        dict: ("object",),
    }

    def is_type(self, instance: Any, type: str) -> bool:
        """Whether it is of this type; a number without a fraction is an integer (JSON Schema, section 6.1.1)."""
        names = self._NAMES.get(instance.__class__, ())
        return type in names or (type == "integer" and "number" in names and instance.is_integer())


_Draft: Any = extend(  # type: ignore[no-untyped-call]  # as in its stubs
    Draft202012Validator, {"pattern": _pattern}, type_checker=_JsonTypes()
)


def compile_schema(schema: JsonObject) -> Validator:
    """Make the check for one schema (draft 2020-12). References beyond the schema itself are never fetched."""
    return _checker(_Draft(schema, registry=Registry()))


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
                allowed = ", ".join(known) or "nothing"
                yield Problem(f"{place}/{pointer_escape(name[:SHOWN])}", keyword, f"is not known; allowed: {allowed}")
    else:
        yield Problem(place, keyword, f"{shown(instance)} is not allowed; allowed: {_allowed(schema, error)}")


def _allowed(schema: JsonObject, error: ValidationError) -> str:
    if "enum" in schema:
        return ", ".join(repr(value) for value in schema["enum"])
    if "description" in schema:
        return str(schema["description"])
    return f"{error.validator} {shown(error.validator_value)}"


def shown(value: Any) -> str:
    """A value as Python writes it, cut to a length that can stand in a sentence."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
