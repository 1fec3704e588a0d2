"""What handlers know as ``gom`` where another process holds it: objects that lead there.

An object of gom's is shown by one of a class that has its class's name and Python's special methods, and nothing else:
all that is asked of it is asked in the holder, one operation at a time.
"""

from __future__ import annotations

import builtins
import io
from typing import Any, Callable, NoReturn

from .values import BASES, CALL, COMMAND, GET, GOM, SET, SPECIAL, Reader, Writer, by_value

COMMAND_ROOTS = ("script", "interactive", "api")
_PLACE, _HANDLE = "__gom_place__", "__gom_handle__"
_EXACT: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: lambda value: bytes(memoryview(value)),
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
}


class InspectLost(BaseException):
    """INSPECT, or the process that talks to it, was lost in an operation. What that did is not known.

    No Exception: a handler that catches those must not go on.
    """


class RequestError(RuntimeError):
    """INSPECT refused a command: gom.RequestError as handlers know it."""

    def __init__(self, description: str, error_code: str, error_log: str) -> None:
        super().__init__(error_code, error_log)
        self.description = description
        self.error_code = error_code
        self.error_log = error_log

    def __str__(self) -> str:
        lead = "" if self.error_log.startswith(self.description) else f"{self.description}\n\n"
        return f"{self.error_code}: {lead}{self.error_log}"

    def __getitem__(self, key: int) -> str:
        return (self.error_code, self.error_log)[key]


class BreakError(Exception):
    """The user pressed Esc in INSPECT: gom.BreakError as handlers know it."""


EXCEPTIONS: dict[str, type[Exception]] = {"RequestError": RequestError, "BreakError": BreakError}
"""gom's own, by name; they are the same whichever process holds gom."""
for _error in EXCEPTIONS.values():
    _error.__module__ = "gom"


class Place:
    """The objects of one holder.

    :param do: carries out an operation there.
    """

    def __init__(self, do: Callable[[str, tuple[Any, ...]], Any]) -> None:
        self.do = do
        self._kinds: dict[int, Kind] = {}
        self._released: list[int] = []

    def release(self, handle: int) -> None:
        """An object is no longer used here; may be called on any thread."""
        self._released.append(handle)

    def bytes_of(self, operation: str, args: tuple[Any, ...]) -> bytes:
        """The message that asks for an operation, and says which objects are no longer used.

        :raises TypeError: an argument is nothing that INSPECT could take.
        """
        # Not swapped for a new list: another thread may be about to append.
        count = len(self._released)
        released, self._released[:count] = self._released[:count], []
        try:
            return _bytes(self._refer, (operation, args, released))
        except BaseException:
            self._released += released
            raise

    def value_of(self, data: bytes) -> Any:
        """The value of a message of the holder's."""
        return Reader(io.BytesIO(data), self._resolve).load()

    def _refer(self, value: Any) -> Any:
        if isinstance(type(value), Kind):
            members = object.__getattribute__(value, "__dict__")
            return (members[_HANDLE], 0) if members[_PLACE] is self else from_another()
        if type(value) is Kind:
            return (0, value.__gom_kind__) if value.__gom_place__ is self else from_another()
        return None

    def _resolve(self, reference: tuple[int, Any, str]) -> Any:
        handle, described, name = reference
        kind = self._kind(described)
        if not handle:
            return kind
        made: Any = object.__new__(kind)  # type: ignore[arg-type]  # a class all the same
        object.__getattribute__(made, "__dict__").update({_PLACE: self, _HANDLE: handle, "__gom_name__": name})
        return made

    def _kind(self, described: Any) -> Kind:
        """The class that shows a class of the holder's, which is described when it comes for the first time."""
        if type(described) is int:
            return self._kinds[described]
        number, name, module, bases, special = described
        members: dict[str, Any] = {
            "__module__": module,
            "__qualname__": name,
            "__hash__": None,
            "__gom_place__": self,
            "__gom_kind__": number,
            **{method: _METHODS[method] for method in special},
        }
        made = Kind(name, tuple(map(self._kind, bases)) or (Remote,), members)
        self._kinds[number] = made
        return made


def from_another() -> NoReturn:
    """Refuse an object that a plugin kept.

    :raises InspectLost: always.
    """
    raise InspectLost("an object is used that was of an INSPECT that is gone")


class _Writer(Writer):
    """Messages to the holder: what is of a class that was made of a plain one goes as that, all else is refused."""

    def reducer_override(self, value: Any) -> Any:
        """What pickle asks for everything that is of no plain type."""
        if by_value(value):
            return super().reducer_override(value)
        for base in BASES:
            if isinstance(value, base):
                return base, (_EXACT[base](value),)
        if callable(value):
            raise TypeError("INSPECT cannot be given a function here: the process that talks to it does not have it")
        raise TypeError(f"INSPECT cannot be given {type(value).__name__!r} here; allowed: plain values, and its own")


def _bytes(refer: Callable[[Any], Any], message: Any) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, refer).dump(message)
    return stream.getvalue()


class Kind(type):
    """The class of classes that show gom's."""

    __gom_place__: Place
    __gom_kind__: int

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make one, in the holder."""
        return cls.__gom_place__.do(CALL, (cls, args, kwargs))

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls.__gom_place__.do(GET, (cls, name))


class Remote(metaclass=Kind):
    """An object of gom's that the holder has."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # Python itself asks, such as `copy`; nothing of INSPECT's has such a name.
            raise AttributeError(name)
        return _do(self, GET, self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _do(self, SET, self, name, value)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        # A copy would lead to the same object, and let go of it with its own end.
        raise TypeError(f"{type(self).__name__!r} of INSPECT cannot be copied")

    def __del__(self) -> None:
        members = object.__getattribute__(self, "__dict__")
        if _PLACE in members:
            members[_PLACE].release(members[_HANDLE])


def _do(value: Any, operation: str, *args: Any) -> Any:
    return object.__getattribute__(value, "__dict__")[_PLACE].do(operation, args)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any) -> Any:
        return _do(self, name, self, *(args if name != "__exit__" else ()))

    method.__name__ = name
    return method


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    return _do(self, CALL, self, args, kwargs)


_METHODS: dict[str, Callable[..., Any]] = {**{name: _method(name) for name in SPECIAL}, "__call__": _call}


class RemoteGom:
    """The module gom.

    :param place: gives the holder's, for the job that runs.
    """

    RequestError = RequestError
    BreakError = BreakError

    def __init__(self, place: Callable[[], Place]) -> None:
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return _Path(self._place, name) if name in COMMAND_ROOTS else self._place().do(GOM, (name,))


class _Path:
    """A command, or a group of them: not asked for before it is called, and then in one operation."""

    __slots__ = ("_path", "_place")

    def __init__(self, place: Callable[[], Place], path: str) -> None:
        self._place = place
        self._path = path

    def __getattr__(self, name: str) -> _Path:
        return _Path(self._place, f"{self._path}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._place().do(COMMAND, (self._path, args, kwargs))


def raised(name: str, base: str, args: tuple[Any, ...], text: str) -> BaseException:
    """The exception that was raised in the holder.

    :param name: of its class.
    :param base: of Python's own class that this is, or was made of.
    :param args: what it was made with, as far as that is plain.
    """
    kind: type[BaseException] | None = EXCEPTIONS.get(name)
    if kind is None:
        own = getattr(builtins, base, None)
        # Whoever has the holder run what it likes may name anything here.
        if not (isinstance(own, type) and issubclass(own, BaseException)):
            return RuntimeError(f"{name}: {text}")
        kind = own if name == base else type(name, (own,), {})
    try:
        return kind(*args)
    except Exception:
        # It cannot be made so.
        return RuntimeError(f"{name}: {text}")
