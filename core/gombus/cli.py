"""The command `gombus`: the core's subcommands, and those that plugins add."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from ._version import __version__
from .errors import GombusError

OWN = ("config", "journal", "plugins", "receipts", "schemas", "send", "serve", "tls", "token")
"""Subcommands of the core: each is the function `command` of the module of its name in `gombus.commands`."""


class _Said(click.ClickException):
    """What gombus raises on purpose, as click shows it."""

    def __init__(self, error: GombusError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc,unused-ignore]  # newer click has it for the class


class Group(click.Group):
    """Imports a subcommand only when it is asked for, and plugins only for what the core does not have."""

    _plugins_asked = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, for the help text."""
        self._ask_plugins()
        return sorted([*OWN, *self.commands])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of this name; None where there is none."""
        if cmd_name in OWN:
            command: click.Command = importlib.import_module(f"gombus.commands.{cmd_name}").command
            return command
        self._ask_plugins()
        return super().get_command(ctx, cmd_name)

    def _ask_plugins(self) -> None:
        if self._plugins_asked:
            return
        self._plugins_asked = True
        from . import config, log
        from .registry import Registry

        try:
            settings = config.load()
            log.configure(settings)
            Registry(settings).call_each("gombus_commands", cli=self)
        except GombusError as error:
            # The core's own subcommands, and their help, are there all the same.
            click.echo(f"Error: {error}", err=True)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; what gombus raises on purpose becomes one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except GombusError as error:
            raise _Said(error) from error


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Example: gombus serve --backend twin",
)
@click.version_option(__version__, prog_name="gombus")
def cli() -> None:
    """Put ZEISS INSPECT on the network: checked JSON requests over WebSocket, run as gom commands."""


def main() -> None:
    """Entry point of the command."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a character must not stop a server; the streams of INSPECT lack this method.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="gombus")
