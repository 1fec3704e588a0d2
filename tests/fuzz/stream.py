"""What a client's bytes mean by RFC 6455 and docs/integrators.md: messages, pings, and why the server has to close.

It knows nothing of gombus and of the library that gombus uses.
"""

from __future__ import annotations

from typing import NamedTuple, Union

from frames import BINARY, CLOSE, CONT, LIMIT, PING, TEXT, masked

NO_CODE = 1005
"""Stands for a close frame without a code."""
_DATA, _CONTROL = {CONT, TEXT, BINARY}, {8, 9, 10}
_NEWER_CODES = range(1012, 1015)
"""Registered after RFC 6455; it is up to the server whether it knows them."""


class Message(NamedTuple):
    """A whole message."""

    payload: bytes
    is_text: bool

    def value(self) -> str | bytes:
        """As the server gets it."""
        return self.payload.decode() if self.is_text else self.payload


class Ping(NamedTuple):
    """It is answered with a pong that has the same payload."""

    payload: bytes


class End(NamedTuple):
    """The server looks at nothing that comes after this."""

    codes: frozenset[int]
    """With one of them it closes."""
    sure: bool
    """Whether it has to close now; else it may wait for the rest of the frame."""


_NO_TEXT = End(frozenset({1007}), True)
Event = Union[Message, Ping]


class Stream:
    """The client's side of one connection after its handshake."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._message: bytearray | None = None
        self._is_text = True
        self.end: End | None = None
        """Why nothing more is looked at."""
        self.missing = 0
        """How many bytes are missing of a frame whose header is there."""
        self.late_pings: list[bytes] = []
        """Pings after a message that is no UTF-8: frames are read before messages are, so they may be answered."""

    @property
    def inside(self) -> bool:
        """Whether a frame or a message was begun and not finished."""
        return bool(self._bytes) or self._message is not None

    def feed(self, data: bytes) -> list[Event]:
        """What is whole now."""
        events: list[Event] = []
        self._bytes += data
        while self.end is None:
            read = self._frame()
            if read is None:
                return events
            event = self._take(*read)
            if event is not None:
                events.append(event)
        if self.end == _NO_TEXT:
            self._look_on()
        return events

    def _look_on(self) -> None:
        """Frames after a message that is no UTF-8 may be wrong as well, and the server may name either fault."""
        while True:
            self.end = None
            read = self._frame()
            if read is None:
                break
            event = self._take(*read)
            if isinstance(event, Ping):
                self.late_pings.append(event.payload)
            if self.end not in (None, _NO_TEXT):
                break
        self.missing = 0
        self.end = End(_NO_TEXT.codes | self.end.codes, True) if self.end else _NO_TEXT

    def _frame(self) -> tuple[int, bool, bytes] | None:
        self.missing = 0
        have = len(self._bytes)
        if have < 2:
            return None
        head, second = self._bytes[:2]
        opcode, fin, length = head & 0x0F, bool(head & 0x80), second & 0x7F
        control = opcode in _CONTROL
        wrong = bool(head & 0x70) or opcode not in _DATA | _CONTROL or not second & 0x80
        wrong = wrong or (control and (not fin or length > 125))
        more = {126: 2, 127: 8}.get(length, 0)
        begin = 2 + more + (4 if second & 0x80 else 0)
        codes = {1002} if wrong else set()
        if have < 2 + more:
            if wrong:
                self.end = End(frozenset({1002, 1009}), False)
            return None
        if more:
            length = int.from_bytes(self._bytes[2 : 2 + more], "big")
        if length > LIMIT - len(self._message or b""):
            # A control frame is no part of the message in whose midst it stands; a server may think so.
            self.end = End(frozenset({*codes, 1009}), have >= begin and not (control and length <= 125))
            return None
        if wrong:
            self.end = End(frozenset(codes), have >= begin + length)
            return None
        if have < begin + length:
            self.missing = begin + length - have
            return None
        payload = masked(bytes(self._bytes[begin : begin + length]), bytes(self._bytes[begin - 4 : begin]))
        del self._bytes[: begin + length]
        return opcode, fin, payload

    def _take(self, opcode: int, fin: bool, payload: bytes) -> Event | None:
        if opcode == PING:
            return Ping(payload)
        if opcode == CLOSE:
            self.end = End(_close_codes(payload, self._message is not None), True)
            return None
        if opcode not in _DATA:
            return None
        if (opcode == CONT) is (self._message is None):
            self.end = End(frozenset({1002}), True)
            return None
        if self._message is None:
            self._message, self._is_text = bytearray(), opcode == TEXT
        self._message += payload
        if not fin:
            return None
        whole, self._message = bytes(self._message), None
        if self._is_text and not _is_utf8(whole):
            self.end = _NO_TEXT
            return None
        return Message(whole, self._is_text)


def _close_codes(payload: bytes, inside: bool) -> frozenset[int]:
    """With what the server answers a close frame.

    :param inside: whether it comes in the midst of a message.
    """
    codes = {1002} if inside else set()
    if not payload:
        return frozenset({*codes, NO_CODE})
    code = int.from_bytes(payload[:2], "big")
    known = 1000 <= code <= 1011 and code not in (1004, 1005, 1006)
    if len(payload) == 1 or not (known or code in _NEWER_CODES or 3000 <= code < 5000):
        codes.add(1002)
    elif code in _NEWER_CODES:
        codes |= {code, 1002}
    else:
        codes.add(code)
    if not _is_utf8(payload[2:]):
        codes = codes & {1002} | {1007}
    return frozenset(codes)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
