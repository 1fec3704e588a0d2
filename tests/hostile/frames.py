"""Bytes of a client: handshakes and frames, the proper ones and others."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, MASKED = 0x80, 0x80
SUBPROTOCOL = "Sec-WebSocket-Protocol: gombus.v1.json\r\n"
LOCAL = "Host: localhost\r\n"


def handshake(headers: str = LOCAL) -> bytes:
    """The request to open a connection, with these headers among its own."""
    return (
        f"GET / HTTP/1.1\r\n{headers}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(opcode: int, payload: bytes = b"", fin: bool = True, bits: int = 0) -> bytes:
    """One frame, masked with zeros, which is legal and leaves the payload as it is.

    :param bits: reserved bits of the first byte.
    """
    return header(opcode, len(payload), fin, bits) + payload


def header(opcode: int, size: int, fin: bool = True, bits: int = 0) -> bytes:
    """The beginning of a frame that announces so many bytes."""
    first = (FIN if fin else 0) | bits | opcode
    if size < 126:
        return bytes([first, MASKED | size]) + bytes(4)
    if size < 1 << 16:
        return bytes([first, MASKED | 126]) + struct.pack("!H", size) + bytes(4)
    return bytes([first, MASKED | 127]) + struct.pack("!Q", size) + bytes(4)


def plain(value: Any) -> bytes:
    """A message of the plain wire."""
    return frame(TEXT, json.dumps(value).encode())


def call(method: str, params: Mapping[str, Any] | None = None, id: int = 1) -> dict[str, Any]:
    """One JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}


def rpc(method: str, params: Mapping[str, Any] | None = None) -> bytes:
    """A message of one JSON-RPC request."""
    return plain(call(method, params))
