"""The backend `twin`."""

from __future__ import annotations

from importlib import metadata

from gombus import BackendUnavailable, CallEach

from .faults import Faults
from .twin import Twin


class TwinBackend:
    """A simulated INSPECT in this process, taught by the installed plugins."""

    name = "twin"
    title = "simulated INSPECT, nothing is imported anywhere"

    def __init__(self, faults: Faults, call_each: CallEach) -> None:
        self.version = f"gombus-kit {metadata.version('gombus-kit')}"
        self._faults = faults
        self._call_each = call_each
        self.twin: Twin

    def open(self) -> Twin:
        """Make the twin and have every plugin teach it its commands.

        :raises BackendUnavailable: the settings name a command that no plugin taught.
        """
        self.twin = Twin(self._faults)
        self._call_each("gombus_simulate", twin=self.twin)
        unknown = self._faults.commands - set(self.twin.commands)
        if unknown:
            raise BackendUnavailable(
                f"[plugin.kit] names the command {sorted(unknown)[0]!r}; allowed: {', '.join(self.twin.commands)}"
            )
        return self.twin

    def close(self) -> None:
        """Nothing to let go of."""
