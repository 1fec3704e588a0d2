"""INSPECT through a gom in this process: where INSPECT itself started it, and only INSPECT can start it again."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ..presence import Presence
from .address import shown
from .client import connect, gone

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often, in s, it is looked whether INSPECT is still there."""


class Inside(Presence):
    """INSPECT for as long as its connection lives; gom cannot connect twice in a process.

    :param address: of INSPECT, which was checked.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self._title = f"INSPECT at {shown(address)}"
        self._gom: Any = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="gombus-inspect", daemon=True)

    def open(self) -> Any:
        """Import gom; this thread owns it.

        :raises BackendUnavailable: no client is installed, or INSPECT cannot be reached.
        """
        self._gom = connect(self._address)
        # What the client warns of becomes a line of the log.
        logging.captureWarnings(True)
        self._thread.start()
        return self._gom

    def close(self) -> None:
        """Look no more; gom closes its connection when the process ends."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
            logging.captureWarnings(False)

    def begin(self) -> bool:
        """Whether INSPECT is still there."""
        return not self._is_gone()

    def broke(self) -> str:
        """Whether it no longer is. What the client has not told its handler cannot be known from outside."""
        return "INSPECT was lost (it closed the connection)" if self._is_gone() else ""

    def _is_gone(self) -> bool:
        # Two threads look; it is said once.
        with self._lock:
            if self.ready and gone(self._gom):
                reason = f"{self._title} is lost: it closed the connection; start gombus from INSPECT again"
                log.error("%s", reason)
                self.final = True
                self.change(reason)
        return not self.ready

    def _keep_looking(self) -> None:
        while not self._closing.wait(LOOK_S) and not self._is_gone():
            pass
