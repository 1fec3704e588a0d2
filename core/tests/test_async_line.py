"""The connection of the client in an event loop: shared, lost at many moments, and resumed where that is safe."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from clients import INFO, bad, good, happened, held, made_up, only_info, relay, run
from gombus.client import AsyncClient, OutcomeUnknown, RequestFailed, Unreachable
from gombus.client.opening import MAX_SIZE
from support import WAIT_S, WatchingGom, request, serving, stop_request


def test_a_connection_that_is_lost_under_many_calls() -> None:
    gom = held("0")
    with serving(request(), gom=gom) as server, relay(server.port) as between:

        async def main() -> list[Any]:
            async with AsyncClient(between.url) as client:
                answers = [asyncio.ensure_future(client.call("say", word=str(word))) for word in range(80)]
                await happened(gom.entered)
                between.cut()
                gom.go_on.set()
                return [(await answer)["value"] for answer in answers]

        assert run(main()) == [str(word) for word in range(80)]
    assert sorted(gom.words, key=int) == [str(word) for word in range(80)]


def test_a_connection_that_is_lost_before_the_request_arrives() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, relay(server.port) as between:

        async def main() -> Any:
            async with AsyncClient(between.url) as client:
                between.swallows = True
                answer = asyncio.ensure_future(client.call("say", word="hello"))
                await happened(between.swallowed)
                between.swallows = False
                between.cut()
                return await answer

        assert run(main())["value"] == "HELLO"
    assert gom.words == ["hello"]


def test_a_connection_that_was_lost_between_two_calls() -> None:
    with serving(request()) as server, relay(server.port) as between:

        async def main() -> list[Any]:
            async with AsyncClient(between.url) as client:
                first = await client.call("say", word="one")
                between.cut()
                return [first["value"], (await client.call("say", word="two"))["value"]]

        assert run(main()) == ["ONE", "TWO"]


def test_a_server_that_is_away_for_a_while() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between:

        async def main() -> Any:
            async with AsyncClient(between.url) as client:
                answer = asyncio.ensure_future(client.call("say", word="slow"))
                await happened(gom.entered)
                # Nobody listens there.
                between.port = 1
                between.cut()
                await happened(between.turned_away)
                between.port = server.port
                gom.go_on.set()
                return await answer

        assert run(main())["state"] == "completed"
    assert gom.words == ["slow"]


def test_a_server_that_stays_away() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between:

        async def main() -> None:
            async with AsyncClient(between.url, reconnect_s=0.1) as client:
                answer = asyncio.ensure_future(client.call("say", word="slow", key="k"))
                once = asyncio.ensure_future(client.call("say", word="next", key=""))
                await happened(gom.entered)
                between.port = 1
                between.cut()
                for asked, key in ((answer, "k"), (once, "")):
                    with pytest.raises(OutcomeUnknown, match="whether the request was run is not known") as caught:
                        await asked
                    assert caught.value.key == key
                with pytest.raises(Unreachable):
                    await client.info()
                between.port = server.port
                gom.go_on.set()
                assert (await client.call("say", word="slow", key="k"))["value"] == "SLOW"

        run(main())
    # Whether the other one arrived before the connection was lost is not known.
    assert gom.words.count("slow") == 1


def test_a_server_that_was_restarted_without_a_journal() -> None:
    gom, other = held(), WatchingGom()
    with serving(request(), gom=gom) as first, serving(request(), gom=other) as second, relay(first.port) as between:

        async def main() -> None:
            async with AsyncClient(between.url) as client:
                answer = asyncio.ensure_future(client.call("say", word="slow", key="k"))
                await happened(gom.entered)
                between.port = second.port
                between.cut()
                with pytest.raises(OutcomeUnknown, match="restarted and keeps no journal") as caught:
                    await answer
                assert caught.value.key == "k"
                assert (await client.call("say", word="new"))["value"] == "NEW"

        run(main())
        gom.go_on.set()
    assert other.words == ["new"]


def test_a_request_whose_turn_did_not_come_before_the_server_stopped() -> None:
    gom, other = held(), WatchingGom()
    with serving(request(), gom=gom) as first, serving(request(), gom=other) as second, relay(first.port) as between:

        async def main() -> None:
            async with AsyncClient(between.url) as client:
                running = asyncio.ensure_future(client.call("say", word="slow"))
                await happened(gom.entered)
                waiting = asyncio.ensure_future(client.call("say", word="next"))
                while (await client.stats())["queue"] < 1:
                    pass
                between.port = second.port
                first.listening.stop()
                while (await client.info())["state"] != "stopping":
                    pass
                gom.go_on.set()
                assert (await running)["value"] == "SLOW"
                assert (await waiting)["value"] == "NEXT"

        run(main())
    assert (gom.words, other.words) == (["slow"], ["next"])


def test_quit() -> None:
    with serving(stop_request()) as server:

        async def main() -> Any:
            async with AsyncClient(server.url) as client:
                return await client.call("quit", key="")

        assert run(main()) is None
        assert server.ended()


def test_no_answer_in_time() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client:
                with pytest.raises(OutcomeUnknown, match=r"within 0.05 s; the request may still be carried out"):
                    await client.call("say", word="slow", timeout=0.05, key="k")
                gom.go_on.set()
                assert (await client.call("say", word="slow", key="k"))["value"] == "SLOW"

        run(main())
    assert gom.words == ["slow"]


def test_who_waits_while_the_client_is_closed_is_told() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:

        async def main() -> None:
            client = AsyncClient(server.url)
            answer = asyncio.ensure_future(client.call("say", word="slow"))
            await happened(gom.entered)
            await client.close()
            with pytest.raises(OutcomeUnknown, match=r"was closed; whether the request was run is not known"):
                await answer
            never = asyncio.ensure_future(client.info())
            await asyncio.sleep(0)
            await client.close()
            with pytest.raises(Unreachable, match="was closed"):
                await never

        run(main())
        gom.go_on.set()


def test_cancelling_the_waiting_task_leaves_the_request_running() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client:
                answer = asyncio.ensure_future(client.call("say", word="slow", key="k"))
                await happened(gom.entered)
                answer.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await answer
                gom.go_on.set()
                assert (await client.call("say", word="slow", key="k"))["value"] == "SLOW"

        run(main())
    assert gom.words == ["slow"]


# What only a made-up server does.


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("Error: Malformed JSON message.", "is no gombus server; it said"),
        (None, "the connection to .* ended before the answer: "),
    ],
)
def test_a_server_that_is_no_gombus(answer: str | None, why: str) -> None:
    async def main() -> None:
        async with AsyncClient(url):
            pass

    with made_up(lambda message: answer) as url, pytest.raises(Unreachable, match=why):
        run(main())


def test_a_server_that_does_not_say_what_it_is() -> None:
    async def ask(url: str) -> None:
        await AsyncClient(url, open_timeout_s=0.2).info()

    with made_up(good, json_rpc=False) as url, pytest.raises(Unreachable, match="does not speak JSON-RPC"):
        run(ask(url))
    with made_up(lambda message: bad(message, "not_ready")) as url, pytest.raises(Unreachable, match=r"No\."):
        run(ask(url))
    done = threading.Event()

    def wait(message: dict[str, Any]) -> str:
        assert done.wait(WAIT_S)
        return "not even this is sent"

    with made_up(wait) as url:
        with pytest.raises(Unreachable, match="it accepts, and does not answer"):
            run(ask(url))
        done.set()


def test_nobody_is_there() -> None:
    async def main() -> None:
        async with AsyncClient("ws://127.0.0.1:1"):
            pass

    with pytest.raises(Unreachable, match=r"no gombus server at ws://127\.0\.0\.1:1: "):
        run(main())


def test_a_server_that_stops_making_sense() -> None:
    async def main(url: str) -> None:
        async with AsyncClient(url) as client:
            with pytest.raises(OutcomeUnknown, match="is no gombus server"):
                await client.call("say")
            assert await client.info() == INFO

    with made_up(lambda message: only_info(message, "?")) as url:
        run(main(url))


def test_a_server_that_stops_for_ever() -> None:
    asked: list[str] = []

    def stop(message: dict[str, Any]) -> str | None:
        asked.append(message["method"])
        return only_info(message, bad(message, "stopping"))

    async def main(url: str) -> None:
        async with AsyncClient(url, reconnect_s=0.1) as client:
            for key in ("k", ""):
                asked.clear()
                with pytest.raises(RequestFailed) as caught:
                    await client.call("quit", key=key)
                assert caught.value.code == "stopping"
            assert asked.count("quit") == 1

    with made_up(stop) as url:
        run(main(url))


def test_a_server_that_dies_of_a_request_is_not_asked_for_ever() -> None:
    asked: list[str] = []

    def die(message: dict[str, Any]) -> str | None:
        asked.append(message["method"])
        return only_info(message, None)

    async def main(url: str) -> None:
        async with AsyncClient(url, reconnect_s=0.3) as client:
            with pytest.raises(OutcomeUnknown, match="ended before the answer"):
                await client.call("say")

    with made_up(die) as url:
        run(main(url))
    assert asked.count("say") > 1


@pytest.mark.parametrize("what", ["answer", "request"])
def test_what_is_too_long_for_one_of_both_ends_is_not_tried_again(what: str) -> None:
    asked: list[str] = []

    def answer(message: dict[str, Any]) -> str | None:
        asked.append(message["method"])
        return only_info(message, good(message, "x" * MAX_SIZE))

    async def main(url: str) -> None:
        async with AsyncClient(url, reconnect_s=None) as client:
            with pytest.raises(OutcomeUnknown, match=f"an? {what} .*is longer than .* takes"):
                await client.call("say", word="x" * 3000)
            with pytest.raises(Unreachable, match="is longer than"):
                await client.task(job="x" * 3000)

    limit = 2000 if what == "request" else None
    with made_up(answer, max_size=limit) as url:
        run(main(url))
    assert asked.count("say") == (1 if what == "answer" else 0)
