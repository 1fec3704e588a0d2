"""`gombus serve`: the server."""

from __future__ import annotations

import json
from typing import Any

import click

from .. import log, runtime
from ..config import load
from . import config_option, json_option, setting_options


@click.command("serve", epilog="Example: gombus serve --backend twin --port 0")
@setting_options(
    "host",
    "port",
    "backend",
    "journal",
    "receipts",
    "auth",
    "tokens",
    "tls_certificate",
    "tls_key",
    "log_level",
    "log_format",
)
@config_option
@json_option
def command(config_file: str | None, as_json: bool, **options: Any) -> None:
    """Serve requests until a client sends quit, or until Ctrl-C.

    The first Ctrl-C (or SIGTERM) lets the running command finish and answers every client that waits; a second one
    stops at once. Exit code: 0 after a clean stop, 1 where the server cannot start, 3 where INSPECT
    started it and was lost, 130 after a second Ctrl-C.
    """
    settings = load(options, config_file)
    log.configure(settings)

    def on_listening(listening: runtime.Listening) -> None:
        types = sorted(listening.registry.types)
        if as_json:
            line = json.dumps({"url": listening.url, "backend": listening.backend.name, "requests": types})
        else:
            line = (
                f"gombus listens on {listening.url}, backend {listening.backend.name} ({listening.backend.title}), "
                f"request types: {', '.join(types) or 'none'}"
            )
        click.echo(line)

    runtime.run(settings, on_listening)
