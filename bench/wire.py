"""The client's half of WebSocket (RFC 6455), as much of it as a load generator needs. Only loopback is addressed."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

HOST = "127.0.0.1"
LIMIT_S = 20.0
"""How long, in seconds, a connection and its opening handshake may take."""

_TEXT = 0x81
_MASKED = 0x80


class Failed(Exception):
    """A server did not do what it must; the message says what it did."""


def connect(port: int) -> socket.socket:
    """Open a connection and finish its opening handshake.

    :returns: a blocking socket without Nagle's delay and without a time limit, because a limit costs one more system
        call for each message; whoever starts a load generator limits its time.
    :raises Failed: the server refuses.
    """
    opened = socket.create_connection((HOST, port), timeout=LIMIT_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.sendall(
        f"GET / HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        data = opened.recv(4096)
        if not data:
            raise Failed(f"the server closed the connection during the opening handshake after {head!r}")
        head += data
    status, _, _ = head.partition(b"\r\n")
    if not status.startswith(b"HTTP/1.1 101 "):
        raise Failed(f"the server refused the opening handshake: {head!r}")
    opened.settimeout(None)
    return opened


def request_frame(text: str) -> bytes:
    """A text message as a client sends it. The mask is four zero bytes, which is legal and leaves the text as it is."""
    payload = text.encode()
    return bytes([_TEXT]) + _length(len(payload), _MASKED) + bytes(4) + payload


def answer_frame(text: str) -> bytes:
    """A text message as a server sends it."""
    payload = text.encode()
    return bytes([_TEXT]) + _length(len(payload), 0) + payload


def _length(size: int, mask_bit: int) -> bytes:
    if size < 126:
        return bytes([mask_bit | size])
    return struct.pack("!BH", mask_bit | 126, size)


def close_frame() -> bytes:
    """A close frame with code 1000, as a client sends it."""
    return bytes([0x88, _MASKED | 2]) + bytes(4) + struct.pack("!H", 1000)


def payload(data: bytes, at: int) -> tuple[int, int]:
    """Where the payload of the server's frame begins and ends that starts there.

    :returns: the end lies beyond the data where more of the frame is to come.
    """
    if at + 4 > len(data):
        # With two bytes more a header is complete, and no message to a load generator is shorter than that.
        return at, at + 4
    size = data[at + 1]
    if size < 126:
        return at + 2, at + 2 + size
    return at + 4, at + 4 + (data[at + 2] << 8 | data[at + 3])


def frames(data: bytes) -> Iterator[bytes]:
    """The payloads of the frames that a server sent, the last one cut where the data ends; for messages to people."""
    at = 0
    while at + 2 <= len(data):
        begin, end = payload(data, at)
        yield data[begin:end]
        at = end
