"""The harness's own JSON-RPC client: what was received before the server was killed counts as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Callable, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

TASK, WAIT, OTHER = "task", "wait", "other"
"""Beginnings of ids: a request that asks for a task, one that waits for its result, one of the server's own."""

Message = Mapping[str, Any]
Got = Callable[[Message], None]


class Lost(Exception):
    """The server is gone."""


class Ask(NamedTuple):
    """A request that is about to be sent."""

    kind: str
    """`TASK`, `WAIT` or `OTHER`."""
    method: str
    params: Mapping[str, Any]
    got: Got = lambda message: None
    """Called with its answer as soon as that is received."""


class Client:
    """One connection.

    :param notified: called with the task of every notification that a job changed.
    """

    def __init__(self, connection: ClientConnection, notified: Got) -> None:
        self._connection = connection
        self._notified = notified
        self._count = 0
        self._waiting: dict[str, tuple[Got, asyncio.Future[Message | None]]] = {}
        self._lost = False
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def open(cls, url: str, notified: Got) -> Client:
        """:raises Lost: nobody answers."""
        try:
            connection = await connect(
                url,
                subprotocols=["gombus.v1.json"],  # type: ignore[list-item]  # a plain string is one
                compression=None,
                proxy=None,
                ping_interval=None,
                max_queue=None,
                max_size=None,
            )
        except (OSError, EOFError, WebSocketException) as error:
            raise Lost(str(error)) from error
        return cls(connection, notified)

    async def ask(self, ask: Ask) -> Message:
        """Send one request and wait for its answer.

        :raises Lost: there is none.
        """
        return (await self.ask_all([ask]))[0]

    async def ask_all(self, asks: Iterable[Ask], batch: bool = False) -> list[Message]:
        """Send requests in one go and wait for all their answers.

        :param batch: whether as one message.
        :raises Lost: one is missing.
        """
        made = [self._made(ask) for ask in asks]
        requests = [request for request, _ in made]
        texts = [json.dumps(requests)] if batch else [json.dumps(request) for request in requests]
        with suppress(WebSocketException, OSError):
            for text in texts:
                await self._connection.send(text)
        answers = []
        for _, future in made:
            answer = await future
            if answer is None:
                raise Lost
            answers.append(answer)
        return answers

    async def gone(self) -> None:
        """Wait until all is read that the server said before its end."""
        await self._reader

    def _made(self, ask: Ask) -> tuple[Any, asyncio.Future[Message | None]]:
        self._count += 1
        id = f"{ask.kind}-{self._count}"
        future: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        if self._lost:
            future.set_result(None)
        else:
            self._waiting[id] = ask.got, future
        return {"jsonrpc": "2.0", "id": id, "method": ask.method, "params": ask.params}, future

    async def _read(self) -> None:
        with suppress(WebSocketException, OSError):
            while True:
                value = json.loads(await self._connection.recv())
                for message in value if isinstance(value, list) else [value]:
                    self._take(message)
        self._lost = True
        for _, future in self._waiting.values():
            if not future.done():
                future.set_result(None)
        self._waiting.clear()
        with suppress(WebSocketException, OSError):
            await self._connection.close()

    def _take(self, message: Message) -> None:
        if "id" not in message:
            self._notified(message["params"])
            return
        got, future = self._waiting.pop(message["id"])
        got(message)
        if not future.done():
            future.set_result(message)
