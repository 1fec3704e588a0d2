"""The connection of a client in an event loop: shared by all that it asks, and resumed where it is lost."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from .messages import (
    UNMET,
    Answer,
    Ask,
    Notification,
    OutcomeUnknown,
    Progress,
    RequestFailed,
    Unreachable,
    keys_of,
    open_job,
    read,
)
from .opening import FAILURES, Lost, Outage, Until, check_subprotocol, check_trust, ended, options


class AsyncLine:
    """One connection at a time to one server, within one event loop. The parameters are those of `Client`."""

    def __init__(
        self,
        url: str,
        reconnect_s: float | None,
        open_timeout_s: float,
        token: str | None = None,
        ca: str | None = None,
    ) -> None:
        self._url = url
        self._ca = ca
        self._reconnect_s = reconnect_s
        self._open_timeout_s = open_timeout_s
        self._token = token
        self._connection: ClientConnection | None = None
        self._opened: float | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._waiting: dict[int, tuple[Ask, asyncio.Future[Any]]] = {}
        self._told: dict[str, asyncio.Event] = {}
        self._keys = UNMET
        self._first_scope = ""

    @property
    def restarted(self) -> bool:
        """Whether the server has become one to which earlier jobs and keys mean nothing."""
        return self._keys.scope != self._first_scope

    def told(self, job: str) -> asyncio.Event | None:
        """What is set when the server says that the job has ended, or the connection is lost.

        None where it will not say so.
        """
        return self._told.get(job)

    async def close(self) -> None:
        """Close the connection, if there is one; whoever waits for an answer is told that there is none."""
        keeper = self._keeper
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
            self._keeper = None
            self._give_up(Unreachable(f"the client of {self._url} was closed"))

    async def ask(self, ask: Ask, timeout: float | None) -> Any:
        """Send, and wait for the answer; where the connection is lost, resume it and send again.

        :returns: the result.
        :raises RequestFailed: the answer is an error.
        :raises OutcomeUnknown: what was sent may have been run, and no answer can be had.
        :raises Unreachable: there is no answer, and nothing was run.
        """
        try:
            return await asyncio.wait_for(self._ask(ask), timeout)
        except asyncio.TimeoutError:
            raise ask.overdue(self._url, timeout) from None

    async def _ask(self, ask: Ask) -> Any:
        patience: Until | None = None
        while True:
            try:
                return await self._exchange(ask)
            except RequestFailed as failed:
                if failed.code != "stopping" or not ask.resumable:
                    raise
                ask.stopped(failed, self._keys.forgets)
                patience = patience or Until(self._reconnect_s)
                if self._connection is not None and not await _ends(self._connection, patience):
                    raise

    async def _exchange(self, ask: Ask) -> Any:
        """Send, or have it sent once there is a connection, and wait until it is answered."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[ask.number] = (ask, future)
        try:
            if self._connection is not None:
                await self._send(self._connection, ask)
            elif self._keeper is None:
                self._keeper = asyncio.ensure_future(self._keep())
            return await future
        finally:
            del self._waiting[ask.number]

    async def _send(self, connection: ClientConnection, ask: Ask) -> None:
        """Send; where the connection is lost, that is left to its keeper."""
        if connection.state is State.OPEN:
            with suppress(ConnectionClosed):
                await connection.send(ask.sending(self._keys))

    async def _keep(self) -> None:
        """Serve one connection, and as long as something waits for an answer, another."""
        outage = Outage(self._reconnect_s)
        pause: float | None = 0.0
        try:
            while pause is not None:
                await asyncio.sleep(pause)
                self._opened = None
                try:
                    await self._serve()
                except Lost as lost:
                    reason = lost
                self._give_up(reason, everything=False)
                if self._keys is UNMET or all(future.done() for _, future in self._waiting.values()):
                    break
                now = time.monotonic()
                pause = outage.pause(now, 0.0 if self._opened is None else now - self._opened)
            self._give_up(reason)
        except Exception as error:
            self._give_up(error)
        finally:
            self._keeper = None

    def _give_up(self, reason: Exception, everything: bool = True) -> None:
        """Tell who waits, or only those whose requests cannot be sent again, that there is no answer."""
        for ask, future in self._waiting.values():
            if not future.done() and (everything or not ask.resumable):
                future.set_exception(ask.given_up(reason))

    async def _serve(self) -> None:
        """Serve one connection; raises what ended it."""
        connection = await self._open()
        try:
            self._connection, self._opened = connection, time.monotonic()
            for ask, future in list(self._waiting.values()):
                if future.done():
                    continue
                try:
                    await self._send(connection, ask)
                except OutcomeUnknown as error:
                    future.set_exception(error)
            while True:
                self._take(read(self._url, await connection.recv()))
        except ConnectionClosed as error:
            raise ended(self._url, error) from error
        finally:
            self._connection = None
            # A server tells only the connection that asked.
            for event in self._told.values():
                event.set()
            self._told.clear()
            await connection.close()

    async def _open(self) -> ClientConnection:
        """A connection to a server that speaks JSON-RPC."""
        reach = options(self._url, self._token, self._ca)
        try:
            connection = await connect(self._url, open_timeout=self._open_timeout_s, **reach)
        except FAILURES as error:
            check_trust(self._url, self._ca, error)
            raise Lost(f"no gombus server at {self._url}: {error}") from error
        try:
            check_subprotocol(self._url, connection.subprotocol)
            info = await asyncio.wait_for(self._info(connection), self._open_timeout_s)
            self._keys = keys_of(self._url, info)
        except ConnectionClosed as error:
            await connection.close()
            raise ended(self._url, error) from None
        except asyncio.TimeoutError:
            await connection.close()
            raise Lost(f"no gombus server at {self._url}: it accepts, and does not answer") from None
        except BaseException:
            await connection.close()
            raise
        self._first_scope = self._first_scope or self._keys.scope
        return connection

    async def _info(self, connection: ClientConnection) -> Any:
        ask = Ask("server/info")
        await connection.send(ask.sending(UNMET))
        while True:
            message = read(self._url, await connection.recv())
            if isinstance(message, Answer) and message.number == ask.number:
                if message.error is not None:
                    raise Lost(f"no gombus server at {self._url}: {message.error}")
                return message.result

    def _take(self, message: Answer | Notification) -> None:
        """Hand on what the server said; whoever asked may have left."""
        if isinstance(message, Notification):
            told = self._told.pop(message.ended_job, None)
            if told is not None:
                told.set()
        number = message.number if isinstance(message, Answer) else message.progress_of
        if number not in self._waiting:
            return
        ask, future = self._waiting[number]
        if future.done():
            return
        if isinstance(message, Answer):
            if message.error is not None:
                future.set_exception(message.error)
            else:
                future.set_result(message.result)
                job = open_job(message.result) if ask.task else ""
                if job:
                    self._told[job] = asyncio.Event()
        elif ask.on_progress is not None:
            try:
                ask.on_progress(Progress.of(message.params))
            except Exception as error:
                future.set_exception(error)


async def _ends(connection: ClientConnection, until: Until) -> bool:
    """Wait for a connection's end: what is sent to a server that stops may get lost."""
    try:
        await asyncio.wait_for(connection.wait_closed(), until.left_s)
    except asyncio.TimeoutError:
        return False
    return True
