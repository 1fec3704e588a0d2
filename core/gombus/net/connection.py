"""The transport of one client: bytes of a socket to messages and back, over websockets' protocol without I/O.

It replaces `websockets.asyncio.server`, which costs a task, a queue and several turns of the event loop per message,
and whose keepalive cuts honest clients while their connection is not read.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple, Protocol, Union, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from ..config import Settings
from ..model import Identity
from .handshake import Handshake
from .portions import Portions

log = logging.getLogger(__name__)

CLOSE_LIMIT_S = 2.0
"""How long, in seconds, a client may take to answer a close frame."""


class Receiver(Protocol):
    """What serves the messages of one connection."""

    @property
    def busy(self) -> bool:
        """Whether something of this client is unanswered, or runs and it is to be told of it."""

    def take(self, message: str | bytes) -> None:
        """A message arrived: text, or the bytes of a binary one."""

    def writable(self) -> None:
        """All that was written was taken by the client."""

    def lost(self) -> None:
        """The connection is gone; nothing more can be written."""


class TurnedAway(NamedTuple):
    """The close frame for a client that is not served."""

    code: int
    reason: str


Opened = Union[Receiver, TurnedAway, None]


class Keeper(Protocol):
    """What keeps all connections."""

    def opened(self, connection: Connection) -> Opened:
        """The handshake is good: give what serves this connection, or why it is closed; None while the server stops."""

    def gone(self, connection: Connection) -> None:
        """The connection is lost, whether or not it was opened."""


class Connection(asyncio.Protocol):
    """One client's connection; made when the client is accepted."""

    def __init__(self, handshake: Handshake, keeper: Keeper, settings: Settings) -> None:
        self._handshake = handshake
        self._protocol = handshake.protocol()
        self._keeper = keeper
        self._settings = settings
        self._receiver: Receiver | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._portions = Portions(self._take, self._set_reading)
        self._fragments = bytearray()
        self._is_text = True
        self._failed = False
        self._held = False
        self._open_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        # When something was last received or sent, by the loop's clock.
        self._stirred_s = 0.0
        self.client = ""
        """The client's address, for people."""
        self.identity: Identity | None = None
        """Who the client is; None before its handshake, and where it was not let in."""

    @property
    def unsent(self) -> bool:
        """Whether something written still waits for the client to take it."""
        return self._send_timer is not None

    @property
    def structured(self) -> bool:
        """Whether the subprotocol was negotiated that makes every message JSON-RPC."""
        return self._protocol.subprotocol is not None

    def write_together(self, texts: list[str]) -> None:
        """Write text messages with one system call; nothing happens where the connection is closing or closed."""
        if self._protocol.state is State.OPEN:
            self._stirred_s = self._loop.time()
            for text in texts:
                # A plugin's own words may have half a surrogate pair.
                self._protocol.send_text(text.encode(errors="backslashreplace"))
            self._flush()

    def hold(self, held: bool) -> None:
        """Read no further, or read on."""
        if held is not self._held:
            self._held = held
            self._set_reading()

    def close(self, code: int, reason: str) -> None:
        """Begin to close; the connection is cut where the client does not follow within `CLOSE_LIMIT_S`."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush()
            self.hold(False)
        elif self._protocol.state is State.CONNECTING:
            self._transport.abort()

    def fail(self, code: int, reason: str) -> None:
        """End the connection because of an error; nothing more of the client is looked at."""
        if not self._failed:
            self._failed = True
            self._protocol.fail(code, reason)
            self._flush()

    # Callbacks of asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast(asyncio.Transport, transport)
        # With no allowance, pause_writing is called as soon as something could not be sent at once.
        self._transport.set_write_buffer_limits(0)
        address = transport.get_extra_info("peername")
        self.client = f"{address[0]}:{address[1]}" if address else "gone"
        self._open_timer = self._cut_after(self._settings.handshake_s, "did not finish its handshake")

    def data_received(self, data: bytes) -> None:
        """Bytes arrived."""
        self._stirred_s = self._loop.time()
        self._portions.receive(data)

    def eof_received(self) -> None:
        """The client sends no more; the transport closes by itself."""
        self._portions.finish()
        self._protocol.receive_eof()
        self._flush()

    def pause_writing(self) -> None:
        """Something written could not be sent at once."""
        self._send_timer = self._cut_after(self._settings.send_s, "did not take its answers")
        self._set_reading()

    def resume_writing(self) -> None:
        """All of it was sent."""
        self._stop_send_timer()
        self._set_reading()
        if self._receiver is not None:
            self._receiver.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._portions.drop()
        self._protocol.receive_eof()
        self._stop_send_timer()
        for timer in (self._open_timer, self._close_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        if self._receiver is not None:
            self._receiver.lost()
        self._keeper.gone(self)

    # Inside.

    def _take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        events = self._protocol.events_received()
        first = events[0] if events else None
        if isinstance(first, Request):
            # A client waits for the answer to its handshake (RFC 6455 section 4.1). The protocol has acted already
            # on what came too early, and would speak before it has answered, or after it has ended.
            if len(events) > 1 or self._portions.waiting or self._protocol.close_expected():
                self._cut("sent more before its handshake was answered")
                return
            self._answer_handshake(first)
        for event in events:
            if isinstance(event, Frame):
                self._receive(event)
        self._flush()

    def _answer_handshake(self, request: Request) -> None:
        reached = self._transport.get_extra_info("sockname")
        response = self._handshake.answer(self._protocol, request, reached[0] if reached else "")
        opened: Opened = None
        if response.status_code == 101:
            # After a good handshake, because a browser hears nothing of a refused one.
            identity = self._handshake.identify(request, self.client.rpartition(":")[0])
            if isinstance(identity, str):
                opened = TurnedAway(1008, identity)
            else:
                self.identity = identity
                opened = self._keeper.opened(self)
            if opened is None:
                response = self._handshake.unavailable(self._protocol)
        self._protocol.send_response(response)
        if self._open_timer is not None:
            self._open_timer.cancel()
        if isinstance(opened, TurnedAway):
            log.warning("%s: turned away: %s", self.client, opened.reason)
            self._protocol.send_close(*opened)
        elif opened is not None:
            self._receiver = opened
            if self._settings.idle_s:
                self._judge_idle()

    def _receive(self, frame: Frame) -> None:
        """Put fragments together and hand whole messages on; what follows a failure is not looked at."""
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._is_text = frame.opcode is Opcode.TEXT
            data: Any = frame.data
            if not frame.fin:
                self._fragments = bytearray(data)
        elif frame.opcode is Opcode.CONT:
            self._fragments += frame.data
            data = self._fragments
            if frame.fin:
                self._fragments = bytearray()
        else:
            return
        if not frame.fin or self._receiver is None or self._failed:
            return
        try:
            message = str(data, "utf-8") if self._is_text else bytes(data)
        except UnicodeDecodeError as error:
            self.fail(1007, f"{error.reason} at position {error.start}")
        else:
            self._receiver.take(message)

    def _flush(self) -> None:
        """Send what the protocol has to say, and see to it that a closing connection ends."""
        writes = self._protocol.data_to_send()
        if writes and not self._transport.is_closing():
            self._transport.write(b"".join(writes))
            if self.unsent and self._transport.get_write_buffer_size() > self._settings.max_outbox_bytes:
                self._cut(f"left more than {self._settings.max_outbox_bytes} bytes of what it was sent")
                return
            # Nothing stands for the end of what we send. Reading goes on: closing with bytes unread would make the
            # system throw away the close frame that is on its way.
            if b"" in writes:
                if self._transport.can_write_eof():
                    self._transport.write_eof()
                else:
                    self._transport.close()
        if self._close_timer is None and (b"" in writes or self._protocol.close_expected()):
            self._close_timer = self._cut_after(CLOSE_LIMIT_S, "did not close")

    def _judge_idle(self) -> None:
        """Close where nothing happened for too long, and otherwise look again when that could be so."""
        now_s = self._loop.time()
        busy = self.unsent or (self._receiver is not None and self._receiver.busy)
        due_s = (now_s if busy else self._stirred_s) + self._settings.idle_s
        if due_s > now_s:
            self._idle_timer = self._loop.call_at(due_s, self._judge_idle)
        else:
            log.info("%s: closed, because it was idle for %g s", self.client, self._settings.idle_s)
            self.close(1001, f"Idle for {self._settings.idle_s:g} s.")

    def _set_reading(self) -> None:
        if self._transport.is_closing():
            return
        held = self._held or self.unsent
        self._portions.hold(held)
        if held or self._portions.waiting:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _cut_after(self, seconds: float, why: str) -> asyncio.TimerHandle:
        return self._loop.call_later(seconds, self._cut, f"{why} within {seconds:g} s")

    def _cut(self, why: str) -> None:
        log.warning("%s: cut, because it %s", self.client, why)
        self._portions.drop()
        self._transport.abort()

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None
