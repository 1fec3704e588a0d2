"""Outcomes that no handler returned, and what an outcome makes of its job."""

from __future__ import annotations

import logging

from . import errors
from .errors import Refusal
from .model import COMPLETED, FAILED, INTERRUPTED, Outcome
from .refusals import code_of
from .validation import shown

NOT_BEGUN = Outcome(error=errors.ServerStopping("The server is stopping; the request was not started."))
"""Stands for a job whose handler was not begun before the server was stopped."""
WAITS = Outcome(error=errors.NotReady("the backend is not there."))
"""Stands for a job whose handler was not begun, and waits until the backend is there."""


def state_of(outcome: Outcome) -> str:
    """The state in which a job ends with this outcome."""
    if isinstance(outcome.error, errors.Interrupted):
        return INTERRUPTED
    return COMPLETED if outcome.error is None else FAILED


def refused(log: logging.Logger, client: str, name: str, error: Refusal) -> Outcome:
    """The outcome of a request that is refused; the log says so.

    :param client: its address.
    :param name: of the request type.
    """
    text = str(error)
    if isinstance(error, errors.GomRefused):
        text = f"{error.error_code} {error.description} {shown(error.error_log)}"
    log.warning("%s: %s request: %s: %s", client, name, code_of(error), text)
    return Outcome(error=error)


def esc(log: logging.Logger, client: str, name: str) -> Outcome:
    """The outcome of a request in which the user pressed Esc in INSPECT; the log says so."""
    log.warning("%s: %s request: the user pressed Esc in INSPECT; gombus stops", client, name)
    return Outcome(error=errors.GomRefused("The user stopped the script in INSPECT."), stop=True)
