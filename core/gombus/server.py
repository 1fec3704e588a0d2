"""The shell around the pure parts: sockets, the opening handshake, and stopping. One event loop in one thread."""

from __future__ import annotations

import asyncio
import logging
import re
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import serve
from websockets.http11 import Request, Response

from .bus import Bus
from .config import Settings
from .connection import Connection
from .executor import Executor
from .listening import LOCALHOST, open_sockets
from .model import Outcome
from .session import Session
from .strict import MAX_SIZE
from .validation import shown
from .wire.legacy import LegacyWire

log = logging.getLogger(__name__)

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::[0-9]*)?")

CLOSE_LIMIT_S = 2.0
"""How long, in seconds, a client may take to answer a close frame."""


class Server:
    """Serves clients until `stop`. Everything here belongs to the event loop's thread."""

    def __init__(self, settings: Settings, wire: LegacyWire, bus: Bus, executor: Executor[Outcome]) -> None:
        self._settings = settings
        self._wire = wire
        self._bus = bus
        self._executor = executor
        self._servers: list[WebSocketServer] = []
        self._connections: set[Connection] = set()
        self._hosts = {"localhost", *LOCALHOST, settings.host.lower(), *(name.lower() for name in settings.hosts)}
        self._stopping: asyncio.Task[None] | None = None
        self._ready: list[Session] = []
        self._delivering = False
        self._idle = asyncio.Event()
        self.stopped = asyncio.Event()
        """Set when every client was answered or closed."""

    async def start(self) -> int:
        """Listen.

        :returns: the port.
        :raises CannotListen: the port is taken, or the host is not allowed.
        """
        # glibc gives each buffer of a socket read back to the system until one this large was freed once, which
        # halves the speed of a fresh server (docs/performance.md).
        del [bytes(300_000)][:]
        sockets = open_sockets(self._settings.host, self._settings.port)
        for opened in sockets:
            self._servers.append(
                await serve(
                    self._serve,
                    sock=opened,
                    origins=[None, *self._settings.origins],  # type: ignore[list-item]  # Origin is a str by another name
                    process_request=self._check_host,
                    create_connection=Connection,
                    compression=None,
                    max_size=MAX_SIZE,
                    max_queue=4,
                    write_limit=0,
                    ping_interval=None,
                    close_timeout=CLOSE_LIMIT_S,
                    server_header=None,
                )
            )
        return int(sockets[0].getsockname()[1])

    def deliver(self) -> None:
        """Hand out the outcomes that stand ready, and write the answers."""
        self._delivering = True
        try:
            self._executor.deliver()
        finally:
            self._delivering = False
            self._flush()
        if not self._executor.unfinished:
            self._idle.set()

    def _flush_soon(self, session: Session) -> None:
        # One flush for all that becomes ready in this turn of the event loop.
        if not self._ready and not self._delivering:
            asyncio.get_running_loop().call_soon(self._flush)
        self._ready.append(session)

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        for session in ready:
            session.flush()

    def request_stop(self) -> None:
        """Begin to stop; further calls change nothing."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop())

    async def close_all(self) -> None:
        """Tell every client that the server goes away (1001), and wait for their leaving up to `CLOSE_LIMIT_S`."""
        reason = "Server is stopping."
        closing = [asyncio.ensure_future(connection.close(1001, reason)) for connection in self._connections]
        if closing:
            await asyncio.wait(closing)

    async def _stop(self) -> None:
        log.info("stopping: no new requests")
        for server in self._servers:
            server.close(close_connections=False)
        self._bus.stop()
        if self._executor.unfinished:
            log.info("stopping: waiting for the running command; press Ctrl-C again to stop at once")
            self._idle.clear()
            await self._idle.wait()
        # Answers are written in the turn after the one in which they became ready.
        await asyncio.sleep(0)
        await self.close_all()
        for server in self._servers:
            await server.wait_closed()
        self.stopped.set()

    async def _serve(self, connection: Any) -> None:
        self._connections.add(connection)
        try:
            await Session(connection, self._wire, self._bus, self._flush_soon, self.request_stop).run()
        except Exception:
            log.exception("bug while serving %s", connection.remote_address)
            await connection.close(1011, "Internal error.")
        finally:
            self._connections.discard(connection)

    def _check_host(self, connection: Any, request: Request) -> Response | None:
        """Refuse names that are not ours: a web page can make its own name mean this computer (DNS rebinding)."""
        values = request.headers.get_all("Host")
        if len(values) == 1 and _host_name(values[0]) in self._hosts:
            return None
        log.warning("refused a connection for host %s", shown(values))
        reason = "This name is not served here; connect to localhost.\n"
        response: Response = connection.respond(HTTPStatus.FORBIDDEN, reason)
        return response


def _host_name(header: str) -> str:
    """The name in a Host header (RFC 9110 section 7.2), without port and brackets, in lower case; else nothing."""
    match = _HOST.fullmatch(header)
    return (match[1] or match[2]).lower() if match else ""
