"""Accepts clients. asyncio's own way forgets a client that comes while it stops, and spins where files run out."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Callable, cast

log = logging.getLogger(__name__)

PAUSE_S = 1.0
"""How long, in seconds, no client is accepted after the system could not give one."""
_AT_A_TIME = 32
"""How many clients are accepted in one turn of the event loop; others are served in between."""
# Idle time before the first probe and between probes, in seconds, and probes before the connection counts as lost.
# Pings of our own would not do: their answers are not read either while a connection is not read.
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Door:
    """Accepts clients on listening sockets, within the running event loop.

    :param admit: gives what serves the next client, or None where it is to be closed at once.
    """

    def __init__(self, sockets: Sequence[socket.socket], admit: Callable[[], asyncio.Protocol | None]) -> None:
        # Typed as what it is: the abstract one has `connect_accepted_socket` in newer stubs only.
        self._loop = cast(asyncio.BaseEventLoop, asyncio.get_running_loop())
        self._sockets = sockets
        self._admit = admit
        self._entering: set[asyncio.Task[None]] = set()
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._failing = False
        for listener in sockets:
            listener.setblocking(False)
            self._listen(listener)

    async def close(self) -> None:
        """Accept no more; returns when all that were accepted have their connection."""
        for pause in self._pauses.values():
            pause.cancel()
        sockets, self._sockets = self._sockets, ()
        for listener in sockets:
            self._loop.remove_reader(listener)
            listener.close()
        if self._entering:
            await asyncio.wait(self._entering)

    def _listen(self, listener: socket.socket) -> None:
        self._pauses.pop(listener, None)
        self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_AT_A_TIME):
            try:
                accepted, _ = listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                # This client has left already.
                continue
            except OSError as error:
                # Too many open files, mostly. The client still waits, so the loop would call at once again.
                if not self._failing:
                    log.error("cannot accept clients: %s; it is tried again every %g s", error, PAUSE_S)
                self._failing = True
                self._loop.remove_reader(listener)
                self._pauses[listener] = self._loop.call_later(PAUSE_S, self._listen, listener)
                return
            self._failing = False
            self._let_in(accepted)

    def _let_in(self, accepted: socket.socket) -> None:
        protocol = self._admit()
        if protocol is None:
            accepted.close()
            return
        # One that has left already: who reads from it hears of that.
        with suppress(OSError):
            _set_up(accepted)
        accepted.setblocking(False)
        task = self._loop.create_task(self._enter(accepted, protocol))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _enter(self, accepted: socket.socket, protocol: asyncio.Protocol) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, accepted)
        except OSError as error:
            # Some systems tell only now that it has left.
            accepted.close()
            protocol.connection_lost(error)


def _set_up(opened: socket.socket) -> None:
    # Without it an answer or notification that closely follows another waits for the client's acknowledgement, 40 ms
    # and more. asyncio sets it only where the listening socket was made with the protocol's number.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
