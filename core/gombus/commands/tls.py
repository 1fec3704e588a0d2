"""`gombus tls`: certificates for a test bench."""

from __future__ import annotations

import json
import socket
import tempfile
from pathlib import Path

import click

from ..net import selfsigned
from . import json_option, print_json

MAX_DAYS = 3650
EXAMPLE = "Example: gombus tls self-signed --name inspect-pc --name 192.168.0.10"


@click.group("tls", epilog=EXAMPLE)
def command() -> None:
    """Make what is needed to serve other computers."""


def _names(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not selfsigned.is_name(value):
            raise click.BadParameter(
                f"{value!r} is no host name (ASCII letters, digits, - and _, in parts with dots) and no IP address"
            )
    own = [name for name in (socket.gethostname(),) if selfsigned.is_name(name)]
    return tuple(dict.fromkeys(values or (*own, "localhost", "127.0.0.1", "::1")))


@command.command("self-signed", epilog=EXAMPLE)
@click.option(
    "--name",
    "names",
    multiple=True,
    callback=_names,
    help="Name or IP address under which clients reach the server; may be given several times. "
    "[default: this computer's name, localhost, 127.0.0.1 and ::1]",
)
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=365, show_default=True, help="How long it is valid.")
@click.option(
    "--certificate",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the certificate is written. [default: certificate.pem in the state folder]",
)
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where its private key is written. [default: key.pem beside the certificate]",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
def self_signed(
    names: tuple[str, ...], days: int, certificate: Path | None, key: Path | None, force: bool, as_json: bool
) -> None:
    """Make a certificate that vouches for itself, and its key.

    Clients must be given the certificate, for example with gombus send --ca. On a line, use one from your own
    certificate authority. A server that runs takes new files with its next client.

    Exit code: 0, or 1 where nothing was written.
    """
    certificate = (certificate or _state_folder() / "certificate.pem").absolute()
    key = (key or certificate.with_name("key.pem")).absolute()
    if certificate == key:
        raise click.UsageError("--certificate and --key name the same file")
    there = [path for path in (certificate, key) if path.exists()]
    if there and not force:
        raise click.ClickException(f"{there[0]} is there already; --force replaces it")
    try:
        made = selfsigned.make(names, days)
    except ImportError as error:
        raise click.ClickException(
            f"this needs the package cryptography ({error}): python -m pip install gombus[tls]"
        ) from error
    try:
        _write(key, made.key, 0o600)
        _write(certificate, made.certificate, 0o644)
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error
    if as_json:
        print_json(
            {
                "certificate": certificate.as_posix(),
                "key": key.as_posix(),
                "names": names,
                "expires": made.expires.isoformat(),
                "sha256": made.sha256,
            }
        )
        return
    click.echo(f"wrote {certificate}, which clients must be given: gombus send --ca FILE, Client(ca=FILE)")
    click.echo(f"wrote {key}, which only the server may read")
    click.echo(f"valid for {', '.join(names)} until {made.expires:%Y-%m-%d}")
    click.echo(f"SHA-256 fingerprint: {made.sha256}")
    click.echo("\nFor gombus.toml:\n")
    click.echo(f"tls_certificate = {_toml(certificate)}\ntls_key = {_toml(key)}")


def _toml(path: Path) -> str:
    return json.dumps(path.as_posix(), ensure_ascii=False)


def _state_folder() -> Path:
    import platformdirs

    return platformdirs.user_state_path("gombus", appauthor=False)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Put a whole file in its place. Before anything stands in it, nobody but its owner can read it.

    On Windows its folder says who may read it; the state folder is its owner's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    written = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        written.chmod(mode)
        written.replace(path)
    except BaseException:
        written.unlink()
        raise
