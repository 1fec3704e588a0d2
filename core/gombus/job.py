"""One job: an accepted request on its way, who waits for it, and how it looks to clients."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Callable, TypeVar

from .errors import InternalError
from .followers import MAX_FOLLOWERS, Asker, Followers
from .guard import GuardedGom, calls_of
from .model import COMPLETED, QUEUED, Call, Context, Meta, Outcome, Record
from .receipt import Receipt
from .refusals import error_object
from .registry import RequestType
from .tasks import ended_task, facts, kept_outcome, task_of, times

log = logging.getLogger(__name__)

Done = Callable[[Outcome], None]
Answer = TypeVar("Answer")


def answered(name: str, done: Done, take: Callable[[Answer], None]) -> Callable[[Answer], None]:
    """`take`, which gets an answer of the journal; where it fails, who asked is told so and does not wait for ever.

    :param name: of the method.
    """

    def safely(answer: Answer) -> None:
        try:
            take(answer)
        except Exception:
            log.exception("%s: what the journal answers cannot be told", name)
            done(Outcome(error=InternalError(name)))

    return safely


class Job:
    """One accepted request. Belongs to the network thread, but for what its handler's run writes.

    :param client: the asking client's address.
    :param user: the name of its token; empty where it needed none.
    :param digest: of its payload, where it has an idempotency key.
    :param origin: JSON text of what its receipt says of plugin, schema and backend: as `origin` makes it.
    """

    __slots__ = (
        "_claim",
        "_done",
        "_many",
        "_task_done",
        "accepted",
        "began_s",
        "call",
        "client",
        "context",
        "digest",
        "files",
        "finished",
        "followers",
        "gom",
        "id",
        "kept",
        "kind",
        "origin",
        "outcome",
        "recovered",
        "started",
        "state",
        "told",
        "took_s",
        "user",
        "where",
    )

    def __init__(
        self,
        id: str,
        call: Call,
        kind: RequestType,
        client: str,
        digest: str | None,
        origin: str,
        user: str = "",
    ) -> None:
        self.id = id
        self.call = call
        self.kind = kind
        self.client = client
        self.user = user
        self.digest = digest
        self.origin = origin
        self.accepted = time.time()
        self.started: float | None = None
        self.finished: float | None = None
        self.began_s = 0.0
        """On the monotonic clock; 0 where its handler was not begun."""
        self.took_s = 0.0
        self.state = QUEUED
        self.kept = False
        """Whether the journal keeps it."""
        self.told = False
        """Whether its end is kept, so that clients may be told of it."""
        self.recovered = False
        self.outcome: Outcome | None = None
        self.context: Context | None = None
        self.gom: GuardedGom | None = None
        self.files: list[dict[str, Any]] = []
        self.followers = Followers()
        self.where: Callable[[Job], int] = _first
        """Says how many jobs are before it."""
        self._claim = [True]
        self._done: list[tuple[Asker | None, Done]] = []
        self._many = MAX_FOLLOWERS
        """So many who wait are enough to look who of them has left."""
        self._task_done: list[Done] = []

    def claim(self) -> bool:
        """Take the right to run or to cancel it; only the first who asks gets it, on whichever thread."""
        try:
            # list.pop happens as a whole, so no lock is needed.
            return self._claim.pop()
        except IndexError:
            return False

    @property
    def lasting(self) -> bool:
        """Whether a client relies on it beyond its connection."""
        return self.recovered or self.call.meta.task or bool(self.call.meta.key)

    @property
    def carried_out(self) -> bool:
        """Whether it did all that its request type does, as far as that can be told: one that uses gom came to it."""
        return self.state == COMPLETED and (
            not self.kind.request.commands or (self.gom is not None and bool(calls_of(self.gom)))
        )

    # Who waits.

    def follow(self, asker: Asker, meta: Meta, done: Done) -> None:
        """A client waits for it: for its acceptance, where it is a task, else for its end."""
        if meta.task:
            self._task_done.append(done)
        else:
            # A client that comes back again and again, and asks with its key each time, must not fill the memory.
            if len(self._done) >= self._many:
                self._done = [entry for entry in self._done if entry[0] is None or not entry[0].gone]
                self._many = max(MAX_FOLLOWERS, 2 * len(self._done))
            self._done.append((asker, done))
        self.followers.add(asker, meta)

    def wait(self, done: Done) -> None:
        """Call this when its end may be told."""
        self._done.append((None, done))

    def answer_tasks(self) -> None:
        """Tell those who wait for its acceptance."""
        waiting, self._task_done = self._task_done, []
        if waiting:
            _tell(waiting, Outcome(self.task(), job=self.id))

    def answer(self, outcome: Outcome, tasks: bool = False) -> None:
        """Tell those who wait for its end.

        :param tasks: also those who wait for its acceptance, because it was not accepted.
        """
        entries, self._done = self._done, []
        waiting = [done for _, done in entries]
        if tasks:
            waiting += self._task_done
            self._task_done = []
        _tell(waiting, outcome)

    def answer_recorded(self, record: Record) -> None:
        """Tell all who wait what became of the job that has this one's key."""
        try:
            ended, task = kept_outcome(record), Outcome(task_of(record), job=record.id)
        except Exception:
            log.exception("job %s: what the journal has of it cannot be told", record.id)
            ended = task = Outcome(error=InternalError(self.call.name), job=record.id)
        self.answer(ended)
        waiting, self._task_done = self._task_done, []
        _tell(waiting, task)

    def tell_status(self) -> None:
        """Notify the clients that asked for a task."""
        self.followers.tell_status(self.task)

    # How it looks.

    def record(self, backend: str, whole: bool) -> Record:
        """What the journal keeps when it is accepted.

        :param whole: whether with its parameters, which only a journal that lasts can ever need.
        """
        call = self.call
        params = json.dumps(call.params) if whole else ""
        return Record(
            self.id,
            call.name,
            params,
            self.client,
            backend,
            self.state,
            self.accepted,
            key=call.meta.key or None,
            digest=self.digest,
            user=self.user or None,
        )

    def receipt(self, outcome: Outcome, state: str = "") -> Receipt:
        """What came of it."""
        # What is noted here must not lead back to this job: a ring would live on until the next garbage collection,
        # and those would take longer than the work itself.
        return Receipt(
            partial(
                _receipt,
                (self.id, self.call.name, state or self.state, self.client, self.user),
                (self.accepted, self.started, self.finished),
                self.files,
                calls_of(self.gom) if self.gom is not None else [],
                self.context.made if self.context is not None else [],
                outcome.result,
                None if outcome.error is None else error_object(outcome.error),
            ),
            self.origin,
        )

    def task(self) -> dict[str, Any]:
        """The job as clients see it."""
        if self.told and self.outcome is not None:
            return ended_task(self._facts(self.state), self.outcome)
        task = self._facts("working")
        if self.began_s or self.kind.request.at_once:
            task["phase"] = "running"
        else:
            task.update(phase="queued", position=self.where(self))
        progress = self.followers.progress
        return task if progress is None else {**task, "progress": progress}

    def _facts(self, status: str) -> dict[str, Any]:
        return facts(self.id, self.call.name, status, self.accepted, self.started, self.finished)


def origin(kind: RequestType, backend: Mapping[str, str]) -> str:
    """What every receipt of a request type says, as JSON text: made once, because it is half of most receipts.

    :param backend: name and version of the backend that runs it.
    """
    made_by = {"name": kind.plugin.name, "distribution": kind.plugin.distribution, "version": kind.plugin.version}
    return json.dumps({"plugin": made_by, "schemaHash": kind.schema_hash, "backend": dict(backend)})


def _first(job: Job) -> int:
    return 0


def _tell(waiting: Iterable[Done], outcome: Outcome) -> None:
    for done in waiting:
        try:
            done(outcome)
        except Exception:
            # One that cannot take it must not keep the others from it.
            log.exception("bug in what takes an outcome")


def _receipt(
    names: tuple[str, str, str, str, str],
    at: tuple[float, float | None, float | None],
    files: list[dict[str, Any]],
    calls: list[dict[str, Any]],
    made: list[dict[str, str]],
    value: Any,
    error: dict[str, Any] | None,
) -> dict[str, Any]:
    id, request, state, client, user = names
    members = {
        "job": id,
        "request": request,
        "state": state,
        **times(*at),
        "client": client,
        "user": user or None,
        "files": files,
        # Copies: where the request overran its time, its handler may go on while this is written.
        "calls": list(calls),
        "created": list(made),
        "value": value,
    }
    return members if error is None else {**members, "error": error}
