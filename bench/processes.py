"""Servers as processes of their own, one core for them and one for the load; whatever happens, they are ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from . import journals
from .wire import Failed

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0


class Running(NamedTuple):
    """A server that listens."""

    pid: int
    port: int
    start_ms: float
    """From its process's start to the line that says it listens."""


def cores() -> tuple[int, int] | None:
    """The core of the servers and the core of the load; None where they cannot be chosen or there is only one."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[-2], allowed[-1]) if len(allowed) > 1 else None


@contextmanager
def _pinned(which: int) -> Iterator[None]:
    """Put this process on a core, because what it starts meanwhile is born there with all its threads."""
    chosen = cores()
    if chosen is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {chosen[which]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _environ(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings of gombus or of glibc's allocator that somebody made."""
    # Nor one that has every start compile gombus anew, while what is installed beside it stays compiled.
    others = ("GOMBUS_", "BENCH_", "MALLOC_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


@contextmanager
def server(
    command: tuple[str, ...], environ: Mapping[str, str] | None = None, journal: Path | None = None
) -> Iterator[Running]:
    """Run a server while the block runs.

    :param command: arguments of the Python interpreter. The first line that it prints must name its port.
    :param journal: folder of a journal, which is copied to where the server is started; None means none.
    :raises Failed: it ends, or does not listen within `START_LIMIT_S`.
    """
    # Elsewhere than in the project's folder, where somebody's gombus.toml may lie.
    with journals.temporary_folder() as folder:
        if journal is not None:
            journals.copy(journal, folder)
        begin = time.perf_counter()
        with _pinned(0):
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder,
                env=_environ(environ or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                # Ctrl-C is for this process, which then ends the servers.
                start_new_session=True,
            )
        too_late = threading.Timer(START_LIMIT_S, process.kill)
        try:
            too_late.start()
            assert process.stdout is not None
            line = process.stdout.readline()
            took_ms = (time.perf_counter() - begin) * 1e3
            too_late.cancel()
            yield Running(process.pid, _port(line, command), took_ms)
        finally:
            too_late.cancel()
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _port(line: str, command: tuple[str, ...]) -> int:
    try:
        said = json.loads(line)
        return int(said["url"].rpartition(":")[2]) if isinstance(said, dict) else int(said)
    except (ValueError, KeyError) as error:
        raise Failed(f"python {' '.join(command)} did not begin to listen; it printed {line!r}") from error


class Generator:
    """The load generator; see load.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def measure(self, orders: Mapping[str, object], limit_s: float) -> dict[str, float]:
        """Carry out one order.

        :param limit_s: the generator is ended after this time.
        :raises Failed: a server gave a wrong answer or none.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        too_late = threading.Timer(limit_s, self._process.kill)
        too_late.start()
        try:
            self._process.stdin.write(json.dumps(orders) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            too_late.cancel()
        if not line:
            _, said = self._process.communicate()
            raise Failed(said.strip() or f"a server did not answer within {limit_s:g} s")
        return json.loads(line)  # type: ignore[no-any-return]  # load.main prints numbers by name


@contextmanager
def generator() -> Iterator[Generator]:
    """Run the load generator while the block runs."""
    with _pinned(1):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"],
            cwd=ROOT,
            env=_environ({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    try:
        yield Generator(process)
    finally:
        process.kill()
        process.communicate()
