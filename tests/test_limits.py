"""The limits of requests, each set small: what a client is told that goes beyond, and that the default lets it pass."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gombus.config import DEFAULTS, KEYS
from gombus.wire.jsonrpc import MAX_BATCH
from rpc import Rpc, message, rpc
from support import SCHEMA, WAIT_S, Serving, WatchingGom, request, serving

HOLD = "hold"
NUMBER = {"description": "a number", "type": "number"}
LIST = {"description": "numbers", "type": "array", "maxItems": 100, "items": {"type": "number"}}
WIDE: dict[str, Any] = {**SCHEMA, "properties": {**SCHEMA["properties"], "number": NUMBER, "list": LIST}}  # type: ignore[dict-item]  # its values are of several types


def served(gom: WatchingGom | None = None, **limits: Any) -> Any:
    return serving(request(schema=WIDE), gom=gom, **limits)


@pytest.fixture
def gom() -> Iterator[WatchingGom]:
    """A gom that stays in the word `hold`."""
    gom = WatchingGom()
    gom.hold_word = HOLD
    yield gom
    gom.go_on.set()


def say(word: str, size: int = 0) -> str:
    """A request of the plain wire, as long as it is to be, in bytes."""
    return json.dumps({"say": {"word": word}}).ljust(size)


def plain(server: Serving, text: str) -> str:
    """Ask on the plain wire."""
    with rpc(server, structured=False) as client:
        client.connection.send(text)
        return str(client.connection.recv(WAIT_S))


# The size of a message.


@pytest.mark.parametrize("parts", [1, 3], ids=["whole", "in fragments"])
@pytest.mark.parametrize(("limit", "code"), [(256, 1009), (65_536, None)])
def test_a_message_beyond_the_size_closes_with_1009(limit: int, code: int | None, parts: int) -> None:
    with served(max_message_bytes=limit) as server, rpc(server, structured=False) as client:
        assert plain(server, say("x", 256)) == "O.k."
        text = say("x", 257)
        size = len(text) // parts + 1
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        sent = pieces[0] if parts == 1 else iter(pieces)
        if code is None:
            client.connection.send(sent)
            assert client.connection.recv(WAIT_S) == "O.k."
        else:
            # It may be closed before the last fragment is sent.
            with pytest.raises(ConnectionClosed):
                client.connection.send(sent)
                client.connection.recv(WAIT_S)
            assert client.connection.close_code == code
        # The others are served.
        assert plain(server, say("y")) == "O.k."


def test_a_message_may_be_larger_than_the_default_where_the_settings_say_so() -> None:
    with served(max_message_bytes=1_000_000) as server:
        assert plain(server, say("x", 1_000_000)) == "O.k."


# Depth and numbers.


@pytest.mark.parametrize(
    ("limits", "value", "said"),
    [
        ({"max_depth": 4}, "[[[1]]]", "the text is nested deeper than 4 levels"),
        ({"max_integer": 100}, "[1, -101]", "an integer beyond 100 is not allowed"),
        ({"max_integer": 100}, "[100, 12345678901234567890]", "an integer beyond 100 is not allowed"),
    ],
)
def test_a_message_beyond_the_depth_or_the_largest_integer_is_malformed(
    limits: dict[str, int], value: str, said: str
) -> None:
    gom = WatchingGom()
    with served(gom, **limits) as server, rpc(server) as client:
        client.connection.send(f'{{"jsonrpc": "2.0", "id": 1, "method": "say", "params": {{"list": {value}}}}}')
        error = client.read()["error"]
        assert (error["code"], error["data"]["code"], error["message"]) == (-32700, "malformed", said)
        answer = plain(server, f'{{"say": {{"list": {value}}}}}')
        if "max_integer" in limits:
            assert answer == f"Error: Invalid parameter 'list' in 'say' request: {said} (at /1)"
        else:
            assert answer == "Error: Malformed JSON message."
        assert gom.words == []


def test_up_to_the_depth_and_the_largest_integer_a_message_is_read() -> None:
    with served(max_depth=4, max_integer=100) as server, rpc(server) as client:
        assert client.call("say", {"list": [100, -100, 1e9]})["state"] == "completed"
        assert plain(server, '{"say": {"list": [100, -100]}}') == "O.k."
    with served(max_depth=30) as server:
        assert plain(server, "[" * 30 + "]" * 30).startswith("Error: Unknown request:")
        assert plain(server, "[" * 31 + "]" * 31) == "Error: Malformed JSON message."
    with served() as server, rpc(server) as client:
        assert client.call("say", {"number": 2**53})["state"] == "completed"


# The queue.


def test_beyond_the_queue_others_are_busy_on_both_wires(gom: WatchingGom) -> None:
    with served(gom, max_queued=2) as server, rpc(server) as client:
        first = client.send("say", {"word": HOLD})
        assert gom.entered.wait(WAIT_S)
        second = client.send("say", {"word": "b"}, idempotencyKey="k")
        error = client.refused("say", {"word": "c"})
        assert error["data"] == {"code": "busy", "queue": 2, "limit": 2}
        sentence = "The queue is full: 2 requests wait or run, 2 are allowed; send it again later."
        assert error["message"] == sentence
        assert plain(server, say("d")) == f"Error: {sentence}"
        assert client.refused("say", {"word": "e"}, plan=True)["data"]["code"] == "busy"
        # What was accepted before can be asked for, and so can the server.
        again = client.send("say", {"word": "b"}, idempotencyKey="k")
        assert client.call("server/stats")["queue"] == 1
        gom.go_on.set()
        assert client.result(first)["state"] == client.result(second)["state"] == "completed"
        assert client.result(again)["job"]
        assert client.call("say", {"word": "f"})["state"] == "completed"
    assert gom.words == [HOLD, "b", "f"]


def test_plans_take_a_place_in_the_queue(gom: WatchingGom) -> None:
    with served(gom, max_queued=3) as server, rpc(server) as client:
        running = client.send("say", {"word": HOLD})
        assert gom.entered.wait(WAIT_S)
        plans = [client.send("say", {"word": "p"}, plan=True) for _ in range(2)]
        assert client.refused("say", {"word": "q"}, plan=True)["data"] == {"code": "busy", "queue": 3, "limit": 3}
        assert client.refused("say", {"word": "c"})["data"]["code"] == "busy"
        gom.go_on.set()
        assert [client.result(plan)["ok"] for plan in plans] == [True, True]
        assert client.result(running)["state"] == "completed"
        assert client.call("say", {"word": "d"})["state"] == "completed"


# Unanswered requests of one client.


def answers(client: Rpc, count: int) -> list[Any]:
    """The ids of the next answers, in their order."""
    return [client.read()["id"] for _ in range(count)]


@pytest.mark.parametrize(("limit", "first"), [(2, "held"), (3, "info")])
def test_a_client_with_too_many_unanswered_requests_is_not_read_any_further(
    limit: int, first: str, gom: WatchingGom
) -> None:
    with served(gom, max_unanswered=limit) as server, rpc(server) as client, rpc(server) as other:
        client.put(message("say", {"word": HOLD}, "held"))
        assert gom.entered.wait(WAIT_S)
        client.put(message("say", {"word": "x"}, "next"))
        client.put(message("server/info", None, "info"))
        # Time enough for the server to read it, if it did; the others are served meanwhile.
        for _ in range(20):
            other.call("server/stats")
        before = answers(client, 1) if first == "info" else []
        gom.go_on.set()
        # What comes first says whether it was read; the two others may overtake each other.
        told = before + answers(client, 3 - len(before))
        assert told[0] == first
        assert sorted(told) == ["held", "info", "next"]


# What is in force.


def test_every_limit_is_told_as_it_is_in_force() -> None:
    small: dict[str, Any] = {
        "max_connections": 5,
        "max_unanswered": 6,
        "max_queued": 7,
        "max_message_bytes": 800,
        "max_depth": 9,
        "max_integer": 10_000,
        "max_outbox_bytes": 110_000,
        "handshake_s": 12.5,
        "send_s": 13.5,
        "idle_s": 14.5,
        "settle_s": 0.5,
        "settle_limit_s": 15.5,
        "inspect_hang_s": 18.5,
        "watch_s": 16.5,
    }
    assert {key for key in KEYS if key.startswith("max_") or key.endswith("_s")} == set(small)
    with serving(request(timeout_s=17.0), **small) as server, rpc(server) as client:
        info = client.call("server/info")
    assert info["limits"] == {**small, "max_batch": MAX_BATCH}
    assert info["requests"]["say"]["timeout_s"] == 17.0
    with serving(request()) as server, rpc(server) as client:
        limits = client.call("server/info")["limits"]
    assert limits == {**{key: getattr(DEFAULTS, key) for key in small}, "max_batch": MAX_BATCH}
