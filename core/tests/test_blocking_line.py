"""The blocking client's connection: it is lost at many moments, and resumed where that is safe."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from clients import INFO, bad, good, held, made_up, only_info, relay
from gombus.client import Client, OutcomeUnknown, RequestFailed, Unreachable
from gombus.client.blocking_line import BlockingLine
from gombus.client.opening import MAX_SIZE, Until
from programs import holding
from programs import serve as serve_program
from support import WAIT_S, WatchingGom, request, serving, stop_request


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """A thread beside the test's, for a client that waits."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def result(answer: Future[Any]) -> Any:
    return answer.result(WAIT_S)


def test_a_connection_that_is_lost_while_the_request_runs(aside: ThreadPoolExecutor) -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between, Client(between.url) as client:
        answer = aside.submit(client.call, "say", word="slow")
        assert gom.entered.wait(WAIT_S)
        between.cut()
        gom.go_on.set()
        assert result(answer)["value"] == "SLOW"
    assert gom.words == ["slow"]


def test_a_connection_that_is_lost_before_the_request_arrives(aside: ThreadPoolExecutor) -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, relay(server.port) as between, Client(between.url) as client:
        between.swallows = True
        answer = aside.submit(client.call, "say", word="hello")
        assert between.swallowed.wait(WAIT_S)
        between.swallows = False
        between.cut()
        assert result(answer)["value"] == "HELLO"
    assert gom.words == ["hello"]


def test_a_connection_that_was_lost_between_two_calls() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server, relay(server.port) as between, Client(between.url) as client:
        client.call("say", word="one")
        between.cut()
        client.call("say", word="two")
    assert gom.words == ["one", "two"]


def test_a_server_that_is_away_for_a_while(aside: ThreadPoolExecutor) -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between, Client(between.url) as client:
        answer = aside.submit(client.call, "say", word="slow")
        assert gom.entered.wait(WAIT_S)
        # Nobody listens there.
        between.port = 1
        between.cut()
        assert between.turned_away.wait(WAIT_S)
        between.port = server.port
        gom.go_on.set()
        assert result(answer)["state"] == "completed"
    assert gom.words == ["slow"]


def test_a_server_that_stays_away_leaves_the_outcome_unknown(aside: ThreadPoolExecutor) -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between:
        client = Client(between.url, reconnect_s=0)
        answer = aside.submit(client.call, "say", word="slow", key="k")
        assert gom.entered.wait(WAIT_S)
        between.cut()
        with pytest.raises(OutcomeUnknown, match="whether the request was run is not known") as caught:
            result(answer)
        assert caught.value.key == "k"
        gom.go_on.set()
        # The same call with its key gives the result.
        assert client.call("say", word="slow", key="k")["value"] == "SLOW"
        client.close()
    assert gom.words == ["slow"]


def test_a_question_to_a_server_that_stays_away(aside: ThreadPoolExecutor) -> None:
    with serving(request()) as server, relay(server.port) as between, Client(between.url, reconnect_s=0.1) as client:
        between.port = 1
        between.cut()
        with pytest.raises(Unreachable, match="no gombus server at "):
            client.info()


def test_a_server_that_was_restarted_without_a_journal(aside: ThreadPoolExecutor) -> None:
    gom, other = held(), WatchingGom()
    with serving(request(), gom=gom) as first, serving(request(), gom=other) as second, relay(first.port) as between:
        with Client(between.url) as client:
            answer = aside.submit(client.call, "say", word="slow", key="k")
            assert gom.entered.wait(WAIT_S)
            between.port = second.port
            between.cut()
            with pytest.raises(OutcomeUnknown, match="restarted and keeps no journal") as caught:
                result(answer)
            assert caught.value.key == "k"
            # What was not sent to the first one is run by the second.
            assert client.call("say", word="new")["value"] == "NEW"
        gom.go_on.set()
    assert other.words == ["new"]


def test_a_server_that_was_killed_keeps_in_its_journal_what_was_asked(
    aside: ThreadPoolExecutor, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(holding())
        environ = {
            "GOMBUS_JOURNAL": str(tmp_path / "journal.sqlite3"),
            "GOMBUS_RECEIPTS": "off",
            "TEST_PORT": str(listener.getsockname()[1]),
        }
        first = stack.enter_context(serve_program(**environ))
        between = stack.enter_context(relay(port_of(first.url)))
        client, other = (stack.enter_context(Client(between.url)) for _ in range(2))
        running = aside.submit(client.call, "hold")
        stack.enter_context(listener.accept()[0])
        queued = other.submit("say", word="later")["job"]
        first.process.kill()
        first.process.wait(WAIT_S)
        second = stack.enter_context(serve_program(**environ))
        between.port = port_of(second.url)
        assert other.fetch(queued, timeout=WAIT_S)["value"] == "LATER"
        with pytest.raises(RequestFailed, match="The server was ended while the request ran") as caught:
            result(running)
    assert caught.value.code == "interrupted"


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_a_request_whose_turn_did_not_come_before_the_server_stopped(aside: ThreadPoolExecutor) -> None:
    gom, other = held(), WatchingGom()
    with ExitStack() as stack:
        first = stack.enter_context(serving(request(), gom=gom))
        second = stack.enter_context(serving(request(), gom=other))
        between = stack.enter_context(relay(first.port))
        before, client = (stack.enter_context(Client(url)) for url in (first.url, between.url))
        before.submit("say", word="slow")
        assert gom.entered.wait(WAIT_S)
        answer = aside.submit(client.call, "say", word="next")
        while before.stats()["queue"] < 1:
            pass
        between.port = second.port
        first.listening.stop()
        while before.info()["state"] != "stopping":
            pass
        gom.go_on.set()
        assert result(answer)["value"] == "NEXT"
    assert (gom.words, other.words) == (["slow"], ["next"])


def test_a_request_without_a_key_is_not_sent_again(aside: ThreadPoolExecutor) -> None:
    gom = held()
    with serving(request(), gom=gom) as server, relay(server.port) as between, Client(between.url) as client:
        answer = aside.submit(client.call, "say", word="slow", key="")
        assert gom.entered.wait(WAIT_S)
        between.cut()
        with pytest.raises(OutcomeUnknown):
            result(answer)
        gom.go_on.set()
    assert gom.words == ["slow"]


def test_watching_a_job_ends_with_the_connection_or_the_time(aside: ThreadPoolExecutor) -> None:
    with serving(request()) as server, relay(server.port) as between:
        line = BlockingLine(between.url, None, WAIT_S)
        line.open()
        line.watch("job", Until(0.01))
        watching = aside.submit(line.watch, "job", Until(None))
        between.cut()
        assert result(watching) is None
        line.close()


def test_quit_ends_the_connection_and_nothing_else() -> None:
    with serving(request(), stop_request()) as server, Client(server.url) as client:
        assert client.call("quit", key="") is None
        assert server.ended()


def test_no_answer_in_time() -> None:
    gom = held()
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        with pytest.raises(OutcomeUnknown, match=r"within 0.05 s; the request may still be carried out"):
            client.call("say", word="slow", timeout=0.05, key="k")
        gom.go_on.set()
        # The late answer is nobody's, and the connection is as good as before.
        assert client.call("say", word="slow", key="k")["value"] == "SLOW"
        assert client.call("say", word="next")["value"] == "NEXT"
    assert gom.words == ["slow", "next"]


def test_a_client_is_for_one_thread_at_a_time(aside: ThreadPoolExecutor) -> None:
    gom = held()
    with serving(request(), gom=gom) as server, Client(server.url) as client:
        answer = aside.submit(client.call, "say", word="slow")
        assert gom.entered.wait(WAIT_S)
        with pytest.raises(RuntimeError, match="this Client is in use, by another thread"):
            client.info()
        gom.go_on.set()
        result(answer)


# What only a made-up server does.


def test_a_server_without_json_rpc() -> None:
    with made_up(good, json_rpc=False) as url, pytest.raises(Unreachable, match="does not speak JSON-RPC"), Client(url):
        pass


@pytest.mark.parametrize("answer", ["Error: Malformed JSON message.", '{"jsonrpc":"2.0","method":5}'])
def test_a_server_that_says_what_no_gombus_says(answer: str) -> None:
    with made_up(lambda message: answer) as url, pytest.raises(Unreachable, match="is no gombus server; it said"):
        Client(url).info()


def test_a_server_that_stops_making_sense_leaves_the_outcome_unknown() -> None:
    with made_up(lambda message: only_info(message, "?")) as url, Client(url) as client:
        with pytest.raises(OutcomeUnknown, match="is no gombus server"):
            client.call("say")
        assert client.info() == INFO


def test_a_server_that_refuses_to_say_what_it_is() -> None:
    with (
        made_up(lambda message: bad(message, "not_ready")) as url,
        pytest.raises(Unreachable, match=r"No\."),
        Client(url),
    ):
        pass


def test_a_server_that_accepts_and_does_not_answer() -> None:
    silent = "not even this is sent"
    done = threading.Event()

    def wait(message: dict[str, Any]) -> str:
        assert done.wait(WAIT_S)
        return silent

    with made_up(wait) as url:
        with pytest.raises(Unreachable, match="it accepts, and does not answer"), Client(url, open_timeout_s=0.2):
            pass
        done.set()


def test_a_server_that_dies_of_a_request_is_not_asked_for_ever() -> None:
    asked: list[str] = []

    def die(message: dict[str, Any]) -> str | None:
        asked.append(message["method"])
        return only_info(message, None)

    with (
        made_up(die) as url,
        Client(url, reconnect_s=0.3) as client,
        pytest.raises(OutcomeUnknown, match="ended before the answer"),
    ):
        client.call("say")
    assert asked.count("say") > 1


def test_a_server_that_stops_for_ever() -> None:
    with made_up(lambda message: only_info(message, bad(message, "stopping"))) as url:
        client = Client(url, reconnect_s=0.1)
        with pytest.raises(RequestFailed) as caught:
            client.call("say")
        client.close()
    assert caught.value.code == "stopping"


def test_what_stops_a_server_is_not_sent_to_the_next_one() -> None:
    asked: list[str] = []

    def stop(message: dict[str, Any]) -> str | None:
        asked.append(message["method"])
        return only_info(message, bad(message, "stopping"))

    with made_up(stop) as url, Client(url) as client, pytest.raises(RequestFailed):
        client.call("quit", key="")
    assert asked.count("quit") == 1


@pytest.mark.parametrize("what", ["answer", "request"])
def test_what_is_too_long_for_one_of_both_ends_is_not_tried_again(what: str) -> None:
    asked: list[str] = []

    def answer(message: dict[str, Any]) -> str | None:
        asked.append(message["method"])
        return only_info(message, good(message, "x" * MAX_SIZE))

    limit = 2000 if what == "request" else None
    with made_up(answer, max_size=limit) as url, Client(url, reconnect_s=None) as client:
        with pytest.raises(OutcomeUnknown, match=f"an? {what} .*is longer than .* takes") as caught:
            client.call("say", word="x" * 3000, key="k")
        assert (caught.value.key, caught.value.key_holds) == ("k", False)
        with pytest.raises(Unreachable, match="is longer than"):
            client.task(job="x" * 3000)
    assert asked.count("say") == (1 if what == "answer" else 0)
