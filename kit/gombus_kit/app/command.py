"""`gombus app`: build the App for ZEISS INSPECT, and look whether one can run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from gombus import GombusError

from . import build as building
from .appfile import App, opened
from .check import Report, check
from .target import PLATFORMS, PYTHONS, WINDOWS, Target

SHARED = (
    click.option(
        "--python", type=click.Choice(PYTHONS), default="3.9", show_default=True, help="The Python that INSPECT runs."
    ),
    click.option(
        "--platform",
        type=click.Choice(PLATFORMS),
        default=WINDOWS,
        show_default=True,
        help="What it runs on; this is this computer, for tests.",
    ),
)
BUILD_EXAMPLE = "Example: gombus app build --constraint constraints.txt --plugin gombus-quit --plugin ./acme_import"


@click.group("app", epilog="Example: gombus app build --output gombus.addon")
def command() -> None:
    """Build the App with which INSPECT runs gombus inside itself, and look whether an App can run."""


def _shared(function: Any) -> Any:
    for option in reversed(SHARED):
        function = option(function)
    return function


@command.command("build", epilog=BUILD_EXAMPLE)
@_shared
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="DIST|FOLDER|WHEEL",
    help=f"A plugin to put in, several times. [default: {', '.join(building.PLUGINS)}]",
)
@click.option(
    "--plugin-only",
    metavar="DIST|FOLDER|WHEEL",
    help="Build an App that adds this plugin to gombus's App, whose environment it joins.",
)
@click.option(
    "--beside",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --plugin-only: gombus's App, whose modules are left out. [default: as it would be built now]",
)
@click.option(
    "--core", default=building.CORE, metavar="DIST|FOLDER|WHEEL", help="gombus itself. [default: the one that runs]"
)
@click.option(
    "--constraint",
    "constraints",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Versions to use, in pip's format; with it the same App comes out each time.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The file. [default: named by content]")
@click.option("--version", default="", help="The App's version. [default: that of gombus, or of the plugin]")
@click.option("--no-build-isolation", is_flag=True, help="Build folders with what is installed here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def build(
    python: str,
    platform: str,
    plugins: tuple[str, ...],
    plugin_only: str | None,
    beside: Path | None,
    core: str,
    constraints: Path | None,
    output: Path | None,
    version: str,
    no_build_isolation: bool,
    as_json: bool,
) -> None:
    """Build an App, a file .addon that INSPECT's App manager installs.

    pip fetches wheels for the Python and the platform that are named, whichever this is. What INSPECT brings itself,
    the gom client among it, is left out.

    Exit code: 0, or 1 where nothing was written.
    """
    if plugin_only and plugins:
        raise click.UsageError("--plugin-only builds an App of one plugin; --plugin belongs to gombus's own App")
    if beside and not plugin_only:
        raise click.UsageError("--beside belongs to --plugin-only")
    order = building.Order(
        Target(python, platform),
        version,
        _text(constraints) if constraints else "",
        not no_build_isolation,
        lambda text: click.echo(f"{text} ...", err=True),
    )
    if plugin_only is None:
        path = building.build_server(order, core, plugins or building.PLUGINS, output)
    elif beside is None:
        path = building.build_plugin(order, plugin_only, None, output)
    else:
        with _opened_base(beside, order.target) as app:
            path = building.build_plugin(order, plugin_only, app.wheels, output)
    with opened(path) as app:
        _print_contents(path, app, as_json)


def _text(path: Path) -> str:
    try:
        # Editors on Windows put a mark before it.
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GombusError(f"{path}: cannot be read as UTF-8 text: {error}") from error


@contextmanager
def _opened_base(path: Path, target: Target) -> Iterator[App]:
    """gombus's App, which another joins."""
    with opened(path) as app:
        if app.target() not in (None, target):
            raise GombusError(f"{path} is for {app.target()}, and this is to be for {target}")
        if not any(wheel.name == building.CORE for wheel in app.wheels):
            raise GombusError(f"{path} is not gombus's App: it has no module gombus")
        if app.problems:
            raise GombusError(f"{path}: {app.problems[0]}")
        yield app


def _print_contents(path: Path, app: App, as_json: bool) -> None:
    meta = app.read_json("metainfo.json")
    size = path.stat().st_size
    if as_json:
        report = {
            "file": str(path),
            "size": size,
            "title": meta["title"],
            "version": meta["version"],
            "entries": [{"name": name, "size": entry} for name, entry in sorted(app.entries.items())],
            "modules": [{"name": wheel.name, "version": str(wheel.version)} for wheel in app.wheels],
        }
        click.echo(json.dumps(report, indent=2))
        return
    for name, entry in sorted(app.entries.items()):
        click.echo(f"{entry:>10}  {name}")
    click.echo(f"{size:>10}  {path}: {meta['title']} {meta['version']}, {len(app.wheels)} modules")


@command.command("check", epilog="Example: gombus app check gombus.addon")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--python", type=click.Choice(PYTHONS), help="The Python to check for. [default: that of the App]")
@click.option("--platform", type=click.Choice(PLATFORMS), help="What it runs on. [default: that of the App]")
@click.option(
    "--beside",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For an App that adds plugins: gombus's App, which it joins.",
)
@click.option(
    "--interpreter",
    type=click.Path(exists=True, dir_okay=False),
    help="The Python to start the App with. [default: this one, where it is the App's]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def check_command(
    file: Path, python: str | None, platform: str | None, beside: Path | None, interpreter: str | None, as_json: bool
) -> None:
    """Look whether an App is whole and can run: its parts, its modules and all that they need, its plugins.

    Where it is for this platform, it is also started against the wire twin, with the installed client gom.

    Exit code: 0 where nothing is wrong, else 1.
    """
    with ExitStack() as stack:
        app = stack.enter_context(opened(file))
        built = app.target() or Target("3.9")
        target = Target(python or built.python, platform or built.platform)
        base = stack.enter_context(_opened_base(beside, target)) if beside else None
        report = check(app, target, base, interpreter or "")
        _print_report(file, report, as_json)
    if report.problems:
        raise SystemExit(1)


def _print_report(file: Path, report: Report, as_json: bool) -> None:
    if as_json:
        members = {
            "file": str(file),
            "ok": not report.problems,
            "kind": report.kind,
            "python": report.target.python,
            "platform": report.target.platform,
            "problems": report.problems,
            "checked": report.checked,
            "unchecked": report.unchecked,
        }
        click.echo(json.dumps(members, indent=2))
        return
    for what, texts in (("good", report.checked), ("not looked at", report.unchecked), ("WRONG", report.problems)):
        for text in texts:
            click.echo(f"{what}: {text}")
    click.echo(f"{file}: {len(report.problems) or 'no'} problem{'' if len(report.problems) == 1 else 's'}")
