"""One connection of a hostile client: a raw socket, and a count of all that goes over it."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import frames

TICK_S = 0.2
"""How often, in s, it is looked whether the attack is over."""
_READ = 1 << 18
_SEEN = 64
"""So much of an answer is looked at, in bytes."""


class Gone(Exception):
    """The server ended the connection."""


class Over(Exception):
    """The attack is over."""


@dataclass
class Tally:
    """What the clients of one kind did, and what became of it."""

    connections: int = 0
    frames: int = 0
    sent: int = 0
    """Bytes."""
    received: int = 0
    """Bytes."""
    answers: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    """How the connections ended; `left` where the client itself did it."""

    def add(self, other: Tally) -> None:
        """Take another's counts in."""
        self.connections += other.connections
        self.frames += other.frames
        self.sent += other.sent
        self.received += other.received
        self.answers += other.answers
        self.ends += other.ends

    def plain(self) -> dict[str, Any]:
        """As a JSON object."""
        return vars(self)


class Link:
    """A connection.

    :param over: set when the attack is over.
    :param deaf: whether it reads nothing after its handshake.
    :raises Gone: the server does not take the connection.
    """

    def __init__(self, port: int, tally: Tally, over: threading.Event, deaf: bool = False) -> None:
        self._tally = tally
        self._over = over
        self._deaf = deaf
        self._http = True
        self._buffer = b""
        self._skip = 0
        self._code = ""
        self._socket = socket.socket()
        if deaf:
            # So that little fills it.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        try:
            self._socket.connect(("127.0.0.1", port))
        except OSError as error:
            self._socket.close()
            tally.ends[f"not connected: {error.strerror}"] += 1
            raise Gone from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        tally.connections += 1

    def close(self, reset: bool = False) -> None:
        """Leave, if the server has not ended the connection.

        :param reset: whether without a word, as a program that crashed.
        """
        if self._socket.fileno() >= 0:
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._end("left")

    def open(self, headers: str = frames.LOCAL) -> None:
        """Do the handshake.

        :raises Gone: it was refused.
        """
        self.send(frames.handshake(headers))
        while self._http:
            self.rest(TICK_S)

    def send(self, data: bytes, count: int = 0) -> None:
        """Send, and meanwhile read what comes.

        :param count: how many frames these are.
        :raises Gone: the server ended the connection before it took all.
        :raises Over: the attack is over.
        """
        view = memoryview(data)
        while view:
            readable, writable = self._wait(TICK_S, True)
            if readable:
                self._receive()
            if writable:
                try:
                    done = self._socket.send(view)
                except BlockingIOError:
                    continue
                except OSError:
                    # What the server said before is still to be read.
                    while True:
                        self._receive()
                view = view[done:]
                self._tally.sent += done
        self._tally.frames += count

    def rest(self, seconds: float) -> None:
        """Send nothing for this time, and read what comes.

        :raises Gone: the server ended the connection.
        :raises Over: the attack is over.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._deaf and not self._http:
                self._look_whether_over()
                time.sleep(min(left, TICK_S))
            elif self._wait(min(left, TICK_S), False)[0]:
                self._receive()
                return

    def until_ended(self) -> None:
        """Read until the server ends the connection.

        :raises Gone: always, if not `Over`.
        """
        while True:
            self.rest(60.0)

    def _wait(self, seconds: float, to_send: bool) -> tuple[Any, Any]:
        self._look_whether_over()
        reading = [] if self._deaf and not self._http else [self._socket]
        readable, writable, _ = select.select(reading, [self._socket] if to_send else [], [], seconds)
        return readable, writable

    def _look_whether_over(self) -> None:
        if self._over.is_set():
            raise Over

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(self._code or "cut")
            raise Gone from error
        if not data:
            self._end(self._code or "cut")
            raise Gone
        self._tally.received += len(data)
        self._parse(data)

    def _end(self, how: str) -> None:
        self._socket.close()
        self._tally.ends[how] += 1

    def _parse(self, data: bytes) -> None:
        """Count the frames of the server; payloads are passed over but for their beginnings."""
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        data = self._buffer + data[self._skip :]
        self._skip = 0
        if self._http:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._http = False
            status = head.split(b" ", 2)[1].decode()
            if status != "101":
                self._code = f"HTTP {status}"
                self._buffer, self._skip = b"", 1 << 30
                return
        at = 0
        while (begin := _payload(data, at)) is not None:
            size = begin[1]
            if len(data) - begin[0] < min(size, _SEEN):
                break
            self._count(data[at] & 0x0F, data[begin[0] : begin[0] + min(size, _SEEN)])
            at = begin[0] + size
        if at > len(data):
            self._skip = at - len(data)
        self._buffer = data[at:]

    def _count(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.CLOSE:
            self._code = f"close {int.from_bytes(payload[:2], 'big')}"
        elif opcode == frames.PONG:
            self._tally.answers["pong"] += 1
        elif payload.startswith(b"["):
            self._tally.answers["batch"] += 1
        else:
            failed = payload.startswith(b"Error") or b'"error"' in payload
            self._tally.answers["refusal" if failed else "result"] += 1


def _payload(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame begins that begins there, and its size; None where that has not come yet."""
    if at + 2 > len(data):
        return None
    size = data[at + 1]
    more = {126: 2, 127: 8}.get(size, 0)
    begin = at + 2 + more
    if begin > len(data):
        return None
    return begin, int.from_bytes(data[at + 2 : begin], "big") if more else size
