"""The server and the hostile clients as processes, a core for each, and what the server's process holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

HERE = Path(__file__).resolve().parent
LIMIT_S = 60.0
"""How long anything may take that the harness waits for, in s; only a server that hangs takes so long."""
LOG = "server.log"


class Sample(NamedTuple):
    """What the server holds at one moment."""

    at: float
    """Seconds since the harness began."""
    uss: int
    """Memory that is the process's alone, in bytes."""
    rss: int
    """Memory, in bytes."""
    handles: int
    threads: int
    log: int
    """Size of the log, in bytes."""
    journal: int
    """Size of journal and receipt log, in bytes."""
    cpu_s: float
    """Processor time since its start."""


class Program:
    """A started server, with all its files in a folder.

    :param fault: the one to plant; empty for none.
    :param settings: more for its environment.
    """

    def __init__(self, folder: Path, fault: str = "", settings: Sequence[tuple[str, str]] = ()) -> None:
        self.folder = folder
        command = [str(HERE / "faulty.py"), fault] if fault else ["-m", "gombus"]
        journal = str(folder / "journal.sqlite3")
        options = ["--port", "0", "--host", "127.0.0.1", "--backend", "twin", "--journal", journal, "--json"]
        with open(folder / LOG, "wb") as log, _pinned(0):
            self._process = subprocess.Popen(
                [sys.executable, *command, "serve", *options],
                cwd=folder,
                env={**_environ(folder), **dict(settings)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )
        assert self._process.stdout
        line = self._process.stdout.readline()
        self._seen = psutil.Process(self._process.pid)
        self._begin = time.monotonic()
        self.url = str(json.loads(line or '{"url": ""}')["url"])
        """Where it listens; empty where it did not begin to."""

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def sample(self) -> Sample:
        """What it holds now.

        :raises psutil.Error: it has ended.
        """
        memory, times = self._seen.memory_full_info(), self._seen.cpu_times()
        handles = self._seen.num_handles() if sys.platform == "win32" else self._seen.num_fds()
        files = {path.name: path.stat().st_size for path in self.folder.iterdir() if path.is_file()}
        log = files.pop(LOG)
        at = time.monotonic() - self._begin
        threads = self._seen.num_threads()
        return Sample(at, memory.uss, memory.rss, handles, threads, log, sum(files.values()), times.user + times.system)

    def log(self) -> Iterator[str]:
        """The lines of its log."""
        with open(self.folder / LOG, encoding="utf-8", errors="replace") as lines:
            yield from lines

    def ended(self) -> int | None:
        """Wait for its end.

        :returns: its exit code; None where it did not end, and was killed.
        """
        with self._process as process:
            try:
                return process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                return None

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self._process.kill()
        with self._process as process:
            process.wait()


class Attack:
    """The process of the hostile clients.

    :param files: an image and elements that they import.
    :param kinds: one for each client.
    """

    def __init__(self, port: int, seconds: float, seed: str, files: Sequence[Path], kinds: Sequence[str]) -> None:
        arguments = [str(port), str(seconds), seed, *map(str, files), *kinds]
        with _pinned(1):
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "attackers.py"), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._process.poll() is None

    def stop(self) -> dict[str, Any]:
        """End it, and say what became of each kind."""
        try:
            said, _ = self._process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        return json.loads(said or "{}")  # type: ignore[no-any-return]  # what attackers.py prints


def _environ(folder: Path) -> dict[str, str]:
    """Another's settings, and what measures the coverage of programs, have no business in what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GOMBUS_", "TOM_", "COV"))}
    return {**kept, "GOMBUS_TOKENS": str(folder / "tokens.json"), "PYTHONUTF8": "1"}


@contextmanager
def _pinned(which: int) -> Iterator[None]:
    """What is started meanwhile has this core, where the system lets one choose, and there are two."""
    me = psutil.Process()
    before: list[int] = []
    with suppress(AttributeError):
        before = me.cpu_affinity() or []
    if len(before) < 2:
        yield
        return
    me.cpu_affinity([before[-2:][which]])
    try:
        yield
    finally:
        me.cpu_affinity(before)
