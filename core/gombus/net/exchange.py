"""One JSON-RPC message under way: its requests go out, and their answers come back as one message."""

from __future__ import annotations

import logging
from functools import partial
from typing import Callable

from ..errors import Cancelled, InternalError
from ..followers import Asker
from ..methods import Methods
from ..model import Outcome
from ..refusals import code_of
from ..wire.jsonrpc import Invoke, Message, Reject, encode, encode_batch

log = logging.getLogger(__name__)

Sent = Callable[["str | None", bool], None]
"""Gets the answer, None where there is none to give, and whether the server is to stop after it."""


class Exchange:
    """Serves the requests of one message.

    :param sent: called once, when all of them are answered.
    """

    def __init__(self, message: Message, methods: Methods, asker: Asker, sent: Sent) -> None:
        self._message = message
        self._methods = methods
        self._asker = asker
        self._sent = sent
        self._answers: list[str | None] = [None] * len(message.entries)
        self.total = self._left = len(message.entries)
        self._batches = methods.batches if message.batch else None
        self._stop = False
        self._begun = 0
        self._going_on = False

    @property
    def left(self) -> int:
        """How many requests of a client that waits are not answered."""
        return 0 if self._asker.gone else self._left

    def begin(self) -> None:
        """Send the requests out: all at once, or, where a failure halts them, one after the other."""
        if self._batches is not None:
            self._batches.begun(self)
        if self._message.halts:
            self._go_on()
        else:
            for place in range(len(self._message.entries)):
                self._invoke(place)

    def _go_on(self) -> None:
        """Send out the next request, and those after it as long as each is answered at once."""
        # A loop, because such answers would nest deeper and deeper.
        self._going_on = True
        while self._left and self._begun == len(self._message.entries) - self._left:
            self._begun += 1
            self._invoke(self._begun - 1)
        self._going_on = False

    def _invoke(self, place: int) -> None:
        entry = self._message.entries[place]
        if isinstance(entry, Invoke):
            self._methods.invoke(entry.call, self._asker, partial(self._done, place))
            return
        log.warning("%s: %s: %s", self._asker.client, code_of(entry.error), entry.error)
        self._done(place, Outcome(error=entry.error))

    def _done(self, place: int, outcome: Outcome) -> None:
        entry = self._message.entries[place]
        self._stop = self._stop or outcome.stop
        if not entry.notification:
            self._answers[place] = self._encoded(entry, outcome)
        self._left -= 1
        if self._batches is not None:
            self._batches.changed(self)
        if self._left == 0:
            self._finish()
        elif self._message.halts:
            if outcome.error is not None:
                self._cancel_from(place + 1)
            elif not self._going_on:
                self._go_on()

    def _encoded(self, entry: Invoke | Reject, outcome: Outcome) -> str:
        try:
            return encode(entry.id, outcome)
        except Exception:
            name = entry.call.name if isinstance(entry, Invoke) else "this"
            log.exception("%s: %s request: bug in the words for its outcome", self._asker.client, name)
            return encode(entry.id, Outcome(error=InternalError(name)))

    def _cancel_from(self, place: int) -> None:
        error = Cancelled("An earlier request of this batch failed; this one was not started.")
        for later in range(place, len(self._message.entries)):
            entry = self._message.entries[later]
            if not entry.notification:
                self._answers[later] = encode(entry.id, Outcome(error=error))
        self._left = 0
        if self._batches is not None:
            self._batches.changed(self)
        self._finish()

    def _finish(self) -> None:
        answers = [answer for answer in self._answers if answer is not None]
        if not answers:
            self._sent(None, self._stop)
        elif self._message.batch:
            self._sent(encode_batch(answers), self._stop)
        else:
            self._sent(answers[0], self._stop)
