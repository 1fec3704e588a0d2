"""`gombus receipts`: the receipt log."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ..config import Settings, load
from ..errors import JournalError
from ..journal.location import journal_path, receipts_path
from ..journal.reading import reading
from ..receiptlog import read, verify
from . import config_option, json_option, print_json, print_table, setting_options

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("receipts", epilog="Example: gombus receipts verify")
def command() -> None:
    """List and verify the receipt log: a line for everything that was run, each with the hash of the one before."""


def _log(file: Path | None, settings: Settings) -> Path:
    path = file or receipts_path(settings)
    if path is None:
        raise JournalError("there is no receipt log: it is off; choose one with FILE")
    return path


@command.command("verify", epilog="Example: gombus receipts verify D:/copy/receipts.jsonl")
@click.argument("file", type=_FILE, required=False)
@setting_options("journal", "receipts")
@config_option
@json_option
def verify_log(
    file: Path | None, journal: str | None, receipts: str | None, config_file: str | None, as_json: bool
) -> None:
    """Find the first line that was altered, removed or moved. FILE is another log than that of the settings.

    Lines that are missing at the end show only where the journal that wrote the log is there to say how many there
    were; for FILE, a copy of the log of the settings, it is asked where --journal names it.

    Exit code: 0, or 1 where a line is not as it was written.
    """
    settings = load({"journal": journal, "receipts": receipts}, config_file)
    path = _log(file, settings)
    known = journal_path(settings) if file is None or journal is not None else None
    head = None
    if known is not None and known.is_file():
        # Before the log is read: a server may be adding to both.
        with reading(known) as reader:
            own = receipts_path(settings)
            head = reader.head(path) or (None if own is None else reader.head(own))
    verdict = verify(path, head)
    if as_json:
        print_json(
            {
                "file": str(path),
                "ok": not verdict.what,
                "lines": verdict.lines,
                "line": verdict.line or None,
                "problem": verdict.what,
                "journal": None if head is None else str(known),
            }
        )
    elif verdict.what:
        click.echo(f"{path}: line {verdict.line} {verdict.what}")
    else:
        asked = known is not None and known.is_file()
        end = (
            f"{known} {'agrees' if head else 'does not know this log'}" if asked else "no journal was asked for the end"
        )
        click.echo(f"{path}: {verdict.lines} lines, all as they were written; {end}")
    sys.exit(1 if verdict.what else 0)


@command.command("list", epilog="Example: gombus receipts list --limit 100")
@click.argument("file", type=_FILE, required=False)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, from the newest.")
@setting_options("journal", "receipts")
@config_option
@json_option
def list_receipts(
    file: Path | None, limit: int, journal: str | None, receipts: str | None, config_file: str | None, as_json: bool
) -> None:
    """List receipts, newest first, with the files that they name. FILE is another log than that of the settings.

    Exit code: 0, or 1 where the log cannot be read.
    """
    path = _log(file, load({"journal": journal, "receipts": receipts}, config_file))
    newest = list(deque(read(path), limit))[::-1]
    if as_json:
        print_json(newest)
        return
    rows = [row for receipt in newest for row in _rows(receipt)]
    print_table(("FINISHED", "REQUEST", "STATE", "FILE", "SIZE", "SHA-256"), rows)


def _rows(receipt: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row a file, and one where there is none."""
    for file in receipt.get("files") or [{}]:
        cells = [
            receipt.get("finished"),
            receipt.get("request"),
            receipt.get("state"),
            file.get("sent") or file.get("path"),
        ]
        digest = str(file.get("sha256") or "")[:12]
        yield tuple(_text(cell) for cell in [*cells, file.get("size"), digest])


def _text(value: Any) -> str:
    """A cell; what is not to be shown on a console, such as its control characters, stands there as an escape."""
    text = "-" if value in (None, "") else str(value)
    return text if text.isprintable() else repr(text)[1:-1]
