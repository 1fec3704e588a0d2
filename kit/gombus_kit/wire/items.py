"""From the wire's items, commands and traits to the objects of the twin, and back.

The id of an item is the expression that a script would write for it, such as
``gom.app.project.measurement_series['A']``. So the twin keeps no table of items, and an id of an earlier
connection still means the same.
"""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any

from ..twin import Elements, File, Image, MeasurementSeries, Project, RequestError, Stage, Twin
from ..twin.errors import BAD_ARGUMENT, UNKNOWN_ITEM
from ..twin.files import ImageFacts
from ..twin.project import SeriesByName
from .requests import ATTRIBUTE, INDEX, Refusal, Refused
from .values import Command, Item, Trait

FILE_TYPE = "Tom::File"
COMMANDS = ("gom.script", "gom.interactive")
MAX_ID = 2000
"""Characters of an item's id."""

_TOKENS: dict[type, tuple[str, ...]] = {
    SimpleNamespace: ("project",),  # gom.app
    Project: ("measurement_series", "stages", "clipboard"),
    MeasurementSeries: ("name", "focal_length", "images"),
    Stage: ("name", "elements"),
    Elements: Elements._fields,
    Image: Image._fields,
    ImageFacts: ImageFacts._fields,
}
"""What can be read of each kind of object."""
_LISTS = (SeriesByName, list)
_CATEGORIES: dict[type, int] = {Project: 1, SeriesByName: 2, MeasurementSeries: 3, list: 4, Stage: 5}
"""Any number per kind: the client only compares items of the same one."""
_PLAIN = (type(None), bool, int, float, str, bytes)


class Items:
    """``gom.app`` and all below it. To be used on the twin's thread alone."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin

    def attribute(self, item: Item, name: str) -> object:
        """The value of ``item.name``: a plain value, or an item.

        :raises Refused: there is no such attribute.
        """
        if item.id.startswith(COMMANDS):
            return Command(f"{item.id}.{name}")
        return self._value(self._member(self.object_of(item), name), f"{item.id}.{name}")

    def element(self, item: Item, key: object) -> object:
        """The value of ``item[key]``; a slice gives a list.

        :raises Refused: there is none.
        """
        whole = self.object_of(item)
        if isinstance(key, slice):
            return [self.element(item, index) for index in range(self.length(item))[key]]
        return self._value(self._at(whole, key, item.id), f"{item.id}[{key!r}]")

    def length(self, item: Item) -> int:
        """``len(item)``.

        :raises Refused: it has none.
        """
        whole = self.object_of(item)
        if not isinstance(whole, _LISTS):
            raise Refused(Refusal(f"{item.id} has no length", BAD_ARGUMENT))
        return len(whole)

    def tokens(self, item: Item) -> list[str]:
        """What can be read of it."""
        return list(_TOKENS.get(type(self.object_of(item)), ()))

    def filtered(self, item: Item, name: str, wanted: object) -> list[object]:
        """The elements of a list whose attribute has this value; with None, one that is not empty."""
        elements = [self.element(item, index) for index in range(self.length(item))]
        found = []
        for element in elements:
            value = self.attribute(element, name) if isinstance(element, Item) else None
            if value == wanted if wanted is not None else bool(value):
                found.append(element)
        return found

    def object_of(self, item: Item) -> Any:
        """The twin's object behind an item.

        :raises Refused: there is none.
        """
        try:
            if len(item.id) > MAX_ID:
                raise SyntaxError("too long")
            return self._walk(ast.parse(item.id, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise Refused(Refusal(f"There is no item {item.id[:100]!r}", UNKNOWN_ITEM)) from None

    def arguments(self, value: Any) -> Any:
        """What a command gets: items replaced by the twin's objects."""
        if isinstance(value, Item):
            return self.object_of(value)
        if isinstance(value, list):
            return [self.arguments(each) for each in value]
        if isinstance(value, dict):
            return {key: self.arguments(each) for key, each in value.items()}
        return value

    def result(self, value: Any) -> Any:
        """What a command gave, for the wire.

        :raises Refused: it has no form there.
        """
        if isinstance(value, (list, tuple)):
            return [self.result(each) for each in value]
        if isinstance(value, dict):
            return {str(key): self.result(each) for key, each in value.items()}
        if isinstance(value, File):
            return Trait(FILE_TYPE, [value.path])
        name = getattr(value, "__gom_name__", None)
        if isinstance(name, str):
            return Item(name, _category(value))
        if isinstance(value, _PLAIN):
            return value
        raise Refused(Refusal(f"{type(value).__name__} has no form on the wire", BAD_ARGUMENT))

    def _walk(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and (node.value.id, node.attr) == ("gom", "app"):
                return self._twin.app
            return self._member(self._walk(node.value), node.attr)
        if isinstance(node, ast.Subscript):
            return self._at(self._walk(node.value), ast.literal_eval(node.slice), ast.unparse(node.value))
        raise ValueError("no path")

    def _member(self, whole: Any, name: str) -> Any:
        if name in _TOKENS.get(type(whole), ()):
            return getattr(whole, name)
        raise Refused(Refusal(f"{type(whole).__name__} has no attribute {name!r}", UNKNOWN_ITEM, error=ATTRIBUTE))

    def _at(self, whole: Any, key: object, path: str) -> Any:
        if isinstance(whole, _LISTS) and isinstance(key, int) and not isinstance(key, bool):
            try:
                return whole[key]
            except (IndexError, RequestError):
                raise Refused(Refusal(f"{path} has {len(whole)} elements", UNKNOWN_ITEM, error=INDEX)) from None
        if isinstance(whole, SeriesByName):
            return whole[key]  # type: ignore[index]  # it says itself what it does not have
        raise Refused(Refusal(f"There is no item {path}[{key!r}]", UNKNOWN_ITEM))

    def _value(self, value: Any, path: str) -> object:
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, dict):
            return dict(value)
        return Item(getattr(value, "__gom_name__", path), _category(value))


def _category(value: object) -> int:
    return _CATEGORIES.get(type(value), 0)


def with_files(value: Any) -> Any:
    """Arguments as the client sent them, with `File` in place of the traits that stand for one."""
    if isinstance(value, Trait) and value.type == FILE_TYPE:
        return File(value.args[0]) if value.args else value
    if isinstance(value, list):
        return [with_files(each) for each in value]
    if isinstance(value, dict):
        return {key: with_files(each) for key, each in value.items()}
    return value


def series_item(name: str) -> Item:
    """The item of the measurement series `name`."""
    return Item(f"gom.app.project.measurement_series[{name!r}]", _CATEGORIES[MeasurementSeries])
