"""The least that checks requests: JSON and JSON Schema on the event loop, no thread, no plugins, no refusals."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from gombus import read_schema

from .base import run

_is_valid = Draft202012Validator(dict(read_schema("gombus_image_import"))).is_valid


async def answer(connection: Any) -> None:
    """Answer every message."""
    async for message in connection:
        valid = _is_valid(json.loads(message)["bench"])
        await connection.send("O.k." if valid else "Error")


if __name__ == "__main__":
    run(answer)
