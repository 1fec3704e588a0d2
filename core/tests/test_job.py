"""One job: who may run it, who is told what of it, and how it looks."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from typing import Any

import pytest

from desk import BACKEND, Asker
from gombus import errors
from gombus.config import Settings
from gombus.followers import MAX_FOLLOWERS, PROGRESS, STATUS
from gombus.guard import Guard
from gombus.ids import JobIds
from gombus.job import Job, origin
from gombus.model import COMPLETED, FAILED, NO_META, QUEUED, RUNNING, Call, Meta, Outcome, Record
from gombus.registry import Registry
from gombus.tasks import ended_receipt
from support import WatchingGom, plugin, request

KINDS = Registry(
    Settings(), [plugin(request(), request("plain", commands=()), request("now", lambda *_: None, at_once=True))]
).types
_ids = JobIds()


def job(name: str = "say", meta: Meta = NO_META, digest: str | None = None) -> Job:
    """A new job."""
    kind = KINDS[name]
    return Job(_ids.new(), Call(name, {"word": "µ"}, meta=meta), kind, "client:1", digest, origin(kind, BACKEND))


def ended(made: Job, state: str = COMPLETED, outcome: Outcome | None = None) -> Job:
    """The job, after its end was kept."""
    made.state, made.finished, made.told = state, made.accepted + 1.0, True
    outcome = outcome or Outcome("X")
    made.outcome = outcome._replace(job=made.id, receipt=made.receipt(outcome))
    return made


def test_only_the_first_may_run_or_cancel_it() -> None:
    for _ in range(200):
        made, got = job(), []
        begin = threading.Barrier(4)

        def ask(made: Job = made, got: list[bool] = got, begin: threading.Barrier = begin) -> None:
            begin.wait()
            got.append(made.claim())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [False] * 3 + [True]
        assert not made.claim()


@pytest.mark.parametrize(
    ("meta", "lasts"),
    [
        (NO_META, False),
        (Meta(progress_token="p", schema_hash="h"), False),
        (Meta(key="k"), True),
        (Meta(task=True), True),
    ],
)
def test_a_client_relies_on_it_beyond_its_connection_where_it_can_ask_for_it_again(meta: Meta, lasts: bool) -> None:
    assert job(meta=meta).lasting == lasts
    made = job(meta=meta)
    made.recovered = True
    assert made.lasting


@pytest.mark.parametrize(
    ("name", "state", "called", "expected"),
    [
        ("say", COMPLETED, True, True),
        ("say", COMPLETED, False, False),
        ("say", FAILED, True, False),
        ("plain", COMPLETED, False, True),
        ("plain", FAILED, False, False),
    ],
)
def test_it_was_carried_out_where_it_completed_and_came_to_gom(
    name: str, state: str, called: bool, expected: bool
) -> None:
    made = job(name)
    assert not made.carried_out
    made.gom = Guard(WatchingGom(), name, made.kind.request.commands).gom()
    if called:
        made.gom.script.test.say(word="x")
    assert ended(made, state).carried_out == expected


# Who is told.


def test_a_task_is_told_of_its_acceptance_and_all_others_of_its_end() -> None:
    made, tasks, plain = job(), list[Outcome](), list[Outcome]()
    made.follow(Asker(), NO_META, plain.append)
    made.follow(Asker(), Meta(task=True), tasks.append)
    made.wait(plain.append)
    made.answer_tasks()
    made.answer_tasks()
    assert (tasks, plain) == ([Outcome(made.task(), job=made.id)], [])
    outcome = Outcome("X")
    made.answer(outcome)
    made.answer(outcome)
    assert (len(tasks), plain) == (1, [outcome, outcome])


def test_where_it_is_not_accepted_all_are_told() -> None:
    made, answers = job(), list[Outcome]()
    made.follow(Asker(), Meta(task=True), answers.append)
    made.follow(Asker(), NO_META, answers.append)
    outcome = Outcome(error=errors.NotReady("full"))
    made.answer(outcome, tasks=True)
    made.answer_tasks()
    assert answers == [outcome, outcome]


def test_where_its_key_has_another_job_all_are_told_of_that() -> None:
    made, tasks, plain = job(), list[Outcome](), list[Outcome]()
    made.follow(Asker(), NO_META, plain.append)
    made.follow(Asker(), Meta(task=True), tasks.append)
    record = Record("other", "say", "{}", "client:2", "watching", FAILED, 1.0, None, 2.0)
    record = record._replace(receipt=ended_receipt(record, FAILED, 2.0, errors.Cancelled("It was cancelled.")))
    made.answer_recorded(record)
    assert (plain[0].job, str(plain[0].error)) == ("other", "It was cancelled.")
    assert (tasks[0].job, tasks[0].result["status"], tasks[0].error) == ("other", FAILED, None)


def test_clients_that_ask_with_its_key_and_leave_again_and_again_are_forgotten() -> None:
    made, answers = job(), list[Outcome]()
    made.follow(Asker(), NO_META, answers.append)
    made.wait(answers.append)
    for _ in range(10 * MAX_FOLLOWERS):
        left = Asker()
        made.follow(left, NO_META, answers.append)
        left.gone = True
    made.answer(Outcome("X"))
    assert 2 <= len(answers) <= MAX_FOLLOWERS + 1


def test_one_that_cannot_take_it_does_not_keep_the_others_from_it(caplog: pytest.LogCaptureFixture) -> None:
    made, answers = job(), list[Outcome]()

    def broken(outcome: Outcome) -> None:
        raise ZeroDivisionError

    for done in (broken, answers.append):
        made.follow(Asker(), NO_META, done)
        made.follow(Asker(), Meta(task=True), done)
    made.answer_tasks()
    made.answer(Outcome("X"))
    assert answers == [Outcome(made.task(), job=made.id), Outcome("X")]
    assert caplog.text.count("bug in what takes an outcome") == 2


def test_its_followers_are_told_of_its_state_and_of_its_progress() -> None:
    made, asker, other = job(), Asker(), Asker("client:2")
    made.follow(asker, Meta(task=True, progress_token=5), lambda outcome: None)
    made.follow(other, Meta(task=True), lambda outcome: None)
    made.tell_status()
    made.followers.report(lambda action: action(), lambda seconds, action: None, 1.0, 2.0, "half")
    assert asker.notified == [
        (STATUS, {name: value for name, value in made.task().items() if name != "progress"}),
        (PROGRESS, {"progressToken": 5, "progress": 1.0, "total": 2.0, "message": "half"}),
    ]
    assert other.notified == asker.notified[:1]


# How it looks.


def test_the_journal_keeps_what_is_needed_to_run_it_again() -> None:
    made = job(meta=Meta(key="k"), digest="d")
    record = made.record("watching", True)
    assert record == Record(
        made.id, "say", '{"word": "\\u00b5"}', "client:1", "watching", QUEUED, made.accepted, key="k", digest="d"
    )
    assert made.record("watching", False) == record._replace(params="")
    assert job().record("watching", True).key is None


def test_a_task_while_it_waits_runs_and_after_its_end() -> None:
    made = job()
    made.where = lambda asked: 3 if asked is made else -1
    task = made.task()
    assert list(task) == ["job", "request", "status", "accepted", "started", "finished", "phase", "position"]
    assert (task["status"], task["phase"], task["position"]) == ("working", QUEUED, 3)
    assert (task["started"], task["finished"]) == (None, None)
    # It is marked in the journal, and its turn has not come.
    made.state = RUNNING
    assert made.task() == task
    made.started, made.began_s = made.accepted, 5.0
    made.followers.report(lambda action: action(), lambda seconds, action: None, 1.0, 2.0, "half")
    running = made.task()
    assert (running["phase"], running["started"], "position" in running) == (RUNNING, task["accepted"], False)
    assert running["progress"] == {"progress": 1.0, "total": 2.0, "message": "half"}
    # Its end is not kept yet, so nobody may know.
    ended(made)
    made.told = False
    assert {**made.task(), "finished": None} == running
    made.told = True
    task = made.task()
    assert list(task) == ["job", "request", "status", "accepted", "started", "finished", "result"]
    assert (task["status"], task["result"]["value"]) == (COMPLETED, "X")


def test_a_task_that_runs_at_once_is_never_queued() -> None:
    task = job("now").task()
    assert (task["phase"], "position" in task) == (RUNNING, False)


def test_a_task_that_failed_has_the_error_and_what_was_done() -> None:
    made = job()
    made.started = made.accepted
    task = ended(made, FAILED, Outcome(error=errors.Refusal("no"))).task()
    assert (task["status"], "result" in task) == (FAILED, False)
    assert (task["error"]["message"], task["error"]["data"]["receipt"]["job"]) == ("no", made.id)


def test_a_receipt_is_of_the_time_at_which_it_was_made() -> None:
    made = job()
    ended(made, FAILED, Outcome(error=errors.Refusal("no")))
    assert made.outcome is not None
    receipt = made.outcome.receipt
    assert receipt is not None
    # The command that overran ends.
    made.finished = made.accepted + 100.0
    late = made.receipt(Outcome("late"), COMPLETED)
    assert (receipt.members()["state"], late.members()["state"]) == (FAILED, COMPLETED)
    assert receipt.members()["finished"] < late.members()["finished"]
    assert json.loads(late.text)["value"] == "late"


def test_nothing_of_it_stays_when_it_is_let_go() -> None:
    class Watched(Job):
        __slots__ = ("__weakref__",)

    made: Any = Watched(_ids.new(), Call("say", {}), KINDS["say"], "client:1", None, "{}")
    made.follow(Asker(), Meta(task=True), lambda outcome: None)
    receipt = ended(made).outcome.receipt
    gone = weakref.ref(made)
    gc.disable()
    try:
        del made
        assert gone() is None
    finally:
        gc.enable()
    assert receipt.members()["value"] == "X"
