"""The server's process: its servers one after the other, their gom calls, and its log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from calls import Calls
from places import HERE
from server import CALLS
from tally import ALIVE, BUG, LOG, Tally

_LOG = "server.log"
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?P<level>[A-Z]+) [\w.]+: .*")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_TRACEBACK = "Traceback (most recent call last)"


class Program:
    """A process in which a server runs, and then another.

    :param bug: the one to plant; empty for none.
    """

    def __init__(self, folder: Path, tally: Tally, bug: str = "") -> None:
        self._folder = folder
        self._tally = tally
        self._count = 0
        self._format = "text"
        self._read_to = 0
        self.calls = Calls(folder / CALLS, 0, tally)
        self.port = 0
        """Where the server listens; 0 while none runs."""
        # Another's settings have no business in what is fuzzed.
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("GOMBUS_", "TOM_"))}
        with open(folder / _LOG, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "server.py"), str(folder), *(["--bug", bug] if bug else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env={**environ, "PYTHONIOENCODING": "utf-8"},
            )

    def start(self) -> None:
        """Start the next server: with text or JSON in its log, and every fourth with a journal on disk."""
        self._format = "json" if self._count % 2 else "text"
        kept = self._count % 4 == 1
        files = {name: str(self._folder / f"{name}-{self._count}") for name in ("journal", "receipts")}
        settings = {"log_format": self._format, **(files if kept else {"journal": "off", "receipts": "off"})}
        self._count += 1
        self._tally.servers += 1
        assert self._process.stdin is not None
        try:
            self._process.stdin.write((json.dumps(settings) + "\n").encode())
        except OSError:
            self._ended_by_itself()
        self.calls = Calls(self._folder / CALLS, self.calls.end, self._tally)
        self.port = int(self._line()["url"].rpartition(":")[2])

    def stopped(self) -> None:
        """Wait for the end of a server that was told to quit, and check what it left."""
        if self._line() != {"ended": True}:
            self._tally.broken(ALIVE, "the server did not end in order")
        self.port = 0
        self.check()

    def check(self) -> None:
        """Check that it lives, what it called, and what it logged."""
        if self._process.poll() is not None:
            self._ended_by_itself()
        self.calls.check()
        self._check_log()

    def close(self) -> None:
        """End the process in order; a server that runs must have been told to quit."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            code = self._process.wait(self._tally.limit_s)
        except subprocess.TimeoutExpired:
            self._tally.broken(ALIVE, f"the process did not end within {self._tally.limit_s:g} s")
        if code != 0:
            self._tally.broken(ALIVE, f"the process ended with exit code {code}")

    def check_alive(self) -> None:
        """:raises Broken: the process has ended, or does just now."""
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            return
        self._ended_by_itself()

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        with self._process as process:
            process.wait()

    def _ended_by_itself(self) -> None:
        code = self._process.wait()
        self._tally.broken(ALIVE, f"the process ended by itself, with exit code {code}; its log: {self._log()[-800:]}")

    def _line(self) -> Any:
        assert self._process.stdout is not None
        # A pipe has no time limit of its own.
        watch = threading.Timer(self._tally.limit_s, self._process.kill)
        watch.start()
        line = self._process.stdout.readline()
        watch.cancel()
        if not line:
            self._ended_by_itself()
        return json.loads(line)

    def _log(self) -> str:
        return (self._folder / _LOG).read_bytes().decode("utf-8", "replace")

    def _check_log(self) -> None:
        with open(self._folder / _LOG, "rb") as file:
            file.seek(self._read_to)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        try:
            text = whole.decode()
        except UnicodeDecodeError as error:
            self._tally.broken(LOG, f"the log is no UTF-8: {error.object[error.start - 100 : error.end]!r}")
        for line in text.split("\n")[:-1]:
            self._tally.log_lines += 1
            self._check_line(line)

    def _check_line(self, line: str) -> None:
        if line.startswith(_TRACEBACK) or line.startswith(f"  {_TRACEBACK}"):
            self._tally.broken(BUG, f"the log has a traceback: {self._log()[-2000:]}")
        if _CONTROL.search(line):
            self._tally.broken(LOG, f"a line of the log holds a raw control character: {line!r}")
        if self._format == "text":
            match = _LINE.fullmatch(line)
            level = match["level"].lower() if match else ""
        else:
            try:
                record = json.loads(line)
                level = record["level"] if record.keys() == {"time", "level", "logger", "message"} else ""
            except (ValueError, LookupError):
                level = ""
        if level not in ("debug", "info", "warning"):
            what = "is an error" if level or '"traceback"' in line else "is no line of a log"
            self._tally.broken(BUG if level or '"traceback"' in line else LOG, f"a line of the log {what}: {line!r}")
