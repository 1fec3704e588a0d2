"""What becomes of the jobs that were open when the last server ended."""

from __future__ import annotations

import json

import pytest

from gombus.journal import Ending
from gombus.journal.recovery import left_over
from gombus.model import COMPLETED, FAILED, INTERRUPTED, RUNNING
from journals import interrupted, record

NOW = 1_700_000_000.0


def plain(ending: Ending) -> tuple[object, ...]:
    """An ending whose receipt can be compared."""
    return (*ending[:4], json.loads(ending.receipt.text), ending.ran)


def test_what_ran_is_interrupted_and_what_was_queued_stays() -> None:
    ran, queued = record(RUNNING, started=5.0), record()
    endings, late = left_over([ran, queued], [], interrupted, NOW)
    members = json.loads(interrupted(ran._replace(state=INTERRUPTED, finished=NOW)))
    assert [plain(ending) for ending in endings] == [(ran.id, INTERRUPTED, 5.0, NOW, members, True)]
    assert late == []


def test_a_receipt_that_reached_the_log_says_how_its_job_ended() -> None:
    jobs = [record(RUNNING, started=5.0), record()]
    logged = [
        {"job": jobs[0].id, "state": FAILED, "finished": "2023-11-14T22:13:10.500Z"},
        {"job": jobs[1].id, "state": COMPLETED},
    ]
    endings, late = left_over(jobs, logged, interrupted, NOW)
    assert [plain(ending) for ending in endings] == [
        (jobs[0].id, FAILED, 5.0, NOW - 9.5, logged[0], False),
        (jobs[1].id, COMPLETED, None, NOW, logged[1], False),
    ]
    assert late == []


def test_a_second_receipt_of_a_job_is_a_late_one() -> None:
    overran = record(RUNNING)
    logged = [
        {"job": overran.id, "state": FAILED},
        {"job": overran.id, "state": COMPLETED},
        {"job": "x", "state": FAILED},
    ]
    endings, late = left_over([overran], logged, interrupted, NOW)
    assert [(ending.id, ending.state) for ending in endings] == [(overran.id, FAILED)]
    assert [(id, json.loads(receipt.text)) for id, receipt in late] == [(overran.id, logged[1]), ("x", logged[2])]


@pytest.mark.parametrize("members", [{}, {"state": "queued"}, {"state": None}, {"state": []}])
def test_a_receipt_that_says_no_end_is_none(members: dict[str, object]) -> None:
    ran = record(RUNNING)
    endings, _ = left_over([ran], [{"job": ran.id, **members}], interrupted, NOW)
    assert [ending.state for ending in endings] == [INTERRUPTED]
