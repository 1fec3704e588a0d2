"""Options of the command line, made of the parameters of a request type, and its parameters, made of their values."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Callable

import click

from .errors import MalformedMessage
from .strict import loads

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_EVERY = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_NUMBERS = frozenset({"number", "integer"})
_WORDS = {
    "string": "text",
    "number": "a JSON number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
    "array": "a JSON array",
    "object": "a JSON object",
}


class Parameter:
    """One parameter of a request type.

    :param entry: ``{"name", "required", "schema", "description"}`` of an OpenRPC document.
    :param index: makes the name under which click keeps its value.
    """

    def __init__(self, entry: Mapping[str, Any], index: int) -> None:
        schema = entry["schema"]
        definitions = schema.get("$defs", {})
        schema = _resolved(schema, definitions)
        self.name: str = entry["name"]
        self.key = f"parameter_{index}"
        self.flag = ""
        """Its option, such as ``--focal-length``; empty where it has none of its own."""
        self.many = _types(schema, definitions) == {"array"}
        """Whether its option may be given several times."""
        one = _resolved(schema.get("items", {}), definitions) if self.many else schema
        self._types = _types(one, definitions)
        self._choices: dict[str, Any] = {_text(value): value for value in _values(one)}
        self._help = str(entry.get("description", "")) + (" [required]" if entry.get("required") else "")

    def option(self, taken: Collection[str]) -> click.Option | None:
        """Its option; None where its name cannot be one, or is taken.

        :param taken: options that there are.
        """
        flag = "--" + self.name.replace("_", "-")
        names = [flag]
        settings: dict[str, Any] = {"help": self._help, "default": None, "multiple": self.many}
        if self._choices:
            settings["type"] = click.Choice(list(self._choices))
        elif self._types == {"boolean"} and not self.many:
            names.append(f"--no-{flag[2:]}")
            settings["is_flag"] = True
        else:
            settings.update(type=_reader(self._types), metavar=_metavar(self._types))
        if not _NAME.fullmatch(self.name) or any(name in taken for name in names):
            return None
        self.flag = flag
        return click.Option(["/".join(names), self.key], **settings)

    def value(self, given: Any) -> Any:
        """The JSON value of what click made of its option."""
        if self.many:
            return [self._one(each) for each in given]
        return self._one(given)

    def _one(self, given: Any) -> Any:
        """The JSON value of one of them."""
        if self._choices:
            return self._choices[given]
        return given if isinstance(given, bool) else given[0]

    def named(self, text: str, before: Any) -> Any:
        """The JSON value of what stands behind ``--param NAME=``.

        :param before: the value until now, to which a further item of an array is added; None where there is none.
        """
        whole = _loose(text, frozenset({"array"})) if self.many else None
        if isinstance(whole, list):
            return whole
        one = self._choices[text] if text in self._choices else _loose(text, self._types)
        return [*(before or []), one] if self.many else one


class Form:
    """How a request type is filled in on the command line.

    :param method: its entry in an OpenRPC document.
    :param taken: options that every request type has, such as ``--url``.
    """

    def __init__(self, method: Mapping[str, Any], taken: Iterable[str]) -> None:
        self.name: str = method["name"]
        self.title = str(method.get("summary", ""))
        self.description = str(method.get("description", self.title))
        self.at_once = method.get("result", {}).get("name") != "receipt"
        """Whether it runs beside the queue, and is no job."""
        self.options: list[click.Option] = []
        self._parameters = {
            entry["name"]: Parameter(entry, index) for index, entry in enumerate(method.get("params", ()))
        }
        options = set(taken)
        for parameter in self._parameters.values():
            option = parameter.option(options)
            if option is not None:
                self.options.append(option)
                options.update(option.opts, option.secondary_opts)

    @property
    def without_option(self) -> list[str]:
        """Parameters that can only be given with ``--param``."""
        return [name for name, parameter in self._parameters.items() if not parameter.flag]

    def params(self, given: Mapping[str, Any], named: Iterable[str]) -> dict[str, Any]:
        """The parameters to send.

        :param given: values of the options, as click gives them.
        :param named: values of ``--param``, each ``NAME=VALUE``.
        :raises click.UsageError: one of them has no name.
        """
        params: dict[str, Any] = {}
        for name, parameter in self._parameters.items():
            value = given.get(parameter.key)
            if value not in (None, ()):
                params[name] = parameter.value(value)
        for text in named:
            name, equals, value = text.partition("=")
            if not equals:
                raise click.UsageError(f"--param {text}: is not NAME=VALUE")
            known = self._parameters.get(name)
            # What the server does not know, it says.
            params[name] = known.named(value, params.get(name)) if known else _loose(value, _EVERY)
        return params

    def flag_of(self, pointer: str) -> str:
        """What the value at a JSON Pointer is given with, such as ``--files`` for ``/files/2``."""
        name = pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")
        parameter = self._parameters.get(name)
        return parameter.flag if parameter and parameter.flag else f"--param {name}"


def _reader(types: frozenset[str]) -> Callable[[str], Any]:
    """What click is to read a value of these types with.

    It gives the value in a tuple, because click takes None for an option that was not given.
    """

    def read(text: str) -> Any:
        try:
            return (_read(text, types),)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read


def _metavar(types: frozenset[str]) -> str:
    kinds = {"NUMBER": types & _NUMBERS, "TEXT": "string" in types}
    return "|".join(kind for kind, allowed in kinds.items() if allowed) or "JSON"


def _read(text: str, types: frozenset[str]) -> Any:
    """The JSON value that a text stands for: a number where it reads as one, else the text itself, where allowed.

    :raises ValueError: it is none of these types.
    """
    reason = ""
    try:
        value = loads(text)
    except MalformedMessage as error:
        reason = f": {error}"
    else:
        found = _type(value)
        if types & _NUMBERS if found in _NUMBERS else found in types and "string" not in types:
            return value
    if "string" in types:
        return text
    allowed = " or ".join(word for name, word in _WORDS.items() if name in types)
    raise ValueError(f"{text!r} is not {allowed}{reason}")


def _loose(text: str, types: frozenset[str]) -> Any:
    """As `_read`; what is of another type is sent as it reads, for the server to judge."""
    try:
        return _read(text, types)
    except ValueError:
        return _read(text, _EVERY)


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
    return schema


def _types(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a schema allows."""
    schema = _resolved(schema, definitions)
    if "type" in schema:
        types = schema["type"]
        return frozenset([types] if isinstance(types, str) else types)
    values = _values(schema)
    if values:
        return frozenset(map(_type, values))
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return frozenset().union(*(_types(each, definitions) for each in inner)) if inner else _EVERY


def _values(schema: Mapping[str, Any]) -> list[Any]:
    """The only values that a schema allows; empty where it allows others."""
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _type(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}[type(value)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
