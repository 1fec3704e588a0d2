"""What the owner thread is in, and what is said of that which does not return."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk import Clock, Desk, desk
from gombus.watch import LOOK_S, Stay
from rpc import rpc
from support import SAY, WAIT_S, WatchingGom, request, serving

NOT_RETURNED = "has not returned for"
WATCH_S = 60.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which commands are timed."""
    return Clock.of_jobs(monkeypatch)


@pytest.fixture
def watched(clock: Clock) -> Iterator[Desk]:
    """A desk with `say`, which has an hour, and `short`, which has 10 s."""
    with desk(request(), request("short", timeout_s=10.0), watch_s=WATCH_S) as made:
        made.clock = clock
        yield made
        made.let_go()


def stay(made: Desk) -> Stay:
    found = made.jobs.watch.stay()
    assert found is not None
    return found


def test_where_nothing_runs_nothing_is_stuck(watched: Desk) -> None:
    assert watched.jobs.watch.stay() is None
    watched.run(params={"word": "x"})
    watched.settle()
    watched.pass_time(WATCH_S * 10)
    assert watched.jobs.watch.stay() is None


@pytest.mark.parametrize("name", ["say", "short"])
def test_a_command_that_does_not_return_is_reported_once_and_so_is_its_return(
    watched: Desk, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether or not its request has overrun its time by then."""
    answers = watched.hold(name=name)
    watched.pass_time(WATCH_S - 1)
    assert stay(watched) == (SAY, WATCH_S - 1, False)
    assert NOT_RETURNED not in caplog.text
    watched.pass_time(WATCH_S * 5)
    assert stay(watched) == (SAY, WATCH_S * 6 - 1, True)
    assert str(stay(watched)) == f"{SAY} has not returned for 359 s"
    job = watched.jobs.running
    assert job is not None
    assert caplog.text.count(NOT_RETURNED) == 1
    assert f"{name} request, job {job.id}: {SAY} has not returned for 60 s; INSPECT may hang" in caplog.text
    watched.let_go()
    watched.until(lambda: bool(answers))
    watched.settle()
    assert watched.jobs.watch.stay() is None
    assert caplog.text.count(f"{SAY} has returned after 359 s") == 1
    watched.pass_time(WATCH_S * 2)
    assert caplog.text.count("has returned") == 1


def test_each_command_is_reported_for_itself(watched: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        watched.hold()
        watched.pass_time(WATCH_S + LOOK_S)
        watched.let_go()
        watched.settle()
    assert (caplog.text.count(NOT_RETURNED), caplog.text.count("has returned after 61 s")) == (2, 2)


def test_many_commands_that_return_are_not_reported_however_long_they_take_together(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Stay] = []

    def work(params: Any, context: Any) -> None:
        for _ in range(10):
            clock.now_s += WATCH_S - 1
            seen.append(stay(made))
            context.gom.script.test.say(word="x")

    with desk(request(handler=work), watch_s=WATCH_S) as made:
        made.clock = clock
        made.run()
    assert [(found.command, found.seconds, found.stuck) for found in seen] == [("", WATCH_S - 1, False)] * 10
    assert NOT_RETURNED not in caplog.text


@pytest.mark.parametrize("plan", [False, True], ids=["a request", "a plan"])
def test_a_handler_that_reads_of_gom_and_does_not_come_back_is_reported(
    plan: bool, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """What is read of gom.app asks INSPECT, too, and may hang as well."""

    def read(params: Any, context: Any) -> None:
        assert context.gom.app.project.name == "p"
        made.gom.entered.set()
        assert made.gom.go_on.wait(WAIT_S)

    with desk(request(handler=read), watch_s=WATCH_S) as made:
        made.clock = clock
        answers = made.submit(plan=plan)
        made.until(made.gom.entered.is_set)
        made.pass_time(WATCH_S * 3)
        assert stay(made) == ("", WATCH_S * 3, True)
        assert "a handler has not come back for 180 s: it reads gom.app, or works outside gom" in str(stay(made))
        assert caplog.text.count("has not come back for 60 s") == 1
        assert ("a plan: " if plan else "say request, job ") in caplog.text
        made.let_go()
        made.until(lambda: bool(answers))
        made.settle()
        made.pass_time(LOOK_S)
        assert caplog.text.count("what did not come back has returned after 18") == 1
        assert made.jobs.watch.stay() is None


def test_nothing_is_looked_at_any_more_where_nothing_runs(watched: Desk) -> None:
    watched.hold()
    watched.pass_time(WATCH_S * 2)
    assert len(watched.timers) == 1
    watched.let_go()
    watched.settle()
    watched.fire()
    assert watched.timers == []


@pytest.mark.parametrize("journal", ["off", "file"])
def test_clients_see_it_in_info_and_stats_and_see_it_end(journal: str, tmp_path: Path) -> None:
    gom = WatchingGom()
    gom.hold_word = "hold"
    path = "off" if journal == "off" else str(tmp_path / "journal.sqlite3")
    with serving(request(), gom=gom, journal=path, watch_s=0.1) as server, rpc(server) as client:
        running = client.send("say", {"word": "hold"})
        assert gom.entered.wait(WAIT_S)
        while (info := client.call("server/info"))["state"] == "ready":
            assert info["reason"] == ""
        assert info["state"] == "stuck"
        assert info["reason"].startswith(f"{SAY} has not returned for ")
        stats = client.call("server/stats")["running"]
        assert (stats["stuck"], stats["command"]["name"]) == (True, SAY)
        assert stats["seconds"] >= stats["command"]["seconds"] >= 0.1
        # What comes meanwhile is accepted.
        waiting = client.send("say", {"word": "next"})
        assert client.call("server/stats")["queue"] == 1
        gom.go_on.set()
        assert client.result(running)["state"] == client.result(waiting)["state"] == "completed"
        info = client.call("server/info")
        assert (info["state"], info["reason"]) == ("ready", "")
        assert client.call("server/stats")["running"] is None
