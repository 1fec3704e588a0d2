"""`gombus plugins`: what is served, and what cannot be used."""

from __future__ import annotations

import dataclasses
import logging
import sys

import click

from ..config import load
from ..registry import Registry
from . import config_option, json_option, print_json, print_table


@click.command("plugins", epilog="Example: gombus plugins --json")
@config_option
@json_option
def command(config_file: str | None, as_json: bool) -> None:
    """List request types with their plugin and gom commands, and the plugins that cannot be used, with the reason.

    Exit code: 0, or 1 where a plugin cannot be used.
    """
    # What it would log is what it prints.
    logging.getLogger("gombus").addHandler(logging.NullHandler())
    registry = Registry(load(file=config_file))
    types = [registry.types[name] for name in sorted(registry.types)]
    if as_json:
        print_json(
            {
                "requests": [
                    {
                        "name": kind.request.name,
                        "title": kind.request.schema["title"],
                        "plugin": kind.plugin.name,
                        "distribution": kind.plugin.distribution,
                        "version": kind.plugin.version,
                        "commands": list(kind.request.commands),
                    }
                    for kind in types
                ],
                "plugins": [dataclasses.asdict(plugin) for plugin in registry.plugins],
                "failed": [dataclasses.asdict(plugin) for plugin in registry.failed],
                "backends": ["inspect", *sorted(registry.backends)],
            }
        )
    else:
        _print(registry)
    if registry.failed:
        sys.exit(1)


def _print(registry: Registry) -> None:
    rows = []
    for name, kind in sorted(registry.types.items()):
        version = f"{kind.plugin.name} {kind.plugin.version}".strip()
        commands = kind.request.commands or ("-",)
        rows.append((name, version, commands[0]))
        rows += [("", "", command) for command in commands[1:]]
    print_table(("REQUEST", "PLUGIN", "GOM COMMANDS"), rows)
    others = [f"{plugin.name} {plugin.version}".strip() for plugin in registry.plugins if not plugin.requests]
    if others:
        click.echo(f"\nWithout request types: {', '.join(others)}")
    click.echo(f"Backends: {', '.join(['inspect', *sorted(registry.backends)])}")
    if registry.failed:
        click.echo("\nNot used:")
        for plugin in registry.failed:
            where = f"{plugin.distribution} {plugin.version}".strip() or plugin.module
            click.echo(f"  {plugin.name} ({where}): {plugin.reason}")
