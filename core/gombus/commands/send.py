"""`gombus send`: one request to a running server."""

from __future__ import annotations

import json
import math
import sys
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..client import Client, OutcomeUnknown, RequestFailed, Unreachable, request
from ..model import COMPLETED
from ..options import Form
from ..reports import error_lines, plan_lines, receipt_lines, task_line, unanswered_lines
from ..served import Served
from . import json_option, print_json
from .progress import progress_bar
from .reaching import NAMES, decoded, file_text, server_of, server_options

MAX_TIMEOUT_S = 7 * 24 * 3600
REFUSED, UNANSWERED, INTERRUPTED = 1, 2, 130
"""Exit codes; the last as shells count SIGINT."""
RAW = "MESSAGE"
"""The subcommand that sends a message as it is; no request type can have this name."""


def _timeout(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        # click's range lets it pass.
        raise click.BadParameter("nan is no number of seconds")
    return value


_timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0, MAX_TIMEOUT_S, min_open=True),
    callback=_timeout,
    help="Longest wait for the answer, s.",
)
_OPTIONS = (
    click.option("--param", "named", metavar="NAME=VALUE", multiple=True, help="Any parameter, by its own name."),
    click.option("--plan", is_flag=True, help="Say what it would do, and run nothing."),
    click.option("--task", is_flag=True, help="Wait only until it is accepted, and print its job."),
    click.option("--key", help="Idempotency key; that of an earlier request gives its result. [default: a new one]"),
    server_options,
    _timeout_option,
    click.option(
        "--reconnect",
        type=click.FloatRange(0, MAX_TIMEOUT_S),
        default=60.0,
        show_default=True,
        callback=_timeout,
        help="How long to try to resume a lost connection, s.",
    ),
    json_option,
)
_TAKEN = ("--param", "--plan", "--task", "--key", *NAMES, "--timeout", "--reconnect", "--json", "--help")


class RequestTypes(click.Group):
    """One subcommand for each request type, made of its schema."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the address before all else, because the server behind it says which options there are."""
        ctx.obj = server_of(args, _TAKEN)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the request types."""
        return list(ctx.obj.forms)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand for a request type; None where there is none of this name."""
        form = ctx.obj.forms.get(cmd_name)
        return _command(form, ctx.obj) if form else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A request type by its name, or a message to be sent as it is."""
        name, served = args[0], ctx.obj
        if name.lstrip().startswith(("{", "[")) or name == "-":
            return RAW, _raw, args
        if name not in served.forms:
            if served.away is not None:
                click.echo(f"Error: {served.away}", err=True)
                sys.exit(UNANSWERED)
            ctx.fail(f"the server at {served.url} has no request type {name!r}; it has: {', '.join(served.forms)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the request types, and say whose they are."""
        rows = [(name, form.title) for name, form in ctx.obj.forms.items()]
        whose = f"of {ctx.obj.url}" if ctx.obj.away is None else "of the plugins installed here; no server answers"
        with formatter.section(f"Requests ({whose})"):
            formatter.write_dl(rows or [("none", "")])


@click.command(
    "send",
    cls=RequestTypes,
    invoke_without_command=True,
    subcommand_metavar="REQUEST [OPTIONS]",
    epilog="""\b
Examples:
  gombus send image --file C:/temp/example.jpg --name Microscopy --focal-length 2.0
  gombus send elements --file C:/temp/Points.gxml --import-mode clipboard --plan
  gombus send elements --help
  gombus send quit
  gombus send '{"elements": {"file": "C:/temp/Points.gxml", "import_mode": "clipboard"}}'
  gombus send --message-file request.json""",
)
@click.option(
    "--message-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Send what this file holds, as it is.",
)
@server_options
@_timeout_option
@json_option
@click.pass_context
def command(context: click.Context, message_file: Path | None, timeout: float | None, as_json: bool) -> None:
    """Send one request, wait for its end, and print what came of it.

    A message that starts with { or [ is sent as it is, and its answer printed; - reads one from standard input.

    Exit code: 0 where the request was carried out, 1 where it was refused or failed, 2 where there is no answer,
    130 after Ctrl-C.
    """
    if context.invoked_subcommand is None:
        if message_file is None:
            click.echo(context.get_help())
        else:
            _send_raw(context.obj, file_text(message_file, "--message-file"), timeout, as_json)
    elif message_file is not None:
        raise click.UsageError("give either a request or --message-file, not both")
    else:
        # What stands before the request means the same as behind it.
        given = {"timeout": timeout, "as_json": as_json}
        context.default_map = {context.invoked_subcommand: {name: value for name, value in given.items() if value}}


# A request type by its name.


def _command(form: Form, served: Served) -> click.Command:
    epilog = f"Only with --param NAME=VALUE: {', '.join(form.without_option)}." if form.without_option else None
    callback = partial(_send, form, served)
    made = click.Command(form.name, params=list(form.options), callback=callback, help=form.description, epilog=epilog)
    for option in _OPTIONS:
        option(made)
    return made


def _send(
    form: Form,
    served: Served,
    timeout: float | None,
    plan: bool,
    task: bool,
    key: str | None,
    reconnect: float,
    named: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    if plan and (task or key):
        raise click.UsageError("--plan runs nothing, so it goes with neither --task nor --key")
    params = form.params(given, named)
    # What is no job, such as quit, must not be sent again to a server that was started meanwhile.
    key = key or ("" if plan or (form.at_once and not task) else str(uuid.uuid4()))
    start = time.monotonic()
    code = 0
    client = Client(served.url, token=served.token, ca=served.ca, reconnect_s=reconnect)
    try:
        if served.away is not None:
            raise served.away
        with client:
            if plan:
                result = client.plan(form.name, params, timeout=timeout)
                lines, ok = plan_lines(result, form.flag_of), bool(result.get("ok"))
            elif task:
                result = client.submit(form.name, params, key=key, timeout=timeout)
                lines, ok = iter([task_line(result)]), result["status"] in ("working", COMPLETED)
            else:
                with progress_bar(form.name) as progress:
                    result = client.call(form.name, params, key=key, timeout=timeout, progress=progress)
                lines, ok = receipt_lines(result, time.monotonic() - start), True
        answer: dict[str, Any] = {"ok": ok, "result": result}
        code = 0 if ok else REFUSED
    except RequestFailed as failed:
        error = {**failed.object, "data": {**failed.data, "key": key}} if failed.job and key else failed.object
        answer, lines = {"ok": False, "error": error}, error_lines(error, form.flag_of, key)
        code = REFUSED
    except (Unreachable, OutcomeUnknown) as unanswered:
        known, holds = getattr(unanswered, "key", ""), getattr(unanswered, "key_holds", False)
        answer, lines = _unanswered(str(unanswered), known, holds)
        code = UNANSWERED
    except KeyboardInterrupt:
        message = "interrupted; a request that was sent goes on in the server"
        answer, lines = _unanswered(message, key, not client.forgets_keys)
        code = INTERRUPTED
    if as_json:
        print_json({"url": served.url, "request": form.name, **answer, "seconds": _seconds(start)})
    else:
        for line in lines:
            click.echo(line, err="error" in answer)
    sys.exit(code)


def _unanswered(reason: str, key: str, key_holds: bool) -> tuple[dict[str, Any], Iterator[str]]:
    data = {"key": key, "keyHolds": key_holds} if key else {}
    return {"ok": False, "error": {"message": reason, "data": data}}, unanswered_lines(reason, key, key_holds)


# A message as it is.


@click.command(RAW)
@click.argument("message")
@server_options
@_timeout_option
@json_option
@click.pass_obj
def _raw(served: Served, message: str, timeout: float | None, as_json: bool) -> None:
    """Send a message as it is, and print the answer as it is."""
    text = decoded(sys.stdin.buffer.read(), "standard input") if message == "-" else message
    _send_raw(served, text, timeout, as_json)


def _send_raw(served: Served, text: str, timeout: float | None, as_json: bool) -> None:
    url = served.url
    start = time.monotonic()
    try:
        answer = request(url, text, timeout, served.token, served.ca)
    except Unreachable as error:
        if as_json:
            print_json({"url": url, "request": text, "error": str(error)})
        else:
            click.echo(f"Error: {error}", err=True)
        sys.exit(UNANSWERED)
    refused = answer.startswith("Error: ") or _has_error(answer)
    if as_json:
        print_json({"url": url, "request": text, "answer": answer, "ok": not refused, "seconds": _seconds(start)})
    else:
        click.echo(answer)
    if refused:
        sys.exit(REFUSED)


def _has_error(answer: str) -> bool:
    """Whether an answer on the JSON-RPC wire, or one of a batch, is an error."""
    try:
        value = json.loads(answer)
    except ValueError:
        return False
    members = value if isinstance(value, list) else [value]
    return any(isinstance(member, dict) and "error" in member for member in members)


def _seconds(start: float) -> float:
    return round(time.monotonic() - start, 6)
