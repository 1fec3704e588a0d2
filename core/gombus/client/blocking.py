"""The client for JSON-RPC that blocks."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ..model import ENDED
from .blocking_line import BlockingLine
from .messages import (
    Ask,
    OnProgress,
    Progress,
    RequestFailed,
    ask_run,
    ask_task,
    ask_tasks,
    forgotten,
    result_of,
    unended,
)
from .oneshot import URL
from .opening import Until, pauses


class Client:
    """Asks a gombus server, one request at a time, over one connection that is resumed where it is lost.

    Every request carries an idempotency key, so that it can be sent again over another connection, also after the
    server was ended and started anew, and is still run once. A context manager; without ``with``, it connects when it
    is first needed. A `Client` is for one thread at a time.

    :param url: such as ``ws://localhost:40010``, or ``wss://`` for a server with TLS.
    :param token: says who the client is, where the server asks for it (`gombus token new`).
    :param reconnect_s: how long to try to resume a lost connection, in seconds; None means for ever, 0 not at all. The
        first connection is tried once.
    :param open_timeout_s: longest wait for a connection, in seconds.
    :param ca: PEM file with the certificates to trust at ``wss://`` addresses, the server's own or one that vouches for
        it; None trusts what this computer trusts.

    Where there is no answer, also within `timeout` seconds if that is given, every method raises `Unreachable`, or
    `OutcomeUnknown` where it is about a request that was sent. What the server refuses, ``busy`` among it, raises
    `RequestFailed`.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        token: str | None = None,
        reconnect_s: float | None = 60.0,
        open_timeout_s: float = 10.0,
        ca: str | None = None,
    ) -> None:
        self._line = BlockingLine(url, reconnect_s, open_timeout_s, token, ca)

    def __enter__(self) -> Client:
        """Connect.

        :raises Unreachable: there is no gombus server.
        """
        self._line.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def forgets_keys(self) -> bool:
        """Whether the server keeps no journal: one that is started in its place does not know its idempotency keys."""
        return self._line.forgets

    def close(self) -> None:
        """Close the connection; a later call opens another."""
        self._line.close()

    def call(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        progress: OnProgress | None = None,
        key: str | None = None,
        schema_hash: str | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> Any:
        """Have a request run, and wait for its end.

        :param name: the request type.
        :param params: its parameters, which may as well be given as keywords.
        :param progress: called on this thread with how far it is.
        :param key: idempotency key; None makes a new one. With the key of an earlier call, that call's result is given.
            An empty one sends none: the request is then not sent again, which suits one that stops the server.
        :param schema_hash: of the schema that the caller was made for; the server refuses where it has another.
        :returns: the receipt; for types that run at once, what they return.
        :raises RequestFailed: it was refused, or it failed.
        :raises OutcomeUnknown: whether it was run cannot be known.
        :raises Unreachable: it was not sent.
        """
        key = str(uuid.uuid4()) if key is None else key
        ask = ask_run(name, params, more, progress, key=key, schema_hash=schema_hash)
        return self._line.ask(ask, Until(timeout))

    def submit(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        key: str | None = None,
        schema_hash: str | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Have a request run, and wait only until it is accepted; raises as `call` does.

        :returns: its task object; ``task["job"]`` is for `fetch`.
        """
        key = str(uuid.uuid4()) if key is None else key
        return self._object(ask_run(name, params, more, key=key, schema_hash=schema_hash, task=True), timeout)

    def fetch(self, job: str, *, progress: OnProgress | None = None, timeout: float | None = None) -> Any:
        """Wait for a job's end.

        :param progress: called on this thread with how far it is, about once a second.
        :returns: what `call` would have returned.
        :raises RequestFailed: as `call` would have.
        :raises OutcomeUnknown: it has not ended within `timeout`, or a server that was restarted does not know it.
        """
        until, said = Until(timeout), None
        for pause in pauses():
            task = self._known(job, until)
            if task["status"] in ENDED:
                break
            if progress is not None and task.get("progress") not in (None, said):
                said = task["progress"]
                progress(Progress.of(said))
            told = self._line.tells(job) and progress is None
            self._line.watch(job, until if told else until.sooner(pause))
            if until.passed:
                raise unended(job, timeout)
        return result_of(task)

    def task(self, *, job: str | None = None, key: str | None = None, timeout: float | None = None) -> dict[str, Any]:
        """How a job stands: its task object, by its id or by its idempotency key.

        :raises RequestFailed: there is none; its `code` is ``unknown_job``.
        """
        return self._object(ask_task(job, key), timeout)

    def tasks(
        self,
        status: str | None = None,
        limit: int | None = None,
        before: str | None = None,
        *,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """The newest jobs.

        :param status: only those that are ``working``, ``completed``, ``failed``, ``cancelled`` or ``interrupted``.
        :param limit: how many, 1 to 100; None means 20.
        :param before: only those older than this job.
        :returns: ``{"tasks": [task objects without results], "next": the `before` of the next page, or None}``.
        """
        return self._object(ask_tasks(status, limit, before), timeout)

    def cancel(self, job: str, *, timeout: float | None = None) -> dict[str, Any]:
        """Cancel a job that has not been started.

        :returns: ``{"cancelled": bool, "reason": str, "task": task object}``.
        """
        return self._object(Ask("tasks/cancel", {"job": job}), timeout)

    def plan(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        schema_hash: str | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """What a request would do: its gom commands and files, and what would fail. Nothing is run."""
        return self._object(ask_run(name, params, more, schema_hash=schema_hash, plan=True), timeout)

    def info(self, *, timeout: float | None = None) -> dict[str, Any]:
        """What the server is, and what it serves."""
        return self._object(Ask("server/info"), timeout)

    def stats(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The server's counts and times."""
        return self._object(Ask("server/stats"), timeout)

    def discover(self, *, timeout: float | None = None) -> dict[str, Any]:
        """The OpenRPC document of all methods, with the schemas of their parameters."""
        return self._object(Ask("rpc.discover"), timeout)

    def _object(self, ask: Ask, timeout: float | None) -> dict[str, Any]:
        result: dict[str, Any] = self._line.ask(ask, Until(timeout))
        return result

    def _known(self, job: str, until: Until) -> dict[str, Any]:
        try:
            task: dict[str, Any] = self._line.ask(ask_task(job, None), until)
        except RequestFailed as failed:
            if failed.code == "unknown_job" and self._line.restarted:
                raise forgotten(job) from None
            raise
        return task
