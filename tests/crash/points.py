"""Inside the server: the named moments at which it kills itself, and the orders that arm them."""

from __future__ import annotations

import os
import signal
import sys
import threading

RECEIVED, COMMITTED, ACKNOWLEDGED = "received", "committed", "acknowledged"
RUNNING, EFFECT, LOGGING, LOGGED, DONE = "running", "effect", "logging", "logged", "done"
POINTS = (RECEIVED, COMMITTED, ACKNOWLEDGED, RUNNING, EFFECT, LOGGING, LOGGED, DONE)
"""In the order in which one job passes them."""

# On Windows any signal ends the process at once, without a handler.
_KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL

_lock = threading.Lock()
_armed = ""
_left = 0


def arm(point: str, count: int) -> None:
    """Have this process killed when it reaches the point for the count-th time from now."""
    global _armed, _left
    with _lock:
        _armed, _left = point, count


def reach(point: str) -> None:
    """The process is at this point now. Called on any thread."""
    global _left
    if point != _armed:
        return
    with _lock:
        _left -= 1
        if _left > 0:
            return
        os.write(1, f"reached {point}\n".encode())
        os.kill(os.getpid(), _KILL)
        # Nothing of what comes after the point may happen, however long the system takes.
        threading.Event().wait()


def obey() -> None:
    """Carry out orders ``<point> <count>``, one a line, as they come on standard input; each is answered ``armed``.

    The end of standard input means that the harness is gone, and ends this process, too.
    """
    threading.Thread(target=_obey, name="crash-orders", daemon=True).start()


def _obey() -> None:
    for line in sys.stdin:
        point, count = line.split()
        arm(point, int(count))
        os.write(1, b"armed\n")
    os._exit(3)
