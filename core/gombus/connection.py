"""The transport of one client: a websockets connection that is cut where its client does not take its answers."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Callable

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

log = logging.getLogger(__name__)

SEND_LIMIT_S = 10.0
"""How long, in seconds, what was written may wait for the client to take it."""

# Idle time before the first probe and between probes, in seconds, and probes before the connection counts as lost.
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Connection(ServerConnection):
    """Adds to a `ServerConnection`: answers written together, a time limit for taking them, and TCP keepalive.

    WebSocket keepalive is not used by the server: while a connection is not read any further, because its client has
    too many requests unanswered, its pongs are not read either, and an honest client would be cut.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_writable: Callable[[], None] = lambda: None
        """Called when everything written was taken, and when the connection is lost."""
        self._cut_timer: asyncio.TimerHandle | None = None

    @property
    def unsent(self) -> bool:
        """Whether something written still waits for the client to take it."""
        return self._cut_timer is not None

    def write_together(self, texts: list[str]) -> None:
        """Write text messages with one system call; nothing happens where the connection is closing or closed."""
        if self.protocol.state is not State.OPEN:
            return
        for text in texts:
            self.protocol.send_text(text.encode())
        self.transport.write(b"".join(self.protocol.data_to_send()))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Callback of asyncio."""
        super().connection_made(transport)
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def pause_writing(self) -> None:
        """Callback of asyncio: something written could not be sent at once."""
        super().pause_writing()
        self._cut_timer = self.loop.call_later(SEND_LIMIT_S, self._cut)

    def resume_writing(self) -> None:
        """Callback of asyncio: all of it was sent."""
        super().resume_writing()
        self._stop_timer()
        self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """Callback of asyncio."""
        self._stop_timer()
        super().connection_lost(exc)
        self.on_writable()

    def _stop_timer(self) -> None:
        if self._cut_timer is not None:
            self._cut_timer.cancel()
            self._cut_timer = None

    def _cut(self) -> None:
        log.warning("%s: cut, because it did not take its answers for %g s", self.remote_address, SEND_LIMIT_S)
        self.transport.abort()
