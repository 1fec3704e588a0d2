"""The real INSPECT, through the client `gom` (PyPI: zeiss-inspect-api). The only file that imports it."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any

from ..errors import BackendUnavailable
from ..redaction import redacted
from .address import ADDRESS, check, hide_key, only_for_gom, shown


class InspectBackend:
    """INSPECT at the address in ``TOM_PYTHON_API_URL``. One per process: gom cannot connect twice.

    :param environ: where the address stands.
    :param hosts: further computers on which INSPECT may run.
    """

    name = "inspect"

    def __init__(self, environ: Mapping[str, str], hosts: Collection[str] = ()) -> None:
        self._address = environ.get(ADDRESS, "")
        self._hosts = hosts
        hide_key(self._address)
        self.version = ""
        self.title = f"INSPECT at {shown(self._address) or 'no address'}"

    def open(self) -> Any:
        """Import gom, which connects. Every later gom call must come from this thread.

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
        with only_for_gom(self._address), _process_kept():
            try:
                gom = importlib.import_module("gom")
                # INSPECT's own version is not asked for: that would be a gom call of ours.
                with suppress(metadata.PackageNotFoundError):
                    self.version = f"gom client {metadata.version('zeiss-inspect-api')}"
                return gom
            except Exception as error:
                if isinstance(error, ModuleNotFoundError) and error.name == "gom":
                    raise BackendUnavailable(
                        "the gom client is not installed: python -m pip install gombus[inspect]"
                    ) from error
                # The client may quote the address, the part behind the question mark, or a value of it alone.
                raise BackendUnavailable(f"no {self.title}: {type(error).__name__}: {redacted(str(error))}") from None

    def close(self) -> None:
        """Nothing to let go of: gom closes its connection when the process ends."""


@contextmanager
def _process_kept() -> Iterator[None]:
    """Put back what importing gom replaces: the streams, sys.exit and os.environ.

    Its versions fail off gom's thread, tell INSPECT of every change of the environment, and lack `isatty` and
    `encoding`, which log handlers and command lines ask for.
    """
    streams, leave, environ, putenv = (sys.stdout, sys.stderr), sys.exit, os.environ, os.putenv
    try:
        yield
    finally:
        (sys.stdout, sys.stderr), sys.exit = streams, leave
        os.environ, os.putenv = environ, putenv
