"""What came of a request, in lines of text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Callable

FlagOf = Callable[[str], str]
"""Gives what the parameter at a JSON Pointer is given with."""

SHORT = 12
"""How many digits of a SHA-256 are shown."""


def receipt_lines(receipt: Any, seconds: float) -> Iterator[str]:
    """What a request that was carried out did.

    :param receipt: receipt, or what a request type that runs at once returned.
    :param seconds: how long the client waited.
    """
    if not isinstance(receipt, dict) or "job" not in receipt:
        yield "O.k." if receipt is None else _json(receipt)
        return
    yield f"{receipt.get('state', '?')} in {seconds:.1f} s, job {receipt['job']}"
    for made in receipt.get("created", ()):
        yield f"created {made['kind']} {made['name']}"
    for file in receipt.get("files", ()):
        changed = ", changed meanwhile" if file.get("changed") else ""
        yield f"file {_name(file)}, {file['size']} bytes, sha256 {str(file['sha256'])[:SHORT]}…{changed}"
    if receipt.get("value") is not None:
        yield f"value {_json(receipt['value'])}"


def plan_lines(plan: Mapping[str, Any], flag_of: FlagOf) -> Iterator[str]:
    """What a request would do, and what would keep it from that."""
    for call in plan.get("calls", ()):
        arguments = ", ".join(f"{name}={_json(value)}" for name, value in call["arguments"].items())
        yield f"would call {call['command']}({arguments})"
    for file in plan.get("files", ()):
        if file["size"] is not None:
            yield f"would read {_name(file)}, {file['size']} bytes"
    for failing in plan.get("failing", ()):
        for problem in _problems(failing, flag_of) or [failing["message"]]:
            yield f"would fail: {problem} ({failing['code']})"
    if plan.get("stops"):
        yield "would stop the server"
    yield "nothing was run"


def task_line(task: Mapping[str, Any]) -> str:
    """How a job stands."""
    phase = task.get("phase", task["status"])
    before = f", {task['position']} before it" if task.get("position") else ""
    return f"job {task['job']}: {phase}{before}"


def error_lines(error: Mapping[str, Any], flag_of: FlagOf, key: str = "") -> Iterator[str]:
    """Why a request was refused or failed, and where a job came of it, which.

    :param error: JSON-RPC error object of a gombus server.
    :param key: the request's idempotency key; empty where it has none.
    """
    data = error.get("data", {})
    code = data.get("code", error["code"])
    problems = _problems(data, flag_of)
    if problems:
        yield f"Error: some parameters are not allowed ({code})"
        for problem in problems:
            yield f"  {problem}"
    else:
        yield f"Error: {error['message']} ({code})"
    if data.get("job"):
        yield f"job {data['job']}, key {key}" if key else f"job {data['job']}"


def _problems(data: Mapping[str, Any], flag_of: FlagOf) -> list[str]:
    return [f"{flag_of(problem['pointer'])}: {problem['message']}" for problem in data.get("errors", ())]


def unanswered_lines(reason: str, key: str, key_holds: bool) -> Iterator[str]:
    """Why there is no answer, and how there may be one.

    :param key: the request's idempotency key; empty where it has none, or was not sent.
    :param key_holds: whether the server still knows the key when it is there again.
    """
    yield f"Error: {reason}"
    if key and key_holds:
        yield f"The same command with --key {key} gives its result."
    elif key:
        yield f"Look into INSPECT's project before you send it again; its key was {key}."


def _name(file: Mapping[str, Any]) -> str:
    # Who sent it knows it by what was sent.
    return f"{file['sent']} ({file['path']})" if "sent" in file else str(file["path"])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
