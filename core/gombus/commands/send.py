"""`gombus send`: one request to a running server."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import click

from ..client import URL, Unreachable, request
from . import json_option, print_json

MAX_TIMEOUT_S = 7 * 24 * 3600


@click.command(
    "send",
    epilog="""\b
Examples:
  gombus send '{"elements": {"file": "C:/temp/Points.gxml", "import_mode": "clipboard"}}'
  gombus send --file request.json
  gombus send quit""",
)
@click.argument("message", required=False)
@click.option("--file", "file", type=click.Path(dir_okay=False, path_type=Path), help="Send what this file holds.")
@click.option("--url", default=URL, show_default=True, help="Address of the server.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, MAX_TIMEOUT_S, min_open=True),
    help="Longest wait for the answer, s.",
)
@json_option
def command(message: str | None, file: Path | None, url: str, timeout: float | None, as_json: bool) -> None:
    """Send one request and print the answer. MESSAGE is JSON or plain text; - or none reads standard input.

    Exit code: 0 where the request was carried out, 1 where the answer is an error, 2 where there is no answer.
    """
    if message is not None and file is not None:
        raise click.UsageError("give either MESSAGE or --file, not both")
    if timeout is not None and math.isnan(timeout):
        # click's range lets it pass.
        raise click.UsageError("--timeout: nan is no number of seconds")
    text = _text(message, file)
    start = time.monotonic()
    try:
        answer = request(url, text, timeout)
    except Unreachable as error:
        if as_json:
            print_json({"url": url, "request": text, "error": str(error)})
        else:
            click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    refused = answer.startswith("Error: ")
    if as_json:
        seconds = round(time.monotonic() - start, 6)
        print_json({"url": url, "request": text, "answer": answer, "ok": not refused, "seconds": seconds})
    else:
        click.echo(answer)
    if refused:
        sys.exit(1)


def _text(message: str | None, file: Path | None) -> str:
    if file is not None:
        try:
            return _decoded(file.read_bytes(), f"--file {file}")
        except OSError as error:
            raise click.UsageError(f"--file {file}: {error}") from error
    if message is None or message == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input")
    return message


def _decoded(data: bytes, where: str) -> str:
    """UTF-8 whatever the console's code page is, and with the mark that some editors put in front of it."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{where}: is no UTF-8 text: {error}") from error
