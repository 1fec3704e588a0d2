"""Inside the server: a request type whose gom command writes down every call, before it does anything else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gombus import Context, JsonObject, Legacy, Request, hookimpl

if TYPE_CHECKING:
    from gombus_kit.twin import Twin

NAME = "say"
COMMAND = "gom.script.fuzz.say"
REFUSED = "no"
"""Words that begin so are refused by the command."""
MAX_WORD = 32
MODES = ("loud", "quiet")
MAX_LEVEL = 10
SCHEMA: JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Say a word",
    "description": "Writes one word down.",
    "type": "object",
    "properties": {
        "word": {"description": "a short word", "type": "string", "maxLength": MAX_WORD},
        "level": {"description": "how loud", "type": "number", "minimum": 0, "maximum": MAX_LEVEL},
        "mode": {"description": "in which way", "enum": [*MODES]},
        "file": {"description": "a file", "type": "string", "maxLength": 1024},
    },
    "required": ["word"],
    "additionalProperties": False,
}

_file = -1


def open_calls(path: Path) -> None:
    """Write the calls there: one JSON text a line. Called once, before the first server is made."""
    global _file
    _file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)


def call(word: str) -> None:
    """What the command does first."""
    os.write(_file, (json.dumps(word) + "\n").encode())


def say(params: JsonObject, context: Context) -> dict[str, Any]:
    """The handler."""
    context.gom.script.fuzz.say(word=params["word"])
    context.progress(1, 1, params["word"])
    context.log.info("said %s", params["word"])
    return {"word": params["word"]}


@hookimpl
def gombus_requests() -> list[Request]:
    """What this plugin serves."""
    legacy = Legacy(required=("word",), texts={"gom_refused": "Could not say {word}."})
    return [Request(name=NAME, schema=SCHEMA, handler=say, commands=(COMMAND,), files=("file",), legacy=legacy)]


@hookimpl(optionalhook=True)
def gombus_simulate(twin: Twin) -> None:
    """Teach the twin the command."""

    @twin.command(COMMAND)
    def command(word: str) -> None:
        call(word)
        if word.startswith(REFUSED):
            raise twin.RequestError(f"It does not say {word}", "FUZZ-0001", f"log of {word}")
