"""One client's connection, with its account of what it sent and what came back."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections import deque
from typing import Callable

from answers import Answers
from documented import BUG_CODE, CLOSE_CODES
from expected import expected
from frames import CLOSE, HANDSHAKE, PONG, SUBPROTOCOL, Reader, frame
from program import Program
from stream import NO_CODE, End, Message, Stream
from tally import ANSWERS, BUG, Tally

_GOES = frozenset({1000, 1001})
"""Close codes of a server that was told to quit."""


class Line:
    """An open connection.

    :param structured: whether it negotiates the subprotocol.
    """

    def __init__(self, program: Program, tally: Tally, structured: bool) -> None:
        self._program = program
        self._tally = tally
        self.structured = structured
        """Whether every message is JSON-RPC."""
        self._stream = Stream()
        self._reader = Reader()
        self._answers = Answers(program.calls, tally)
        self._pings: deque[bytes] = deque()
        self._out = bytearray()
        self._code: int | None = None
        self._shut = False
        self.ended = False
        """Whether nothing more can come."""
        self.stopped = False
        """Whether the server stops: it has said so, or was told to in so many words."""
        self._socket = dial(program.port, tally.limit_s)
        self._socket.sendall(HANDSHAKE + (SUBPROTOCOL if structured else b"") + b"\r\n")
        answer = read_head(self._socket)
        if not answer.startswith(b"HTTP/1.1 101 ") or (b"gombus.v1.json" in answer) is not structured:
            self._broken(f"the handshake was answered with {answer!r}")
        self._socket.setblocking(False)
        tally.connections += 1

    @property
    def end(self) -> End | None:
        """Why the server looks at nothing more of what is sent."""
        return self._stream.end

    @property
    def open(self) -> int:
        """How many messages are not answered."""
        return self._answers.open

    def may_stop(self) -> None:
        """From now on the server may stop."""
        self._answers.stopping = True

    def send(self, data: bytes, pieces: int = 1) -> bool:
        """Send bytes; what comes meanwhile is read.

        :param pieces: with how many writes.
        :returns: whether the server may stop because of them.
        """
        may_stop = False
        for event in self._stream.feed(data):
            if isinstance(event, Message):
                judged = expected(event.value(), self.structured)
                self._answers.sent(judged)
                may_stop = may_stop or judged.stops
                self.stopped = self.stopped or (judged.stops and not judged.halts and not judged.verdicts[0].key)
            else:
                self._pings.append(event.payload)
        if may_stop:
            self.may_stop()
        size = -(-len(data) // pieces)
        for begin in range(0, len(data), size or 1):
            self._out += data[begin : begin + size]
            self._wait(lambda: not self._out)
        return may_stop

    def complete(self) -> None:
        """Send what is missing of a frame that was begun."""
        if self._stream.missing:
            self.send(bytes(self._stream.missing))

    def settle(self) -> None:
        """Wait until everything is answered, or the server has closed where it has to.

        :raises Broken: that does not come.
        """
        must_end = self._stream.end is not None and self._stream.end.sure
        self._wait(lambda: not (self._answers.open or self._pings) and not (must_end or self.stopped))

    def finish(self) -> None:
        """Wait for the end of the connection, which is due.

        :raises Broken: it does not come.
        """
        self._wait(lambda: False)

    def drop(self, how: str) -> None:
        """Leave: with a close frame, with an end of the stream, or with a reset."""
        self._tally.closes[how] += 1
        if how == "reset":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif not self.ended:
            if how == "close frame":
                self.send(frame(CLOSE, struct.pack("!H", 1000)))
            self._shut_down()
            self.finish()
        self.close()

    def close(self) -> None:
        """Give the socket back."""
        self.ended = True
        self._socket.close()

    def _shut_down(self) -> None:
        if not self._shut:
            self._shut = True
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def _wait(self, reached: Callable[[], bool]) -> None:
        until = time.monotonic() + self._tally.limit_s
        while not self.ended and not reached():
            if not self._pump() and time.monotonic() > until:
                what = f"{self._answers.open} answers and {len(self._pings)} pongs are missing"
                self._broken(
                    f"{what}, and the connection has not ended, within {self._tally.limit_s:g} s; {self._stream.end}"
                )

    def _pump(self) -> bool:
        """Send and read what can be, and wait for that a while.

        :returns: whether something was read.
        """
        sending = [self._socket] if self._out else []
        readable, writable, _ = select.select([self._socket], sending, [], 0.5)
        if writable:
            try:
                del self._out[: self._socket.send(self._out)]
            except OSError:
                self._out.clear()
        if not readable:
            return False
        try:
            data = self._socket.recv(65_536)
        except OSError:
            data = b""
        if data:
            self._read(data)
        else:
            self._ended()
        return True

    def _read(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except ValueError as error:
            self._broken(str(error))
        for opcode, payload in frames:
            # A ping may still be answered then.
            if self._code is not None and opcode != PONG:
                self._broken(f"a frame after the close frame: {payload[:100]!r}")
            if opcode == CLOSE:
                self._closed(payload)
            elif opcode == PONG:
                if self._pings and self._pings[0] == payload:
                    self._pings.popleft()
                elif payload not in self._stream.late_pings:
                    self._broken(f"a pong that answers no ping: {payload!r}")
            else:
                try:
                    text = payload.decode()
                except UnicodeDecodeError:
                    self._broken(f"a text message that is no UTF-8: {payload[:100]!r}")
                self._answers.received(text)

    def _closed(self, payload: bytes) -> None:
        code = self._code = int.from_bytes(payload[:2], "big") if payload else NO_CODE
        self._tally.closes[str(code)] += 1
        if code == BUG_CODE and not (self.end and BUG_CODE in self.end.codes):
            self._tally.broken(BUG, f"the connection was closed with {code}")
        self.stopped = self.stopped or (self._answers.stopping and code in _GOES)
        due = self._stream.end.codes if self._stream.end else frozenset()
        if code not in due and not (self._answers.stopping and code in _GOES):
            self._broken(f"closed with {code}, and not with one of {sorted(due)}")
        if code not in CLOSE_CODES and not (self._stream.end and code in self._stream.end.codes):
            self._broken(f"closed with {code}, which is not documented")
        # A frame that was begun would swallow a close frame of ours; the end of the stream does as well.
        if not self._stream.inside and not self._shut:
            self._out += frame(CLOSE, payload[:2])
            with contextlib.suppress(OSError):
                del self._out[: self._socket.send(self._out)]
        self._out.clear()
        self._shut_down()

    def _ended(self) -> None:
        self.ended = True
        # After an end of our stream no close frame has to come.
        if self._code is None and not self._shut:
            self._program.check_alive()
            self._broken(f"the connection ended without a close frame; {self._answers.open} answers are missing")

    def _broken(self, what: str) -> None:
        self._tally.broken(ANSWERS, what)


def dial(port: int, limit_s: float) -> socket.socket:
    """Connect.

    :param limit_s: how long that, and anything later, may take, in seconds.
    """
    opened = socket.socket()
    opened.settimeout(limit_s)
    opened.connect(("127.0.0.1", port))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def read_head(opened: socket.socket) -> bytes:
    """The head of the answer to a handshake, or what came before the end.

    :raises socket.timeout: neither came.
    """
    answer = b""
    while b"\r\n\r\n" not in answer:
        try:
            data = opened.recv(4096)
        except ConnectionError:
            break
        if not data:
            break
        answer += data
    return answer
