"""What is promised of a server beside hostile clients."""

from __future__ import annotations

from typing import NamedTuple

DELAY, MEMORY, HANDLES, LOG, ENDS, SERVER = "a", "b", "c", "d", "e", "f"
LIMIT_S = 1.0
MOST_MIB = 256
GROWN_MIB = 24
LOG_MIB = 4
PROMISES = {
    DELAY: f"no status call, ping or connecting of the honest client takes longer than {LIMIT_S:g} s",
    MEMORY: f"the server's memory (USS) is never more than {MOST_MIB} MiB above its start, and, where an attack lasts "
    f"a minute or more, in its last quarter not more than {GROWN_MIB} MiB above that in its second",
    HANDLES: "file handles and threads are back where they were when the hostile clients have left",
    LOG: f"the log grows by at most {LOG_MIB} MiB a minute",
    ENDS: "every kind is answered, refused or cut as documented, and in no other way",
    SERVER: "the server lives, answers the honest client right, logs no bug, and stops when it is asked to",
}


class Violation(NamedTuple):
    """A promise that was broken."""

    promise: str
    """One of `PROMISES`."""
    text: str
