"""How jobs look to clients: tasks, and the errors in which some of them end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gombus import errors
from gombus.errors import Problem, Refusal
from gombus.model import CANCELLED, COMPLETED, ENDED, FAILED, INTERRUPTED, OPEN, Outcome, Record
from gombus.receipt import Receipt
from gombus.refusals import error_object
from gombus.tasks import ended_receipt, failure, flaw, kept_outcome, task_of, times

RECORD = Record("j", "say", "{}", "client:1", "watching", COMPLETED, 1.0, 2.0, 3.5)
ACCEPTED, STARTED, FINISHED = "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:02.000Z", "1970-01-01T00:00:03.500Z"
FACTS = {"job": "j", "request": "say", "accepted": ACCEPTED, "started": STARTED, "finished": FINISHED}
REFUSED = errors.GomRefused("no such thing", "E-1", "log")


def receipt(error: Refusal | None = None, **members: Any) -> Receipt:
    """A receipt as a job makes it."""
    made = {"job": "j", "state": FAILED if error else COMPLETED, "started": STARTED, **members}
    return Receipt(lambda: made if error is None else {**made, "error": error_object(error)})


def test_times_are_utc_with_milliseconds_and_null_where_it_has_not_come_that_far() -> None:
    assert times(0.0, None, None) == {"accepted": "1970-01-01T00:00:00.000Z", "started": None, "finished": None}
    assert times(1.0, 2.0, 3.5) == {"accepted": ACCEPTED, "started": STARTED, "finished": FINISHED}
    assert times(1795490218.1234, None, None)["accepted"] == "2026-11-24T03:16:58.123Z"


# Errors.


def test_an_error_that_is_no_job_s_says_nothing_of_one() -> None:
    assert failure(Outcome(error=errors.ServerStopping("It stops."))) == {
        "code": -32802,
        "message": "It stops.",
        "data": {"code": "stopping"},
    }


def test_an_error_of_a_job_that_was_begun_has_its_id_and_what_was_done() -> None:
    made = receipt(REFUSED, calls=[1])
    error = failure(Outcome(error=REFUSED, job="j", receipt=made))
    assert error["data"] == {
        "code": "gom_refused",
        **REFUSED.details(),
        "job": "j",
        "receipt": {"job": "j", "state": FAILED, "started": STARTED, "calls": [1]},
    }
    # Made anew each time, so that nobody changes it for another.
    error["data"]["receipt"].clear()
    assert failure(Outcome(error=REFUSED, job="j", receipt=made))["data"]["receipt"]["calls"] == [1]


def test_an_error_of_a_job_that_was_not_begun_has_its_id_alone() -> None:
    made = receipt(errors.Cancelled("no"), started=None)
    assert failure(Outcome(error=errors.Cancelled("no"), job="j", receipt=made))["data"] == {
        "code": "cancelled",
        "job": "j",
    }


def test_a_conflict_names_the_job_that_has_the_key() -> None:
    assert failure(Outcome(error=errors.Conflict("other"), job="j"))["data"] == {"code": "conflict", "job": "other"}


ONE_OF_EACH: list[Refusal] = [
    REFUSED,
    errors.InvalidParams((Problem("/word", "type", "5 is not allowed"),)),
    errors.TimedOut("say", 10.0),
    errors.Interrupted(),
    errors.Cancelled("It was cancelled."),
    errors.InternalError("say"),
    type("Locked", (errors.FileUnreadable,), {})("It is locked."),
]


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_an_error_that_was_kept_is_told_as_it_was(error: Refusal) -> None:
    made = receipt(error)
    kept = kept_outcome(RECORD._replace(state=FAILED, receipt=made.text))
    assert failure(kept) == failure(Outcome(error=error, job="j", receipt=made))
    # Also where it is kept and read once more.
    again = kept_outcome(RECORD._replace(state=FAILED, receipt=receipt(kept.error).text))
    assert failure(again) == failure(kept)


def test_what_completed_is_told_as_it_was_kept() -> None:
    outcome = kept_outcome(RECORD._replace(receipt=receipt(value=[1]).text))
    assert (outcome.error, outcome.job) == (None, "j")
    assert outcome.receipt is not None
    assert outcome.receipt.members()["value"] == [1]


@pytest.mark.parametrize(("state", "started"), [(INTERRUPTED, 2.0), (CANCELLED, None)])
def test_a_receipt_of_one_of_which_only_the_record_is_known(state: str, started: float | None) -> None:
    text = ended_receipt(RECORD._replace(started=started), state, 4.0, errors.Interrupted())
    assert json.loads(text) == {
        "job": "j",
        "request": "say",
        "state": state,
        "accepted": ACCEPTED,
        "started": started and STARTED,
        "finished": "1970-01-01T00:00:04.000Z",
        "client": "client:1",
        "backend": {"name": "watching"},
        "error": {"code": -32803, "message": str(errors.Interrupted()), "data": {"code": "interrupted"}},
    }
    assert text.isascii()


# Tasks.


@pytest.mark.parametrize("state", OPEN)
def test_a_task_that_is_open(state: str) -> None:
    record = RECORD._replace(state=state, started=None, finished=None)
    for details in (True, False):
        assert task_of(record, details) == {
            **FACTS,
            "started": None,
            "finished": None,
            "status": "working",
            "phase": state,
        }


def test_a_task_that_completed_has_its_receipt() -> None:
    record = RECORD._replace(receipt=receipt(value=1).text)
    assert task_of(record) == {**FACTS, "status": COMPLETED, "result": receipt(value=1).members()}


@pytest.mark.parametrize("state", [FAILED, CANCELLED, INTERRUPTED])
def test_a_task_that_did_not_complete_has_the_error_that_its_client_was_told(state: str) -> None:
    made = receipt(REFUSED, state=state)
    task = task_of(RECORD._replace(state=state, receipt=made.text))
    assert task == {
        **FACTS,
        "status": state,
        "error": failure(Outcome(error=REFUSED, job="j", receipt=made)),
    }


def test_a_task_that_overran_has_what_came_late() -> None:
    late = {"job": "j", "state": COMPLETED, "value": 5}
    error = errors.TimedOut("say", 10.0)
    task = task_of(RECORD._replace(state=FAILED, receipt=receipt(error).text, late=json.dumps(late)))
    assert (task["error"]["data"]["code"], task["late"]) == ("timeout", late)


@pytest.mark.parametrize(
    ("state", "text", "what"),
    [
        (COMPLETED, None, "is no JSON object"),
        (COMPLETED, '{"cut', "is no JSON object"),
        (COMPLETED, "[]", "is no JSON object"),
        (COMPLETED, "[" * 100_000, "is no JSON object"),
        (COMPLETED, b"\xff", "is no JSON object"),
        (COMPLETED, '{"job": "k", "state": "completed"}', "is not that of this job"),
        (COMPLETED, '{"job": "j", "state": "failed"}', "does not say how the job ended"),
        (FAILED, '{"job": "j", "state": "failed"}', "has no error, or one that says nothing"),
        (FAILED, '{"job": "j", "state": "failed", "error": []}', "has no error, or one that says nothing"),
        (FAILED, '{"job": "j", "state": "failed", "error": {"data": {}}}', "has no error, or one that says nothing"),
        (
            FAILED,
            '{"job": "j", "state": "failed", "error": {"message": "x", "data": {}}}',
            "has no error, or one that says nothing",
        ),
        (COMPLETED, '{"job": "j", "state": "completed", "error": 5}', "has no error, or one that says nothing"),
    ],
)
def test_one_whose_receipt_is_damaged_is_told_so(state: str, text: Any, what: str) -> None:
    record = RECORD._replace(state=state, receipt=text)
    assert flaw(record) == what
    error = failure(kept_outcome(record))
    assert (error["data"], "record of job j is damaged" in error["message"]) == (
        {"code": "not_ready", "job": "j"},
        True,
    )
    assert task_of(record) == {**FACTS, "status": state, "error": error}


def test_a_late_receipt_that_is_damaged_is_left_out() -> None:
    record = RECORD._replace(state=FAILED, receipt=receipt(errors.TimedOut("say", 10.0)).text, late="[")
    assert task_of(record)["late"] is None


@pytest.mark.parametrize("state", ENDED)
def test_in_a_list_a_task_is_short(state: str) -> None:
    record = RECORD._replace(state=state, receipt=receipt(REFUSED).text, late="{}")
    assert task_of(record, details=False) == {**FACTS, "status": state}
