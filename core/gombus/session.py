"""One client: its messages go on being read while earlier ones run, and are answered in their order."""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from typing import Callable

from .bus import Bus
from .connection import Connection
from .errors import InternalError
from .model import Answer, Call, Outcome
from .wire.legacy import LegacyWire

log = logging.getLogger(__name__)

MAX_UNANSWERED = 64
"""How many requests of one client may be unanswered before its connection is not read any further."""


class _Slot:
    """The place of one answer in the order of answers."""

    __slots__ = ("stop", "text")

    def __init__(self) -> None:
        self.text: str | None = None
        self.stop = False


class Session:
    """Serves the messages of one connection.

    :param flush_soon: called when an answer is ready; it must lead to a call of `flush` in this turn of the event loop.
    :param request_stop: called when an answered request asked for the server to stop.
    """

    def __init__(
        self,
        connection: Connection,
        wire: LegacyWire,
        bus: Bus,
        flush_soon: Callable[[Session], None],
        request_stop: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._wire = wire
        self._bus = bus
        self._flush_soon = flush_soon
        self._request_stop = request_stop
        self._unread: deque[str | bytes] = deque()
        self._slots: deque[_Slot] = deque()
        self._flush_due = False
        self._last = False
        log.debug("%s: connected", connection.client)

    def take(self, message: str | bytes) -> None:
        """A message arrived. Where the client has too much unanswered it waits, and no more is read."""
        if not self._last:
            self._unread.append(message)
            self._read_on()

    def writable(self) -> None:
        """All that was written was taken by the client."""
        self._read_on()

    def lost(self) -> None:
        """The connection is gone. What was accepted is carried out all the same."""
        if self._slots:
            log.info("%s: left before %d of its requests were answered", self._connection.client, len(self._slots))
        if self._unread:
            log.warning("%s: left; %d of its requests are not run", self._connection.client, len(self._unread))
            self._unread.clear()

    def flush(self) -> None:
        """Write the answers whose turn it is."""
        self._flush_due = False
        texts: list[str] = []
        slots = self._slots
        stop = False
        while slots and not stop and slots[0].text is not None:
            slot = slots.popleft()
            texts.append(slot.text)  # type: ignore[arg-type]  # the loop's condition, which mypy does not follow
            stop = slot.stop
        if texts:
            self._connection.write_together(texts)
        if stop:
            # The close frame is on its way before the server begins to stop, so this client sees 1000 and not 1001.
            self._connection.close(1000, "Closing connection.")
            self._request_stop()
        else:
            self._read_on()

    def broken(self, error: Exception) -> None:
        """A bug of ours was met: end this connection, and no other."""
        log.error("bug while serving %s", self._connection.client, exc_info=error)
        self._connection.fail(1011, "Internal error.")

    def _read_on(self) -> None:
        while self._unread and not self._full:
            self._run(self._unread.popleft())
        self._connection.hold(self._full)

    @property
    def _full(self) -> bool:
        return len(self._slots) >= MAX_UNANSWERED or self._connection.unsent

    def _run(self, message: str | bytes) -> None:
        slot = _Slot()
        self._slots.append(slot)
        try:
            decoded = self._wire.decode(message)
            if isinstance(decoded, Answer):
                if decoded.code:
                    log.warning("%s: %s: %s", self._connection.client, decoded.code, decoded.text)
                self._fill(slot, decoded.text)
            else:
                self._bus.submit(decoded, self._connection.client, partial(self._done, slot, decoded))
        except Exception as error:
            self.broken(error)

    def _done(self, slot: _Slot, call: Call, outcome: Outcome) -> None:
        if outcome.stop:
            # Nothing that comes after it is run.
            slot.stop = self._last = True
            self._unread.clear()
        try:
            text = self._wire.encode(call, outcome)
        except Exception:
            log.exception("%s: %s request: bug in the words for its outcome", self._connection.client, call.name)
            text = f"Error: {InternalError(call.name)}"
        self._fill(slot, text)

    def _fill(self, slot: _Slot, text: str) -> None:
        slot.text = text
        if not self._flush_due:
            self._flush_due = True
            self._flush_soon(self)
