"""The shell around the pure parts: listening, and stopping. One event loop in one thread."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Callable

from ..bus import Bus
from ..config import Settings
from ..methods import Methods
from ..wire.choice import Wires
from .access import LOOK_S, Access
from .connection import CLOSE_LIMIT_S, Connection, Opened, TurnedAway
from .door import Door
from .handshake import Handshake
from .listening import Place, open_sockets
from .session import Session
from .tls import Tls

log = logging.getLogger(__name__)

ENTERING = 64
"""How many clients may be in their handshake, or be turned away, beyond those that are served."""


class Server:
    """Serves clients until `stopped`. Everything here belongs to the event loop's thread."""

    def __init__(
        self, settings: Settings, place: Place, access: Access, wires: Wires, bus: Bus, methods: Methods
    ) -> None:
        self._settings = settings
        self._place = place
        self._access = access
        self._wires = wires
        self._bus = bus
        self._methods = methods
        bus.on_stop(self.request_stop)
        self._handshake = Handshake(settings, access)
        self._door: Door
        self._connections: set[Connection] = set()
        self._served: set[Connection] = set()
        self._crowded = False
        self._ready: list[Session] = []
        self._delivering = False
        self._stopping: asyncio.Task[None] | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._empty = asyncio.Event()
        self.stopped = asyncio.Event()
        """Set when every client was answered or closed."""

    async def start(self, recover: Callable[[], None]) -> int:
        """Listen.

        :param recover: called when the port is taken and no client is served yet.
        :returns: the port.
        :raises CannotListen: the port is taken, or the host is not this computer.
        """
        # glibc gives each buffer of a socket read back to the system until one this large was freed once, which
        # halves the speed of a fresh server (docs/performance.md).
        _ = bytes(300_000)
        sockets = open_sockets(self._place, self._settings.port)
        port = int(sockets[0].getsockname()[1])
        try:
            recover()
            self._door = Door(sockets, self._admit)
        except BaseException:
            for opened in sockets:
                opened.close()
            raise
        self._look()
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
        await self._door.close()
        if self._connections:
            self._empty.clear()
            for connection in list(self._connections):
                connection.close(1001, "Server is stopping.")
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._empty.wait(), limit_s)

    # What connections tell their keeper.

    def opened(self, connection: Connection) -> Opened:
        """The handshake is good: give the session that serves it, or why it is closed; None while the server stops."""
        if self._stopping is not None:
            return None
        if len(self._served) >= self._settings.max_connections:
            return TurnedAway(1013, "Too many connections.")
        self._served.add(connection)
        limit = self._settings.max_unanswered
        return Session(connection, self._wires, self._methods, self._flush_soon, self.request_stop, limit)

    def gone(self, connection: Connection) -> None:
        """The connection is lost, whether or not it was opened."""
        self._connections.discard(connection)
        self._served.discard(connection)
        if not self._connections:
            self._empty.set()

    # Inside.

    def _look(self) -> None:
        """Cut off clients whose tokens were revoked."""
        self._looking = asyncio.get_running_loop().call_later(LOOK_S, self._look)
        if self._access.look():
            for connection in list(self._connections):
                if connection.identity is not None and not self._access.holds(connection.identity):
                    connection.fail(1008, "The token is no longer valid.")

    def _admit(self) -> asyncio.Protocol | None:
        """What serves a client that was just accepted; None where there are too many to give it even a refusal."""
        crowded = len(self._connections) >= self._settings.max_connections + ENTERING
        if crowded and not self._crowded:
            log.warning("%d clients at a time: further ones are closed unheard", len(self._connections))
        self._crowded = crowded
        if crowded:
            return None
        certificate = self._place.certificate
        connection = Connection(self._handshake, self, self._settings)
        protocol = connection if certificate is None else Tls(certificate.context(), connection)
        self._connections.add(connection)
        return protocol

    async def _stop(self) -> None:
        log.info("stopping: no new requests")
        await self._door.close()
        await self.finish()
        # Answers are written in the turn after the one in which they became ready.
        await asyncio.sleep(0)
        # Each is cut in half of that time where it does not follow.
        await self.close_all(CLOSE_LIMIT_S * 2)
        if self._looking is not None:
            self._looking.cancel()
        self.stopped.set()

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
