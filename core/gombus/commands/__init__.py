"""The subcommands of the core, one module each, and the options that they share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Callable, TypeVar

import click

from ..config import KEYS, kind_of

Function = TypeVar("Function", bound=Callable[..., Any])


def config_option(function: Function) -> Function:
    """The option --config."""
    return click.option(
        "--config", "config_file", metavar="FILE", help="Settings file. [default: gombus.toml in this folder, if any]"
    )(function)


def json_option(function: Function) -> Function:
    """The option --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(function)


def setting_options(*keys: str) -> Callable[[Function], Function]:
    """One option for each of these keys of the settings; those not given stay None."""

    def decorate(function: Function) -> Function:
        for key in reversed(keys):
            item = KEYS[key]
            kind: Any = click.Choice(item.metadata["choices"]) if item.metadata["choices"] else kind_of(key)
            help_text = item.metadata["help"]
            text = f"{help_text[0].upper()}{help_text[1:]}. [default: {item.default}]"
            function = click.option("--" + key.replace("_", "-"), key, type=kind, help=text)(function)
        return function

    return decorate


def print_json(value: Any) -> None:
    """One JSON text on standard output: ASCII, which every console can show, and no NaN."""
    plain = json.loads(json.dumps(value, default=str), parse_constant=str)
    click.echo(json.dumps(plain, indent=2))


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns of text on standard output, as wide as they need."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
