"""One holder, as the server sees it: a process that is started, asked, and ended."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Callable

from .remote import InspectLost, Place, raised
from .values import CODE_LOST, FAILED, LOST, OK, PING, read, write

log = logging.getLogger(__name__)
said = logging.getLogger("gombus.inspect.gom")
"""What the client, and INSPECT through it, say in the holder."""

START_LIMIT_S = 60.0
"""How long the holder may take, in s, to import gom, which asks INSPECT several things."""
END_LIMIT_S = 6.0
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from gombus.inspect import holder; __file__ = holder.__file__; holder.main()"
)


class Process:
    """One holder. `open` belongs to the thread that starts it, `do` and `alive` to the owner thread.

    :param address: of INSPECT; it goes through the holder's standard input, because others can read its arguments.
    :param lost: called on the owner thread when an operation is lost.
    """

    def __init__(self, address: str, lost: Callable[[Process], None]) -> None:
        # The same modules as here, and nothing of the current folder, which `-m` would put first.
        program = _PROGRAM.format(path=sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self.place = Place(self.do)
        """The objects that it holds."""
        self._address = address
        self._lost = lost
        self._owner = threading.main_thread().ident
        self._killed = ""
        self.since_s = 0.0
        """Since when it is asked for something, on the monotonic clock; 0 where it is not."""
        self._logging = threading.Thread(target=self._log, name="gombus-inspect-log", daemon=True)
        try:
            self._logging.start()
        except RuntimeError:
            with self._process:
                self._process.kill()
            raise

    def open(self) -> str:
        """Have gom imported.

        :returns: why it cannot be; empty where it was.
        """
        limit = threading.Timer(START_LIMIT_S, self.kill, [f"INSPECT did not answer within {START_LIMIT_S:g} s"])
        limit.daemon = True
        limit.start()
        try:
            write(self._requests, self._address.encode())
            word, _, why = read(self._answers).decode("utf-8", "replace").partition(" ")
        except (OSError, EOFError):
            return self.wait()
        finally:
            limit.cancel()
        return why if word == FAILED else ""

    def do(self, operation: str, args: tuple[Any, ...] = ()) -> Any:
        """Carry out one operation.

        :raises InspectLost: INSPECT or the holder was lost before it was answered, or an argument is of an earlier one.
        """
        if threading.get_ident() != self._owner:
            raise RuntimeError("gom can be used on the thread only on which the handler runs")
        # Where an argument is of an earlier one, nothing was asked, and this one is not lost.
        message = self.place.bytes_of(operation, args)
        try:
            ended, value, warnings = self._understood(self._asked(message))
            if ended == LOST:
                raise InspectLost(self.wait())
        except InspectLost:
            self._lost(self)
            raise
        for warning in warnings:
            said.warning("%s", warning)
        if ended == OK:
            return value
        raise raised(*value)

    def _asked(self, message: bytes) -> bytes:
        self.since_s = time.monotonic()
        try:
            write(self._requests, message)
            return read(self._answers)
        except (OSError, EOFError, ValueError) as error:
            # A stream that is closed already is a ValueError.
            raise InspectLost(self.wait()) from error
        finally:
            self.since_s = 0.0

    def _understood(self, answer: bytes) -> Any:
        try:
            ended, value, warnings = self.place.value_of(answer)
        except Exception as error:
            # What it knows of what is here can no longer be relied on.
            log.exception("what the process that talks to INSPECT says cannot be understood")
            self.kill("what it said could not be understood")
            raise InspectLost(self.wait()) from error
        return ended, value, warnings

    def alive(self) -> bool:
        """Whether INSPECT is still there."""
        try:
            self.do(PING)
        except InspectLost:
            return False
        return True

    def kill(self, why: str) -> None:
        """End it, whatever it does; may be called on any thread."""
        self._killed = self._killed or why
        self._process.kill()

    def wait(self) -> str:
        """Wait for its end, and say why it ended."""
        code = self._process.wait()
        if self._killed:
            return self._killed
        if code == CODE_LOST:
            return "it closed the connection"
        return f"the process that talks to INSPECT ended (exit code {code})"

    def close(self) -> None:
        """Let it end, and wait for that."""
        with suppress(OSError):
            self._requests.close()
        try:
            self._process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill("it did not end by itself")
            self._process.wait()
        self._logging.join(END_LIMIT_S)
        self._answers.close()

    def _log(self) -> None:
        assert self._process.stderr
        with suppress(OSError, ValueError), self._process.stderr as stream:
            for line in stream:
                said.info("%s", line.decode("utf-8", "replace").rstrip())
