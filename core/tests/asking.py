"""What the tests of receipts share: objects that must not be asked for anything, as INSPECT would be asked for it."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

import pytest


def ask(*_: Any) -> Any:
    """What the real client's objects do where anybody looks at them."""
    pytest.fail("INSPECT was asked")


class Asking:
    """As the real client's objects: whatever is not its own it asks INSPECT for."""

    def __init__(self, **members: Any) -> None:
        self.__dict__.update(members)

    __getattr__ = __repr__ = __str__ = __format__ = __len__ = __iter__ = __bool__ = __eq__ = __hash__ = ask
    __getitem__ = __contains__ = __call__ = __int__ = __float__ = __index__ = __lt__ = __fspath__ = ask

    def __getattribute__(self, name: str) -> Any:
        return ask() if name == "__doc__" else object.__getattribute__(self, name)


class Item(Asking):
    """As gom's."""


class File(Asking):
    """As gom's types."""


class Vec3d(Asking):
    """As gom's."""


class Text(str):
    """A text with ideas of its own."""

    __repr__ = __str__ = __len__ = __getitem__ = __iter__ = __format__ = ask


class List(list):
    """A list with ideas of its own."""

    __repr__ = __len__ = __getitem__ = __iter__ = __bool__ = ask


class Dict(dict):
    """A dict with ideas of its own."""

    __repr__ = __len__ = __getitem__ = __iter__ = items = keys = values = ask


class Tuple(tuple):
    """A tuple with ideas of its own."""

    __repr__ = __len__ = __getitem__ = __iter__ = ask


class Number(int):
    """A number with ideas of its own."""

    __repr__ = __str__ = __int__ = __abs__ = __lt__ = __le__ = __index__ = ask


class Real(float):
    """A number with ideas of its own, as numpy's are."""

    __repr__ = __str__ = __float__ = __lt__ = ask


class Mode(enum.IntEnum):
    """A number with a name."""

    FAST = 3


class Pair(NamedTuple):
    """A tuple with names."""

    one: int
    two: str


class Lying:
    """It says that it is a text, and that it holds nothing."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("no class")

    @property
    def __dict__(self) -> dict[str, Any]:
        raise RuntimeError("no members")

    __repr__ = __str__ = ask


class Slotted:
    """It has no members to look at."""

    __slots__ = ("path",)

    def __init__(self) -> None:
        self.path = "x"


class Array:
    """As numpy's."""

    shape = (1000, 3)

    def __init__(self) -> None:
        self.data = memoryview(b"")

    __eq__ = __bool__ = __len__ = __iter__ = __array__ = ask
