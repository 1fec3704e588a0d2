"""The gombus workbench: a simulated INSPECT, the twin, and a demonstration. It reaches the core through hooks alone."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from gombus import BackendFactory, hookimpl

if TYPE_CHECKING:
    from gombus.config import Settings


@hookimpl
def gombus_hookspecs() -> ModuleType:
    """The hook `gombus_simulate`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def gombus_backends(config: Settings) -> dict[str, BackendFactory]:
    """The backend `twin`."""
    from .twin.backend import TwinBackend
    from .twin.faults import Faults

    faults = Faults.from_settings(config.plugin("kit"))
    return {"twin": lambda call_each: TwinBackend(faults, call_each)}


@hookimpl
def gombus_commands(cli: Any) -> None:
    """The subcommands `demo` and `twin`."""
    from . import demo
    from .commands import twin

    cli.add_command(demo.command)
    cli.add_command(twin.command)
