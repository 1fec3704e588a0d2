"""gombus as a script inside INSPECT: what the App's start script calls."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import platformdirs

from .. import config, log, runtime
from ..config import Settings
from ..errors import BackendLost, GombusError
from .effects import undo


def main(template: Path, plugins: Sequence[str] = ()) -> None:
    """Serve until a client sends quit or the user presses Esc. gom was imported before this is.

    :param template: the App's gombus.toml, of which the user gets a copy at the first start.
    :param plugins: modules to load as plugins where INSPECT does not show their entry points.
    :raises SystemExit: it cannot start, or INSPECT was lost; the reason stands in the script's output, and in INSPECT's
        log as long as there is one.
    """
    gom = sys.modules["gom"]
    undo(gom)
    try:
        settings = settings_inside(template, plugins)
        log.configure(settings)
        runtime.run(settings, _say)
    except BackendLost as error:
        # Nobody is there who could be told.
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(error.exit_code) from error
    except GombusError as error:
        with suppress(Exception):
            gom.log.error("gombus cannot start: %s", error)
        raise SystemExit(f"Error: {error}") from error


def settings_inside(template: Path, plugins: Sequence[str] = ()) -> Settings:
    """What is in force inside INSPECT: the user's gombus.toml, over it the environment.

    :raises SettingsError: naming the setting, and what is allowed.
    """
    settings = config.load(file=_file(template))
    modules = (*settings.plugin_modules, *(name for name in plugins if name not in settings.plugin_modules))
    return replace(settings, plugin_modules=modules)


def settings_path() -> Path:
    """Where the user's settings are: an App is a file that an update replaces, so not in there."""
    return platformdirs.user_config_path("gombus", appauthor=False) / config.FILE


def _file(template: Path) -> str | None:
    if config.named_file():
        return None
    path = settings_path()
    if not path.is_file() and template.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(template, path)
        except OSError:
            # A folder that cannot be written must not keep the server from running.
            path = template
    return str(path) if path.is_file() else None


def _say(listening: runtime.Listening) -> None:
    types = ", ".join(sorted(listening.registry.types)) or "none"
    sys.stdout.write(f"gombus listens on {listening.url}, request types: {types}\n")
    sys.stdout.flush()
