"""Scripts that use the real gom client, as programs of their own: importing gom changes its process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from gombus_kit.wire import WireTwin
from programs import environ
from support import WAIT_S

RAISED = """
try:
    {call}
except gom.RequestError as error:
    print(json.dumps([type(error).__name__, error.description, error.error_code, error.error_log]))
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
"""A script that prints what the call raises."""


def start(twin: WireTwin, script: str, url: str = "") -> subprocess.Popen[str]:
    """Start a script against this twin. It prints one JSON text."""
    return subprocess.Popen(
        [sys.executable, "-c", "import json\nimport gom\n" + script],
        env=environ(TOM_PYTHON_API_URL=url or twin.url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def finish(process: subprocess.Popen[str]) -> Any:
    """What it printed."""
    try:
        output, errors = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    return json.loads(output)


def run(twin: WireTwin, script: str) -> Any:
    """Run a script against this twin; what it printed."""
    with start(twin, script) as process:
        return finish(process)
