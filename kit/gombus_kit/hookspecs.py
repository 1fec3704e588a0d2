"""The hook that the kit adds. Without the kit it is not there, so plugins mark it with ``optionalhook=True``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gombus import hookspec

if TYPE_CHECKING:
    from .twin import Twin


@hookspec
def gombus_simulate(twin: Twin) -> None:
    """Teach the simulated INSPECT the commands that this plugin calls, with ``@twin.command(name)``.

    Called once when the twin is opened, on the thread that owns gom. What it raises blocks the plugin.
    """
