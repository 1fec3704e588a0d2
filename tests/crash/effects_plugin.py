"""Inside the server: two request types, one short, one long, whose command leaves traces that outlive the process."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import points

from gombus import Context, FileUnreadable, JsonObject, Request, hookimpl

if TYPE_CHECKING:
    from gombus_kit.twin import Twin

REQUEST = "crash_effect"
LONG = "crash_long"
"""As the other, but of each job that comes to its command it is known that it takes at least `LONG_MS`."""
REQUESTS = (REQUEST, LONG)
LONG_MS = 10
COMMAND = "gom.script.crash.effect"
BEGIN, END = "begin", "end"
"""The words of the effects file: ``begin 17`` before the effect of job number 17, ``end 17`` after it."""

_SCHEMA: JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Leave a trace",
    "description": "Writes down that it was begun and that it was finished.",
    "type": "object",
    "properties": {
        "number": {"description": "which job this is", "type": "integer", "minimum": 1, "maximum": 1_000_000_000},
        "work_ms": {"description": "how long it takes, in ms", "type": "integer", "minimum": 0, "maximum": 100},
        "refuse": {"description": "whether the command refuses when it is begun", "type": "boolean"},
        "missing": {"description": "whether it is refused before the command is called", "type": "boolean"},
    },
    "required": ["number", "work_ms", "refuse", "missing"],
    "additionalProperties": False,
}

_file = -1


def open_effects(path: Path) -> None:
    """Write the effects there. Called once, before the server is made."""
    global _file
    _file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)


def leave_trace(params: JsonObject, context: Context) -> dict[str, Any]:
    """The handler, with the points before and after the command."""
    points.reach(points.RUNNING)
    if params["missing"]:
        raise FileUnreadable("It was told to miss its file")
    context.gom.script.crash.effect(**{name: params[name] for name in ("number", "work_ms", "refuse")})
    points.reach(points.EFFECT)
    context.created("trace", str(params["number"]))
    return {"number": params["number"]}


@hookimpl
def gombus_requests() -> list[Request]:
    """What this plugin serves."""
    return [Request(name=name, schema=_SCHEMA, handler=leave_trace, commands=(COMMAND,)) for name in REQUESTS]


@hookimpl(optionalhook=True)
def gombus_simulate(twin: Twin) -> None:
    """Teach the twin the command."""

    @twin.command(COMMAND)
    def effect(number: int, work_ms: int, refuse: bool) -> None:
        os.write(_file, f"{BEGIN} {number}\n".encode())
        if refuse:
            raise twin.RequestError("It was told to refuse", "CRASH-0001")
        if work_ms:
            # The work itself: nothing could be waited for that would take as long.
            time.sleep(work_ms / 1000)
        os.write(_file, f"{END} {number}\n".encode())
