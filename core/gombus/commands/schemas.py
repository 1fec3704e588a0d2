"""`gombus schemas`: the schemas of the installed request types and the OpenRPC document, as files for integrators."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..config import load
from ..openrpc import document
from ..registry import Registry
from . import config_option, print_json


@click.command("schemas", epilog="Example: gombus schemas --to schemas")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write them as files here.")
@click.option("--check", is_flag=True, help="With --to: write nothing, and fail where the folder is not up to date.")
@config_option
def command(folder: Path | None, check: bool, config_file: str | None) -> None:
    """Print the JSON Schema of every installed request type, or write them as <request type>.json.

    Beside them stands rpc.discover.json, the OpenRPC document of a server with these request types.

    Exit code: 0, or 1 where --check finds a file missing, different or left over.
    """
    if check and folder is None:
        raise click.UsageError("--check needs --to")
    registry = Registry(load(file=config_file))
    schemas = {name: kind.request.schema for name, kind in sorted(registry.types.items())}
    if folder is None:
        print_json(schemas)
        return
    texts = {folder / f"{name}.json": _text(schema) for name, schema in schemas.items()}
    # No request type can have this name.
    texts[folder / "rpc.discover.json"] = _text(document(registry.types))
    if check:
        stale = [path for path, text in texts.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
        stale += sorted(set(folder.glob("*.json")) - set(texts))
        for path in stale:
            click.echo(f"not up to date: {path}; run: gombus schemas --to {folder}", err=True)
        sys.exit(1 if stale else 0)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        # Newlines are the same on every system, so that the files compare equal.
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        click.echo(f"wrote {path}")


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
