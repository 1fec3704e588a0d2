"""How jobs look to clients: tasks, and the errors in which some of them end."""

from __future__ import annotations

import json
from typing import Any

from .errors import Interrupted, Refusal
from .evidence import iso
from .model import INTERRUPTED, OPEN, Outcome, Record
from .receipt import Receipt
from .refusals import error_object, recorded


def failure(outcome: Outcome) -> dict[str, Any]:
    """The JSON-RPC error object of an outcome; that of a job says which one, and what was done before it failed."""
    assert outcome.error is not None
    error = error_object(outcome.error)
    if outcome.job:
        error["data"].setdefault("job", outcome.job)
    if outcome.receipt is not None:
        receipt = outcome.receipt.members()
        if receipt.pop("error", None) and receipt.get("started") is not None:
            error["data"]["receipt"] = receipt
    return error


def kept_outcome(record: Record) -> Outcome:
    """The outcome of a job that ended, as the journal kept it."""
    receipt = Receipt.kept(record.receipt or "{}")
    error = receipt.members().get("error")
    refusal: Refusal | None = recorded(error) if error else None
    return Outcome(error=refusal, job=record.id, receipt=receipt)


def ended_receipt(record: Record, state: str, finished: float, error: Refusal) -> str:
    """The receipt, as JSON text, of a job of which no more is known than its record.

    :param finished: seconds since 1970 (UTC).
    """
    members = {
        "job": record.id,
        "request": record.request,
        "state": state,
        **times(record.accepted, record.started, finished),
        "client": record.client,
        "backend": {"name": record.backend},
        "error": error_object(error),
    }
    return json.dumps(members)


def task_of(record: Record, details: bool = True) -> dict[str, Any]:
    """A job that the journal kept.

    :param details: whether with what came of it.
    """
    status = "working" if record.state in OPEN else record.state
    task = facts(record.id, record.request, status, record.accepted, record.started, record.finished)
    if record.state in OPEN:
        task["phase"] = record.state
    elif details:
        task = ended_task(task, kept_outcome(record))
        if record.late is not None:
            task["late"] = json.loads(record.late)
    return task


def late_unknown(task: dict[str, Any]) -> dict[str, Any]:
    """The task of a job that overran its time, and whose command is no longer running: how it ended is not known."""
    if task.get("error", {}).get("data", {}).get("code") != "timeout" or "late" in task:
        return task
    late = {"job": task["job"], "request": task["request"], "state": INTERRUPTED, "error": error_object(Interrupted())}
    return {**task, "late": late}


def ended_task(task: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """A task's facts with what came of it."""
    if outcome.error is not None:
        return {**task, "error": failure(outcome)}
    assert outcome.receipt is not None
    return {**task, "result": outcome.receipt.members()}


def facts(
    id: str, request: str, status: str, accepted: float, started: float | None, finished: float | None
) -> dict[str, Any]:
    """What is said of every task. Times are seconds since 1970 (UTC)."""
    return {"job": id, "request": request, "status": status, **times(accepted, started, finished)}


def times(accepted: float, started: float | None, finished: float | None) -> dict[str, str | None]:
    """The times of a job in ISO 8601, null where it has not come that far."""
    named = (("accepted", accepted), ("started", started), ("finished", finished))
    return {name: None if seconds is None else iso(seconds) for name, seconds in named}
