"""`gombus journal`: what became of every request."""

from __future__ import annotations

import codecs
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

import click

from ..config import load
from ..errors import JournalError
from ..journal.location import journal_path
from ..journal.reading import Reader, reading
from ..model import ENDED, FAILED, OPEN, Record
from ..refusals import code_of
from ..tasks import flaw, kept_outcome, times
from . import config_option, json_option, print_json, print_table, setting_options

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula where a cell begins with it."""


@click.group("journal", epilog="Example: gombus journal list --state failed")
def command() -> None:
    """Show, export and check the journal: what became of every request. Works while the server runs."""


def _journal(settings_file: str | None, journal: str | None) -> Path:
    path = journal_path(load({"journal": journal}, settings_file))
    if path is None:
        raise JournalError("the journal is off: nothing is kept; choose one with --journal PATH")
    return path


def _moment(ctx: click.Context, param: click.Parameter, text: str | None) -> float:
    """Seconds since 1970 of a date, or a date and time, in ISO 8601; UTC where it does not say otherwise."""
    try:
        # Python 3.9 does not know the Z.
        moment = datetime.fromisoformat((text or "1970-01-01").replace("Z", "+00:00"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is no date such as 2026-11-24 or 2026-11-24T03:16:58Z") from error


@command.command("list", epilog="Example: gombus journal list --state failed --since 2026-11-24")
@click.option("--state", type=click.Choice([*OPEN, *ENDED]), help="Only jobs of this state.")
@click.option("--request", metavar="TYPE", help="Only jobs of this request type.")
@click.option("--since", callback=_moment, metavar="DATE", help="Only jobs accepted then or later (UTC).")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, from the newest.")
@setting_options("journal")
@config_option
@json_option
def list_jobs(
    state: str | None,
    request: str | None,
    since: float,
    limit: int,
    journal: str | None,
    config_file: str | None,
    as_json: bool,
) -> None:
    """List jobs, newest first.

    Exit code: 0, or 1 where the journal cannot be read.
    """
    with reading(_journal(config_file, journal)) as reader:
        records = list(reader.jobs(state or "", request or "", since, limit))
    if as_json:
        print_json([_members(record) for record in records])
        return
    print_table(
        ("ACCEPTED", "REQUEST", "STATE", "SECONDS", "CLIENT", "JOB"),
        [
            (
                str(times(record.accepted, None, None)["accepted"]),
                record.request,
                _state(record),
                _seconds(record),
                record.client,
                record.id,
            )
            for record in records
        ],
    )


@command.command("show", epilog="Example: gombus journal show 0193a2c4-5e11-7d5c-a5c1-0a1f6c2b9e77")
@click.argument("id")
@setting_options("journal")
@config_option
@json_option
def show(id: str, journal: str | None, config_file: str | None, as_json: bool) -> None:
    """Print everything that is kept of the job ID: its parameters, its times and its receipt.

    Exit code: 0, or 1 where there is no such job.
    """
    path = _journal(config_file, journal)
    with reading(path) as reader:
        record = reader.find(id)
    if record is None:
        raise JournalError(f"{path}: there is no job {id}")
    members = _members(record)
    if as_json:
        print_json(members)
        return
    for name, value in members.items():
        # What is not to be shown on a console, such as its control characters, stands there as an escape.
        plain = isinstance(value, str) and value.isprintable()
        click.echo(f"{name}: {value if plain else json.dumps(value, indent=2)}")


@command.command("export", epilog="Example: gombus journal export --format csv --out jobs.csv")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--out", metavar="FILE", help="File to write. [default: standard output]")
@setting_options("journal")
@config_option
def export(form: str, out: str | None, journal: str | None, config_file: str | None) -> None:
    """Write all jobs, oldest first, in UTF-8: one JSON object a line, or one row of CSV a job.

    In CSV a cell that a spreadsheet would take for a formula gets a ' in front.

    Exit code: 0, or 1 where the journal cannot be read.
    """
    path = _journal(config_file, journal)
    write = _write_csv if form == "csv" else _write_jsonl
    if out is not None and Path(out).exists() and path.samefile(out):
        raise JournalError(f"{out}: is the journal; choose another file to write")
    with reading(path) as reader, _output(out) as stream:
        write(reader, stream)


@command.command("check", epilog="Example: gombus journal check")
@setting_options("journal")
@config_option
def check(journal: str | None, config_file: str | None) -> None:
    """Read the whole journal, and say what is wrong with it: damaged pages, receipts that do not say how
    their job ended, texts that are no JSON.

    Exit code: 0, or 1 where something is wrong.
    """
    path = _journal(config_file, journal)
    with reading(path) as reader:
        sound = True
        for problem in reader.problems():
            click.echo(f"{path}: {problem}")
            sound = False
        if not sound:
            sys.exit(1)
        counts = ", ".join(f"{count} {state}" for state, count in reader.counts().items())
    click.echo(f"{path}: nothing is wrong; jobs: {counts or 'none'}")


@contextmanager
def _output(file: str | None) -> Iterator[BinaryIO]:
    if file is None:
        yield sys.stdout.buffer
        return
    try:
        with open(file, "wb") as stream:
            yield stream
    except OSError as error:
        raise JournalError(f"{file}: cannot be written: {error.strerror}") from error


def _write_jsonl(reader: Reader, out: BinaryIO) -> None:
    for record in reader.all_jobs():
        out.write(json.dumps(_members(record)).encode() + b"\n")


def _write_csv(reader: Reader, out: BinaryIO) -> None:
    # The writer ends rows as CSV wants it on every system, so no text layer may change that.
    rows = csv.writer(codecs.getwriter("utf-8")(out))
    rows.writerow(_members(_NO_JOB))
    for record in reader.all_jobs():
        rows.writerow([_cell(value) for value in _members(record).values()])


def _cell(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value or "")
    return "'" + text if text.startswith(_FORMULA) else text


def _members(record: Record) -> dict[str, Any]:
    """A job as JSON object."""
    texts = {"params": record.params, "receipt": record.receipt, "late": record.late}
    return {
        "job": record.id,
        "request": record.request,
        "state": record.state,
        **times(record.accepted, record.started, record.finished),
        "client": record.client,
        "backend": record.backend,
        "idempotencyKey": record.key,
        "digest": record.digest,
        **{name: _value(text) for name, text in texts.items()},
    }


def _value(text: str | None) -> Any:
    """What a JSON text says; the text itself where the journal is damaged."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


_NO_JOB = Record("", "", "null", "", "", "", 0.0)


def _state(record: Record) -> str:
    """Its state, with the reason's code where it failed."""
    if record.state != FAILED:
        return record.state
    error = kept_outcome(record).error
    return f"{FAILED}: {'?' if error is None or flaw(record) else code_of(error)}"


def _seconds(record: Record) -> str:
    if record.started is None or record.finished is None:
        return "-"
    return f"{record.finished - record.started:.3f}"
