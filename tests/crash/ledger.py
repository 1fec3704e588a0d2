"""What the clients sent and what they were told: the truth that the server is held to."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from effects_plugin import REQUEST
from wire import Message

from gombus.ahead import MAX_AHEAD

LOST, EFFECTS, TWICE, NO_EFFECT = "a", "b", "c", "d"
CONFLICT, UNTOLD, RECEIPTS, ORDER, SERVER = "e", "f", "g", "h", "i"
AHEAD, START = "j", "k"
INVARIANTS = {
    LOST: "an acknowledged job is found, ends in one of the four ways, and its end does not change",
    EFFECTS: "a completed job has exactly one finished effect",
    TWICE: "no job's command is started twice, whatever is sent again, and no key has two jobs",
    NO_EFFECT: "a cancelled job has no effect, a failed one no finished one, an interrupted one at most one",
    CONFLICT: "a used key with another payload is a conflict, and has no effect",
    UNTOLD: "what the journal does not have has no effect",
    RECEIPTS: "the receipt log verifies, and has exactly one line for each job that ended and was not cancelled",
    ORDER: "jobs are begun in the order in which they were accepted, and those of one connection in that of sending",
    SERVER: "the server ends only when it is killed, answers in time, refuses nothing, and logs no bug",
    AHEAD: f"a kill that interrupts a job of the long type interrupts no other, and none interrupts over {MAX_AHEAD}",
    START: "a start that fails, because the port is taken, begins nothing and leaves what is queued as it is",
}


class Violation(NamedTuple):
    """A promise that was broken."""

    invariant: str
    """One of `INVARIANTS`."""
    text: str


class End(NamedTuple):
    """How a job ended, as a client was told."""

    status: str
    facts: Any
    """Its receipt where it is completed, else its error."""


@dataclass(eq=False)
class Entry:
    """One job that a client wants, or, where `conflicts` is set, one that must be refused."""

    number: int
    key: str
    """Idempotency key; empty for none."""
    source: object
    """The connection that sent it first; None where several did, and so nothing is known of its place."""
    request: str = REQUEST
    """Its request type."""
    work_ms: int = 0
    refuse: bool = False
    missing: bool = False
    """Whether it is refused before its command."""
    conflicts: bool = False
    cancelling: bool = False
    """Whether a client asked to cancel it."""
    job: str = ""
    """The job's id, as far as it was told."""
    acknowledged: bool = False
    """Whether a client was told that it is accepted."""
    end: End | None = None
    unknown: bool = False
    """Whether the server said that it has no such job, and it was not sent again."""
    settled: bool = False
    """Whether nothing more is to be learnt of it from the server by itself."""

    def params(self, task: bool = False) -> dict[str, Any]:
        """The parameters with which it is sent."""
        meta = {"task": True} if task else {}
        if self.key:
            meta["idempotencyKey"] = self.key  # type: ignore[assignment]  # text beside truth values
        return {
            "number": self.number,
            "work_ms": self.work_ms,
            "refuse": self.refuse,
            "missing": self.missing,
            "_meta": meta,
        }

    def __str__(self) -> str:
        return f"job {self.number} (key {self.key or 'none'}, id {self.job or 'not told'})"


@dataclass
class Ledger:
    """All jobs of one journal."""

    rng: random.Random
    entries: list[Entry] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    _by_job: dict[str, Entry] = field(default_factory=dict)

    def new(self, source: object, keyed: bool = True, **members: Any) -> Entry:
        """A job that is about to be sent for the first time."""
        number = len(self.entries) + 1
        key = f"{number}-{self.rng.getrandbits(32):08x}" if keyed else ""
        entry = Entry(number, key, source, **members)
        self.entries.append(entry)
        return entry

    def other(self, entry: Entry) -> Entry:
        """Another payload with the same key."""
        other = self.new(None, False, conflicts=True, settled=True)
        other.key = entry.key
        return other

    def broken(self, invariant: str, text: str) -> None:
        """A promise was broken."""
        self.violations.append(Violation(invariant, text))

    # What clients are told. Whether a job was known to have ended counts from when they asked: what comes over two
    # connections is not received in the order in which it was said.

    def answered(self, entry: Entry, had_ended: bool, message: Message) -> None:
        """The answer to a request for this job was received.

        :param had_ended: whether it was known to have ended when the request was sent.
        """
        error = message.get("error")
        if entry.conflicts:
            if error is None or error["data"]["code"] != "conflict":
                self.broken(CONFLICT, f"{entry}, another payload of a used key, was answered {message}")
        elif error is None and "status" in message["result"]:
            self._told(entry, had_ended, message["result"])
        elif error is None:
            self._ended(entry, message["result"]["job"], End(message["result"]["state"], message["result"]))
        else:
            self._failed(entry, error)

    def notified(self, task: Message) -> None:
        """A notification that a job changed was received."""
        entry = self._by_job.get(task["job"])
        if entry is not None:
            self._told(entry, False, task)

    def looked_up(self, entry: Entry, had_ended: bool, message: Message) -> None:
        """The answer to a question after this job was received.

        :param had_ended: as for `answered`.
        """
        error = message.get("error")
        if error is None:
            self._told(entry, had_ended, message["result"])
        elif error["data"]["code"] != "unknown_job":
            self.broken(SERVER, f"the question after {entry} was answered {error}")
        elif entry.acknowledged:
            self.broken(LOST, f"{entry} was acknowledged, and is not found: {error['message']}")
        else:
            entry.unknown = True

    def cancelled(self, entry: Entry, message: Message) -> None:
        """The answer to the cancelling of this job was received."""
        if "error" in message:
            self.broken(SERVER, f"the cancelling of {entry} was answered {message['error']}")
            return
        result = message["result"]
        self._told(entry, False, result["task"])
        if result["cancelled"] and (entry.end is None or entry.end.status != "cancelled"):
            self.broken(LOST, f"{entry} was told to be cancelled, and is {entry.end}")

    def _told(self, entry: Entry, had_ended: bool, task: Message) -> None:
        if task["status"] == "working":
            self._accepted(entry, task["job"])
            if had_ended:
                self.broken(LOST, f"{entry} was told to be {entry.end}, and is now said to be working")
        else:
            facts = task["result"] if task["status"] == "completed" else task["error"]
            self._ended(entry, task["job"], End(task["status"], facts))

    def _accepted(self, entry: Entry, job: str) -> None:
        entry.acknowledged = True
        if entry.job not in ("", job):
            self.broken(TWICE, f"{entry} has a second id {job}")
        entry.job = job
        self._by_job[job] = entry

    def _failed(self, entry: Entry, error: Message) -> None:
        data = error["data"]
        if "job" not in data or data["code"] in ("conflict", "busy", "not_ready", "stopping", "internal"):
            self.broken(SERVER, f"{entry} was refused: {error}")
            return
        status = data["code"] if data["code"] in ("interrupted", "cancelled") else "failed"
        self._ended(entry, data["job"], End(status, error))

    def _ended(self, entry: Entry, job: str, end: End) -> None:
        self._accepted(entry, job)
        if entry.end is None:
            entry.end = end
        elif entry.end != end:
            self.broken(LOST, f"{entry} was told to be {entry.end}, and is now {end}")
