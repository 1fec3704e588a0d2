"""One client: its messages go on being read while earlier ones run.

Answers of the legacy wire come in the order of their requests, those of the structured wire when they are ready.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable

from ..errors import InternalError
from ..followers import PROGRESS
from ..methods import Methods
from ..model import Answer, Call, Outcome
from ..wire.choice import Wires
from ..wire.jsonrpc import Message, encode_notification
from .connection import Connection
from .exchange import Exchange

log = logging.getLogger(__name__)


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
    :param max_unanswered: how many requests may be unanswered before the connection is not read any further.
    """

    def __init__(
        self,
        connection: Connection,
        wires: Wires,
        methods: Methods,
        flush_soon: Callable[[Session], None],
        request_stop: Callable[[], None],
        max_unanswered: int,
    ) -> None:
        self._connection = connection
        self._wires = wires
        self._methods = methods
        self.client = connection.client
        """The client's address, for people."""
        assert connection.identity is not None
        self.identity = connection.identity
        """Who the client is."""
        self._flush_soon = flush_soon
        self._request_stop = request_stop
        self._max_unanswered = max_unanswered
        self._unread: deque[str | bytes] = deque()
        self._slots: deque[_Slot] = deque()
        self._waiting = 0
        self._answered = 0
        self._texts: list[str] = []
        self._stop = False
        self._flush_due = False
        self._last = False
        self._gone = False
        log.debug("%s: connected", connection.client)

    @property
    def busy(self) -> bool:
        """Whether something of this client is unanswered, or runs and it is to be told of it."""
        return bool(self._unanswered or self._unread) or self._methods.followed_by(self)

    def take(self, message: str | bytes) -> None:
        """A message arrived. Where the client has too much unanswered it waits, and no more is read."""
        if not self._last:
            self._unread.append(message)
            self._read_on()

    def writable(self) -> None:
        """All that was written was taken by the client."""
        self._read_on()

    @property
    def gone(self) -> bool:
        """Whether the connection is lost."""
        return self._gone

    def lost(self) -> None:
        """The connection is gone. What was accepted is carried out all the same."""
        self._gone = True
        if self._methods.batches is not None:
            self._methods.batches.client_left()
        if self._unanswered:
            log.info("%s: left before %d of its requests were answered", self.client, self._unanswered)
        if self._unread:
            log.warning("%s: left; %d of its requests are not run", self.client, len(self._unread))
            self._unread.clear()

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a notification. Progress is left out where the client does not even take its answers."""
        if not self._gone and not (self._connection.unsent and method == PROGRESS):
            self._texts.append(encode_notification(method, params))
            self._flush_later()

    def flush(self) -> None:
        """Write what stands ready, and the answers whose turn it is."""
        self._flush_due = False
        texts, self._texts = self._texts, []
        self._waiting -= self._answered
        self._answered = 0
        slots = self._slots
        stop = False
        while slots and not stop and slots[0].text is not None:
            slot = slots.popleft()
            texts.append(slot.text)  # type: ignore[arg-type]  # the loop's condition, which mypy does not follow
            stop = slot.stop
        if stop:
            # On the legacy wire nothing that comes after it is answered.
            self._stop = True
            slots.clear()
        if texts:
            self._connection.write_together(texts)
        if self._stop:
            # The close frame is on its way before the server begins to stop, so this client sees 1000 and not 1001;
            # where more of it still runs, that is answered first.
            if not self._unanswered:
                self._connection.close(1000, "Closing connection.")
            self._request_stop()
        else:
            self._read_on()

    def broken(self, error: Exception) -> None:
        """A bug of ours was met: end this connection, and no other."""
        log.error("bug while serving %s", self.client, exc_info=error)
        self._connection.fail(1011, "Internal error.")

    def _read_on(self) -> None:
        while self._unread and not self._full:
            self._run(self._unread.popleft())
        self._connection.hold(self._full)

    @property
    def _unanswered(self) -> int:
        return len(self._slots) + self._waiting

    @property
    def _full(self) -> bool:
        return self._unanswered >= self._max_unanswered or self._connection.unsent

    def _run(self, message: str | bytes) -> None:
        try:
            decoded = self._wires.decode(message, self._connection.structured)
            if isinstance(decoded, Message):
                self._exchange(decoded)
                return
            slot = _Slot()
            self._slots.append(slot)
            if isinstance(decoded, Answer):
                if decoded.code:
                    log.warning("%s: %s: %s", self.client, decoded.code, decoded.text)
                self._fill(slot, decoded.text)
            else:
                self._methods.invoke(decoded, self, partial(self._done, slot, decoded))
        except Exception as error:
            self.broken(error)

    def _exchange(self, message: Message) -> None:
        count = len(message.entries)
        self._waiting += count
        Exchange(message, self._methods, self, partial(self._sent, count)).begin()

    def _sent(self, count: int, text: str | None, stop: bool) -> None:
        # They count until the answer is written: a client that asks for much in one go is not to fill the memory.
        self._answered += count
        if text is not None:
            self._texts.append(text)
        if stop:
            self._stop = True
            self._take_no_more()
        self._flush_later()

    def _done(self, slot: _Slot, call: Call, outcome: Outcome) -> None:
        if outcome.stop:
            slot.stop = True
            self._take_no_more()
        try:
            text = self._wires.legacy.encode(call, outcome)
        except Exception:
            log.exception("%s: %s request: bug in the words for its outcome", self.client, call.name)
            text = f"Error: {InternalError(call.name)}"
        self._fill(slot, text)

    def _take_no_more(self) -> None:
        """Nothing that comes after a request that stops the server is run."""
        self._last = True
        self._unread.clear()

    def _fill(self, slot: _Slot, text: str) -> None:
        slot.text = text
        self._flush_later()

    def _flush_later(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            self._flush_soon(self)
