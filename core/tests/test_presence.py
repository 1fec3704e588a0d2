"""What becomes of requests while what runs them is not there, and of the one that ran when it went."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk import Desk, desk
from gombus.errors import Cancelled, GomRefused, Interrupted, NotReady, ServerStopping, TimedOut
from gombus.model import CANCELLED, COMPLETED, INTERRUPTED, QUEUED
from gombus.presence import Presence
from support import request

LOST = "INSPECT was lost (it closed the connection)"


class Scripted(Presence):
    """Is there, and is lost, when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.noticed = True
        """Whether what is said of it is what is."""
        self.breaks = ""
        """What happens to it in the next handler."""
        self.looked = 0

    def begin(self) -> bool:
        return self.noticed and self.ready

    def broke(self) -> str:
        return self.breaks

    def look(self) -> None:
        self.looked += 1


@pytest.fixture(params=["memory", "sqlite"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where the journal is; None for that in memory."""
    return tmp_path if request.param == "sqlite" else None


@pytest.fixture
def presence() -> Scripted:
    return Scripted()


@pytest.fixture
def made(folder: Path | None, presence: Scripted) -> Iterator[Desk]:
    with desk(request(), request("now", lambda *_: 1, at_once=True), folder=folder, presence=presence) as made:
        yield made


def back(made: Desk, presence: Scripted) -> None:
    """It is there again, and the network thread has heard of it."""
    presence.change("")
    made.jobs.line.release()


def test_one_that_is_always_there() -> None:
    presence = Presence()
    presence.look()
    assert (presence.ready, presence.reason, presence.begin(), presence.broke()) == (True, "", True, "")


def test_a_change_is_told_after_it_can_be_seen() -> None:
    presence = Presence()
    seen: list[tuple[bool, str]] = []
    presence.on_change(lambda: seen.append((presence.ready, presence.reason)))
    presence.change("gone")
    presence.change("")
    assert seen == [(False, "gone"), (True, "")]


def test_whoever_sees_that_it_is_gone_finds_the_reason() -> None:
    class Seen(Presence):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            seen.append((self.ready, self.reason))

    seen: list[tuple[bool, str]] = []
    presence = Seen()
    for reason in ("gone", "still gone", ""):
        presence.change(reason)
    assert (False, "") not in seen
    assert {reason for ready, reason in seen if not ready} == {"gone", "still gone"}


def test_what_nobody_relies_on_is_refused_at_once(made: Desk, presence: Scripted) -> None:
    presence.change("INSPECT is not there")
    (outcome,) = made.say("x")
    assert isinstance(outcome.error, NotReady)
    assert str(outcome.error) == "The server cannot accept requests now: INSPECT is not there."
    (outcome,) = made.say("x", plan=True)
    assert isinstance(outcome.error, NotReady)
    # What never touches gom needs nobody.
    assert made.submit("now")[0].result == 1
    assert made.gom.words == []


def test_tasks_and_keys_are_kept_and_run_in_order_when_it_is_back(made: Desk, presence: Scripted) -> None:
    presence.change("INSPECT is not there")
    first, second = made.say("a", key="a"), made.say("b", task=True)
    made.settle()
    assert first == []
    assert (second[0].result["phase"], second[0].result["position"]) == ("queued", 1)
    assert made.kept(key="a").state == QUEUED
    back(made, presence)
    made.until(lambda: len(made.gom.words) == 2 and not made.bus.unfinished)
    assert made.gom.words == ["a", "b"]
    assert made.kept(key="a").state == COMPLETED


def test_one_that_waits_can_be_cancelled(made: Desk, presence: Scripted) -> None:
    presence.change("INSPECT is not there")
    answers = made.say("a", key="a")
    made.settle()
    job = made.jobs.live("", "a")
    assert job is not None
    assert made.jobs.cancel(job)
    made.settle()
    assert isinstance(answers[0].error, Cancelled)
    back(made, presence)
    made.settle()
    assert (made.gom.words, made.kept(key="a").state) == ([], CANCELLED)


def test_jobs_whose_turn_comes_too_late_wait_again_in_their_order(made: Desk, presence: Scripted) -> None:
    # Short ones, so that several are marked as running at a time.
    for _ in range(60):
        made.run("say", {"word": "short"})
    made.gom.words.clear()
    running = made.hold("first", key="first")
    others = [made.say(word, key=word) for word in "abcde"]
    made.until(lambda: made.journal.unfinished == 0)
    # It goes, and only who begins the next one notices.
    presence.noticed = False
    presence.change("INSPECT is lost")
    made.let_go()
    made.until(lambda: bool(running) and not made.jobs.line.begun)
    made.settle()
    assert [made.kept(key=word).state for word in "abcde"] == [QUEUED] * 5
    assert made.kept(key="a").started is None
    late = made.say("f", key="f")
    made.settle()
    presence.noticed = True
    back(made, presence)
    made.until(lambda: all((*others, late)))
    assert made.gom.words == ["first", *"abcdef"]


def test_one_that_comes_back_while_the_server_stops_is_put_back(made: Desk, presence: Scripted) -> None:
    running = made.hold("first")
    kept = made.say("a", key="a")
    made.until(lambda: made.journal.unfinished == 0)
    presence.noticed = False
    made.bus.stop()
    made.let_go()
    made.until(lambda: bool(running and kept))
    assert isinstance(kept[0].error, ServerStopping)
    assert made.gom.words == ["first"]


@pytest.mark.parametrize("ending", ["returned", "raised", "refused"])
def test_whatever_a_handler_makes_of_it_its_job_is_interrupted(
    ending: str, made: Desk, presence: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    if ending != "returned":
        made.gom.errors["x"] = RuntimeError("no socket") if ending == "raised" else GomRefused("no")
    presence.breaks = LOST
    outcome = made.run("say", {"word": "x"}, key="k")
    assert isinstance(outcome.error, Interrupted)
    assert str(outcome.error).startswith(f"{LOST} while the request ran: its effect is unknown")
    made.settle()
    record = made.kept(key="k")
    assert (record.state, outcome.receipt.members()["state"]) == (INTERRUPTED, INTERRUPTED)  # type: ignore[union-attr]
    assert outcome.receipt.members()["calls"][0]["arguments"] == {"word": "x"}  # type: ignore[union-attr]
    assert "Traceback" not in caplog.text
    # The key stays with it: it is not run again.
    presence.breaks = ""
    again = made.run("say", {"word": "x"}, key="k")
    assert (again.error.code, made.gom.words) == ("interrupted", ["x"])  # type: ignore[union-attr]


def test_a_plan_in_which_it_goes_is_none(made: Desk, presence: Scripted) -> None:
    presence.breaks = LOST
    error = made.run("say", {"word": "x"}, plan=True).error
    assert isinstance(error, NotReady)
    # It is there again already.
    assert str(error) == f"The server cannot accept requests now: {LOST}."
    presence.breaks, presence.noticed = "", False
    assert isinstance(made.run("say", {"word": "x"}, plan=True).error, NotReady)


def test_a_plan_that_fails_because_of_it_is_no_bug(
    made: Desk, presence: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone(BaseException):
        pass

    def look(*_: Any) -> Any:
        raise Gone

    monkeypatch.setattr("gombus.bus.plan", look)
    presence.breaks = LOST
    assert isinstance(made.run("say", {"word": "x"}, plan=True).error, NotReady)
    assert caplog.text == ""


def test_it_is_looked_at_while_something_runs(made: Desk, presence: Scripted) -> None:
    made.hold()
    made.pass_time(3.0)
    assert presence.looked >= 2
    made.let_go()
    made.settle()


def test_one_that_overran_and_is_lost_then_ends_as_interrupted(folder: Path | None, presence: Scripted) -> None:
    with desk(request(timeout_s=5.0), folder=folder, presence=presence) as made:
        answers = made.hold(key="k")
        job = made.jobs.running
        assert job is not None
        job.began_s -= 10.0
        made.pass_time(6.0)
        made.until(lambda: bool(answers))
        assert isinstance(answers[0].error, TimedOut)
        presence.breaks = LOST
        made.let_go()
        made.settle()
        made.until(lambda: made.kept(key="k").late is not None)
        assert '"state": "interrupted"' in made.kept(key="k").late


@pytest.mark.parametrize("key", ["k", ""])
def test_one_that_was_looked_at_before_the_server_stops_and_is_told_of_after_it(
    key: str, folder: Path | None, presence: Scripted
) -> None:
    with desk(request(), folder=folder, presence=presence, by_hand=True) as made:
        answers = made.say("a", key=key)
        made.until(lambda: made.executor.unfinished == 1)
        presence.noticed = False
        made.executor.step()
        made.bus.stop()
        made.until(lambda: bool(answers))
        error = answers[0].error
        assert isinstance(error, ServerStopping)
        assert error.kept is bool(key and folder)
        made.settle()
        assert made.kept(id=answers[0].job).state == (QUEUED if key and folder else CANCELLED)
    assert made.gom.words == []
