"""The server as a process: started, given its order, killed, and asked what killed it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LAUNCHER = Path(__file__).with_name("server.py")
LOG = "server.log"
TAKEN = 4
"""Exit code of a server whose port is taken."""
LIMIT_S = 60.0
"""How long anything may take that the harness waits for, in seconds; only a server that hangs takes so long."""

_KILLED = (signal.SIGTERM, 1) if sys.platform == "win32" else (-signal.SIGKILL,)
"""Exit codes of a process that was killed, by itself or from outside."""


class Program:
    """A started server. Its log is added to a file in its folder.

    :param order: point and how often it is to be reached: there it kills itself; empty for none.
    :param port: where it is to listen; 0 takes a free one.
    """

    def __init__(self, folder: Path, bug: str = "", order: Sequence[str] = (), port: int = 0) -> None:
        arguments = [str(folder), *(["--bug", bug] if bug else []), *(["--kill", *order] if order else [])]
        if port:
            arguments += ["--port", str(port)]
        # Another's settings, and what measures the coverage of programs, have no business in what is killed.
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("GOMBUS_", "TOM_", "COV"))}
        with open(folder / LOG, "ab") as log:
            # asyncio's own processes are no help: on Python 3.9 killing one can lose its exit code.
            self._process = subprocess.Popen(
                [sys.executable, str(LAUNCHER), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env=environ,
            )
        self.url = ""
        """Where it listens; empty where it was killed before it did."""
        self.reached = ""
        """The named point at which it killed itself; known when it has `ended`."""
        self.shot = False
        """Whether it was killed from outside."""

    async def listening(self) -> bool:
        """Wait until it listens.

        :returns: False where it was killed before.
        """
        line = await self._line()
        if line:
            self.url = json.loads(line)["url"]
        return bool(line)

    async def arm(self, point: str, nth: int) -> bool:
        """Have it kill itself when it reaches the point for the n-th time from now.

        :returns: False where it was killed before.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{point} {nth}\n".encode())
        except OSError:
            return False
        return await self._line() == b"armed\n"

    def kill(self) -> None:
        """Kill it from outside, if it still runs."""
        self.shot = True
        self._process.kill()

    async def ended(self) -> bool:
        """Wait for its end.

        :returns: whether it was killed.
        """
        while await self._line():
            pass
        with self._process as process:
            return await asyncio.to_thread(process.wait) in _KILLED

    async def refused(self) -> bool:
        """Wait for its end.

        :returns: whether it said that its port is taken.
        """
        await self.ended()
        return self._process.returncode == TAKEN

    async def _line(self) -> bytes:
        """Its next line; empty where it has ended."""
        assert self._process.stdout is not None
        line = await asyncio.to_thread(self._process.stdout.readline)
        if line.startswith(b"reached "):
            self.reached = line.split()[1].decode()
            return b""
        return line
