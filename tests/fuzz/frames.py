"""WebSocket frames (RFC 6455 section 5.2): written as a client does, read as a client does."""

from __future__ import annotations

import struct
from collections.abc import Sequence

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x12\x34\x56\x78"
LIMIT = 64 * 1024
"""Longest message, in bytes (docs/integrators.md)."""
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
SUBPROTOCOL = b"Sec-WebSocket-Protocol: gombus.v1.json\r\n"


def frame(opcode: int, payload: bytes, fin: bool = True, mask: bytes = MASK) -> bytes:
    """One frame.

    :param mask: 4 bytes.
    """
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = b"\xfe" + struct.pack("!H", size)
    else:
        length = b"\xff" + struct.pack("!Q", size)
    return bytes([opcode | (0x80 if fin else 0)]) + length + mask + masked(payload, mask)


def masked(payload: bytes, mask: bytes) -> bytes:
    """A payload with its mask put on, or taken off."""
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def fragments(opcode: int, payload: bytes, cuts: Sequence[int], mask: bytes = MASK, between: bytes = b"") -> bytes:
    """One message in several frames.

    :param cuts: places at which it is cut; counted from the front again where they are beyond its end.
    :param between: bytes of control frames that stand between the fragments.
    """
    places = [0, *sorted(cut % (len(payload) + 1) for cut in cuts), len(payload)]
    parts = [payload[begin:end] for begin, end in zip(places, places[1:])]
    frames = [frame(CONT if index else opcode, part, index == len(parts) - 1, mask) for index, part in enumerate(parts)]
    return between.join(frames)


class Reader:
    """The server's frames, from bytes as they come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Opcode and payload of each frame that is whole now.

        :raises ValueError: it is no frame that a server may send here: masked, in fragments, or with reserved bits.
        """
        self._bytes += data
        found = []
        while True:
            read = self._read()
            if read is None:
                return found
            found.append(read)

    def _read(self) -> tuple[int, bytes] | None:
        if len(self._bytes) < 2:
            return None
        head, length = self._bytes[:2]
        if head & 0xF0 != 0x80 or length & 0x80 or head & 0x0F not in (TEXT, CLOSE, PONG):
            raise ValueError(f"the server sent a frame that begins with {bytes(self._bytes[:2])!r}")
        more = {126: 2, 127: 8}.get(length, 0)
        if len(self._bytes) < 2 + more:
            return None
        if more:
            length = int.from_bytes(self._bytes[2 : 2 + more], "big")
        begin = 2 + more
        if len(self._bytes) < begin + length:
            return None
        payload = bytes(self._bytes[begin : begin + length])
        del self._bytes[: begin + length]
        return head & 0x0F, payload
