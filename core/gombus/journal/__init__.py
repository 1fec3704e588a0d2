"""What became of every request. `Journal` is what the jobs ask of it; `memory` and `sqlite` are the two kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Callable, NamedTuple, Protocol, Union

from ..errors import NotReady
from ..model import Record
from ..receipt import Receipt

Accepted = Callable[[Union[Record, NotReady, None]], None]
"""Gets None: the job is kept. A record: the job that has this idempotency key; the new one is not kept. `NotReady`:
it could not be kept, and is not."""
Started = Callable[[Union[NotReady, None]], None]
"""Gets None: the jobs are marked. `NotReady`: none of them is."""


class Ending(NamedTuple):
    """How a job ended."""

    id: str
    state: str
    """One of `gombus.model.ENDED`."""
    started: float | None
    """Seconds since 1970 (UTC)."""
    finished: float
    receipt: Receipt
    ran: bool
    """Whether its handler was begun; then the receipt gets a line in the receipt log."""


class Journal(Protocol):
    """Keeps the records of jobs.

    Every method but `close` belongs to the network thread and returns at once; each `done` is called there, in the
    order of the calls, from inside the call itself or from `deliver`.
    """

    @property
    def scope(self) -> str:
        """Where idempotency keys hold: another scope, another memory."""

    @property
    def batched(self) -> bool:
        """Whether it lasts, on a disk, so that several marks are better written at once."""

    @property
    def queued(self) -> Sequence[Record]:
        """What had been accepted and not begun when the last server ended, in order."""

    @property
    def reason(self) -> str:
        """Why nothing can be written now; empty where it can."""

    @property
    def unfinished(self) -> int:
        """How many calls wait for their `done`."""

    def remember_schemas(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Keep the schemas that are served: hash, request type, JSON text, version. Called once, before all else."""

    def accept(self, record: Record, done: Accepted) -> None:
        """Keep a new job, whose state is queued or running."""

    def start(self, ids: Sequence[str], done: Started) -> None:
        """Mark queued jobs as running."""

    def requeue(self, ids: Sequence[str], done: Callable[[], None]) -> None:
        """Mark running jobs as queued again; they were not begun."""

    def finish(self, ending: Ending, done: Callable[[], None]) -> None:
        """Keep how a job ended. `done` is called even where it cannot be written yet; it is written when it can be."""

    def late(self, id: str, receipt: Receipt) -> None:
        """Keep the receipt of a command that ended after its job was reported as overrun."""

    def find(self, id: str, key: str, done: Callable[[Record | NotReady | None], None]) -> None:
        """Look up one job by its id, or by its idempotency key where the id is empty."""

    def list(self, state: str, before: str, limit: int, done: Callable[[Sequence[Record] | NotReady], None]) -> None:
        """Jobs, newest first; their parameters and what came of them may be left out.

        :param state: only of this state; empty means all.
        :param before: only older ones than the job with this id; empty means from the newest.
        """

    def schema_seen(self, hash: str, done: Callable[[str | None], None]) -> None:
        """The JSON text of a schema that was served once, by its hash; None where it never was."""

    def deliver(self) -> None:
        """Call what is due."""

    def close(self) -> None:
        """Write what is still to be written. Called once, on the owner thread, when the network thread has ended."""
