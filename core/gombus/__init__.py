"""gombus puts ZEISS INSPECT on the network. This module is all that a plugin imports.

A plugin is a package with a schema file, a handler, and an entry point in the group ``gombus``:

    from gombus import Request, hookimpl, read_schema

    def handle(params, context):
        context.gom.script.sys.some_command(file=params["file"])

    @hookimpl
    def gombus_requests(config):
        return [Request(name="acme", schema=read_schema(__name__), handler=handle,
                        commands=("gom.script.sys.some_command",), files=("file",))]
"""

from ._version import __version__
from .errors import (
    BackendUnavailable,
    FileUnreadable,
    GombusError,
    GomRefused,
    InvalidParams,
    PluginError,
    Problem,
    Refusal,
)
from .hookspecs import hookimpl, hookspec
from .model import Backend, BackendFactory, CallEach, Context, JsonObject, Legacy, Request
from .resources import read_schema

__all__ = [
    "Backend",
    "BackendFactory",
    "BackendUnavailable",
    "CallEach",
    "Context",
    "FileUnreadable",
    "GomRefused",
    "GombusError",
    "InvalidParams",
    "JsonObject",
    "Legacy",
    "PluginError",
    "Problem",
    "Refusal",
    "Request",
    "__version__",
    "hookimpl",
    "hookspec",
    "read_schema",
]
