"""The options that say which server is asked, and as whom. They are read first: it says which others there are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, TypeVar

import click

from ..client import URL
from ..served import Served

ADDRESS = "GOMBUS_URL"
"""Names the server's address in the environment."""
TOKEN = "GOMBUS_TOKEN"
"""The client's token in the environment."""

CA = "GOMBUS_CA"
"""Names the file with the certificates to trust in the environment."""

NAMES = ("--url", "--token-file", "--ca")

Function = TypeVar("Function", bound=Callable[..., Any])


def server_options(function: Function) -> Function:
    """Document the options; `server_of` has read them."""
    for option, metavar, text in (
        ("--ca", "FILE", f"Certificates to trust at wss:// (PEM). [default: ${CA}, or what this computer trusts]"),
        ("--token-file", "FILE", f"File that holds this client's token. [default: the token in ${TOKEN}, if any]"),
        ("--url", "TEXT", f"Address of the server. [default: ${ADDRESS}, or {URL}]"),
    ):
        function = click.option(option, metavar=metavar, expose_value=False, help=text)(function)
    return function


def server_of(arguments: list[str], taken: tuple[str, ...]) -> Served:
    """The server that these arguments of the command line mean.

    :param taken: options that every request type has.
    :raises click.UsageError: the token's file cannot be read, or holds something else.
    """
    url = _early(arguments, "--url") or os.environ.get(ADDRESS) or URL
    return Served(url, taken, _token(arguments), _early(arguments, "--ca") or os.environ.get(CA) or None)


def _early(arguments: list[str], wanted: str) -> str:
    """The value of an option; empty where it is not given."""
    found = ""
    for argument, following in zip(arguments, [*arguments[1:], ""]):
        option, equals, value = argument.partition("=")
        if option == wanted:
            found = value if equals else following
    return found


def _token(arguments: list[str]) -> str | None:
    # Not from the command line itself, which every user of the computer can read.
    file = _early(arguments, "--token-file")
    text = file_text(Path(file), "--token-file") if file else os.environ.get(TOKEN, "")
    if not text.isascii() or len(text.split()) > 1:
        raise click.UsageError(f"{f'--token-file {file}' if file else TOKEN}: holds something else than one token")
    return text.strip() or None


def file_text(file: Path, option: str) -> str:
    """What a file holds.

    :raises click.UsageError: it cannot be read, or is no UTF-8 text.
    """
    try:
        return decoded(file.read_bytes(), f"{option} {file}")
    except OSError as error:
        raise click.UsageError(f"{option} {file}: {error}") from error


def decoded(data: bytes, where: str) -> str:
    """UTF-8 whatever the console's code page is, and with the mark that some editors put in front of it.

    :raises click.UsageError: it is no UTF-8 text.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{where}: is no UTF-8 text: {error}") from error
