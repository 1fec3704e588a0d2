"""`gombus token`: who may connect."""

from __future__ import annotations

from pathlib import Path

import click

from ..config import load
from ..errors import TokenError
from ..model import ROLES
from ..net import tokens as store
from . import config_option, json_option, print_json, print_table, setting_options


@click.group("token", epilog="Example: gombus token new --role operator --name robot-cell-3")
def command() -> None:
    """Make, list and revoke the tokens with which clients say who they are.

    As soon as there is one, every client needs one; a server that runs takes up changes within seconds.
    """


@command.command("new", epilog="Example: gombus token new --role operator --request image --request elements")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    required=True,
    help="viewer looks; operator has requests run, too; admin may do everything, quit among it.",
)
@click.option("--name", default="", help="Who will show it; stands in journal and receipts. [default: role and id]")
@click.option(
    "--request", "requests", multiple=True, help="For an operator: a request type that it is for, several times."
)
@setting_options("tokens")
@config_option
@json_option
def new(
    role: str, name: str, requests: tuple[str, ...], tokens: str | None, config_file: str | None, as_json: bool
) -> None:
    """Make a token and print it. It is shown this once: only its hash is kept.

    A client sends it as the header "Authorization: Bearer TOKEN", a web page as the subprotocol "gombus.token.TOKEN"
    beside "gombus.v1.json", `gombus send` takes it from GOMBUS_TOKEN or --token-file.
    """
    path = _path(tokens, config_file)
    text, token = store.new(path, role, name, requests or None)
    if as_json:
        print_json({"token": text, **_plain(token), "file": str(path)})
        return
    click.echo(text)
    click.echo(f"{token.name}, role {role}; kept as a hash in {path}", err=True)


@command.command("list", epilog="Example: gombus token list --json")
@setting_options("tokens")
@config_option
@json_option
def list_tokens(tokens: str | None, config_file: str | None, as_json: bool) -> None:
    """List the tokens that there are, without their secrets."""
    path = _path(tokens, config_file)
    found = store.read(path)
    if as_json:
        print_json({"file": str(path), "tokens": [_plain(token) for token in found]})
    elif not found:
        click.echo(f"There are no tokens in {path}.")
    else:
        print_table(
            ("ID", "NAME", "ROLE", "REQUEST TYPES", "CREATED"),
            [
                (
                    token.id,
                    token.name,
                    token.role,
                    "all" if token.requests is None else ", ".join(token.requests),
                    token.created,
                )
                for token in found
            ],
        )


@command.command("revoke", epilog="Example: gombus token revoke robot-cell-3")
@click.argument("token", metavar="ID|NAME")
@setting_options("tokens")
@config_option
@json_option
def revoke(token: str, tokens: str | None, config_file: str | None, as_json: bool) -> None:
    """Take a token back; clients that are connected with it are cut off within seconds."""
    path = _path(tokens, config_file)
    gone = store.revoke(path, token)
    if as_json:
        print_json({"revoked": _plain(gone), "file": str(path)})
    else:
        click.echo(f"Revoked: {gone.name} ({gone.id}), role {gone.role}.")


def _path(tokens: str | None, config_file: str | None) -> Path:
    path = store.tokens_path(load({"tokens": tokens}, config_file))
    if path is None:
        raise TokenError("the setting tokens is off: choose a file with --tokens")
    return path


def _plain(token: store.Token) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "requests": token.requests,
        "created": token.created,
    }
