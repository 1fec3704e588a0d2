"""The shell around the pure parts: listening, and stopping. One event loop in one thread."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Callable

from .bus import Bus
from .config import Settings
from .connection import CLOSE_LIMIT_S, Connection
from .handshake import Handshake
from .listening import open_sockets
from .methods import Methods
from .session import Session
from .wire.choice import Wires

log = logging.getLogger(__name__)


class Server:
    """Serves clients until `stopped`. Everything here belongs to the event loop's thread."""

    def __init__(self, settings: Settings, wires: Wires, bus: Bus, methods: Methods) -> None:
        self._settings = settings
        self._wires = wires
        self._bus = bus
        self._methods = methods
        bus.on_stop(self.request_stop)
        self._handshake = Handshake(settings)
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._ready: list[Session] = []
        self._delivering = False
        self._stopping: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._empty = asyncio.Event()
        self.stopped = asyncio.Event()
        """Set when every client was answered or closed."""

    async def start(self, recover: Callable[[], None]) -> int:
        """Listen.

        :param recover: called when the port is taken and no client is served yet.
        :returns: the port.
        :raises CannotListen: the port is taken, or the host is not allowed.
        """
        # glibc gives each buffer of a socket read back to the system until one this large was freed once, which
        # halves the speed of a fresh server (docs/performance.md).
        _ = bytes(300_000)
        loop = asyncio.get_running_loop()
        sockets = open_sockets(self._settings.host, self._settings.port)
        port = int(sockets[0].getsockname()[1])
        try:
            recover()
            for opened in sockets:
                self._listeners.append(await loop.create_server(lambda: Connection(self._handshake, self), sock=opened))
        except BaseException:
            for opened in sockets:
                opened.close()
            raise
        return port

    def deliver(self) -> None:
        """Hand out the outcomes that stand ready, and write the answers."""
        self._delivering = True
        try:
            self._bus.deliver()
        finally:
            self._delivering = False
            self._flush()
            if not self._bus.unfinished:
                self._idle.set()

    def request_stop(self) -> None:
        """Begin to stop; further calls change nothing."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop())

    async def finish(self) -> None:
        """Admit nothing more, and wait until what runs is finished and everything is kept."""
        self._bus.stop()
        if self._bus.unfinished:
            log.info("stopping: waiting for the running command; press Ctrl-C again to stop at once")
            self._idle.clear()
            await self._idle.wait()

    async def close_all(self, limit_s: float) -> None:
        """Tell every client that the server goes away (1001), and wait up to the limit, in s, until they are gone."""
        if self._connections:
            self._empty.clear()
            for connection in list(self._connections):
                connection.close(1001, "Server is stopping.")
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._empty.wait(), limit_s)

    # What connections tell their keeper.

    def made(self, connection: Connection) -> None:
        """A client connected; its handshake is still to come."""
        self._connections.add(connection)

    def opened(self, connection: Connection) -> Session | None:
        """The handshake is good: give the session that serves it, or None while the server stops."""
        if self._stopping is not None:
            return None
        return Session(connection, self._wires, self._methods, self._flush_soon, self.request_stop)

    def gone(self, connection: Connection) -> None:
        """The connection is lost, whether or not it was opened."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    # Inside.

    async def _stop(self) -> None:
        log.info("stopping: no new requests")
        await self._stop_listening()
        await self.finish()
        # Answers are written in the turn after the one in which they became ready, and a client that was accepted at
        # the last moment becomes a connection of ours within two.
        for _ in range(3):
            await asyncio.sleep(0)
        # Each is cut in half of that time where it does not follow.
        await self.close_all(CLOSE_LIMIT_S * 2)
        self.stopped.set()

    async def _stop_listening(self) -> None:
        # asyncio forgets a client, and leaves its socket open, when its listener is closed between the accepting and
        # the turn after it; so first no more are accepted.
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            for opened in listener.sockets:
                loop.remove_reader(opened)
        await asyncio.sleep(0)
        for listener in self._listeners:
            listener.close()

    def _flush_soon(self, session: Session) -> None:
        # One flush for all that becomes ready in this turn of the event loop.
        if not self._ready and not self._delivering:
            asyncio.get_running_loop().call_soon(self._flush)
        self._ready.append(session)

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        for session in ready:
            try:
                session.flush()
            except Exception as error:
                session.broken(error)
