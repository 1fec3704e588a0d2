"""Look up, check, run. The only place where an exception becomes a refusal."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Callable

from . import errors
from .config import DEFAULTS, Settings
from .errors import Refusal
from .executor import Executor
from .files import Files
from .followers import Asker
from .guard import Guard, Inside, gom_refused
from .ids import JobIds
from .job import Done, Job, answered, origin
from .jobs import Jobs
from .journal import Ending, Journal
from .line import Later
from .model import CANCELLED, NO_META, Call, Context, JsonObject, Outcome, Record, Request
from .outcomes import NOT_BEGUN, esc, refused
from .plan import plan
from .presence import Presence
from .receipt import Receipt
from .refusals import code_of
from .registry import RequestType
from .schemahash import canonical, difference
from .stats import Stats
from .tasks import ended_receipt
from .validation import shown

log = logging.getLogger(__name__)


class Bus:
    """The way of a call to its handler and of the outcome back. Everything here belongs to the network thread.

    :param types: request types by name.
    :param gom: what the backend opened.
    :param backend: its name and version.
    :param later: calls something on this thread after so many seconds.
    :param files: which files requests may use; None where no setting says anything about them.
    :param presence: whether the backend is there; None for one that always is.
    """

    def __init__(
        self,
        types: Mapping[str, RequestType],
        gom: Any,
        backend: Mapping[str, str],
        executor: Executor[Any],
        journal: Journal,
        later: Later,
        settings: Settings = DEFAULTS,
        files: Files | None = None,
        presence: Presence | None = None,
    ) -> None:
        self._types = types
        self._gom = gom
        self._backend = backend
        self._executor = executor
        self._journal = journal
        self._files = files or Files()
        self._later = later
        self.presence = presence or Presence()
        """Whether the backend is there."""
        self._break: type[Exception] = gom.BreakError
        self._inside = Inside()
        self._guards = {
            name: Guard(None if kind.request.at_once else gom, name, kind.request.commands, self._inside)
            for name, kind in types.items()
        }
        self._logs = {name: logging.getLogger(f"gombus.request.{name}") for name in types}
        self._origins = {name: origin(kind, backend) for name, kind in types.items()}
        self._ids = JobIds()
        self.stats = Stats(types)
        self.jobs = Jobs(executor, journal, self._run, later, backend["name"], self._inside, settings, self.presence)
        self.jobs.ended = self.stats.ended

    def on_stop(self, action: Callable[[], None]) -> None:
        """Have this called when a job asks for the server to stop, whether or not its client is still there."""
        self.jobs.stop_asked = action

    @property
    def stopping(self) -> bool:
        """Whether nothing more is admitted."""
        return self.jobs.stopping

    @property
    def unfinished(self) -> int:
        """How much is not yet carried out or not yet kept."""
        return self._executor.unfinished + self._journal.unfinished

    def submit(self, call: Call, asker: Asker, done: Done) -> None:
        """Run a call; `done` gets its outcome on this thread, at once where nothing has to be queued."""
        try:
            kind = self._look_up(call)
            if not asker.identity.may(kind.request.role, call.name):
                raise errors.Forbidden(f"'{call.name}' request", asker.identity.role, kind.request.role)
            if call.meta.schema_hash not in ("", kind.schema_hash):
                self._mismatch(call, kind, asker, done)
            elif call.meta.plan:
                self._plan(call, kind, asker, done)
            else:
                self._check(call, kind)
                self._submit(call, kind, asker, done)
        except Refusal as error:
            self._refuse(call, asker, error, done)

    def recover(self, records: Iterable[Record]) -> None:
        """Queue what the journal kept from before, where it can still be run."""
        jobs = []
        for record in records:
            call = Call(record.request, {}, meta=NO_META._replace(key=record.key or ""))
            try:
                if record.backend != self._backend["name"]:
                    raise errors.Cancelled(f"The request was accepted for the backend {record.backend!r}.")
                call = call._replace(params=_kept_params(record))
                kind = self._look_up(call)
                self._check(call, kind)
            except Refusal as error:
                log.error("job %s, %s request, is not run after the restart: %s", record.id, record.request, error)
                text = ended_receipt(record, CANCELLED, time.time(), error)
                ending = Ending(record.id, CANCELLED, None, time.time(), Receipt.kept(text), False)
                self._journal.finish(ending, lambda: None)
                continue
            job = Job(record.id, call, kind, record.client, record.digest, self._origins[call.name], record.user or "")
            job.accepted, job.recovered = record.accepted, True
            jobs.append(job)
        if jobs:
            log.warning("%d requests were accepted before the server was ended; they run now", len(jobs))
        self.jobs.recover(jobs)

    def deliver(self) -> None:
        """Hand out what stands ready."""
        self._executor.deliver()
        self._journal.deliver()

    def stop(self) -> None:
        """Admit nothing more and refuse, or keep for the next start, what waits; what runs is finished."""
        if not self.jobs.stopping:
            self.jobs.stop()
            self._files.stop()

    # Admitting.

    def _look_up(self, call: Call) -> RequestType:
        if self.jobs.stopping:
            raise errors.ServerStopping("The server is stopping; the request was not started.")
        kind = self._types.get(call.name)
        if kind is None:
            raise errors.UnknownRequest(f"No request type {shown(call.name)}; there are {', '.join(self._types)}.")
        return kind

    def _check(self, call: Call, kind: RequestType) -> None:
        """:raises Refusal: the parameters are not what is allowed, or a path is refused by its text."""
        problems = kind.validate(call.params)
        refused = self._files.refused(kind.request, call.params) if kind.request.files else ()
        if problems:
            raise errors.InvalidParams((*problems, *refused))
        if refused:
            raise errors.PathRefused(refused)

    def _mismatch(self, call: Call, kind: RequestType, asker: Asker, done: Done) -> None:
        request, sent = kind.request, call.meta.schema_hash

        def looked_up(text: str | None) -> None:
            changes = None if text is None else difference(json.loads(text), request.schema)
            self._refuse(call, asker, errors.SchemaMismatch(request.name, sent, kind.schema_hash, changes), done)

        self._journal.schema_seen(sent, answered(call.name, done, looked_up))

    def _submit(self, call: Call, kind: RequestType, asker: Asker, done: Done) -> None:
        if call.ignored:
            log.info("%s: %s request: ignored members %s", asker.client, call.name, shown(call.ignored))
        job = self._job(call, kind, asker)
        if kind.request.at_once and not (call.meta.task or call.meta.key):
            job.outcome = self._run(job)
            self.stats.ended(job)
            done(job.outcome)
        else:
            self.jobs.submit(job, done, asker)

    def _job(self, call: Call, kind: RequestType, asker: Asker) -> Job:
        digest = _digest(call) if call.meta.key else None
        return Job(self._ids.new(), call, kind, asker.client, digest, self._origins[call.name], asker.identity.user)

    def _refuse(self, call: Call, asker: Asker, error: Refusal, done: Done) -> None:
        self.stats.refused(call.name, error)
        done(refused(log, asker.client, call.name, error))

    # Running.

    def _run(self, job: Job) -> Outcome:
        """Run a handler, on the owner thread unless it runs at once. Never raises, because everybody waits."""
        name = job.call.name
        try:
            job.gom = self._guards[name].gom()
            report = partial(job.followers.report, self._executor.post, self._later)
            job.context = Context(name, job.gom, job.client, self._logs[name], report, user=job.user)
            outcome = self._carry_out(job.kind.request, job.call.params, job.context, job)
            # Whatever its handler made of it.
            return self._lost(job) or outcome
        except BaseException as error:  # SystemExit of a handler, too
            lost = self._lost(job)
            if lost is not None:
                return lost
            log.exception("%s: %s request: bug in its plugin", job.client, name, exc_info=error)
            return Outcome(error=errors.InternalError(name))

    def _lost(self, job: Job) -> Outcome | None:
        """The outcome of a job that lost its backend while it ran; None where it did not."""
        what = "" if job.kind.request.at_once else self.presence.broke()
        return refused(log, job.client, job.call.name, errors.Interrupted(what)) if what else None

    def _carry_out(self, request: Request, params: JsonObject, context: Context, job: Job) -> Outcome:
        try:
            if request.files:
                try:
                    taken = self._files.take(request, params, job.id)
                except errors.ServerStopping:
                    return NOT_BEGUN
                try:
                    result = request.handler(taken.params, context)
                finally:
                    job.files = taken.release()
            else:
                result = request.handler(params, context)
        except Refusal as error:
            return refused(log, context.client, request.name, error)
        except self._break:
            return esc(log, context.client, request.name)
        except self._gom.RequestError as error:
            return refused(log, context.client, request.name, gom_refused(error))
        log.debug("%s: %s request: done", context.client, request.name)
        return Outcome(result, stop=context.stopping)

    # Planning.

    def _plan(self, call: Call, kind: RequestType, asker: Asker, done: Done) -> None:
        facts = {
            "plan": True,
            "request": call.name,
            "schemaHash": kind.schema_hash,
            "plugin": {"name": kind.plugin.name, "version": kind.plugin.version},
            "backend": dict(self._backend),
        }
        try:
            self._check(call, kind)
        except errors.InvalidParams as error:
            failing = {"code": code_of(error), "message": str(error), **error.details()}
            done(Outcome({**facts, "ok": False, "calls": [], "files": [], "failing": [failing]}))
            return
        self.jobs.refuse_where_not_ready()
        self.jobs.refuse_too_many()
        self._executor.submit(partial(self._planned, kind.request, call, asker, facts), done)
        self.jobs.watch.begun()

    def _planned(self, request: Request, call: Call, asker: Asker, facts: Mapping[str, Any]) -> Outcome:
        """On the owner thread. Never raises."""
        client = asker.client
        if asker.gone:
            return Outcome(error=errors.Cancelled("The client left before the plan was made."))
        if not self.presence.begin():
            return self._not_planned()
        try:
            params, files = self._files.look(request, call.params)
            found = plan(request, params, self._gom, files, client, self._logs[request.name], asker.identity.user)
        except self._break:
            return esc(log, client, request.name)
        except BaseException as error:
            if self.presence.broke():
                return self._not_planned()
            log.exception("%s: %s request: bug while planning", client, request.name, exc_info=error)
            return Outcome(error=errors.InternalError(request.name))
        return self._not_planned() if self.presence.broke() else Outcome({**facts, **found})

    def _not_planned(self) -> Outcome:
        return Outcome(error=errors.NotReady(f"{self.presence.broke() or self.presence.reason}."))


def _kept_params(record: Record) -> JsonObject:
    """:raises Cancelled: they are damaged."""
    try:
        # Not by the limits of messages: they were kept within them, but as a longer text.
        params = json.loads(record.params)
    except (ValueError, TypeError, RecursionError):
        params = None
    if not isinstance(params, dict):
        raise errors.Cancelled("The request's parameters are damaged in the journal; it was not started.")
    return params


def _digest(call: Call) -> str:
    return hashlib.sha256(canonical([call.name, call.params]).encode("utf-8", "backslashreplace")).hexdigest()
