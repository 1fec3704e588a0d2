"""What clients say and hear on the JSON-RPC wire, as pure code: no socket, no clock, no thread."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import count
from typing import Any, Callable, NamedTuple

from ..errors import GombusError, MalformedMessage
from ..model import ENDED
from ..refusals import NUMBERS
from ..strict import loads

FORGOTTEN = "the server was restarted and keeps no journal, or has another"

_numbers = count(1)


class Unreachable(GombusError):
    """There is no server, it refused the connection, or the connection ended before the answer."""

    final = False
    """Whether the same would come of sending it again."""


class OutcomeUnknown(GombusError):
    """A request was sent, and no answer can be had: whether it was run is not known.

    :param key: its idempotency key.
    :param job: the job's id, empty where it is not known.
    :param key_holds: whether the server still knows the key when it is there again, so that the same call gives the
        request's own result. Where it does not, look into INSPECT's project first.
    """

    def __init__(self, message: str, key: str = "", job: str = "", key_holds: bool = False) -> None:
        super().__init__(message)
        self.key = key
        self.job = job
        self.key_holds = key_holds and bool(key)


class RequestFailed(GombusError):
    """The server refused the request, or it failed; ``str(error)`` is one plain sentence.

    :param error: JSON-RPC error object ``{"code", "message", "data"}``.
    """

    def __init__(self, error: Mapping[str, Any]) -> None:
        data = error.get("data")
        self.number = error.get("code")
        """On the JSON-RPC wire, such as -32602."""
        self.message = str(error.get("message", ""))
        self.data: dict[str, Any] = dict(data) if isinstance(data, dict) else {}
        """The details; ``receipt`` is among them where the handler was begun."""
        self.code = str(self.data.get("code", self.number))
        """The word in the table of errors, such as ``invalid_params``."""
        self.job = str(self.data.get("job", ""))
        """The job's id; empty where there is none."""
        super().__init__(self.message)

    @property
    def object(self) -> dict[str, Any]:
        """As it came."""
        return {"code": self.number, "message": self.message, "data": self.data}


class Progress(NamedTuple):
    """How far a request is, as its handler says."""

    progress: float
    total: float
    message: str

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> Progress:
        """From a notification's parameters, or from a task's ``progress``."""
        return cls(members.get("progress", 0), members.get("total", 0), str(members.get("message", "")))


class Keys(NamedTuple):
    """What idempotency keys mean to a server."""

    scope: str
    """They mean the same to all servers of this scope; empty before any server was met."""
    forgets: bool
    """Whether they mean nothing to the server that is started next."""


UNMET = Keys("", False)

OnProgress = Callable[[Progress], None]


class Ask:
    """One thing asked of the server, which may have to be sent again over another connection.

    :param method: a request type's name, or a method of the server's own.
    :param params: JSON object; paths of `pathlib` are taken as their text.
    :param meta: its ``_meta``; members that are None or empty are left out.
    :param on_progress: called with each progress notification.
    :param runs: whether the server is to do something: what only asks may be sent as often as is needed.
    :raises RequestFailed: the parameters are no JSON that gombus takes; nothing was sent.
    """

    def __init__(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        on_progress: OnProgress | None = None,
        runs: bool = False,
    ) -> None:
        self.number = next(_numbers)
        """Id on the wire."""
        self.on_progress = on_progress
        meta = {name: value for name, value in (meta or {}).items() if value}
        if on_progress is not None:
            meta["progressToken"] = self.number
        self.key: str = meta.get("idempotencyKey", "")
        self.task: bool = meta.get("task", False)
        """Whether the server will tell when the job has ended."""
        self._runs = runs
        self._scope, self._forgets = UNMET
        self._sent = 0
        members = {**(params or {}), "_meta": meta} if meta else dict(params or {})
        message = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": members}
        self._text = json.dumps(message, default=os.fspath)
        try:
            loads(self._text)
        except MalformedMessage as error:
            reason = f"The request cannot be sent: {error}"
            data = {"code": "malformed", "pointer": error.pointer}
            raise RequestFailed({"code": NUMBERS["malformed"], "message": reason, "data": data}) from None

    @property
    def resumable(self) -> bool:
        """Whether it may be sent now: for the first time, or again without being run again."""
        return bool(self.key) or not self._sent

    def sending(self, keys: Keys) -> str:
        """The JSON text to send.

        :param keys: what idempotency keys mean to the server that it is sent to.
        :raises OutcomeUnknown: it was sent to a server whose keys mean nothing to this one.
        """
        if self._scope not in ("", keys.scope):
            raise OutcomeUnknown(f"{FORGOTTEN}; whether the request was run is not known", self.key)
        if self._runs:
            self._scope, self._forgets = keys
            self._sent += 1
        return self._text

    def stopped(self, failed: RequestFailed, forgets: bool) -> None:
        """The server stops, and says that it did not start this: find out whether another server may run it.

        :param forgets: whether the server keeps no journal. One that does starts what it has accepted later.
        """
        if forgets if failed.job else self._sent == 1:
            self._scope = ""
            self._sent = 0

    def given_up(self, reason: Exception) -> Exception:
        """What to raise where no answer can be had."""
        if self._scope and isinstance(reason, Unreachable):
            text, holds = f"{reason}; whether the request was run is not known", not (self._forgets or reason.final)
            return OutcomeUnknown(text, self.key, key_holds=holds)
        return reason

    def overdue(self, url: str, timeout: float | None) -> GombusError:
        """What to raise where no answer came within this time, in seconds."""
        text = f"no answer from {url} within {timeout:g} s"
        if self._scope:
            text = f"{text}; the request may still be carried out"
            return OutcomeUnknown(text, self.key, key_holds=not self._forgets)
        return Unreachable(text)


def ask_run(
    name: str,
    params: Mapping[str, Any] | None,
    more: Mapping[str, Any],
    on_progress: OnProgress | None = None,
    *,
    key: str | None = None,
    schema_hash: str | None = None,
    **flags: bool,
) -> Ask:
    """Ask for a request type; `flags` are further members of ``_meta``."""
    meta = {"idempotencyKey": key, "schemaHash": schema_hash, **flags}
    return Ask(name, {**(params or {}), **more}, meta, on_progress, runs=not flags.get("plan"))


def ask_task(job: str | None, key: str | None) -> Ask:
    """Ask how a job stands, by its id or by its idempotency key."""
    return Ask("tasks/get", _given(job=job, idempotencyKey=key))


def ask_tasks(status: str | None, limit: int | None, before: str | None) -> Ask:
    """Ask for a page of jobs."""
    return Ask("tasks/list", _given(status=status, limit=limit, before=before))


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


class Answer(NamedTuple):
    """An answer to what was asked with this number."""

    number: int
    result: Any
    error: RequestFailed | None


class Notification(NamedTuple):
    """What the server says unasked."""

    method: str
    params: dict[str, Any]

    @property
    def progress_of(self) -> int | None:
        """The number of what was asked and goes on; None where this is something else."""
        number = self.params.get("progressToken") if self.method == "notifications/progress" else None
        return number if isinstance(number, int) else None

    @property
    def ended_job(self) -> str:
        """The job that this says has ended; empty where this is something else."""
        ended = self.method == "notifications/tasks/status" and self.params.get("status") in ENDED
        return str(self.params.get("job", "")) if ended else ""


def read(url: str, text: str | bytes) -> Answer | Notification:
    """Read one message of the server's.

    :raises Unreachable: it is none that a gombus server sends.
    """
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict) and value.get("jsonrpc") == "2.0":
        number, error, params = value.get("id"), value.get("error"), value.get("params")
        if isinstance(value.get("method"), str) and isinstance(params, dict):
            return Notification(value["method"], params)
        if isinstance(number, int) and isinstance(error, dict):
            return Answer(number, None, RequestFailed(error))
        if isinstance(number, int) and "result" in value:
            return Answer(number, value["result"], None)
    raise _not_gombus(url, text)


def keys_of(url: str, info: Any) -> Keys:
    """Read the answer to ``server/info``.

    :raises Unreachable: no gombus server answers like that.
    """
    try:
        idempotency = info["idempotency"]
        return Keys(str(idempotency["scope"]), idempotency["kept"] == "memory")
    except (LookupError, TypeError):
        raise _not_gombus(url, json.dumps(info)) from None


def open_job(task: Any) -> str:
    """The job that a task object is about; empty where it has ended, or this is no task object."""
    open = isinstance(task, dict) and task.get("status") not in ENDED
    return str(task.get("job", "")) if open else ""


def result_of(task: Mapping[str, Any]) -> Any:
    """The result of a job that has ended.

    :param task: task object.
    :raises RequestFailed: it failed, was cancelled or was interrupted.
    """
    if "error" in task:
        error = RequestFailed(task["error"])
        error.job = error.job or str(task.get("job", ""))
        raise error
    return task.get("result")


def forgotten(job: str) -> OutcomeUnknown:
    """What to raise where a server that was restarted does not know a job."""
    return OutcomeUnknown(f"{FORGOTTEN}; whether job {job} was run is not known", job=job)


def unended(job: str, timeout: float | None) -> OutcomeUnknown:
    """What to raise where a job did not end within this time, in seconds."""
    return OutcomeUnknown(f"job {job} did not end within {timeout:g} s; it goes on", job=job)


def _not_gombus(url: str, text: str | bytes) -> Unreachable:
    shown = repr(text[:100])
    return Unreachable(f"{url} is no gombus server; it said {shown}")
