"""Keeps a holder: starts one when INSPECT is there, says when it is lost, and starts the next."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from ..errors import BackendUnavailable
from ..presence import Presence
from ..redaction import redacted
from .address import shown
from .process import Process
from .remote import InspectLost, Place, RemoteGom, from_another

log = logging.getLogger(__name__)

FIRST_S, LONGEST_S = 0.5, 10.0
"""How long it is waited, in s, before INSPECT is looked for again: twice as long each time."""
STEADY_S = 30.0
"""After a holder that lived as long, in s, it is begun with the shortest again."""
CONNECT_LIMIT_S = 2.0


class Supervisor(Presence):
    """INSPECT beside this process, through holders, one after the other.

    :param address: of INSPECT, which was checked.
    :param hang_s: after how long, in s, a gom command that does not return is given up, with its holder; 0 is never.
    """

    def __init__(self, address: str, hang_s: float = 0.0) -> None:
        super().__init__()
        self._address = address
        self._hang_s = hang_s
        self._title = f"INSPECT at {shown(address)}"
        self.reason = f"{self._title} was not there yet"
        self.ready = False
        self._process: Process | None = None
        self._starting: Process | None = None
        self._unclosed: Process | None = None
        """The last that was there; it stays this one when it is lost, until it is closed."""
        self._used: Process | None = None
        """That of the handler that runs: it must not go on with another one."""
        self._broke = ""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="gombus-inspect", daemon=True)

    def open(self, wait: bool) -> Any:
        """Begin.

        :param wait: whether INSPECT may come later; else it must be there.
        :returns: what handlers know as gom.
        :raises BackendUnavailable: it is not.
        """
        why = "" if wait else self._start()
        if why:
            raise BackendUnavailable(why)
        if wait:
            log.info("%s is looked for", self._title)
        self._thread.start()
        return RemoteGom(self._place)

    def close(self) -> None:
        """End the holder, and look for no other."""
        self._closing.set()
        starting = self._starting
        if starting is not None:
            starting.kill("the server ends")
        self._end()
        if self._thread.ident is not None:
            self._thread.join()
        # One that was there just then.
        self._end()

    def _end(self) -> None:
        process = self._unclosed
        if process is not None:
            process.close()

    # On the owner thread.

    def begin(self) -> bool:
        """Whether INSPECT is there for a handler; the holder that it has then is its holder to the end."""
        self._used = process = self._process
        alive = process is not None and process.alive()
        self._broke = ""
        return alive

    def broke(self) -> str:
        """What happened to an operation of the handler."""
        return self._broke

    def _broken(self, process: Process) -> None:
        if process is not self._used:
            # It was lost before the handler began: nothing is lost now.
            from_another()
        self._broke = f"INSPECT was lost ({process.wait()})"
        self._lost(process)

    def _place(self) -> Place:
        process = self._used or self._process
        if process is None:
            raise InspectLost(self.reason)
        return process.place

    # On any thread.

    def look(self) -> None:
        """Give up a gom command that hangs."""
        process = self._process
        since_s = process.since_s if process is not None else 0.0
        if process is not None and self._hang_s and since_s and time.monotonic() - since_s >= self._hang_s:
            process.kill(f"a gom command did not return within {self._hang_s:g} s and may still be running in INSPECT")
            self._lost(process)

    def _lost(self, process: Process) -> None:
        # Whoever comes second finds it said.
        with self._lock:
            if self._process is not process:
                return
            self._process = None
            why = process.wait()
            log.error("%s is lost: %s; what waits is kept until it is back", self._title, why)
            self.change(f"{self._title} is lost: {why}; it is looked for until it is back")

    # On the thread that keeps it.

    def _keep(self) -> None:
        delay_s = FIRST_S
        while not self._closing.is_set():
            began_s = time.monotonic()
            process = self._unclosed
            if process is not None:
                process.wait()
                if not self._closing.is_set():
                    self._lost(process)
                process.close()
                self._unclosed = None
            if time.monotonic() - began_s > STEADY_S:
                delay_s = FIRST_S
            if self._closing.wait(delay_s):
                return
            delay_s = min(2 * delay_s, LONGEST_S)
            why = self._missing() or self._start()
            if why and why != self.reason and not self._closing.is_set():
                log.warning("%s; it is looked for again", why)
                self.change(why)

    def _missing(self) -> str:
        parts = urlsplit(self._address)
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        try:
            socket.create_connection((parts.hostname or "", port), CONNECT_LIMIT_S).close()
        except OSError as error:
            return f"no {self._title}: {type(error).__name__}: {redacted(str(error))}"
        return ""

    def _start(self) -> str:
        process: Process | None = None
        try:
            self._starting = process = Process(self._address, self._broken)
            # `close` may have looked before there was one to end.
            if self._closing.is_set():
                process.kill("the server ends")
            why = process.open()
        except (OSError, RuntimeError) as error:
            # No process, file handle or thread is to be had; there may be one later.
            why = f"the process that talks to INSPECT cannot be started: {type(error).__name__}: {error}"
        self._starting = None
        if process is None:
            return why
        if why or self._closing.is_set():
            process.close()
            return why
        if self._thread.ident is not None:
            log.warning("%s is there", self._title)
        # At once: it may be lost again before this is said.
        with self._lock:
            self._process = self._unclosed = process
            self.change("")
        return ""
