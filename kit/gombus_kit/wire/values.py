"""The values of the gom wire: one value to the bytes of one message, and back.

A value is one type byte and its payload; numbers are little-endian, of 64 bits. Kinds that the twin does not use are
read and written all the same, so that no script's arguments break the conversation.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 100
"""How deep lists and maps may be nested."""


@dataclass(frozen=True)
class Item:
    """A node of INSPECT's project tree. Stage -1 is the current stage."""

    id: str
    category: int = 0
    stage: int = -1


@dataclass(frozen=True)
class Indexable:
    """A part of an item that has several values."""

    item: object
    token: str
    size: int


@dataclass(frozen=True)
class Command:
    """A command, or a group of commands, by its full dotted name."""

    name: str


@dataclass(frozen=True)
class Function:
    """A function of the client's, by the id that the client gave it."""

    id: str
    text: str


@dataclass(frozen=True)
class NoValue:
    """An error in place of a value; the client makes None of it."""

    id: str
    text: str
    line: int


@dataclass(frozen=True)
class Trait:
    """An object of a registered type, such as gom.File."""

    type: str
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Object:
    """An object without a registered type: a map of type, repr and attributes."""

    members: object


@dataclass(frozen=True)
class Array:
    """Data of an item that has not been fetched."""

    project: object
    item: object
    key: str
    index: object
    selected: bool
    transformation: object


@dataclass(frozen=True)
class Package:
    """A numpy array: its shape, the wire's number of its element type, and its bytes or the name of shared memory."""

    shape: tuple[int, ...]
    kind: int
    data: bytes | str


@dataclass(frozen=True)
class Vec2d:
    """A point or direction in the plane, in mm."""

    x: float
    y: float


@dataclass(frozen=True)
class Vec3d:
    """A point or direction in space, in mm."""

    x: float
    y: float
    z: float


@dataclass(frozen=True)
class Resources:
    """``gom.app.resource``."""


# Type byte: Python type, and one letter for each part of its payload. ? q d are those of struct (bool, int64,
# double); s is a text, x bytes, l a list, m a map, p a package, v any value.
_FORMS: dict[int, tuple[type, str]] = {
    0: (type(None), ""), 1: (bool, "?"), 2: (int, "q"), 3: (float, "d"), 4: (str, "s"), 5: (list, "l"),
    6: (dict, "m"), 7: (slice, "vv"), 8: (Item, "sqq"), 9: (Indexable, "vsq"), 10: (Command, "s"),
    11: (Function, "ss"), 12: (NoValue, "ssq"), 13: (Trait, "svv"), 14: (Object, "v"), 15: (Array, "vvsv?v"),
    16: (Package, "p"), 17: (Vec2d, "dd"), 18: (Vec3d, "ddd"), 19: (Resources, ""), 20: (bytes, "x"),
}  # fmt: skip
_NUMBERS = {kind: number for number, (kind, _) in _FORMS.items()}
_ELEMENT_SIZES = {1: 1, 2: 2, 3: 4, 4: 8, 5: 1, 6: 2, 7: 4, 8: 8, 9: 4, 10: 8}
"""Element type of a package: bytes an element."""


def encode(value: object) -> bytes:
    """Return the bytes of `value`. The step of a slice has no place on the wire; a tuple becomes a list.

    :raises ValueError: the wire has no form for this type, or a number needs more than 64 bits.
    """
    try:
        return _write("v", value)
    except (struct.error, UnicodeEncodeError, RecursionError, AttributeError) as error:
        raise ValueError(f"no form on the wire: {error}") from error


def decode(data: bytes) -> object:
    """Return the value whose bytes are `data`.

    :raises ValueError: `data` is not exactly one value, or is nested deeper than `MAX_DEPTH`.
    """
    stream = io.BytesIO(data)
    value = _read_value(stream, 0)
    if stream.read(1):
        raise ValueError("bytes are left after the value")
    return value


def _write(form: str, part: Any) -> bytes:
    if form == "v":
        return _write_value(part)
    if form in "?qd":
        return struct.pack("<" + form, part)
    if form in "sx":
        data: bytes = part.encode() if form == "s" else part
        return struct.pack("<q", len(data)) + data
    if form == "p":
        numbers = (len(part.shape), *part.shape, part.kind)
        shared = isinstance(part.data, str)
        return struct.pack(f"<{len(numbers)}q?", *numbers, shared) + (_write("s", part.data) if shared else part.data)
    entries = map(_write_value, part) if form == "l" else (_write("s", k) + _write_value(v) for k, v in part.items())
    return struct.pack("<q", len(part)) + b"".join(entries)


def _write_value(value: Any) -> bytes:
    kind = list if isinstance(value, tuple) else type(value)
    if kind not in _NUMBERS:
        raise ValueError(f"no form on the wire for {value!r}")
    number = _NUMBERS[kind]
    form = _FORMS[number][1]
    parts: list[Any] = [value]
    if isinstance(value, slice):
        parts = [value.start, value.stop]
    elif form != "p" and hasattr(value, "__dataclass_fields__"):
        parts = list(vars(value).values())
    return bytes([number]) + b"".join(map(_write, form, parts))


def _read(form: str, stream: io.BytesIO, depth: int) -> Any:
    if form == "v":
        return _read_value(stream, depth)
    if form in "?qd":
        return struct.unpack("<" + form, _take(struct.calcsize("<" + form), stream))[0]
    if form == "p":
        return _read_package(stream)
    count = _read("q", stream, depth)
    if form == "l":
        return [_read_value(stream, depth) for _ in range(count)]
    if form == "m":
        return {_read("s", stream, depth): _read_value(stream, depth) for _ in range(count)}
    data = _take(count, stream)
    return data.decode() if form == "s" else data


def _read_value(stream: io.BytesIO, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    number = _take(1, stream)[0]
    if number not in _FORMS:
        raise ValueError(f"unknown type byte {number}")
    kind, form = _FORMS[number]
    parts = [_read(letter, stream, depth + 1) for letter in form]
    if kind is Package:
        return parts[0]
    if kind is Trait and not (isinstance(parts[1], list) and isinstance(parts[2], dict)):
        raise ValueError("a trait without a list and a map of arguments")
    value: object = kind(*parts)
    return value


def _read_package(stream: io.BytesIO) -> Package:
    dimensions = _read("q", stream, 0)
    if not 0 <= dimensions <= MAX_DEPTH:
        raise ValueError(f"an array of {dimensions} dimensions")
    shape = tuple(_read("q", stream, 0) for _ in range(dimensions))
    kind = _read("q", stream, 0)
    if kind not in _ELEMENT_SIZES:
        raise ValueError(f"unknown element type {kind}")
    if _read("?", stream, 0):
        return Package(shape, kind, _read("s", stream, 0))
    return Package(shape, kind, _take(math.prod(shape) * _ELEMENT_SIZES[kind], stream))


def _take(count: int, stream: io.BytesIO) -> bytes:
    # Beyond what ssize_t holds, read() would raise OverflowError.
    data = stream.read(count) if 0 <= count < 2**31 else b""
    if len(data) != count:
        raise ValueError(f"{count} bytes wanted, {len(data)} left")
    return data
