"""The kinds of hostile clients: what each does on one connection, or on several that it holds at once."""

from __future__ import annotations

import random
import struct
import threading
import time
from dataclasses import dataclass
from typing import Callable, NamedTuple

import frames
from frames import CLOSE, CONT, PING, PONG, TEXT, call, frame, handshake, header, plain, rpc
from link import TICK_S, Gone, Link, Tally

MAX_MESSAGE = 65_536
"""Longest message, in bytes, that the server takes by default."""
_AT_ONCE = 64
_SOME = 2000
"""So many tiny frames are sent in one go."""
_MOST = 64 << 20
"""So much, in bytes, follows a header that announces more, where the server does not stop it."""


@dataclass
class Attacker:
    """One hostile client."""

    port: int
    tally: Tally
    over: threading.Event
    rng: random.Random
    image: str
    """Path of an image that can be imported."""
    elements: str
    """Path of elements that can be imported."""

    def link(self, deaf: bool = False) -> Link:
        """A new connection, still without handshake."""
        return Link(self.port, self.tally, self.over, deaf)

    def pause(self, seconds: float) -> None:
        """Wait, or as long as the attack lasts."""
        self.over.wait(seconds)


def _flood_plain(me: Attacker, link: Link) -> None:
    image = {"file": me.image, "name": "hostile", "focal_length": "50"}
    link.open()
    messages = [{"image": image}, {"elements": {"file": me.elements, "import_mode": "clipboard"}}]
    while True:
        link.send(b"".join(map(plain, messages)) * (_AT_ONCE // 2), _AT_ONCE)


def _flood_rpc(me: Attacker, link: Link) -> None:
    methods = ("server/info", "server/stats", "rpc.discover")
    link.open(frames.LOCAL + frames.SUBPROTOCOL)
    while True:
        chosen = me.rng.choices(methods, k=_AT_ONCE)
        link.send(b"".join(rpc(method) for method in chosen), _AT_ONCE)


def _flood_list(me: Attacker, link: Link) -> None:
    link.open(frames.LOCAL + frames.SUBPROTOCOL)
    while True:
        link.send(rpc("tasks/list", {"limit": 100}) * _AT_ONCE, _AT_ONCE)


def _flood_batch(me: Attacker, link: Link) -> None:
    plan = {"file": me.image, "name": "hostile", "focal_length": "50", "_meta": {"plan": True}}
    link.open(frames.LOCAL + frames.SUBPROTOCOL)
    while True:
        for each in (
            call("server/info"),
            call("tasks/list", {"limit": 100}),
            call("rpc.discover"),
            call("image", plan),
        ):
            link.send(plain([each] * 64), 1)


def _flood_malformed(me: Attacker, link: Link) -> None:
    bad = [
        frame(TEXT, b"{"),
        frame(TEXT, b"[" * 1000),
        plain({"unknown": 1}),
        plain({"image": {"file": 5}}),
        plain({"image": {"file": "//host/share/x.jpg", "name": "x", "focal_length": "1"}}),
        rpc("nope"),
        rpc("tasks/get", {"job": "x" * 64}),
        rpc("tasks/list", {"limit": 0}),
        frame(TEXT, b'{"image": {"file": 1e999}}'),
        plain({"x" * 60_000: "y"}),
    ]
    link.open()
    while True:
        link.send(b"".join(me.rng.choices(bad, [9] * 9 + [1], k=_AT_ONCE)), _AT_ONCE)


def _no_read(me: Attacker, link: Link) -> None:
    asked = me.rng.choice([rpc("rpc.discover"), rpc("tasks/list", {"limit": 100}), plain([call("server/info")] * 64)])
    link.open()
    while True:
        link.send(asked * _AT_ONCE, _AT_ONCE)


def _no_read_pings(me: Attacker, link: Link) -> None:
    link.open()
    while True:
        link.send(frame(PING, bytes(125)) * _AT_ONCE, _AT_ONCE)


def _drip(me: Attacker, link: Link) -> None:
    if me.rng.random() < 0.5:
        for byte in handshake():
            link.send(bytes([byte]))
            link.rest(TICK_S)
        return
    link.open()
    for _ in range(3):
        for byte in rpc("server/info"):
            link.send(bytes([byte]))
            me.pause(0.02)
        link.rest(TICK_S)


def _oversize(me: Attacker, link: Link) -> None:
    link.open()
    size = me.rng.choice([MAX_MESSAGE, MAX_MESSAGE + 1, 1 << 20, 1 << 32, (1 << 63) - 1, (1 << 64) - 1])
    link.send(header(TEXT, size), 1)
    for _ in range(0, min(size, _MOST), MAX_MESSAGE // 2):
        link.send(b" " * (MAX_MESSAGE // 2))
    link.send(b" " * (min(size, _MOST) % (MAX_MESSAGE // 2)))
    link.rest(TICK_S)


def _fragments(me: Attacker, link: Link) -> None:
    link.open()
    link.send(frame(TEXT, b"[", fin=False), 1)
    part = me.rng.choice([b" ", b" " * 100, b" " * 40_000])
    many = max(1, _SOME // len(part))
    for _ in range(0, _MOST, many * len(part)):
        link.send(frame(CONT, part, fin=False) * many, many)


def _empty_frames(me: Attacker, link: Link) -> None:
    link.open()
    while True:
        link.send(frame(TEXT) * _SOME, _SOME)
        link.send(frame(TEXT, fin=False), 1)
        for _ in range(50):
            link.send(frame(CONT, fin=False) * _SOME, _SOME)
        link.send(frame(CONT), 1)


def _pings(me: Attacker, link: Link) -> None:
    link.open()
    while True:
        link.send(frame(me.rng.choice([PING, PING, PONG])) * _SOME, _SOME)


def _half_open(me: Attacker, link: Link) -> None:
    links = [link]
    try:
        links += [me.link() for _ in range(3)]
        for each in links:
            each.send(handshake()[: me.rng.randrange(len(handshake()))])
        for each in links:
            _until_ended(each)
    finally:
        for each in links:
            each.close()


def _churn(me: Attacker, link: Link) -> None:
    # A pause now and then, or the system runs out of ports, and the honest client with it.
    me.pause(0.005)
    stage = me.rng.randrange(4)
    if stage:
        link.open()
    if stage > 1:
        link.send(rpc("server/info"), 1)
    if stage > 2:
        link.rest(TICK_S)
        link.send(frame(CLOSE, b"\x03\xe8"), 1)
    link.close(reset=stage < 3)


def _reset(me: Attacker, link: Link) -> None:
    me.pause(0.02)
    link.open()
    image = plain({"image": {"file": me.image, "name": "reset", "focal_length": "50"}})
    asked = image * 4 + rpc("tasks/list", {"limit": 100}) * 8 + rpc("rpc.discover") * 8
    link.send(asked + image[: me.rng.randrange(len(image))], 20)
    if me.rng.random() < 0.5:
        link.rest(TICK_S)
    link.close(reset=True)


def _nonsense(me: Attacker, link: Link) -> None:
    me.pause(0.005)
    early = me.rng.choice(
        [
            b"",
            b"",
            b"",
            handshake("Host: evil.example\r\n"),
            handshake(frames.LOCAL + "Origin: https://evil.example\r\n"),
            handshake() + frame(TEXT, b"5"),
            b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET /" + b"x" * 100_000,
        ]
    )
    if early:
        link.send(early)
        _until_ended(link)
        return
    link.open()
    link.send(
        me.rng.choice(
            [
                b"\x81\x01x",
                frame(TEXT, b"x", bits=0x40),
                frame(TEXT, b"x", bits=0x10),
                frame(3, b"x"),
                frame(11),
                frame(CONT, b"x"),
                frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
                frame(TEXT, b"\xff\xfe"),
                frame(PING, bytes(126)),
                frame(PING, fin=False),
                frame(CLOSE, b"\x03"),
                frame(CLOSE, struct.pack("!H", 1005)),
                frame(CLOSE, b"\x03\xe8\xff"),
            ]
        ),
        1,
    )
    _until_ended(link)


def _until_ended(link: Link) -> None:
    until = time.monotonic() + 60.0
    try:
        while time.monotonic() < until:
            link.rest(1.0)
    except Gone:
        pass


class Kind(NamedTuple):
    """One kind."""

    run: Callable[[Attacker, Link], None]
    """Attacks over a new connection until the server ends it, or it is to be left."""
    text: str
    shows: tuple[str, ...]
    """Answers and ends of which at least one of each must have been seen."""
    ends: tuple[str, ...] = ()
    """In which further ways the server may end it."""
    deaf: bool = False
    """Whether it reads nothing after its handshake."""


KINDS = {
    "flood-plain": Kind(_flood_plain, "imports on the plain wire, as fast as the server takes them", ("result",)),
    "flood-rpc": Kind(_flood_rpc, "the server's own methods over JSON-RPC, likewise", ("result",)),
    "flood-list": Kind(_flood_list, "`tasks/list` of 100 jobs, likewise", ("result",)),
    "flood-batch": Kind(_flood_batch, "batches of 64: lists, documents, plans", ("batch",)),
    "flood-malformed": Kind(_flood_malformed, "malformed, unknown and refused requests", ("refusal",)),
    "no-read": Kind(_no_read, "asks for large answers, and reads none", ("cut",), deaf=True),
    "no-read-pings": Kind(_no_read_pings, "pings, and reads no answer", ("cut",), deaf=True),
    "drip": Kind(_drip, "handshake or requests, one byte at a time", ("result",), ("cut",)),
    "oversize": Kind(_oversize, "messages of 64 KiB, 64 KiB + 1, and frames that announce up to 2^64", ("close 1009",)),
    "fragments": Kind(_fragments, "messages in thousands of fragments", ("close 1009",)),
    "empty-frames": Kind(_empty_frames, "empty messages, and empty fragments of one that does not end", ("refusal",)),
    "pings": Kind(_pings, "empty pings, and pongs that nobody asked for", ("pong",)),
    "half-open": Kind(_half_open, "four connections at a time whose handshake does not end", ("cut",)),
    "churn": Kind(_churn, "connects, asks or not, and drops", ("left",), ("close 1000",)),
    "reset": Kind(_reset, "imports and large answers, and a reset in the middle of a frame", ("left",)),
    "nonsense": Kind(
        _nonsense,
        "wrong masks, reserved bits, wrong opcodes, wrong handshakes, foreign names and origins",
        ("close 1002", "close 1007", "HTTP 403", "cut"),
        ("HTTP 400", "HTTP 414", "HTTP 426"),
    ),
}
"""By name."""
