"""The client for JSON-RPC for programs that run an event loop."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..model import ENDED
from .async_line import AsyncLine
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
from .opening import pauses


class AsyncClient:
    """Asks a gombus server, many requests at a time, over one connection that is resumed where it is lost.

    Methods and parameters are those of `Client`. Cancelling the task that waits for a request leaves the request
    running in the server; with its key, or its job, it can be asked for again. All calls belong to one event loop.
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
        self._line = AsyncLine(url, reconnect_s, open_timeout_s, token, ca)

    async def __aenter__(self) -> AsyncClient:
        """Connect.

        :raises Unreachable: there is no gombus server.
        """
        try:
            await self.info()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; who still waits for an answer is told that there is none."""
        await self._line.close()

    async def call(
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
        """As `Client.call`; `progress` is called in the event loop."""
        key = str(uuid.uuid4()) if key is None else key
        return await self._line.ask(ask_run(name, params, more, progress, key=key, schema_hash=schema_hash), timeout)

    async def submit(
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
        """As `Client.submit`."""
        key = str(uuid.uuid4()) if key is None else key
        return await self._object(ask_run(name, params, more, key=key, schema_hash=schema_hash, task=True), timeout)

    async def fetch(self, job: str, *, progress: OnProgress | None = None, timeout: float | None = None) -> Any:
        """As `Client.fetch`; `progress` is called in the event loop."""
        try:
            task = await asyncio.wait_for(self._ended(job, progress), timeout)
        except asyncio.TimeoutError:
            raise unended(job, timeout) from None
        return result_of(task)

    async def task(
        self, *, job: str | None = None, key: str | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """As `Client.task`."""
        return await self._object(ask_task(job, key), timeout)

    async def tasks(
        self,
        status: str | None = None,
        limit: int | None = None,
        before: str | None = None,
        *,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """As `Client.tasks`."""
        return await self._object(ask_tasks(status, limit, before), timeout)

    async def cancel(self, job: str, *, timeout: float | None = None) -> dict[str, Any]:
        """As `Client.cancel`."""
        return await self._object(Ask("tasks/cancel", {"job": job}), timeout)

    async def plan(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        schema_hash: str | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """As `Client.plan`."""
        return await self._object(ask_run(name, params, more, schema_hash=schema_hash, plan=True), timeout)

    async def info(self, *, timeout: float | None = None) -> dict[str, Any]:
        """As `Client.info`."""
        return await self._object(Ask("server/info"), timeout)

    async def stats(self, *, timeout: float | None = None) -> dict[str, Any]:
        """As `Client.stats`."""
        return await self._object(Ask("server/stats"), timeout)

    async def discover(self, *, timeout: float | None = None) -> dict[str, Any]:
        """As `Client.discover`."""
        return await self._object(Ask("rpc.discover"), timeout)

    async def _object(self, ask: Ask, timeout: float | None) -> dict[str, Any]:
        result: dict[str, Any] = await self._line.ask(ask, timeout)
        return result

    async def _ended(self, job: str, progress: OnProgress | None) -> dict[str, Any]:
        """The task object of a job, once it has ended."""
        said = None
        for pause in pauses():
            try:
                task = await self.task(job=job)
            except RequestFailed as failed:
                if failed.code == "unknown_job" and self._line.restarted:
                    raise forgotten(job) from None
                raise
            if task["status"] in ENDED:
                break
            if progress is not None and task.get("progress") not in (None, said):
                said = task["progress"]
                progress(Progress.of(said))
            told = self._line.told(job)
            if told is None:
                await asyncio.sleep(pause)
            else:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(told.wait(), None if progress is None else pause)
        return task
