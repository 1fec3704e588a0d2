"""One client: its messages go on being read while earlier ones run, and are answered in their order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Callable

from websockets.exceptions import ConnectionClosed

from .bus import Bus
from .connection import Connection
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
    """Serves one connection until it ends.

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
        address = connection.remote_address
        self._client = f"{address[0]}:{address[1]}" if address else "gone"
        self._slots: deque[_Slot] = deque()
        self._flush_due = False
        self._ended = False
        self._room: asyncio.Future[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        connection.on_writable = self._wake

    async def run(self) -> None:
        """Read until the connection closes."""
        log.debug("%s: connected", self._client)
        try:
            async for message in self._connection:
                if not self._ended:
                    self._take(message)
                while not self._ended and (len(self._slots) >= MAX_UNANSWERED or self._connection.unsent):
                    self._room = self._connection.loop.create_future()
                    await self._room
        except ConnectionClosed as error:
            log.debug("%s: lost: %s", self._client, error)
        if self._closing:
            await self._closing
        if self._slots:
            log.info("%s: left before %d of its requests were answered", self._client, len(self._slots))

    def _take(self, message: str | bytes) -> None:
        slot = _Slot()
        self._slots.append(slot)
        decoded = self._wire.decode(message)
        if isinstance(decoded, Answer):
            self._fill(slot, decoded.text)
        else:
            self._bus.submit(decoded, self._client, partial(self._done, slot, decoded))

    def _done(self, slot: _Slot, call: Call, outcome: Outcome) -> None:
        slot.stop = outcome.stop
        self._fill(slot, self._wire.encode(call, outcome))

    def _fill(self, slot: _Slot, text: str) -> None:
        slot.text = text
        if not self._flush_due:
            self._flush_due = True
            self._flush_soon(self)

    def flush(self) -> None:
        """Write the answers whose turn it is."""
        self._flush_due = False
        texts: list[str] = []
        slots = self._slots
        while slots and not self._ended and slots[0].text is not None:
            slot = slots.popleft()
            texts.append(slot.text)  # type: ignore[arg-type]  # the loop's condition, which mypy does not follow
            self._ended = slot.stop
        if texts:
            self._connection.write_together(texts)
        if self._ended and self._closing is None:
            # The close frame is on its way before the server begins to stop, so this client sees 1000 and not 1001.
            self._closing = asyncio.ensure_future(self._connection.close(1000, "Closing connection."))
            self._request_stop()
        self._wake()

    def _wake(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
