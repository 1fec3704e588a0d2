"""Whether what runs the gom commands is there: said by the backend, read by everybody else."""

from __future__ import annotations

from typing import Callable


class Presence:
    """One that is always there. A backend that can be lost gives its own as its attribute `presence`.

    `begin` and `broke` belong to the owner thread, `look` to the network thread; `change` may be called on any.
    """

    ready = True
    """Whether requests can be carried out."""
    reason = ""
    """Why not."""
    final = False
    """Whether it is lost for good, so that the server has to end."""

    def __init__(self) -> None:
        self._tell: Callable[[], None] = lambda: None

    def on_change(self, tell: Callable[[], None]) -> None:
        """Have this called, on any thread, after each change."""
        self._tell = tell

    def change(self, reason: str) -> None:
        """It is gone for this reason, or, where that is empty, there again."""
        # Who reads that it is gone must find the reason.
        self.reason = reason or self.reason
        self.ready = not reason
        self.reason = reason
        self._tell()

    def begin(self) -> bool:
        """Whether a handler can be begun now."""
        return True

    def broke(self) -> str:
        """What happened to it while the handler that was begun last used it, such as ``INSPECT was lost``: what the
        handler did is not known then. Empty where nothing happened."""
        return ""

    def look(self) -> None:
        """Called about once a second while a handler runs."""
