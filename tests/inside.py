"""gombus as a script inside INSPECT: gom is imported first, as by the App's start script; the wire twin is INSPECT."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from gombus_kit.app.trial import Started
from gombus_kit.wire import WireTwin
from programs import environ
from support import WAIT_S

SCRIPT = "import gom, pathlib; from gombus.inspect.script import main; main(pathlib.Path('none'))"
INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "auto", "GOMBUS_PORT": "0"}


@contextmanager
def inside(twin: WireTwin, folder: Path, script: str = SCRIPT, **more: str) -> Iterator[Started]:
    """gombus inside this INSPECT; ended with the block."""
    settings = folder / "gombus.toml"
    settings.touch()
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environ(TOM_PYTHON_API_URL=twin.url, GOMBUS_CONFIG=str(settings), **{**INSTALLED, **more}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    running = Started(process)
    try:
        yield running
    finally:
        running.kill()


@contextmanager
def connected(running: Started) -> Iterator[ClientConnection]:
    """A client of it."""
    with connect(running.url, proxy=None) as connection:
        yield connection


def ask(connection: ClientConnection, message: Any) -> Any:
    """Send one message; its answer, from JSON where the message is no text."""
    connection.send(message if isinstance(message, str) else json.dumps(message))
    answer = connection.recv(WAIT_S)
    return answer if isinstance(message, str) else json.loads(answer)
