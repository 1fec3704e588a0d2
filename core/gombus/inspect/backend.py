"""The real INSPECT: which way it is reached, and whether it may be."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..errors import BackendUnavailable
from ..presence import Presence
from .address import ADDRESS, check, forget_key, hide_key, shown
from .client import MISSING, imported, installed, version
from .inside import Inside
from .supervisor import Supervisor

log = logging.getLogger(__name__)

OWN, SAME = "own", "same"


class InspectBackend:
    """INSPECT at the address in ``TOM_PYTHON_API_URL``.

    :param environ: where the address stands.
    :param hosts: further computers on which INSPECT may run.
    :param process: which process holds gom: ``own`` for one that can be replaced, ``same`` for this one; ``auto`` is
        ``same`` where INSPECT started this process, else ``own``.
    :param wait: whether INSPECT may come later.
    :param hang_s: after how long, in s, a gom command that does not return is given up; 0 is never.
    """

    name = "inspect"

    def __init__(
        self,
        environ: Mapping[str, str],
        hosts: Collection[str] = (),
        process: str = "auto",
        wait: bool = False,
        hang_s: float = 0.0,
    ) -> None:
        self._address = environ.get(ADDRESS, "")
        self._hosts = hosts
        self._wait, self._hang_s = wait, hang_s
        hide_key(self._address)
        self.in_process = process == SAME or (process != OWN and self._started_by_inspect())
        """Whether gom is in this process, on the thread that opens this; else what handlers get leads to another."""
        self._held = Inside(self._address) if self.in_process else Supervisor(self._address, hang_s)
        self.version = ""
        self.title = f"INSPECT at {shown(self._address) or 'no address'}"

    @property
    def presence(self) -> Presence:
        """Whether INSPECT is there."""
        return self._held

    def open(self) -> Any:
        """Connect. Every later gom call must come from this thread.

        :raises BackendUnavailable: no address, one that is not trusted, no client installed, or no INSPECT there.
        """
        if not self._address:
            raise BackendUnavailable(
                f"{ADDRESS} is not set: start gombus from inside INSPECT, or enable the API in INSPECT's preferences "
                "and set it to the address shown there"
            )
        check(self._address, self._hosts)
        if threading.current_thread() is not threading.main_thread():
            raise BackendUnavailable("INSPECT can be used from the main thread only")
        self.version = version()
        if isinstance(self._held, Inside):
            if self._wait or self._hang_s:
                log.warning("inspect_start and inspect_hang_s do nothing here: this process itself talks to INSPECT")
            return self._held.open()
        forget_key()
        if not installed():
            raise BackendUnavailable(MISSING)
        return self._held.open(self._wait)

    def close(self) -> None:
        """End what holds gom in another process; in this one, gom closes its connection when the process ends."""
        self._held.close()

    def _started_by_inspect(self) -> bool:
        # INSPECT numbers the interpreters that it starts; the address that a person copies has no such number.
        return imported() or "interpreter_id" in parse_qs(urlsplit(self._address).query)
