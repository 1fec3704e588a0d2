"""Outcomes that no handler returned."""

from __future__ import annotations

import logging

import pytest

from gombus.errors import Cancelled, GomRefused, Interrupted
from gombus.model import COMPLETED, FAILED, INTERRUPTED, Outcome
from gombus.outcomes import NOT_BEGUN, WAITS, esc, refused, state_of

LOG = logging.getLogger("tests")


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome(1), COMPLETED),
        (Outcome(error=GomRefused("no")), FAILED),
        (Outcome(error=Interrupted()), INTERRUPTED),
        (Outcome(error=Interrupted("INSPECT was lost")), INTERRUPTED),
    ],
)
def test_the_state_of_a_job_that_ends_with_it(outcome: Outcome, state: str) -> None:
    assert state_of(outcome) == state


def test_those_that_stand_for_something_are_no_other() -> None:
    assert NOT_BEGUN is not WAITS
    assert (state_of(NOT_BEGUN), state_of(WAITS)) == (FAILED, FAILED)


def test_a_refusal_is_logged_with_what_inspect_said(caplog: pytest.LogCaptureFixture) -> None:
    error = GomRefused("Broken file", "GAPP-0001", "a\nlog")
    assert refused(LOG, "client:1", "say", error) == Outcome(error=error)
    refused(LOG, "client:1", "say", Cancelled("It was cancelled."))
    assert caplog.messages == [
        "client:1: say request: gom_refused: GAPP-0001 Broken file 'a\\nlog'",
        "client:1: say request: cancelled: It was cancelled.",
    ]


def test_esc_stops_the_server(caplog: pytest.LogCaptureFixture) -> None:
    outcome = esc(LOG, "client:1", "say")
    assert (outcome.stop, str(outcome.error)) == (True, "The user stopped the script in INSPECT.")
    assert caplog.messages == ["client:1: say request: the user pressed Esc in INSPECT; gombus stops"]
