"""A plugin for tests of secrets: its handlers do what a careless one could do with INSPECT's key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from gombus import Refusal, Request, hookimpl, redaction
from gombus.inspect.address import ADDRESS

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Tell",
    "description": "Tells what it knows.",
    "type": "object",
    "properties": {"how": {"description": "how", "enum": ["children", "bug", "refusal"]}},
    "required": ["how"],
    "additionalProperties": False,
}
SCRIPT = "import json, os; print(json.dumps(dict(os.environ)))"
"""What a child says of its environment."""


def tell(params: Any, context: Any) -> Any:
    """Start a child and give its environment, or fail with the key in the words."""
    if params["how"] == "children":
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
        return [json.loads(done.stdout), dict(os.environ)]
    client = sys.modules.get("gom")
    # Where another process holds gom, the one place that has the key is the list of what is hidden.
    address = client.__config__.server_url if client else f"{os.environ[ADDRESS]}?apikey={redaction._hidden[0]}"
    context.log.debug("the address is %s", address)
    if params["how"] == "bug":
        raise RuntimeError(f"Handshake status 403 for {address}")
    raise Refusal(f"No connection to {address}")


@hookimpl
def gombus_requests() -> list[Request]:
    """The request type `tell`."""
    return [Request(name="tell", schema=SCHEMA, handler=tell)]
