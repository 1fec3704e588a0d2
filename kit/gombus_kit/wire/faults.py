"""What goes slow or wrong on the wire: by command, or by the name of a request such as GETATTR."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gombus import GombusError

from ..twin import Faults as TwinFaults
from ..twin.errors import FAULT
from ..twin.faults import table_of
from .requests import BREAK, PYTHON, Refusal

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KINDS = {
    "delay:SECONDS": "takes so long, up to 3600 s",
    "hang": "waits until `gombus twin release`",
    "refuse[:CODE[:TEXT]]": "is refused with gom.RequestError",
    "break": "raises gom.BreakError, as Esc does",
    "error": "raises RuntimeError",
    "drop": "the connection is cut, nothing is carried out",
    "lose": "is carried out, and the connection is cut in place of the answer",
    "crash": "the twin ends with exit code 70, nothing is carried out",
}
"""What can be asked for, and what it means for a command or request."""


@dataclass
class Hold:
    """Keeps a request waiting: `entered` is set when it arrives, and it goes on when `release` is set.

    After `timeout` seconds it is refused, so that a test which never releases it ends; None waits on. Once released,
    it holds nothing any more; a twin that is closed releases all. A client that leaves meanwhile changes nothing.
    """

    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    timeout: float | None = 60.0


@dataclass
class Faults:
    """Faults by command, such as ``gom.script.sys.import_other_images``, or request. May be changed at any time.

    A request is first delayed, then held, then the twin crashes, drops the connection, refuses or carries it out.
    """

    delay_s: dict[str, float] = field(default_factory=dict)
    """How long it takes, in seconds."""
    hold: dict[str, Hold] = field(default_factory=dict)
    """What waits."""
    refuse: dict[str, Refusal] = field(default_factory=dict)
    """What is not carried out."""
    drop: set[str] = field(default_factory=set)
    """What cuts the connection and is not carried out."""
    lose: set[str] = field(default_factory=set)
    """What is carried out and cuts the connection in place of the answer."""
    crash: set[str] = field(default_factory=set)
    """What ends the twin and is not carried out."""
    default_delay_s: float = 0.0
    """How long every command takes that `delay_s` does not name, in seconds."""

    @property
    def names(self) -> set[str]:
        """The commands and requests that are named."""
        return {*self.delay_s, *self.hold, *self.refuse, *self.drop, *self.lose, *self.crash}

    def add(self, text: str) -> None:
        """Add a fault that is written as ``COMMAND=KIND``.

        :raises GombusError: it is none, with what is allowed.
        """
        name, equals, kind = text.partition("=")
        if not (name and equals):
            raise GombusError(f"fault {text!r}: COMMAND=KIND is allowed, such as {_EXAMPLE}")
        self._add(name, kind, f"fault {text!r}")

    def read(self, path: str) -> None:
        """Add the faults of a file, TOML or JSON. It has the keys of [plugin.kit] in gombus.toml, with more kinds.

        :raises GombusError: it cannot be read, or has something that is not allowed.
        """
        table = _parsed(path)
        faults = table_of(table, "faults", path)
        delays = TwinFaults.from_settings({**table, "faults": {}}, path)
        self.default_delay_s = delays.delay_s
        self.delay_s.update(delays.delays_s)
        for name, kinds in faults.items():
            for kind in kinds if isinstance(kinds, list) else [kinds]:
                self._add(name, kind, f"{path} faults.{name}: {kind!r}")

    def release_all(self) -> None:
        """Nothing waits any longer."""
        for hold in list(self.hold.values()):
            hold.release.set()

    def _add(self, name: str, text: object, where: str) -> None:
        kind, colon, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
        if kind == "refuse":
            code, _, description = rest.partition(":")
            self.refuse[name] = Refusal(description or "Refused, because the twin was told to", code or FAULT)
        elif kind == "delay":
            self.delay_s[name] = _seconds(rest, where)
        elif colon or kind not in KINDS:
            raise GombusError(f"{where} is not allowed; allowed: {', '.join(KINDS)}")
        elif kind == "hang":
            self.hold[name] = Hold(timeout=None)
        elif kind in ("break", "error"):
            error = BREAK if kind == "break" else PYTHON
            self.refuse[name] = Refusal("Broken off, because the twin was told to", FAULT, error=error)
        else:
            commands: set[str] = getattr(self, kind)
            commands.add(name)


_EXAMPLE = "gom.script.sys.import_other_images=delay:2"


def _seconds(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise GombusError(f"{where}: {text!r} is no delay; allowed: 0 to 3600 (s)")
    return seconds


def _parsed(path: str) -> Mapping[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # as Notepad may write it
        table = json.loads(text) if path.endswith(".json") else tomllib.loads(text)
    except OSError as error:
        raise GombusError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise GombusError(f"{path}: {error}") from error
    if not isinstance(table, dict):
        raise GombusError(f"{path}: a table is allowed")
    return table
