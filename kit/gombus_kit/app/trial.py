"""Starts an App as INSPECT would: unpacked, with a bare interpreter and the client gom; the wire twin is INSPECT."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gombus import GombusError
from gombus.client import Client

from .build import START
from .wheels import Wheel

LIMIT_S = 60.0
"""How long an App may take to listen, and to stop, in seconds."""
CLIENT = ("gom", "websocket")
"""The packages of what INSPECT brings."""
QUIET = {"GOMBUS_PORT": "0", "GOMBUS_JOURNAL": "off", "GOMBUS_TOKENS": "off", "GOMBUS_RECEIPTS": "off"}
"""Settings with which a trial leaves no trace."""
_LISTENS = "gombus listens on "
_BARE = (
    "import runpy, sys; script, sys.path[len(sys.path):] = sys.argv[1], sys.argv[2:]; del sys.argv[1:]; "
    "runpy.run_path(script, run_name='__main__')"
)


class TrialError(GombusError):
    """The App does not start, or does not stop. What it wrote is in the text."""


class Started:
    """A start script that runs.

    :param process: its interpreter; the script's output is one stream.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        """What it has written."""
        self._listens = threading.Event()
        self._reader = threading.Thread(target=self._read, name="app-output")
        self._reader.start()

    @property
    def url(self) -> str:
        """Where it listens.

        :raises TrialError: it has ended, or does not come to it.
        """
        if not self._listens.wait(LIMIT_S):
            raise TrialError(f"the script does not listen after {LIMIT_S:.0f} s: {self.text}")
        for line in self.lines:
            if line.startswith(_LISTENS):
                return line[len(_LISTENS) :].partition(",")[0]
        raise TrialError(f"the script has ended before it listened: {self.text}")

    @property
    def text(self) -> str:
        """What it has written, as one text."""
        return "\n  ".join(self.lines) or "it wrote nothing"

    def end(self) -> int:
        """Wait for its end.

        :returns: its exit code.
        :raises TrialError: it goes on.
        """
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise TrialError(f"the script has not ended after {LIMIT_S:.0f} s: {self.text}") from None
        self._reader.join()
        return code

    def kill(self) -> None:
        """End it, if it still runs."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip())
                if line.startswith(_LISTENS):
                    self._listens.set()
        self._listens.set()


def can_try() -> bool:
    """Whether the client gom is installed here."""
    return all(importlib.util.find_spec(name) is not None for name in CLIENT)


@contextmanager
def started(
    scripts: Mapping[str, bytes],
    wheels: Iterable[Wheel],
    interpreter: str,
    url: str,
    environ: Mapping[str, str],
    with_info: bool = True,
) -> Iterator[Started]:
    """Start the start script of an App; it is ended with the block.

    :param scripts: the entries below ``scripts/``, by their names in the App.
    :param wheels: the modules of the environment, unpacked as INSPECT does.
    :param url: INSPECT's address.
    :param environ: more of the environment.
    :param with_info: whether what modules say of themselves is unpacked. Nobody knows whether INSPECT keeps it.
    """
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        modules, client = home / "environment", home / "inspect"
        for wheel in wheels:
            with zipfile.ZipFile(wheel.path) as archive:
                names = [name for name in archive.namelist() if with_info or ".dist-info/" not in name]
                archive.extractall(modules, names)
        for package in CLIENT:
            _copy_package(package, client)
        for entry, content in scripts.items():
            (home / entry).parent.mkdir(parents=True, exist_ok=True)
            (home / entry).write_bytes(content)
        script = str(home / "scripts" / f"{START}.py")
        environ = {
            **_clean(),
            "TOM_PYTHON_API_URL": url,
            "GOMBUS_CONFIG": str(home / "scripts" / "gombus.toml"),
            **environ,
        }
        try:
            process = subprocess.Popen(
                # As it was named, seen from the current folder.
                [
                    str(Path.cwd() / interpreter),
                    "-I",
                    "-S",
                    "-X",
                    "utf8",
                    "-c",
                    _BARE,
                    script,
                    str(client),
                    str(modules),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=home,
                env=environ,
            )
        except OSError as error:
            raise TrialError(f"{interpreter} cannot be started: {error.strerror}") from error
        running = Started(process)
        try:
            yield running
        finally:
            running.kill()


def try_out(scripts: Mapping[str, bytes], wheels: Iterable[Wheel], interpreter: str) -> str:
    """Start an App against the wire twin, stop it with quit where it has that, and give the line that says it listens.

    :raises TrialError: it does not start, not with all its plugins, or not stop.
    """
    from ..wire import WireTwin

    with WireTwin() as inspect, started(scripts, wheels, interpreter, inspect.url, QUIET) as script:
        url = script.url
        (listens,) = (line for line in script.lines if line.startswith(_LISTENS))
        for line in script.lines:
            if " is not used: " in line:
                raise TrialError(f"it starts, but without one of its plugins: {line}")
        if "quit" in listens.rpartition(": ")[2].split(", "):
            try:
                with Client(url) as client:
                    client.call("quit")
            except GombusError as error:
                raise TrialError(f"it does not stop with quit: {error}: {script.text}") from error
            code = script.end()
            if code:
                raise TrialError(f"it has ended with exit code {code}: {script.text}")
        return listens


def _copy_package(name: str, folder: Path) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise TrialError(f"the package {name} is not installed here: python -m pip install gombus[inspect]")
    ignore: Any = shutil.ignore_patterns("__pycache__")
    shutil.copytree(next(iter(spec.submodule_search_locations)), folder / name, ignore=ignore)


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("GOMBUS_", "TOM_", "PYTHON"))}
