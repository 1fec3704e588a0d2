"""`gombus config`: the settings in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from ..config import KEYS, allowed, load
from . import config_option, json_option, print_json, print_table


@click.command("config", epilog="Example: GOMBUS_PORT=0 gombus config")
@config_option
@json_option
def command(config_file: str | None, as_json: bool) -> None:
    """Print every setting, its value, where the value comes from, and what is allowed.

    gombus.toml is overruled by the environment (GOMBUS_PORT for port, lists with commas), which is overruled by
    options. Values are printed as gombus.toml has them.
    """
    settings = load(file=config_file)
    values: dict[str, Any] = {key: _plain(getattr(settings, key)) for key in KEYS}
    if as_json:
        rows: dict[str, Any] = {
            key: {
                "value": value,
                "source": settings.source(key),
                "allowed": allowed(key),
                "help": KEYS[key].metadata["help"],
            }
            for key, value in values.items()
        }
        tables = {name: dict(table) for name, table in settings.plugin_settings.items()}
        print_json({"settings": rows, "plugin": tables})
        return
    print_table(
        ("SETTING", "SOURCE", "ALLOWED"),
        [(f"{key} = {_toml(value)}", settings.source(key), allowed(key)) for key, value in values.items()],
    )
    for name, table in settings.plugin_settings.items():
        click.echo(f"\n[plugin.{name}]")
        for key, value in table.items():
            click.echo(f"{key} = {_toml(value)}")


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(name)} = {_toml(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False, default=str)
