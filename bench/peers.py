"""The connections to one server, what goes over them, and how answers are checked.

Requests are frames made beforehand and answers are compared as bytes: checking must not be what limits the figures.
"""

from __future__ import annotations

import json
import socket
from collections import deque
from itertools import cycle, islice, repeat
from typing import NoReturn, Protocol

from . import wire

IDS = range(1000, 2024)
"""Ids of JSON-RPC requests: of one length, and far more than are ever unanswered, so an answer too much is noticed."""
_BUFFER = 4096


class Peer(Protocol):
    """Connections to one server. Each load sends either one by one, or in batches on one connection."""

    sockets: list[socket.socket]

    def close(self) -> None:
        """Close all connections as a client should."""

    def send_one(self, opened: socket.socket) -> None:
        """Send one request."""

    def read_one(self, opened: socket.socket) -> None:
        """Wait for the answer to it.

        :raises Failed: it is another one.
        """

    def batch(self, count: int, now: int) -> bytes:
        """The frames of so many requests, which are sent at this time."""

    def answered(self, data: bytes) -> list[int]:
        """When the requests were sent to which these bytes, with those before, are the answers.

        :raises Failed: they are others.
        """


class _Sockets:
    def __init__(self, port: int, count: int) -> None:
        self.sockets = [wire.connect(port) for _ in range(count)]
        self._rest = b""

    def close(self) -> None:
        for opened in self.sockets:
            opened.sendall(wire.close_frame())
            opened.close()


class LiteralPeer(_Sockets):
    """One request, always with the same answer, in order."""

    def __init__(self, port: int, count: int, request: str, answer: str) -> None:
        super().__init__(port, count)
        self._request = wire.request_frame(request)
        self._answer = wire.answer_frame(answer)
        self._sent: deque[int] = deque()
        self._requests = self._answers = b""

    def send_one(self, opened: socket.socket) -> None:
        """Send the request."""
        opened.sendall(self._request)

    def read_one(self, opened: socket.socket) -> None:
        """Wait for the answer."""
        data = opened.recv(_BUFFER)
        while data != self._answer:
            if not data or not self._answer.startswith(data):
                _refuse(data, self._answer[2:])
            more = opened.recv(_BUFFER)
            data = data + more if more else b""

    def batch(self, count: int, now: int) -> bytes:
        """The request so many times."""
        self._sent.extend(repeat(now, count))
        if count * len(self._request) > len(self._requests):
            self._requests, self._answers = self._request * count, self._answer * count
        return self._requests[: count * len(self._request)]

    def answered(self, data: bytes) -> list[int]:
        """The oldest requests are."""
        received = self._rest + data
        if not data or received != self._answers[: len(received)]:
            _refuse(received if data else b"", self._answer[2:])
        count = len(received) // len(self._answer)
        self._rest = received[count * len(self._answer) :]
        return [self._sent.popleft() for _ in range(count)]


class JsonRpcPeer(_Sockets):
    """One JSON-RPC request with ids of its own each time; an answer must be a result and have the request's id."""

    def __init__(self, port: int, count: int, request: str) -> None:
        super().__init__(port, count)
        members = json.loads(request)
        self._pool = cycle([(_begin(id), _numbered(members, id)) for id in IDS])
        self._size = len(_begin(IDS[0]))
        self._expected: dict[socket.socket, bytes] = {}
        self._sent: dict[bytes, int] = {}

    def send_one(self, opened: socket.socket) -> None:
        """Send the request."""
        self._expected[opened], frame = next(self._pool)
        opened.sendall(frame)

    def read_one(self, opened: socket.socket) -> None:
        """Wait for the answer."""
        expected = self._expected[opened]
        data = opened.recv(_BUFFER)
        begin, end = wire.payload(data, 0)
        while data and end > len(data):
            more = opened.recv(_BUFFER)
            data = data + more if more else b""
            begin, end = wire.payload(data, 0)
        if end != len(data) or not data.startswith(expected, begin):
            _refuse(data, expected)

    def batch(self, count: int, now: int) -> bytes:
        """The request with so many ids."""
        chosen = list(islice(self._pool, count))
        for begin, _ in chosen:
            self._sent[begin] = now
        return b"".join([frame for _, frame in chosen])

    def answered(self, data: bytes) -> list[int]:
        """Those whose ids the answers have, in whatever order."""
        if not data:
            _refuse(data, b"")
        received, at, times = self._rest + data, 0, []
        begin, end = wire.payload(received, at)
        while end <= len(received):
            sent = self._sent.pop(received[begin : begin + self._size], None)
            if sent is None:
                _refuse(received[at:end], next(iter(self._sent), b""))
            times.append(sent)
            at = end
            begin, end = wire.payload(received, at)
        self._rest = received[at:]
        return times


def connect(port: int, count: int, request: str, answer: str) -> Peer:
    """Open connections.

    :param request: the message.
    :param answer: its answer; empty means that the request is a JSON-RPC one without its version and id, and that its
        answer is to be a result.
    """
    return LiteralPeer(port, count, request, answer) if answer else JsonRpcPeer(port, count, request)


def _begin(id: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"result":' % id


def _numbered(members: dict[str, object], id: int) -> bytes:
    return wire.request_frame(json.dumps({"jsonrpc": "2.0", "id": id, **members}))


def _refuse(data: bytes, expected: bytes) -> NoReturn:
    """:raises Failed: always; with what was received."""
    got = list(wire.frames(data))[:3] if data else "nothing: it closed the connection"
    raise wire.Failed(f"expected the answer {expected!r}; the server sent {got!r}")
