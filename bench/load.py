"""The load generator, a process of its own: reads orders and prints figures, one JSON object a line.

The generator must not be what limits the figures (see peers.py), so it says its own share of a core.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from array import array
from typing import Callable, NamedTuple

import psutil

from . import peers, wire
from .peers import Peer

IN_FLIGHT = 64
CONNECTIONS = 50
WARM_UP = 0.2
"""Share of the measured time that is run before it and not counted."""

_clock = time.perf_counter_ns


class Orders(NamedTuple):
    """What to send, and for how long."""

    load: str
    port: int
    pid: int
    """Of the server, whose CPU time is read."""
    request: str
    answer: str
    """As `peers.connect` says."""
    seconds: float
    primed: bool


class Figures(NamedTuple):
    """What one measurement gave."""

    rate: float
    """Round trips per second."""
    p50_us: float
    p99_us: float
    server_cpu_us: float
    """CPU time of the server per request, in µs."""
    generator_share: float
    """CPU time of the generator over time, 0 to 1."""


def sequence(peer: Peer, seconds: float) -> array[int]:
    """One connection, one request at a time.

    :returns: the latency of each request, in ns.
    """
    opened, send_one, read_one = peer.sockets[0], peer.send_one, peer.read_one
    latencies = array("q")
    before = _clock()
    end = before + int(seconds * 1e9)
    while before < end:
        send_one(opened)
        read_one(opened)
        now = _clock()
        latencies.append(now - before)
        before = now
    return latencies


def in_flight(peer: Peer, seconds: float) -> array[int]:
    """One connection with `IN_FLIGHT` requests unanswered: as many new ones are sent as answers came.

    :returns: the latency of each request that was answered in time, in ns.
    """
    opened, latencies, unanswered = peer.sockets[0], array("q"), IN_FLIGHT
    begin = _clock()
    end = begin + int(seconds * 1e9)
    opened.sendall(peer.batch(IN_FLIGHT, begin))
    while unanswered:
        times = peer.answered(opened.recv(65536))
        now = _clock()
        if now >= end:
            unanswered -= len(times)
        elif times:
            latencies.extend([now - time for time in times])
            opened.sendall(peer.batch(len(times), now))
    return latencies


def many(peer: Peer, seconds: float) -> array[int]:
    """All connections, one request at a time on each.

    :returns: the latency of each request that was answered in time, in ns.
    """
    latencies = array("q")
    with selectors.DefaultSelector() as selector:
        for index, opened in enumerate(peer.sockets):
            selector.register(opened, selectors.EVENT_READ, index)
        waiting = len(peer.sockets)
        begin = _clock()
        end = begin + int(seconds * 1e9)
        sent = [begin] * waiting
        for opened in peer.sockets:
            peer.send_one(opened)
        while waiting:
            for key, _ in selector.select():
                readable: socket.socket = key.fileobj  # type: ignore[assignment]  # as registered
                peer.read_one(readable)
                now = _clock()
                if now < end:
                    latencies.append(now - sent[key.data])
                    sent[key.data] = now
                    peer.send_one(readable)
                else:
                    waiting -= 1
    return latencies


class Load(NamedTuple):
    """A way of sending requests."""

    title: str
    connections: int
    unanswered: int
    """How many requests are still to be answered when the time is over; their answers are awaited and not counted."""
    run: Callable[[Peer, float], array[int]]


LOADS = {
    "sequence": Load("one connection in sequence", 1, 0, sequence),
    "in_flight": Load(f"one connection, {IN_FLIGHT} in flight", 1, IN_FLIGHT, in_flight),
    "connections": Load(f"{CONNECTIONS} connections in sequence", CONNECTIONS, CONNECTIONS, many),
}


def measure(orders: Orders) -> Figures:
    """Run one load against one server.

    :raises Failed: an answer was not the expected one.
    """
    load = LOADS[orders.load]
    if orders.primed:
        peers.connect(orders.port, 1, orders.request, orders.answer).close()
    peer = peers.connect(orders.port, load.connections, orders.request, orders.answer)
    load.run(peer, orders.seconds * WARM_UP)
    server = psutil.Process(orders.pid)
    before, own, begin = server.cpu_times(), time.process_time(), time.perf_counter()
    latencies = load.run(peer, orders.seconds)
    after, spent, passed = server.cpu_times(), time.process_time() - own, time.perf_counter() - begin
    peer.close()
    if not latencies:
        raise wire.Failed(f"no request was answered within {orders.seconds:g} s")
    ordered = sorted(latencies)
    cpu = after.user + after.system - before.user - before.system
    return Figures(
        rate=len(ordered) / orders.seconds,
        p50_us=ordered[len(ordered) // 2] / 1e3,
        p99_us=ordered[len(ordered) * 99 // 100] / 1e3,
        server_cpu_us=cpu / (len(ordered) + load.unanswered) * 1e6,
        generator_share=spent / passed,
    )


def main() -> None:
    """Carry out orders until there are no more."""
    for line in sys.stdin:
        try:
            print(json.dumps(measure(Orders(**json.loads(line)))._asdict()), flush=True)
        except (wire.Failed, OSError) as error:
            sys.exit(f"{line.strip()}: {error}")


if __name__ == "__main__":
    main()
