"""Inside the server: leads gombus's own functions past the named points, from outside.

The points `running` and `effect` lie in the handler of `effects_plugin`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import points
from effects_plugin import REQUESTS

from gombus.journal.writer import ACCEPT, FINISH, Op, Writer
from gombus.methods import Methods
from gombus.net.connection import Connection
from gombus.receiptlog import Head, ReceiptLog

ACKNOWLEDGEMENT = "task-"
"""Requests whose ids begin with this ask for a task."""


def install() -> None:
    """Wrap the functions. Called once, before the server is made."""
    _received()
    _committed_and_done()
    _acknowledged()
    _logged()


def _received() -> None:
    invoke = Methods.invoke

    def wrapped(self: Methods, call: Any, asker: Any, done: Any) -> None:
        if call.name in REQUESTS:
            points.reach(points.RECEIVED)
        invoke(self, call, asker, done)

    Methods.invoke = wrapped  # type: ignore[method-assign]  # that is what this module is for


def _committed_and_done() -> None:
    carry_out = Writer.carry_out

    def wrapped(self: Writer, ops: Sequence[Op]) -> None:
        carry_out(self, ops)
        # Clients are told only when this has returned.
        if any(op.kind == ACCEPT and op.answer == (None,) for op in ops):
            points.reach(points.COMMITTED)
        if any(op.kind == FINISH for op in ops):
            points.reach(points.DONE)

    Writer.carry_out = wrapped  # type: ignore[method-assign]  # as above


def _acknowledged() -> None:
    write_together = Connection.write_together

    def wrapped(self: Connection, texts: list[str]) -> None:
        write_together(self, texts)
        if any(f'"id":"{ACKNOWLEDGEMENT}' in text and '"status": "working"' in text for text in texts):
            points.reach(points.ACKNOWLEDGED)

    Connection.write_together = wrapped  # type: ignore[method-assign]  # as above


def _logged() -> None:
    append = ReceiptLog.append

    def wrapped(self: ReceiptLog, receipts: Sequence[str]) -> Head:
        points.reach(points.LOGGING)
        head = append(self, receipts)
        points.reach(points.LOGGED)
        return head

    ReceiptLog.append = wrapped  # type: ignore[method-assign]  # as above
