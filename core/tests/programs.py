"""The command `gombus` as a program of its own, with the plugin of `serve_plugin.py` and no other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import WAIT_S

HERE = Path(__file__).resolve().parent
ENVIRON = {
    "GOMBUS_PLUGIN_MODULES": "serve_plugin",
    "GOMBUS_PLUGINS_ENABLED": "serve_plugin",
    "GOMBUS_BACKEND": "watching",
    "GOMBUS_JOURNAL": "off",
    "GOMBUS_TOKENS": "off",
}


def environ(**more: str) -> dict[str, str]:
    """The environment of a program: this one's, with only the test's plugin switched on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOMBUS_", "TOM_"))}
    return {**kept, "PYTHONPATH": str(HERE), "PYTHONUTF8": "1", **ENVIRON, **more}


def gombus(
    *arguments: str, cwd: Path | None = None, stdin: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `gombus` to its end. An empty value takes a variable out of the environment."""
    return subprocess.run(
        [sys.executable, "-m", "gombus", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=WAIT_S * 2,
        env={name: value for name, value in environ(**more).items() if value},
    )


class Program:
    """A running `gombus serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.line = process.stdout.readline()
        """What it printed when it listened."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(json.loads(self.line)["url"])

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Wait for its end and give the exit code and what it logged."""
        _, logged = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, logged


@contextmanager
def serve(*arguments: str, **more: str) -> Iterator[Program]:
    """`gombus serve --json` on a free port; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gombus", "serve", "--port", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environ(**more),
    )
    with process:
        try:
            yield Program(process)
        finally:
            process.kill()


@contextmanager
def holding() -> Iterator[socket.socket]:
    """The test's end of the command `hold`: its port is the environment's TEST_PORT; `accept` waits for the command."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT_S)
        yield listener
