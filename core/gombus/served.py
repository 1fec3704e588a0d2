"""What there is to send: the request types of a server, or, where none answers, those that are installed here."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

import click

from .client import Client
from .errors import GombusError
from .options import Form

ASK_LIMIT_S = 10.0
"""How long the server may take to say what it serves, in seconds."""


class Served:
    """Asked for when it is needed.

    :param url: address of the server.
    :param token: says who the client is, where the server asks for it.
    :param taken: options that every request type has, such as ``--url``.
    :param ca: file with the certificates to trust; None trusts what this computer trusts.
    """

    def __init__(self, url: str, taken: tuple[str, ...], token: str | None = None, ca: str | None = None) -> None:
        self.url = url
        self.token = token
        self.ca = ca
        self.away: GombusError | None = None
        """Why the server does not say what it serves; known once `forms` was asked for."""
        self._taken = taken

    @cached_property
    def forms(self) -> dict[str, Form]:
        """Request types by name, in the order of their names."""
        try:
            with Client(self.url, token=self.token, open_timeout_s=ASK_LIMIT_S, ca=self.ca) as client:
                methods = client.discover(timeout=ASK_LIMIT_S)["methods"]
        except GombusError as error:
            self.away = error
            methods = _installed()
        forms = [Form(method, self._taken) for method in methods if _is_request_type(method["name"])]
        return {form.name: form for form in sorted(forms, key=lambda form: form.name)}


def _is_request_type(name: str) -> bool:
    # The server's own methods have a character in their names that request types cannot have.
    return name.isidentifier()


def _installed() -> list[dict[str, Any]]:
    """The methods of the request types that are installed here."""
    # Plugins and what they need take longer to load than a server takes to answer.
    from .config import load
    from .openrpc import document
    from .registry import Registry

    # What it would log is for `gombus plugins` to print.
    logging.getLogger("gombus").addHandler(logging.NullHandler())
    try:
        methods: list[dict[str, Any]] = document(Registry(load()).types)["methods"]
    except GombusError as error:
        click.echo(f"Error: {error}", err=True)
        return []
    return methods
