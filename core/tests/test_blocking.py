"""The blocking client: what can be asked, and what is given back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clients import counting, held, relay
from gombus.client import Client, OutcomeUnknown, Progress, RequestFailed, Unreachable
from support import WAIT_S, WatchingGom, request, serving

SLOW = {"word": "slow"}


def test_parameters_may_be_an_object_keywords_or_both() -> None:
    with serving(request()) as server, Client(server.url) as client:
        assert client.call("say", {"word": "a"})["value"] == "A"
        assert client.call("say", word="b")["value"] == "B"
        assert client.call("say", {"word": "a"}, word="c")["value"] == "C"
        receipt = client.call("say")
    assert (receipt["request"], receipt["state"], receipt["value"]) == ("say", "completed", "NONE")


def test_a_client_connects_when_it_is_needed_and_again_after_it_was_closed() -> None:
    with serving(request()) as server:
        client = Client(server.url)
        for word in ("A", "B"):
            assert client.call("say", word=word)["value"] == word
            client.close()


def test_nobody_is_there() -> None:
    for url in ("ws://127.0.0.1:1", "http://127.0.0.1:1"):
        with pytest.raises(Unreachable, match=f"no gombus server at {url}: "):
            Client(url, reconnect_s=None).info()


def test_a_refusal_and_a_failure() -> None:
    gom = WatchingGom()
    gom.errors["bad"] = gom.RequestError("no such thing", "GAPP-1")
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        with pytest.raises(RequestFailed, match="/word: 5 is not allowed") as refused:
            client.call("say", word=5)
        with pytest.raises(RequestFailed, match="no such thing") as failed:
            client.call("say", word="bad")
        with pytest.raises(RequestFailed) as unknown:
            client.call("nope")
    assert (refused.value.code, refused.value.job) == ("invalid_params", "")
    assert refused.value.data["errors"][0]["pointer"] == "/word"
    assert (failed.value.code, failed.value.data["receipt"]["job"]) == ("gom_refused", failed.value.job)
    assert (unknown.value.code, unknown.value.number) == ("unknown_request", -32601)


def test_the_same_key_gives_the_same_job() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        first = client.call("say", word="once", key="k")
        assert client.call("say", word="once", key="k") == first
        with pytest.raises(RequestFailed) as caught:
            client.call("say", word="other", key="k")
    assert caught.value.code == "conflict"
    assert gom.words == ["once"]


def test_a_schema_that_the_server_does_not_have() -> None:
    with serving(request()) as server, Client(server.url) as client:
        here = client.info()["requests"]["say"]["schemaHash"]
        client.call("say", schema_hash=here)
        with pytest.raises(RequestFailed) as caught:
            client.call("say", schema_hash="0" * 64)
    assert (caught.value.code, caught.value.data["schemaHash"]) == ("schema_mismatch", here)


def test_progress_is_told_while_it_goes_on() -> None:
    gom = held()
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        gom.go_on.set()

    with serving(request("count", counting), gom=gom) as server, Client(server.url) as client:
        client.call("count", SLOW, progress=tell)
        assert told == [Progress(1.0, 2.0, "half"), Progress(2.0, 2.0, "all")]
        client.call("count")


def test_what_a_progress_callback_raises_is_the_callers() -> None:
    gom = held()

    def fail(progress: Progress) -> None:
        raise LookupError("mine")

    with serving(request("count", counting), gom=gom) as server, Client(server.url) as client:
        with pytest.raises(LookupError, match="mine"):
            client.call("count", SLOW, progress=fail, key="k")
        gom.go_on.set()
        assert client.call("count", SLOW, key="k")["state"] == "completed"
        assert client.info()["name"] == "gombus"


def test_a_client_cannot_be_used_in_its_own_progress_callback() -> None:
    with serving(request("count", counting)) as server, Client(server.url) as client:

        def ask(progress: Progress) -> None:
            client.info()

        with pytest.raises(RuntimeError, match="by the call whose progress this is"):
            client.call("count", progress=ask)


# Jobs that are fetched later.


def test_a_job_is_submitted_and_fetched() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        task = client.submit("say", SLOW)
        assert task["status"] == "working"
        with ThreadPoolExecutor(1) as aside:
            fetched = aside.submit(client.fetch, task["job"])
            assert gom.entered.wait(WAIT_S)
            gom.go_on.set()
            assert fetched.result(WAIT_S)["value"] == "SLOW"
        # What has ended is there as well.
        assert client.fetch(task["job"])["job"] == task["job"]


def test_a_job_of_another_client_is_fetched() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, Client(server.url) as client, Client(server.url) as other:
        job = client.submit("say", SLOW)["job"]
        with ThreadPoolExecutor(1) as aside:
            fetched = aside.submit(other.fetch, job, timeout=WAIT_S)
            assert gom.entered.wait(WAIT_S)
            gom.go_on.set()
            assert fetched.result(WAIT_S)["value"] == "SLOW"


def test_fetching_tells_how_far_it_is() -> None:
    gom = held()
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        gom.go_on.set()

    with serving(request("count", counting), gom=gom) as server, Client(server.url) as client:
        job = client.submit("count", SLOW)["job"]
        assert client.fetch(job, progress=tell)["state"] == "completed"
    assert told[0] == Progress(1.0, 2.0, "half")


def test_fetching_what_fails() -> None:
    gom = WatchingGom()
    gom.errors["bad"] = gom.RequestError("no such thing")
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        job = client.submit("say", word="bad")["job"]
        with pytest.raises(RequestFailed, match="no such thing") as caught:
            client.fetch(job)
        with pytest.raises(RequestFailed) as unknown:
            client.fetch("nothing")
    assert (caught.value.code, caught.value.job) == ("gom_refused", job)
    assert unknown.value.code == "unknown_job"


def test_fetching_what_does_not_end_in_time() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        job = client.submit("say", SLOW)["job"]
        with pytest.raises(OutcomeUnknown, match=r"did not end within 0.05 s; it goes on") as caught:
            client.fetch(job, timeout=0.05)
        assert caught.value.job == job
        gom.go_on.set()
        assert client.fetch(job)["value"] == "SLOW"


def test_fetching_over_a_connection_that_is_lost() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between, Client(between.url) as client:
        job = client.submit("say", SLOW)["job"]
        with ThreadPoolExecutor(1) as aside:
            fetched = aside.submit(client.fetch, job)
            assert gom.entered.wait(WAIT_S)
            between.cut()
            gom.go_on.set()
            assert fetched.result(WAIT_S)["value"] == "SLOW"


def test_fetching_from_a_server_that_was_restarted_without_a_journal() -> None:
    with serving(request()) as first, serving(request()) as second, relay(first.port) as between:
        client = Client(between.url)
        job = client.submit("say")["job"]
        between.port = second.port
        between.cut()
        with pytest.raises(OutcomeUnknown, match=f"whether job {job} was run is not known") as caught:
            client.fetch(job)
        assert caught.value.job == job
        client.close()


def test_tasks() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        running = client.submit("say", SLOW, key="k")["job"]
        queued = client.submit("say", word="next")["job"]
        assert gom.entered.wait(WAIT_S)
        assert client.task(job=running)["phase"] == "running"
        assert client.task(key="k")["job"] == running
        assert client.task(job=queued)["phase"] == "queued"
        assert client.cancel(queued)["cancelled"] is True
        assert client.cancel(running)["cancelled"] is False
        gom.go_on.set()
        client.fetch(running)
        with pytest.raises(RequestFailed) as caught:
            client.fetch(queued)
        assert caught.value.code == "cancelled"
        page = client.tasks(limit=1)
        assert [task["job"] for task in page["tasks"]] == [queued]
        assert [task["job"] for task in client.tasks(before=page["next"])["tasks"]] == [running]
        assert [task["job"] for task in client.tasks("cancelled")["tasks"]] == [queued]
        with pytest.raises(RequestFailed) as nothing:
            client.task(job="nothing")
    assert nothing.value.code == "unknown_job"
    assert gom.words == ["slow"]


def test_a_plan_runs_nothing() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        plan = client.plan("say", word="hello")
    assert (plan["plan"], plan["ok"]) == (True, True)
    assert plan["calls"] == [{"command": "gom.script.test.say", "arguments": {"word": "hello"}}]
    assert gom.words == []


def test_what_the_server_says_of_itself() -> None:
    with serving(request()) as server, Client(server.url) as client:
        client.call("say")
        assert list(client.info()["requests"]) == ["say"]
        assert client.stats()["queue"] == 0
        assert "say" in [method["name"] for method in client.discover()["methods"]]


def test_one_after_the_other_from_several_threads() -> None:
    gom = WatchingGom()
    lock = threading.Lock()

    def call(word: str) -> Any:
        with lock:
            return client.call("say", word=word)["value"]

    with serving(request(), gom=gom) as server, Client(server.url) as client, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, "abcd")) == list("ABCD")
