"""`gombus twin`: the wire twin for scripts, and what is said to it while it runs."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import threading
from typing import Any

import click

from gombus import GombusError, log
from gombus.commands import config_option, json_option, print_json
from gombus.config import load
from gombus.inspect.address import ADDRESS
from gombus.redaction import hide
from gombus.registry import Registry
from gombus.signals import stop_signals

from ..show import print_project
from ..twin import Twin
from ..wire import Faults, Request, WireTwin
from ..wire.control import TIMEOUT_S, ask
from ..wire.faults import KINDS

ABORTED = 1
"""Exit code of a twin that was told to end a second time before it had ended."""
CLOSING_S = 1.0
"""After how many seconds of closing it is said what is waited for."""
CRASHED = 70
"""Exit code of a twin that was told to crash."""
_KINDS = ", ".join(f"{kind} ({meaning})" for kind, meaning in KINDS.items())


@click.group("twin", invoke_without_command=True, epilog="Example: gombus twin --port 44444 --dialogs hold")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1. [default: a free one]")
@click.option("--apikey", help="The key that scripts must have, letters and digits. [default: a new one]")
@click.option(
    "--dialogs",
    type=click.Choice(["answer", "hold"]),
    default="answer",
    show_default=True,
    help="Confirm dialogs at once, or hold them until gombus twin close-dialog.",
)
@click.option("--fault", "faults", multiple=True, metavar="COMMAND=KIND", help=f"May be given several times: {_KINDS}.")
@click.option("--faults", "faults_file", metavar="FILE", help="Faults in TOML, or in JSON where its name ends so.")
@config_option
@json_option
@click.pass_context
def command(context: click.Context, /, config_file: str | None, as_json: bool, **options: Any) -> None:
    """Serve the simulated INSPECT to scripts that use the real gom client, until Ctrl-C; nothing is imported anywhere.

    Prints the value for TOM_PYTHON_API_URL, with which a script is to be started. At the end it shows the project.

    Exit code: 0 after Ctrl-C, 1 after a second one while a command still runs or where it cannot start, 70 after the
    fault crash.
    """
    if context.invoked_subcommand is None:
        _serve(config_file, as_json, **options)


def _serve(
    config_file: str | None,
    as_json: bool,
    port: int,
    apikey: str | None,
    dialogs: str,
    faults: tuple[str, ...],
    faults_file: str | None,
) -> None:
    if apikey is not None and not re.fullmatch("[0-9A-Za-z]{8,200}", apikey):
        raise click.BadParameter("8 to 200 letters and digits are allowed", param_hint="--apikey")
    settings = load(file=config_file)
    log.configure(settings)
    wrong = Faults()
    if faults_file:
        wrong.read(faults_file)
    for text in faults:
        wrong.add(text)
    registry = Registry(settings)

    def teach(twin: Twin) -> None:
        registry.call_each("gombus_simulate", twin=twin)

    twin = WireTwin(
        port,
        apikey,
        faults=wrong,
        hold_dialogs=dialogs == "hold",
        teach=teach,
        crash=lambda: os._exit(CRASHED),
    )
    hide(twin.apikey)
    try:
        twin.open()
    except OSError as error:
        raise GombusError(f"port {port} cannot be had: {error.strerror}; choose another with --port") from error
    try:
        _check(twin)
        with stop_signals() as signals:
            _say(twin, as_json)
            if signals is not None:
                select.select([signals], [], [])
                _close(twin, signals)
    finally:
        twin.close()
    if not as_json:
        print_project(twin.project)


def _close(twin: WireTwin, signals: socket.socket) -> None:
    """Close the twin; where a command of a plugin's goes on and on, another Ctrl-C ends the program."""
    signals.recv(1)
    closing = threading.Thread(target=twin.close, daemon=True)
    closing.start()
    closing.join(CLOSING_S)
    if closing.is_alive():
        click.echo("A command is still carried out; another Ctrl-C ends the twin at once.", err=True)
    while closing.is_alive():
        if select.select([signals], [], [], 0.05)[0]:
            os._exit(ABORTED)


def _check(twin: WireTwin) -> None:
    requests = [request.name for request in Request if request is not Request.COMMAND]
    unknown = twin.faults.names - {*twin.inspect.commands, *requests}
    if unknown:
        raise GombusError(
            f"a fault names {sorted(unknown)[0]!r}; allowed: {', '.join(twin.inspect.commands)}; or a request: "
            f"{', '.join(requests)}"
        )


def _say(twin: WireTwin, as_json: bool) -> None:
    if as_json:
        line = {"url": twin.url, "port": twin.port, "apikey": twin.apikey, "commands": list(twin.inspect.commands)}
        click.echo(json.dumps(line))
        return
    click.echo("The simulated INSPECT listens, nothing is imported anywhere. Start a script with:")
    click.echo(f"  Linux, macOS:        export {ADDRESS}='{twin.url}'")
    click.echo(f'  Windows, cmd:        set "{ADDRESS}={twin.url}"')
    click.echo(f"  Windows, PowerShell: $env:{ADDRESS} = '{twin.url}'")
    click.echo("Ctrl-C ends it.")


_url_option = click.option(
    "--url", envvar=ADDRESS, required=True, show_envvar=True, help="Which twin, as it printed it."
)


def _values(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{text!r}: WIDGET=VALUE is allowed")
        values[name] = _json(value)
    return values


def _json(text: str) -> Any:
    """JSON, or else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@command.command("close-dialog", epilog="Example: gombus twin close-dialog --set distance=2.5")
@_url_option
@click.option("--cancel", is_flag=True, help="Cancel it: the script gets gom.BreakError.")
@click.option("--set", "values", multiple=True, callback=_values, metavar="WIDGET=VALUE", help="JSON, or a text.")
@click.option("--result", help="What the script gets in place of the widgets' values; JSON, or a text.")
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 3600), default=TIMEOUT_S, show_default=True, help="For a dialog, in s."
)
@json_option
def close_dialog(
    url: str, cancel: bool, values: dict[str, Any], result: str | None, wait_s: float, as_json: bool
) -> None:
    """Close the dialog that is shown, as a person would with OK.

    Exit code: 0, or 1 where no dialog is shown.
    """
    given = None if result is None else _json(result)
    closed = ask(
        url, "close-dialog", TIMEOUT_S + wait_s, cancel=cancel, values=values, result=given, wait_s=float(wait_s)
    )
    _report(closed, " ".join(["closed dialog", str(closed["number"]), closed["title"]]).strip(), as_json)


@command.command("release", epilog="Example: gombus twin release gom.script.sys.import_other_images")
@click.argument("name", metavar="COMMAND")
@_url_option
@json_option
def release(name: str, url: str, as_json: bool) -> None:
    """Let a command that hangs go on, and later ones pass.

    Exit code: 0, or 1 where it does not hang.
    """
    released = ask(url, "release", command=name)
    waits = "went on" if released["waited"] else "will not wait"
    _report(released, f"{name} {waits}", as_json)


@command.command("show", epilog="Example: gombus twin show")
@_url_option
def show(url: str) -> None:
    """Print what the twin received and what it holds, as JSON.

    Exit code: 0, or 1 where no twin runs there.
    """
    print_json(ask(url, "show"))


def _report(answer: Any, text: str, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(text)
