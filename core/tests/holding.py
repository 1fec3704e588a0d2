"""A holder in a thread of the test's process, a gom that is made up, and the server's side of both."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from gombus.inspect.holder import Holder, Requests
from gombus.inspect.remote import InspectLost, Place, RemoteGom, raised
from gombus.inspect.values import LOST, OK, read, write


class Vector:
    """A type of gom's that computes."""

    def __init__(self, x: float) -> None:
        self.x = x

    def __add__(self, other: Any) -> Any:
        return Vector(self.x + (other.x if isinstance(other, Vector) else other))

    def __radd__(self, other: Any) -> Any:
        return Vector(other + self.x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector) and self.x == other.x

    def __repr__(self) -> str:
        return f"Vector {self.x}"

    @staticmethod
    def zero() -> Vector:
        """One at the origin."""
        return Vector(0)


class Special(Vector):
    """A type that was made of another one."""

    def __hash__(self) -> int:
        return 5


class Series:
    """Many things, by name and by number."""

    def __init__(self) -> None:
        self.things: dict[Any, Any] = {"a": Vector(1), 0: "first", 1: "second"}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return [key.start, key.stop]
        if isinstance(key, int) and key not in self.things:
            raise IndexError(f"no {key}")
        return self.things[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.things[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.things[key]

    def __contains__(self, key: object) -> bool:
        return key in self.things

    def __len__(self) -> int:
        return len(self.things)


class Bar:
    """Something for `with`."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def __enter__(self) -> Bar:
        self.log.append("entered")
        return self

    def __exit__(self, *raised: object) -> None:
        self.log.append("left")


class RequestError(RuntimeError):
    """As the real client's."""

    def __init__(self, description: str, error_code: str, error_log: str) -> None:
        super().__init__(error_code, error_log)
        self.description, self.error_code, self.error_log = description, error_code, error_log


class BreakError(Exception):
    """As the real client's."""


class Odd(ConnectionError):
    """An exception of a library that the server does not have."""


class Gom(SimpleNamespace):
    """The module gom."""

    def __init__(self) -> None:
        super().__init__(RequestError=RequestError, BreakError=BreakError)
        self.Vector, self.Special, self.Bar = Vector, Special, Bar
        self.app = Series()
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.web_socket = SimpleNamespace(connected=True, sock=None)
        self.script = SimpleNamespace(sys=SimpleNamespace(run=self._run, fail=self._fail, warn=self._warn))

    def lose(self) -> None:
        """INSPECT closes the connection."""
        self.__common__ = SimpleNamespace(
            __connection__=SimpleNamespace(_ws=SimpleNamespace(connected=False, sock=None))
        )

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((args, kwargs))
        return kwargs.get("answer")

    def _fail(self, kind: str, *args: Any) -> None:
        kinds = {"RequestError": RequestError, "BreakError": BreakError, "Odd": Odd, "Unicode": UnicodeDecodeError}
        kind_of: Any = kinds.get(kind) or getattr(__import__("builtins"), kind)
        raise kind_of(*args)

    def _warn(self, text: str) -> str:
        warnings.warn(text, stacklevel=1)
        return "warned"


class Held:
    """The server's side."""

    def __init__(self, gom: Gom) -> None:
        ours, its = os.pipe(), os.pipe()
        self.left: list[int] = []
        self.ended = threading.Event()
        self.warnings: list[str] = []
        self._requests, self.answers = os.fdopen(ours[1], "wb"), os.fdopen(its[0], "rb")
        self.stream = os.fdopen(ours[0], "rb")
        self.asked = Requests(self.stream, self._leave)
        self.holder = Holder(gom, self.asked, os.fdopen(its[1], "wb"), self._leave)
        self.place = Place(self.do)
        self.gom: Any = RemoteGom(lambda: self.place)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def do(self, operation: str, args: tuple[Any, ...] = ()) -> Any:
        """Carry out one operation."""
        write(self._requests, self.place.bytes_of(operation, args))
        ended, value, said = self.place.value_of(read(self.answers))
        self.warnings += said
        if ended == OK:
            return value
        if ended == LOST:
            raise InspectLost("lost")
        raise raised(*value)

    def close(self) -> None:
        """The server goes away."""
        self._requests.close()

    def _run(self) -> None:
        with suppress(SystemExit):
            self.holder.run()

    def _leave(self, code: int) -> Any:
        self.left.append(code)
        self.ended.set()
        # The thread that listens ends by itself, and pytest minds what a thread ends with.
        if threading.current_thread() is self.thread:
            raise SystemExit


@contextmanager
def holding(gom: Gom) -> Iterator[Held]:
    """A holder of this gom; at the end it is ended."""
    with warnings.catch_warnings():
        held = Held(gom)
        try:
            yield held
        finally:
            gom.lose()
            held.thread.join()
            held.close()
            held.asked.thread.join()
            for stream in (held.answers, held.stream, held.holder._answers):
                stream.close()
