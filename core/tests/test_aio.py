"""The client in an event loop: what can be asked, and what is given back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from clients import counting, happened, held, relay, run
from gombus.client import AsyncClient, OutcomeUnknown, Progress, RequestFailed
from support import WatchingGom, request, serving

SLOW = {"word": "slow"}


def test_many_calls_at_a_time() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client:
                slow = asyncio.ensure_future(client.call("say", SLOW))
                await happened(gom.entered)
                # What can be answered at once is, while the request runs.
                assert (await client.stats())["running"]["request"] == "say"
                with pytest.raises(RequestFailed, match="/word: 5 is not allowed"):
                    await client.call("say", word=5)
                others = [asyncio.ensure_future(client.call("say", word=word)) for word in "abc"]
                gom.go_on.set()
                assert [(await answer)["value"] for answer in (slow, *others)] == ["SLOW", "A", "B", "C"]

        run(main())


def test_each_call_is_told_its_own_progress() -> None:
    gom = held()
    told: dict[str, list[Progress]] = {"slow": [], "next": []}

    def teller(word: str) -> Any:
        def tell(progress: Progress) -> None:
            told[word].append(progress)
            gom.go_on.set()

        return tell

    with serving(request("count", counting), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client:
                await asyncio.gather(*(client.call("count", word=word, progress=teller(word)) for word in told))

        run(main())
    assert told["slow"] == [Progress(1.0, 2.0, "half"), Progress(2.0, 2.0, "all")]
    assert told["next"][-1] == Progress(2.0, 2.0, "all")


def test_what_a_progress_callback_raises_is_its_callers_alone() -> None:
    gom = held()

    def fail(progress: Progress) -> None:
        raise LookupError("mine")

    with serving(request("count", counting), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client:
                failing = asyncio.ensure_future(client.call("count", SLOW, progress=fail))
                other = asyncio.ensure_future(client.call("count", word="next"))
                with pytest.raises(LookupError, match="mine"):
                    await failing
                gom.go_on.set()
                assert (await other)["state"] == "completed"

        run(main())


def test_a_job_is_submitted_and_fetched() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client, AsyncClient(server.url) as other:
                job = (await client.submit("say", SLOW, key="k"))["job"]
                assert (await client.submit("say", SLOW, key="k"))["job"] == job
                fetched = [asyncio.ensure_future(each.fetch(job)) for each in (client, client, other)]
                await happened(gom.entered)
                with pytest.raises(OutcomeUnknown, match=r"did not end within 0.05 s; it goes on"):
                    await client.fetch(job, timeout=0.05)
                gom.go_on.set()
                assert [(await answer)["value"] for answer in fetched] == ["SLOW"] * 3
                assert (await client.fetch(job))["job"] == job

        run(main())


def test_fetching_tells_how_far_it_is() -> None:
    gom = held()
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        gom.go_on.set()

    with serving(request("count", counting), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client:
                job = (await client.submit("count", SLOW))["job"]
                assert (await client.fetch(job, progress=tell))["state"] == "completed"

        run(main())
    assert told[0] == Progress(1.0, 2.0, "half")


def test_fetching_over_a_connection_that_is_lost() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between:

        async def main() -> None:
            async with AsyncClient(between.url) as client:
                job = (await client.submit("say", SLOW))["job"]
                fetched = asyncio.ensure_future(client.fetch(job))
                await happened(gom.entered)
                between.cut()
                gom.go_on.set()
                assert (await fetched)["value"] == "SLOW"

        run(main())


def test_fetching_what_cannot_be_fetched() -> None:
    gom = WatchingGom()
    gom.errors["bad"] = gom.RequestError("no such thing")
    with serving(request(), gom=gom) as first, serving(request()) as second, relay(first.port) as between:

        async def main() -> None:
            async with AsyncClient(between.url) as client:
                job = (await client.submit("say", word="bad"))["job"]
                with pytest.raises(RequestFailed, match="no such thing"):
                    await client.fetch(job)
                with pytest.raises(RequestFailed) as unknown:
                    await client.fetch("nothing")
                assert unknown.value.code == "unknown_job"
                between.port = second.port
                between.cut()
                with pytest.raises(OutcomeUnknown, match=f"whether job {job} was run is not known"):
                    await client.fetch(job)

        run(main())


def test_what_can_be_asked_besides() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:

        async def main() -> None:
            async with AsyncClient(server.url) as client:
                here = (await client.info())["requests"]["say"]["schemaHash"]
                running = (await client.submit("say", SLOW, key="k", schema_hash=here))["job"]
                queued = (await client.submit("say"))["job"]
                await happened(gom.entered)
                assert (await client.task(key="k"))["job"] == running
                assert (await client.task(job=queued))["phase"] == "queued"
                assert (await client.cancel(queued))["cancelled"] is True
                gom.go_on.set()
                await client.fetch(running)
                page = await client.tasks("cancelled", limit=1)
                assert ([task["job"] for task in page["tasks"]], page["next"]) == ([queued], None)
                assert (await client.plan("say", word="x"))["ok"] is True
                assert "say" in [method["name"] for method in (await client.discover())["methods"]]

        run(main())
    assert gom.words == ["slow"]


def test_a_client_may_be_used_again_after_it_was_closed() -> None:
    with serving(request()) as server:

        async def main() -> None:
            client = AsyncClient(server.url)
            for word in ("A", "B"):
                assert (await client.call("say", word=word))["value"] == word
                await client.close()

        run(main())
