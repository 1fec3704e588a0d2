"""The process that holds gom: it imports it, and carries out one operation after the other for the server.

It can be ended at any time, by itself or by others, and the server stays. It talks through its standard input and
output, which are moved away first, so that what anybody prints goes to its standard error, which the server logs.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import threading
import warnings
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, Callable, NoReturn
from weakref import WeakKeyDictionary

from ..errors import BackendUnavailable
from ..rendering import name_of
from ..signals import NUMBERS
from .client import connect, gone
from .values import (
    CALL,
    CODE_LOST,
    COMMAND,
    FAILED,
    GET,
    GOM,
    LOST,
    OK,
    PING,
    RAISED,
    READY,
    SET,
    SPECIAL,
    Reader,
    Writer,
    by_value,
    read,
    write,
)

IDLE_S = 0.25
"""How often, in s, it is looked whether INSPECT is still there while there is nothing to do."""


def main() -> None:
    """Run until the server is gone, or INSPECT."""
    for number in NUMBERS:
        # Ctrl-C goes to all who share the console; when this process ends, the server decides.
        signal.signal(number, signal.SIG_IGN)
    requests, answers = _moved()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO, stream=sys.stderr)
    address = read(requests).decode()
    asked = Requests(requests)
    try:
        gom = connect(address)
    except BackendUnavailable as error:
        write(answers, f"{FAILED} {error}".encode("utf-8", "backslashreplace"))
        # A thread still reads.
        os._exit(0)
    write(answers, READY.encode())
    Holder(gom, asked, answers).run()


def _moved() -> tuple[BinaryIO, BinaryIO]:
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    return requests, answers


class Requests:
    """What the server asks for, read on a thread of its own: importing gom, and each call, blocks, and must not outlive
    the server.

    :param leave: ends the process at once, when the server closed its end.
    """

    def __init__(self, stream: BinaryIO, leave: Callable[[int], NoReturn] = os._exit) -> None:
        self._stream = stream
        self._leave = leave
        self.waiting: SimpleQueue[bytes] = SimpleQueue()
        self.thread = threading.Thread(target=self._listen, name="gombus-requests", daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                self.waiting.put(read(self._stream))
        self._leave(0)


class Holder:
    """Carries out operations on gom.

    :param gom: the module; this thread imported it.
    :param leave: ends the process at once: what gom does when Python ends would ask INSPECT.
    """

    def __init__(
        self, gom: Any, requests: Requests, answers: BinaryIO, leave: Callable[[int], NoReturn] = os._exit
    ) -> None:
        self._gom = gom
        self._requests = requests
        self._answers = answers
        self._leave = leave
        self._objects: dict[int, Any] = {}
        self._last = 0
        self._kinds = _Kinds()
        self._warnings: list[str] = []
        self._operations: dict[str, Callable[..., Any]] = {
            **SPECIAL,
            GET: getattr,
            SET: setattr,
            CALL: lambda what, args, kwargs: what(*args, **kwargs),
            GOM: lambda name: getattr(gom, name),
            COMMAND: self._command,
            PING: lambda: None,
        }

    def run(self) -> None:
        """Until the server closes its end, or INSPECT is gone."""
        warnings.simplefilter("always")
        warnings.showwarning = self._warned
        while True:
            try:
                request = self._requests.waiting.get(timeout=IDLE_S)
            except Empty:
                if gone(self._gom):
                    self._leave(CODE_LOST)
                continue
            self._answer(request)

    def _answer(self, request: bytes) -> None:
        # Looked at before, so that what cannot be sent any more is not begun.
        if gone(self._gom):
            self._lost()
        try:
            operation, args, released = Reader(io.BytesIO(request), self._resolve).load()
            for handle in released:
                self._objects.pop(handle, None)
            result = self._operations[operation](*args)
            data = self._bytes((OK, result))
        except BaseException as error:
            if not isinstance(error, (self._gom.RequestError, self._gom.BreakError)) and gone(self._gom):
                self._lost()
            data = self._bytes((RAISED, self._described(error)))
        write(self._answers, data)

    def _lost(self) -> None:
        write(self._answers, self._bytes((LOST, None)))
        self._leave(CODE_LOST)

    def _command(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        command = self._gom
        for name in path.split("."):
            command = getattr(command, name)
        return command(*args, **kwargs)

    def _warned(self, message: Warning | str, *where: Any, **more: Any) -> None:
        self._warnings.append(str(message))

    # What goes between the processes.

    def _bytes(self, answer: tuple[str, Any]) -> bytes:
        said, self._warnings = self._warnings, []
        stream = io.BytesIO()
        try:
            Writer(stream, self._refer).dump((*answer, said))
        except BaseException:
            # Some were not told after all.
            self._kinds.told.clear()
            raise
        return stream.getvalue()

    def _refer(self, value: Any) -> Any:
        if by_value(value):
            return None
        if isinstance(value, type):
            return (0, self._kinds.described(value, asked=True), "")
        self._last += 1
        self._objects[self._last] = value
        return (self._last, self._kinds.described(type(value)), name_of(value))

    def _resolve(self, reference: tuple[int, int]) -> Any:
        handle, kind = reference
        return self._objects[handle] if handle else self._kinds.classes[kind]

    def _described(self, error: BaseException) -> tuple[str, str, tuple[Any, ...], str]:
        kind, text = type(error), str(error)
        if isinstance(error, self._gom.RequestError):
            said = (error.description, error.error_code, error.error_log)
            return ("RequestError", "RuntimeError", tuple(map(str, said)), text)
        name = "BreakError" if isinstance(error, self._gom.BreakError) else kind.__name__
        base = next(base for base in kind.__mro__ if base.__module__ == "builtins")
        plain = all(type(arg) in (str, int, float, bool, type(None)) for arg in error.args)
        return (name, base.__name__, error.args if plain else (text,), text)


class _Kinds:
    """The classes that the server was told of. Those that look the same are one: some are made for every object."""

    def __init__(self) -> None:
        self.told: set[int] = set()
        self.classes: dict[int, type] = {}
        """Those that the server may ask for, by number."""
        self._numbers: dict[Any, int] = {}
        self._known: WeakKeyDictionary[type, tuple[int, Any]] = WeakKeyDictionary()

    def described(self, kind: type, asked: bool = False) -> Any:
        """Its number, or, the first time, all that the server needs to show it."""
        if kind not in self._known:
            self._known[kind] = self._looked_at(kind)
        number, looks = self._known[kind]
        if asked:
            self.classes[number] = kind
        if number in self.told:
            return number
        self.told.add(number)
        name, module, _, special = looks
        return (number, name, module, [self.described(base) for base in _bases(kind)], special)

    def _looked_at(self, kind: type) -> tuple[int, Any]:
        # By what the classes themselves have: a look at an object could ask INSPECT.
        special = [name for name in (*SPECIAL, "__call__") if getattr(kind, name, None) is not None]
        bases = tuple(self._looked_at(base)[0] for base in _bases(kind))
        looks = (kind.__name__, kind.__module__, bases, tuple(special))
        return self._numbers.setdefault(looks, len(self._numbers) + 1), looks


def _bases(kind: type) -> list[type]:
    return [base for base in kind.__bases__ if base is not object]
