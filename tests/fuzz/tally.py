"""What was seen: how much was sent, what came back, and what should not have been."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ALIVE, ANSWERS, GOM, LOG, BUG = "a", "b", "c", "d", "e"
INVARIANTS = {
    ALIVE: "the server lives until it is told to quit, and then ends in order",
    ANSWERS: "each message has exactly one answer, the right one, in its order or with its id, and a notification has "
    "none; or the connection is closed with the documented code for what was sent",
    GOM: "the gom commands that were called are those of the requests that were carried out, once each; none is called "
    "for a message that is refused",
    LOG: "each line of the log is one event, and holds no raw control character",
    BUG: "the server meets no bug of its own: no error in its log, no traceback, no close code 1011",
}


class Finding(NamedTuple):
    """An invariant that was broken."""

    invariant: str
    """One of `INVARIANTS`."""
    text: str


class Broken(AssertionError):
    """The server is not as it should be. Ends the example."""


@dataclass
class Tally:
    """The figures of one run."""

    limit_s: float = 20.0
    """How long anything may take that is waited for, in seconds; only a server that hangs takes so long."""
    sent: Counter[str] = field(default_factory=Counter)
    """Messages by what they are made of."""
    answers: Counter[str] = field(default_factory=Counter)
    """Answers by their code, `ok` where the request was carried out."""
    notifications: Counter[str] = field(default_factory=Counter)
    """Notifications by their method."""
    closes: Counter[str] = field(default_factory=Counter)
    """Ends of connections by close code, or by what the client did."""
    examples: int = 0
    connections: int = 0
    servers: int = 0
    calls: int = 0
    """Gom commands that were called."""
    log_lines: int = 0
    findings: list[Finding] = field(default_factory=list)
    steps: str = ""
    """What led to the finding, as Hypothesis says it."""
    folder: str = ""
    """Where the server's files are then."""

    @property
    def messages(self) -> int:
        """How many messages were sent in all."""
        return sum(self.sent.values())

    def broken(self, invariant: str, text: str) -> Any:
        """:raises Broken: always."""
        self.findings.append(Finding(invariant, text[:2000]))
        raise Broken(f"{invariant}: {text[:2000]}")
