"""What goes slow or wrong on the wire: by command, or by the name of a request such as GETATTR."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from .requests import Refusal


@dataclass
class Hold:
    """Keeps a request waiting: `entered` is set when it arrives, and it goes on when `release` is set.

    After `timeout` seconds it is refused, so that a test which never releases it ends; None waits on.
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

    def release_all(self) -> None:
        """Nothing waits any longer."""
        for hold in list(self.hold.values()):
            hold.release.set()
