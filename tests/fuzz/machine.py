"""The state machine: clients that connect, speak well and badly, leave, come back, and stop the server."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from frames import TEXT, frame
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from line import Line, dial, read_head
from messages import good
from mutations import Item, endings, handshakes, items
from program import Program
from tally import ANSWERS, Tally

MAX_LINES = 5
LATE = 12
"""After so many steps of an example there may be a burst, and the server may be told to quit."""
MAX_HANDSHAKES = 2
"""How many mutated handshakes an example may have, which has many more messages."""
_QUITS = {
    "plain": "quit",
    "plain, and more": 'quit {"jsonrpc": "2.0"}',
    "request": '{"jsonrpc": "2.0", "id": 1, "method": "quit"}',
    "notification": '{"jsonrpc": "2.0", "method": "quit", "params": []}',
    "task": '{"jsonrpc": "2.0", "id": 1, "method": "quit", "params": {"_meta": {"task": true}}}',
    "batch": '[{"jsonrpc": "2.0", "id": 1, "method": "say", "params": ["last"]}, '
    '{"jsonrpc": "2.0", "id": 2, "method": "quit"}, {"jsonrpc": "2.0", "id": 3, "method": "say", "params": ["later"]}]',
}


class World:
    """The server under test, which lives on from one example to the next.

    :param bug: the one to plant; empty for none.
    """

    def __init__(self, tally: Tally, bug: str = "") -> None:
        self.tally = tally
        self._bug = bug
        self._folder = Path(tempfile.mkdtemp(prefix="gombus-fuzz-"))
        self._program: Program | None = None
        self._processes = 0

    @property
    def program(self) -> Program:
        """A process with a server that listens."""
        if self._program is None:
            folder = self._folder / str(self._processes)
            folder.mkdir()
            self._processes += 1
            self._program = Program(folder, self.tally, self._bug)
        if not self._program.port:
            self._program.start()
        return self._program

    def broken(self) -> None:
        """What runs now is of no more use."""
        if self._program is not None:
            self._program.kill()
            self._program = None

    def close(self) -> None:
        """End everything in order, if nothing is broken.

        :raises Broken: that went wrong.
        """
        try:
            if self._program is not None:
                if self._program.port:
                    line = Line(self._program, self.tally, False)
                    line.send(frame(TEXT, b"quit"))
                    line.finish()
                    line.close()
                    self._program.stopped()
                self._program.close()
        finally:
            self.broken()

    def remove(self) -> None:
        """Remove the servers' files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """Where the servers' files are."""
        return self._folder


class Clients(RuleBasedStateMachine):
    """The clients of one server.

    :param world: outlives this example.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._tally = world.tally
        self._lines: list[Line] = []
        self._steps = 0
        self._quit = False
        self._burst = False
        self._handshakes = 0
        self._broken = False
        self._tally.examples += 1

    # Coming.

    @initialize(structured=st.booleans(), bursts=st.sampled_from([False, False, False, True]))
    def first(self, structured: bool, bursts: bool) -> None:
        """There is a client.

        :param bursts: whether there is a burst in this example.
        """
        self._connect(structured)
        self._burst = bursts

    @rule(structured=st.booleans(), count=st.integers(1, 2))
    @precondition(lambda self: len(self._lines) < MAX_LINES)
    def connect(self, structured: bool, count: int) -> None:
        """Clients come, or come back."""
        for _ in range(min(count, MAX_LINES - len(self._lines))):
            self._connect(structured)

    @rule(data=handshakes())
    @precondition(lambda self: self._handshakes < MAX_HANDSHAKES)
    def connect_badly(self, data: bytes) -> None:
        """A client comes with a handshake that is none; nothing but HTTP, or an end, is due."""
        self._handshakes += 1
        self._tally.sent["mutated handshake"] += 1
        with self._guarded(), dial(self._world.program.port, self._tally.limit_s) as opened:
            with contextlib.suppress(OSError):
                opened.sendall(data)
                opened.shutdown(socket.SHUT_WR)
            try:
                answer = read_head(opened)
            except socket.timeout:
                self._tally.broken(ANSWERS, f"a mutated handshake is neither answered nor cut: {data!r}")
        if answer and not answer.startswith(b"HTTP/1.1 "):
            self._tally.broken(ANSWERS, f"a mutated handshake was answered with {answer[:200]!r}: {data!r}")
        status = answer[9:12].decode("ascii", "replace")
        self._tally.closes[f"handshake answered with {status}" if status else "handshake not answered"] += 1

    # Speaking.

    @rule(index=st.integers(0, 9), sent=st.lists(items(), min_size=6, max_size=30), wait=st.booleans())
    @precondition(lambda self: self._lines)
    def send(self, index: int, sent: list[Item], wait: bool) -> None:
        """A client sends some messages, and may wait for the answers."""
        self._send(self._line(index), sent, wait)

    @rule(sent=st.lists(items(), min_size=3, max_size=12), pieces=st.integers(1, 4))
    @precondition(lambda self: self._lines)
    def send_all(self, sent: list[Item], pieces: int) -> None:
        """All clients send the same messages, and read when all have sent."""
        for line in [*self._lines]:
            self._send(line, sent, False, pieces)
        for line in [*self._lines]:
            self._settle(line)

    @rule(index=st.integers(0, 9), sent=st.lists(endings(), min_size=1, max_size=3), pieces=st.integers(1, 3))
    @precondition(lambda self: self._lines)
    def send_badly(self, index: int, sent: list[Item], pieces: int) -> None:
        """A client sends what may end its connection."""
        self._send(self._line(index), sent, True, pieces)

    @rule(index=st.integers(0, 9), count=st.integers(65, 80))
    @precondition(lambda self: self._lines and self._steps >= LATE and self._burst)
    def burst(self, index: int, count: int) -> None:
        """A client sends more than is read before it is answered."""
        self._burst = False
        line = self._line(index)
        sent = [Item("many at once", frame(TEXT, good(number, line.structured).encode())) for number in range(count)]
        self._send(line, sent, True)

    @rule(index=st.integers(0, 9))
    @precondition(lambda self: self._lines)
    def settle(self, index: int) -> None:
        """A client waits until everything is answered."""
        self._settle(self._line(index))

    # Leaving.

    @rule(
        index=st.integers(0, 9),
        sent=st.lists(items(), max_size=3),
        how=st.sampled_from(["end of stream", "reset", "close frame"]),
        keep=st.integers(0, 100),
    )
    @precondition(lambda self: self._lines)
    def drop(self, index: int, sent: list[Item], how: str, keep: int) -> None:
        """A client leaves without waiting for its answers, perhaps in the midst of a frame."""
        line = self._line(index)
        if sent:
            *whole, last = sent
            # Of the last one only a part is sent.
            part = Item(last.kind, last.data[: keep * len(last.data) // 100])
            self._send(line, [*whole, part], False)
        if line in self._lines:
            self._drop(line, how)

    @rule(index=st.integers(0, 9), how=st.sampled_from([*_QUITS]), sent=st.lists(items(), max_size=3))
    @precondition(lambda self: self._lines and self._steps >= LATE and not self._quit)
    def quit(self, index: int, how: str, sent: list[Item]) -> None:
        """A client tells the server to stop, and says something more; the next step finds another server."""
        line = self._line(index)
        self._send(line, [Item("quit", frame(TEXT, _QUITS[how].encode())), *sent], False)
        self._quit = True
        if line in self._lines:
            self._settle(line)

    @invariant()
    def everything_is_in_order(self) -> None:
        """Looked at after every step."""
        self._steps += 1
        with self._guarded():
            self._world.program.check()

    def teardown(self) -> None:
        """All clients wait for their answers, and leave."""
        if not self._broken:
            for line in [*self._lines]:
                if line in self._lines:
                    self._settle(line)
                if line in self._lines:
                    self._drop(line, "close frame")
            self.everything_is_in_order()
        for line in self._lines:
            line.close()

    # Inside.

    @contextlib.contextmanager
    def _guarded(self):  # type: ignore[no-untyped-def]  # a context manager
        try:
            yield
        except BaseException:
            self._broken = True
            self._world.broken()
            raise

    def _line(self, index: int) -> Line:
        return self._lines[index % len(self._lines)]

    def _connect(self, structured: bool) -> None:
        with self._guarded():
            self._lines.append(Line(self._world.program, self._tally, structured))

    def _send(self, line: Line, items: Sequence[Item], wait: bool, pieces: int = 1) -> None:
        with self._guarded():
            line.complete()
            after = 0
            may_stop = False
            for item in items:
                self._tally.sent[item.kind] += 1
                may_stop = line.send(item.data, pieces) or may_stop
                # Something that is not looked at follows.
                after += line.end is not None
                if after == 2 or line.ended:
                    break
            if may_stop:
                for other in self._lines:
                    other.may_stop()
        if wait or line.end is not None:
            self._settle(line)

    def _settle(self, line: Line) -> None:
        with self._guarded():
            line.settle()
            if not line.ended and line.end is not None:
                # Whether the server closes by itself is up to it: it may wait for the rest of a frame.
                self._drop(line, "end of stream")
            elif line.ended:
                self._gone(line)

    def _drop(self, line: Line, how: str) -> None:
        with self._guarded():
            line.drop(how)
            self._gone(line)

    def _gone(self, line: Line) -> None:
        """A connection has ended."""
        line.close()
        self._lines.remove(line)
        if line.stopped:
            # So have all others, or they do now.
            for other in self._lines:
                other.finish()
                other.close()
            self._lines.clear()
            self._world.program.stopped()
