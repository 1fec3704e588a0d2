"""How messages are put into frames, well and badly."""

from __future__ import annotations

import struct
from typing import NamedTuple

import frames
from frames import BINARY, CLOSE, LIMIT, PING, PONG, TEXT, frame
from hypothesis import strategies as st
from messages import TEXTS


class Item(NamedTuple):
    """One message in its frames."""

    kind: str
    """What it is made of, for the figures."""
    data: bytes


def _encoded(text: str) -> bytes:
    # What no text may hold becomes bytes that are no UTF-8.
    return text.encode("utf-8", "surrogatepass")


_MASKS = st.binary(min_size=4, max_size=4)
_WHOLE = st.builds(lambda text, mask: Item(text.kind, frame(TEXT, _encoded(text.text), mask=mask)), TEXTS, _MASKS)
_BINARY = st.builds(lambda text, mask: Item("binary", frame(BINARY, _encoded(text.text), mask=mask)), TEXTS, _MASKS)
_CONTROL = st.sampled_from([b"", frame(PING, b"p"), frame(PONG, b""), frame(PING, b"x" * 125)])
_FRAGMENTS = st.builds(
    lambda opcode, text, cuts, mask, between: Item(
        "in fragments", frames.fragments(opcode, _encoded(text.text), cuts, mask, between)
    ),
    st.sampled_from([TEXT, BINARY]),
    TEXTS,
    st.lists(st.integers(0, 200), min_size=1, max_size=4),
    _MASKS,
    _CONTROL,
)
_RAW = st.builds(
    lambda payload, mask: Item("any bytes as text", frame(TEXT, payload, mask=mask)), st.binary(max_size=40), _MASKS
)
_RAW_BINARY = st.builds(
    lambda payload, mask: Item("any bytes", frame(BINARY, payload, mask=mask)), st.binary(max_size=40), _MASKS
)
_PINGS = st.builds(
    lambda opcode, payload: Item("control frame", frame(opcode, payload)),
    st.sampled_from([PING, PONG]),
    st.binary(max_size=125),
)
_EMPTY = st.sampled_from([frame(TEXT, b""), frame(BINARY, b""), frames.fragments(TEXT, b"", [0, 0])]).map(
    lambda data: Item("empty", data)
)
_HUGE_FRAMES = {
    "as long as is allowed": frame(TEXT, b"x" * LIMIT),
    "JSON as long as is allowed": frame(TEXT, b'"' + b"x" * (LIMIT - 2) + b'"'),
    "brackets": frame(TEXT, b"[" * LIMIT),
    "too long": frame(TEXT, b"x" * (LIMIT + 1)),
    "as long as is allowed, in fragments": frames.fragments(TEXT, b"x" * LIMIT, [40_000]),
    "too long, in fragments": frames.fragments(TEXT, b"x" * (LIMIT + 1), [40_000], between=frame(PING, b"")),
    "a length of 63 bits": b"\x81\xff" + struct.pack("!Q", 2**63 - 1) + bytes(4),
    "a length of 64 bits": b"\x81\xff" + struct.pack("!Q", 2**64 - 1) + bytes(4),
    "a length of 41 bits": b"\x81\xff" + struct.pack("!Q", 2**40) + bytes(4),
}
_HUGE = st.sampled_from([*_HUGE_FRAMES]).map(lambda name: Item("of 64 KiB and more", _HUGE_FRAMES[name]))
_CLOSES = st.builds(
    lambda code, reason: Item("close frame", frame(CLOSE, code + reason)),
    st.sampled_from([b"", b"\x03"]) | st.integers(0, 5000).map(lambda code: struct.pack("!H", code)),
    st.binary(max_size=8) | st.text(max_size=4).map(_encoded),
)

_BIT, _CUT, _INSERT, _REPEAT, _HEAD = "bit", "cut", "insert", "repeat", "head"
_EDITS = st.lists(
    st.tuples(st.sampled_from([_BIT, _CUT, _INSERT, _REPEAT, _HEAD]), st.integers(0, 300), st.integers(0, 255)),
    min_size=1,
    max_size=3,
)


def _mutate(data: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    for way, where, value in edits:
        place = where % (len(data) + 1)
        if way == _BIT:
            data = data[:place] + bytes(byte ^ (1 << value % 8) for byte in data[place : place + 1]) + data[place + 1 :]
        elif way == _CUT:
            data = data[:place] + data[place + value % 8 :]
        elif way == _INSERT:
            data = data[:place] + bytes([value] * (1 + where % 3)) + data[place:]
        elif way == _REPEAT:
            data = data[:place] + data
        else:
            # Opcode, reserved bits, mask bit or length: what stands in the first two bytes.
            data = data[: where % 2] + bytes([value]) + data[where % 2 + 1 :]
    return data


def _mutated(item: Item, edits: list[tuple[str, int, int]]) -> Item:
    return Item("mutated frames", _mutate(item.data, edits))


_MUTATED = st.builds(_mutated, _WHOLE, _EDITS)
_MUTATED_FRAGMENTS = st.builds(_mutated, _FRAGMENTS | _PINGS | _CLOSES, _EDITS)
# Each as often as it stands here: `one_of` would take the same one only once.
_USUAL = [_WHOLE] * 12 + [_FRAGMENTS] * 3 + [_BINARY] * 2 + [_PINGS, _RAW_BINARY, _EMPTY, _MUTATED]
_ENDINGS = st.one_of(_MUTATED, _MUTATED_FRAGMENTS, _CLOSES, _HUGE, _RAW)
_HANDSHAKES = st.builds(
    lambda more, edits: _mutate(frames.HANDSHAKE + more + b"\r\n", edits),
    st.sampled_from([b"", frames.SUBPROTOCOL, b"Origin: https://example.org\r\n", b"Host: evil.example\r\n"]),
    _EDITS,
)

# Functions, because Hypothesis writes down what strategies look like, and these would fill pages.


@st.composite
def items(draw: st.DrawFn) -> Item:
    """What leaves the connection open, most of it."""
    return draw(_USUAL[draw(st.integers(0, len(_USUAL) - 1))])


@st.composite
def endings(draw: st.DrawFn) -> Item:
    """What may end the connection."""
    return draw(_ENDINGS)


@st.composite
def handshakes(draw: st.DrawFn) -> bytes:
    """Handshakes that went wrong."""
    return draw(_HANDSHAKES)
