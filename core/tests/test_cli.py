"""The command `gombus`: its subcommands, and those of plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

import gombus as package
from gombus.cli import OWN
from programs import gombus

ADDS = """
import click
import gombus

@gombus.hookimpl
def gombus_commands(cli):
    {body}
"""


def test_the_version() -> None:
    assert gombus("--version").stdout == f"gombus, version {package.__version__}\n"


def test_the_help_lists_every_subcommand_with_one_line() -> None:
    done = gombus("--help")
    assert done.returncode == 0
    listed = done.stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    names = [line.split()[0] for line in listed if line.startswith("  ") and line.strip()]
    assert names == sorted(OWN)
    assert "Example: gombus serve" in done.stdout


@pytest.mark.parametrize("name", OWN)
def test_every_subcommand_has_help_with_an_example(name: str) -> None:
    done = gombus(name, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert done.stderr == ""


def test_a_plugin_adds_a_subcommand(tmp_path: Path) -> None:
    body = 'cli.add_command(click.Command("acme", callback=lambda: click.echo("made by acme"), help="Acme\'s."))'
    (tmp_path / "acme.py").write_text(ADDS.format(body=body), encoding="utf-8")
    more = {"GOMBUS_PLUGIN_MODULES": "acme", "GOMBUS_PLUGINS_ENABLED": "acme", "PYTHONPATH": str(tmp_path)}
    assert gombus("acme", **more).stdout == "made by acme\n"
    assert "  acme      Acme's." in gombus("--help", **more).stdout


def test_a_plugin_that_fails_there_is_named_and_the_rest_works(tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text(ADDS.format(body="raise OSError('no disk')"), encoding="utf-8")
    more = {"GOMBUS_PLUGIN_MODULES": "acme", "GOMBUS_PLUGINS_ENABLED": "acme", "PYTHONPATH": str(tmp_path)}
    done = gombus("--help", **more)
    assert done.returncode == 0
    assert "serve" in done.stdout
    assert "plugin acme (named in the settings) is not used: gombus_commands raised OSError: no disk" in done.stderr


def test_an_unknown_subcommand_is_a_usage_error() -> None:
    done = gombus("sevre")
    assert done.returncode == 2
    assert "No such command 'sevre'" in done.stderr


def test_a_wrong_setting_does_not_hide_the_help(tmp_path: Path) -> None:
    (tmp_path / "gombus.toml").write_text("prot = 1\n", encoding="utf-8")
    done = gombus("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "serve" in done.stdout
    assert "gombus.toml: prot: is no setting" in done.stderr
