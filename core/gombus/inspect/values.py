"""What goes between the server and the process that holds gom: plain values by value, all else by reference."""

from __future__ import annotations

import importlib
import io
import operator
import pickle
import struct
import sys
from typing import IO, Any, Callable

PLAIN = frozenset(
    (type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, slice, range)
)
"""Exactly these go by value; with numpy its numbers and arrays of them, too."""
BASES = (str, int, float, bytes, list, tuple, dict)
"""What is of a class that was made of one of these goes as that one, from the server to the holder."""
_LENGTH = struct.Struct("!Q")
_NUMBERS = "biufc"
"""The kinds of numpy's types that are numbers."""

OK, RAISED, LOST = "ok", "raised", "lost"
"""How an operation ended: with its result, with an exception, or with the connection to INSPECT."""
READY, FAILED = "ready", "failed"
"""How the start of the holder ended."""
CODE_LOST = 75
"""Exit code of a holder that lost INSPECT; EX_TEMPFAIL of BSD's sysexits."""

_PAIRS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")


def _reflected(act: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: act(other, one)


SPECIAL: dict[str, Callable[..., Any]] = {
    "__len__": len,
    "__iter__": iter,
    "__next__": next,
    "__repr__": repr,
    "__str__": str,
    "__hash__": hash,
    "__bool__": bool,
    "__int__": int,
    "__float__": float,
    "__index__": operator.index,
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__abs__": abs,
    "__getitem__": operator.getitem,
    "__setitem__": operator.setitem,
    "__delitem__": operator.delitem,
    "__contains__": operator.contains,
    "__enter__": lambda value: type(value).__enter__(value),
    "__exit__": lambda value: type(value).__exit__(value, None, None, None),
    **{f"__{name}__": getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge", *_PAIRS)},
    **{f"__r{name}__": _reflected(getattr(operator, name)) for name in _PAIRS},
}
"""Python's special methods that an object of gom's may have, and what calls them."""
GET, SET, CALL, GOM, COMMAND, PING = "get", "set", "call", "gom", "command", "ping"
"""The other operations: get or set an attribute, call, get an attribute of the module gom, call a command by its path,
do nothing."""


def by_value(value: Any) -> bool:
    """Whether this goes by value: by its exact type, because a subclass may be anything."""
    # With what pickle itself needs to make them again.
    return type(value) in PLAIN or _numbers(value) or value is array or (type(value) is type and value in PLAIN)


def _numbers(value: Any) -> bool:
    kind = type(value)
    numpy = sys.modules.get("numpy") if kind.__module__ == "numpy" else None
    return (
        numpy is not None
        and (kind is numpy.ndarray or issubclass(kind, numpy.generic))
        and value.dtype.kind in _NUMBERS
    )


def array(kind: str, shape: tuple[int, ...] | None, data: bytes) -> Any:
    """An array of numpy's, or one of its numbers.

    What numpy itself has pickle call takes types and flags as they come, and with bad ones memory as objects.

    :param kind: of its numbers, as numpy writes it: ``<f8``.
    :param shape: None for a number.
    """
    numpy = importlib.import_module("numpy")
    dtype = numpy.dtype(str(kind))
    if dtype.kind not in _NUMBERS:
        raise pickle.UnpicklingError(f"an array of {kind!r} does not go by value")
    made = numpy.ndarray(shape or (), dtype, data)
    return made[()] if shape is None else made.copy()


class Writer(pickle.Pickler):
    """Makes the bytes of one message.

    :param refer: what stands for an object that does not go by value; None where it does.
    """

    def __init__(self, stream: io.BytesIO, refer: Callable[[Any], Any]) -> None:
        super().__init__(stream, 5)
        self._refer = refer

    def persistent_id(self, value: Any) -> Any:
        """What pickle asks of every object."""
        return self._refer(value)

    def reducer_override(self, value: Any) -> Any:
        """What pickle asks for everything that is of no plain type."""
        if _numbers(value):
            return array, (value.dtype.str, value.shape if type(value).__name__ == "ndarray" else None, value.tobytes())
        return NotImplemented


class Reader(pickle.Unpickler):
    """Reads one message. Nothing but plain values comes out, and what `resolve` makes of references.

    :param resolve: gets what stands for an object.
    """

    def __init__(self, stream: io.BytesIO, resolve: Callable[[Any], Any]) -> None:
        super().__init__(stream)
        self._resolve = resolve

    def persistent_load(self, pid: Any) -> Any:
        """What pickle asks for every reference."""
        return self._resolve(pid)

    def find_class(self, module: str, name: str) -> Any:
        """Only what plain values are made of: the client runs what INSPECT sends it, and the server does not."""
        if module == "builtins" and any(kind.__name__ == name for kind in PLAIN):
            return super().find_class(module, name)
        if (module, name) == (array.__module__, array.__name__):
            return array
        raise pickle.UnpicklingError(f"{module}.{name} does not go by value")


def write(stream: IO[bytes], data: bytes) -> None:
    """Send one message.

    :raises OSError: the other side is gone.
    """
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read(stream: IO[bytes]) -> bytes:
    """The next message.

    :raises EOFError: the other side is gone.
    """
    head = stream.read(_LENGTH.size)
    if len(head) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        data = stream.read(length)
        if len(data) == length:
            return data
    raise EOFError
