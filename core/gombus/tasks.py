"""How jobs look to clients: tasks, and the errors in which some of them end."""

from __future__ import annotations

import json
from typing import Any

from .errors import NotReady, Refusal
from .evidence import iso
from .model import COMPLETED, OPEN, Outcome, Record
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
    if flaw(record):
        damaged = NotReady(f"its journal's record of job {record.id} is damaged, so how it ended is not known")
        return Outcome(error=damaged, job=record.id)
    receipt = Receipt.kept(record.receipt or "")
    error = receipt.members().get("error")
    refusal: Refusal | None = recorded(error) if error else None
    return Outcome(error=refusal, job=record.id, receipt=receipt)


def flaw(record: Record) -> str:
    """What is wrong with the receipt of a job that ended, as the journal kept it; empty where nothing is."""
    members = json_object(record.receipt)
    if members is None:
        return "is no JSON object"
    if members.get("job") != record.id:
        return "is not that of this job"
    if members.get("state") != record.state:
        return "does not say how the job ended"
    if "error" in members or record.state != COMPLETED:
        return "" if _says_why(members.get("error")) else "has no error, or one that says nothing"
    return ""


def _says_why(error: object) -> bool:
    """Whether this is an error object as `error_object` makes it."""
    if not isinstance(error, dict) or not isinstance(error.get("data"), dict):
        return False
    return isinstance(error.get("message"), str) and isinstance(error["data"].get("code"), str)


def json_object(text: object) -> dict[str, Any] | None:
    """The JSON object that a journal kept as text; None where it is none."""
    try:
        value = json.loads(text)  # type: ignore[arg-type]  # a damaged journal may have anything there
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


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
            task["late"] = json_object(record.late)
    return task


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
