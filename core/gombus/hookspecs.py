"""The hooks of gombus. A plugin implements the ones it needs, marked with `gombus.hookimpl`.

Each plugin is called alone. What a hook raises blocks that plugin, with the reason in the log and, for the hooks that
run when plugins are loaded, in `gombus plugins`; the other plugins serve. Hook wrappers are refused, because there is
nothing around them to wrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from .config import Settings
    from .model import BackendFactory, Request

hookspec = pluggy.HookspecMarker("gombus")
hookimpl = pluggy.HookimplMarker("gombus")


@hookspec
def gombus_hookspecs() -> ModuleType | None:
    """Give a module with further hook specifications, for other plugins to implement.

    Called first of all, on the owner thread. None means that there are none. Other plugins implement such a hook
    with ``@hookimpl(optionalhook=True)``, because this plugin may not be installed.
    """


@hookspec
def gombus_requests(config: Settings) -> Iterable[Request] | None:
    """Give the request types that this plugin serves.

    Called once at start, on the owner thread; no gom call is allowed. None means that there are none.
    ``config.plugin(name)`` holds the plugin's own settings.

    :raises PluginError: the plugin cannot serve, and this is why.
    """


@hookspec
def gombus_backends(config: Settings) -> Mapping[str, BackendFactory] | None:
    """Give backends by name, to be chosen with the setting ``backend``.

    Called once at start, on the owner thread. None means that there are none. A factory is called only when its
    backend is chosen.

    :raises PluginError: the plugin's settings are wrong.
    """


@hookspec
def gombus_commands(cli: Any) -> None:
    """Add subcommands to ``cli``, the `click.Group` of the command ``gombus``.

    Called when the command line needs a subcommand that is not the core's, on the main thread.
    """
