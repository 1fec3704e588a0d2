"""Inside the server: faults that the harness must find. They are planted in that process alone."""

from __future__ import annotations

import sys
from typing import Any, Callable, NamedTuple

from promises import DELAY, HANDLES, LOG, MEMORY

from gombus import loglimit
from gombus.net import portions
from gombus.net.connection import Connection
from gombus.net.handshake import Handshake
from gombus.net.session import Session


def read_on() -> None:
    """Clients are read on, whatever they leave unread themselves, and however much of theirs is unanswered."""
    Session._full = False  # type: ignore[method-assign, assignment]  # that is what this module is for
    Connection._set_reading = lambda self: None  # type: ignore[method-assign]  # as above


def any_size() -> None:
    """Messages may have any length."""
    protocol = Handshake.protocol

    def wrapped(self: Handshake) -> Any:
        made = protocol(self)
        for name in ("max_size", "max_message_size"):
            if hasattr(made, name):
                setattr(made, name, None)
        return made

    Handshake.protocol = wrapped  # type: ignore[method-assign]  # as above


def no_turns() -> None:
    """All that one client sent is looked at in one go."""
    portions.PORTION = sys.maxsize


def keep_sockets() -> None:
    """A socket of every connection that was lost is kept."""
    lost = Connection.connection_lost
    kept: list[Any] = []

    def wrapped(self: Connection, error: Exception | None) -> None:
        if len(kept) < 100:
            kept.append(self._transport.get_extra_info("socket").dup())
        lost(self, error)

    Connection.connection_lost = wrapped  # type: ignore[method-assign]  # as above


def log_all() -> None:
    """Every refusal is logged."""
    loglimit.OF_ONE = loglimit.OF_ALL = sys.maxsize


class Fault(NamedTuple):
    """One fault."""

    plant: Callable[[], None]
    """Called once, before the server is made."""
    kinds: tuple[str, ...]
    """The hostile clients that show it."""
    promise: str
    """The one that it breaks."""
    settings: tuple[tuple[str, str], ...] = ()
    """The server's environment, where another limit would hide it."""


FAULTS = {
    "read-on": Fault(read_on, ("no-read",), MEMORY, (("GOMBUS_MAX_OUTBOX_BYTES", str(1 << 30)),)),
    "any-size": Fault(any_size, ("oversize", "fragments"), MEMORY),
    "no-turns": Fault(no_turns, ("pings", "empty-frames", "fragments"), DELAY),
    "keep-sockets": Fault(keep_sockets, ("churn",), HANDLES),
    "log-all": Fault(log_all, ("flood-malformed",), LOG),
}
"""By name."""
