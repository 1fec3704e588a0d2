"""gom's exceptions, with the members that the real ones have.

The codes ``TWIN-…`` are the twin's own; which codes INSPECT gives for the same cause is not published.
"""

from __future__ import annotations


class RequestError(RuntimeError):
    """INSPECT refused a request."""

    def __init__(self, description: str, error_code: str, error_log: str = "") -> None:
        super().__init__(error_code, error_log)
        self.description = description
        self.error_code = error_code
        self.error_log = error_log

    def __str__(self) -> str:
        if self.error_log.startswith(self.description):
            return f"{self.error_code}: {self.error_log}"
        return f"{self.error_code}: {self.description}\n\n{self.error_log}"

    def __getitem__(self, index: int) -> str:
        """Code and log, as older scripts ask for them."""
        return str(self.args[index])


class BreakError(Exception):
    """The user pressed Esc in INSPECT."""


UNKNOWN_COMMAND = "TWIN-0001"
BAD_ARGUMENT = "TWIN-0002"
UNKNOWN_ITEM = "TWIN-0003"
NAME_TAKEN = "TWIN-0004"
FILE_BROKEN = "TWIN-0005"
FAULT = "TWIN-0006"
NOT_MODELLED = "TWIN-0007"
