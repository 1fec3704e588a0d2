"""Servers over the twin, with all installed plugins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gombus.config import load
from gombus.registry import Registry
from gombus_kit.twin import Twin
from support import Serving


class TwinServer(Serving):
    """All installed plugins over the twin."""

    @property
    def twin(self) -> Twin:
        """The simulated INSPECT behind it."""
        twin: Twin = self.listening.backend.twin  # type: ignore[attr-defined]  # the twin's backend has it
        return twin


@contextmanager
def twin_serving(**options: Any) -> Iterator[TwinServer]:
    """A server that is stopped at the end of the block."""
    settings = load({"port": 0, "backend": "twin", "journal": "off", "tokens": "off", **options}, environ={})
    server = TwinServer(settings, lambda: Registry(settings))
    server.start()
    try:
        yield server
    finally:
        server.listening.stop()
        assert server.ended()
        assert server.error is None
