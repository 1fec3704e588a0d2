"""The server's own methods on the structured wire: what it is, what it did, and the jobs that it keeps."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ._version import __version__
from .batches import Batches
from .bus import Bus
from .config import DEFAULTS, KEYS, Settings
from .errors import Forbidden, NotReady, Refusal, UnknownJob
from .followers import Asker
from .job import Done, Job, answered
from .journal import Journal
from .model import (
    CANCELLED,
    COMPLETED,
    ENDED,
    FAILED,
    INTERRUPTED,
    OPERATOR,
    RUNNING,
    Backend,
    Call,
    Identity,
    Outcome,
    Record,
)
from .openrpc import OWN_METHODS, document
from .registry import Registry
from .tasks import late_unknown, task_of
from .watch import Stay
from .wire.jsonrpc import MAX_BATCH, SUBPROTOCOL

_Found = Callable[["Job | Record"], None]
LIST_LIMIT = 20
_ENDED_WORDS = {
    COMPLETED: "it has completed already",
    FAILED: "it has failed already",
    CANCELLED: "it was cancelled already",
    INTERRUPTED: "it was interrupted already",
}


class Methods:
    """Sends each call where it belongs: to one of the methods here, or to the bus."""

    def __init__(
        self, bus: Bus, journal: Journal, registry: Registry, backend: Backend, settings: Settings = DEFAULTS
    ) -> None:
        self._bus = bus
        self._journal = journal
        self._registry = registry
        self._backend = backend
        self._limits = limits(settings)
        self.batches: Batches | None = None
        """Who is told how far batches are; None where nobody is."""
        self._own: dict[str, Callable[[Mapping[str, Any], Asker, Done], None]] = {
            "server/info": lambda _, asker, done: done(Outcome(self.info(asker.identity))),
            "server/stats": lambda _, asker, done: done(Outcome(self.stats())),
            "rpc.discover": lambda _, asker, done: done(Outcome(self._discover())),
            "tasks/get": self._get,
            "tasks/list": self._list,
            "tasks/cancel": self._cancel,
        }
        self._document: dict[str, Any] | None = None

    def invoke(self, call: Call, asker: Asker, done: Done) -> None:
        """Carry out one call; `done` gets its outcome on this thread."""
        own = self._own.get(call.name)
        if own is None:
            self._bus.submit(call, asker, done)
            return
        try:
            method = OWN_METHODS[call.name]
            if not asker.identity.may(method.role):
                raise Forbidden(f"'{call.name}' method", asker.identity.role, method.role)
            method.check(call)
            own(call.params, asker, done)
        except Refusal as error:
            done(Outcome(error=error))

    def followed_by(self, asker: Asker) -> bool:
        """Whether this client is to be told of a job that waits or runs."""
        return any(job.followers.include(asker) for job in self._bus.jobs.all_live())

    def info(self, identity: Identity) -> dict[str, Any]:
        """What the server is: a JSON object.

        :param identity: of the client that asks.
        """
        types = self._registry.types
        state, reason = self._state()
        return {
            "name": "gombus",
            "version": __version__,
            "state": state,
            "reason": reason,
            "backend": {
                "name": self._backend.name,
                "title": self._backend.title,
                "version": self._backend.version,
            },
            "since": self._bus.stats.since_text,
            "idempotency": {
                "scope": self._journal.scope,
                "kept": "journal" if self._journal.batched else "memory",
            },
            "subprotocol": SUBPROTOCOL,
            "you": {
                "user": identity.user or None,
                "role": identity.role,
                "requests": None if identity.requests is None else sorted(identity.requests),
            },
            "limits": self._limits,
            "requests": {
                name: {
                    "title": kind.request.schema["title"],
                    "plugin": kind.plugin.name,
                    "version": kind.plugin.version,
                    "schemaHash": kind.schema_hash,
                    "timeout_s": kind.request.timeout_s,
                }
                for name, kind in types.items()
            },
            "plugins": [_plugin(plugin) for plugin in self._registry.plugins],
            "failed": [{**_plugin(plugin), "reason": plugin.reason} for plugin in self._registry.failed],
        }

    def stats(self) -> dict[str, Any]:
        """What the server did since its start, and what it does now: a JSON object."""
        jobs = self._bus.jobs
        running = jobs.running
        return {
            "since": self._bus.stats.since_text,
            "queue": sum(1 for job in jobs.all_live() if job is not running),
            "running": None if running is None else _running(running, jobs.watch.stay()),
            "requests": self._bus.stats.plain(),
        }

    def _state(self) -> tuple[str, str]:
        """Whether requests are accepted and carried out, and why not."""
        stay = self._bus.jobs.watch.stay()
        stuck = str(stay) if stay is not None and stay.stuck else ""
        missing = self._journal.reason or self._bus.presence.reason
        reason = missing or stuck
        if self._bus.stopping:
            return "stopping", reason
        return "not_ready" if missing else "stuck" if stuck else "ready", reason

    def _discover(self) -> dict[str, Any]:
        if self._document is None:
            self._document = document(self._registry.types)
        return self._document

    def _get(self, params: Mapping[str, Any], asker: Asker, done: Done) -> None:
        # One that was reported as overrun may hold the owner thread, and says later how it ended. What is not here now
        # has said so to the journal before it is looked up there.
        running = self._bus.jobs.running

        def found(job: Job | Record) -> None:
            if isinstance(job, Job):
                done(Outcome(job.task()))
            elif running is not None and running.id == job.id:
                done(Outcome(task_of(job)))
            else:
                done(Outcome(late_unknown(task_of(job))))

        self._find(params, found, done)

    def _cancel(self, params: Mapping[str, Any], asker: Asker, done: Done) -> None:
        def answer(cancelled: bool, reason: str, task: dict[str, Any]) -> None:
            done(Outcome({"cancelled": cancelled, "reason": reason, "task": task}))

        def found(job: Job | Record) -> None:
            name = job.request if isinstance(job, Record) else job.call.name
            if not asker.identity.may(OPERATOR, name):
                what = f"'tasks/cancel' method for the '{name}' request"
                done(Outcome(error=Forbidden(what, asker.identity.role, OPERATOR)))
                return
            if isinstance(job, Record):
                # An open one that is not among the live ones was put back.
                answer(False, _ENDED_WORDS.get(job.state, "the server is stopping, and keeps it"), task_of(job))
                return
            cancelled = self._bus.jobs.cancel(job)
            if job.state not in ENDED:
                answer(False, "it is inside a gom call, which cannot be cut short", job.task())
                return
            reason = "it was not begun" if cancelled else _ENDED_WORDS[job.state]
            if job.told:
                answer(cancelled, reason, job.task())
            else:
                job.wait(lambda outcome: answer(cancelled, reason, job.task()))

        self._find(params, found, done)

    def _find(self, params: Mapping[str, Any], found: _Found, done: Done) -> None:
        id, key = params.get("job", ""), params.get("idempotencyKey", "")
        live = self._bus.jobs.live(id, key)
        if live is not None and live.kept:
            found(live)
            return

        def looked_up(record: Record | NotReady | None) -> None:
            if isinstance(record, NotReady):
                done(Outcome(error=record))
            elif record is None:
                what = f"id {id!r}" if id else f"idempotency key {key!r}"
                done(Outcome(error=UnknownJob(f"There is no job with the {what}.")))
            else:
                found(self._bus.jobs.live(record.id) or record)

        self._journal.find(id, key, answered("tasks", done, looked_up))

    def _list(self, params: Mapping[str, Any], asker: Asker, done: Done) -> None:
        status, limit, before = params.get("status", ""), params.get("limit", LIST_LIMIT), params.get("before", "")
        if status == "working":
            live = [job for job in self._bus.jobs.all_live() if not before or job.id < before]
            live.reverse()
            tasks = [job.task() for job in live[:limit]]
            done(Outcome({"tasks": tasks, "next": tasks[-1]["job"] if len(live) > limit else None}))
            return

        def listed(records: Sequence[Record] | NotReady) -> None:
            if isinstance(records, NotReady):
                done(Outcome(error=records))
                return
            tasks = [self._summary(record) for record in records[:limit]]
            done(Outcome({"tasks": tasks, "next": tasks[-1]["job"] if len(records) > limit else None}))

        self._journal.list(status, before, limit + 1, answered("tasks/list", done, listed))

    def _summary(self, record: Record) -> dict[str, Any]:
        live = self._bus.jobs.live(record.id)
        return task_of(record, details=False) if live is None else live.task()


def _plugin(plugin: Any) -> dict[str, str]:
    return {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}


def limits(settings: Settings) -> dict[str, Any]:
    """The limits in force, by their settings: counts, bytes, and times in s."""
    keys = [key for key in KEYS if key.startswith("max_") or key.endswith("_s")]
    return {**{key: getattr(settings, key) for key in keys}, "max_batch": MAX_BATCH}


def _running(job: Job, stay: Stay | None) -> dict[str, Any]:
    command = stay if stay is not None and stay.command else None
    return {
        "job": job.id,
        "request": job.call.name,
        "seconds": round(time.monotonic() - job.began_s, 3),
        "overrun": job.state != RUNNING,
        "progress": job.task().get("progress"),
        "command": None if command is None else {"name": command.command, "seconds": round(command.seconds, 3)},
        "stuck": stay is not None and stay.stuck,
    }
