"""Settings: gombus.toml, over it the environment (GOMBUS_*), over it the options of the command line.

They end up in one frozen `Settings`, which also knows where each value came from.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "gombus.toml"
PREFIX = "GOMBUS_"
NO_SETTINGS = (PREFIX + "CONFIG", PREFIX + "URL")
"""Variables that say something else: where gombus.toml is, and which server `gombus send` asks."""
_NUMBER = re.compile(r"[0-9]{1,9}")
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")


def _setting(default: Any, text: str, choices: tuple[str, ...] = (), most: int = 0) -> Any:
    return field(default=default, metadata={"help": text, "choices": choices, "most": most})


@dataclass(frozen=True)
class Settings:
    """What is in force. Every field but the last two is a key of gombus.toml, `GOMBUS_<KEY>` and `--<key>`."""

    host: str = _setting("localhost", "loopback name or address to listen on; localhost is 127.0.0.1 and ::1")
    port: int = _setting(40010, "TCP port to listen on; 0 takes a free one", most=65535)
    backend: str = _setting(
        "auto", "who runs the gom commands: inspect, or twin (simulated); auto is inspect where its address is set"
    )
    log_level: str = _setting("info", "least severe log lines to write", LEVELS)
    log_format: str = _setting("text", "how log lines are written", FORMATS)
    origins: tuple[str, ...] = _setting((), "web origins that may connect, exactly as browsers send them")
    hosts: tuple[str, ...] = _setting((), "further names in the Host header under which clients reach the server")
    plugins_enabled: tuple[str, ...] = _setting((), "plugins to use; empty means all that are installed")
    plugins_disabled: tuple[str, ...] = _setting((), "plugins not to use")
    plugin_modules: tuple[str, ...] = _setting((), "modules to load as plugins where entry points are not visible")
    journal: str = _setting(
        "auto", "file that keeps the jobs; auto is journal.sqlite3 in the user's state folder, off keeps them in memory"
    )
    receipts: str = _setting(
        "auto", "file that gets a line for every receipt; auto is receipts.jsonl beside the journal, off is none"
    )
    journal_days: int = _setting(365, "jobs that ended longer ago are dropped; 0 keeps all", most=36_500)
    journal_jobs: int = _setting(1_000_000, "how many jobs are kept; 0 keeps all", most=100_000_000)
    plugin_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    """The tables [plugin.<name>] of gombus.toml; each plugin checks its own."""
    sources: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Key -> where its value came from; keys that are not here have their default."""

    def plugin(self, name: str) -> Mapping[str, Any]:
        """The table [plugin.<name>] of gombus.toml; empty where there is none."""
        return self.plugin_settings.get(name, MappingProxyType({}))

    def source(self, key: str) -> str:
        """Where this key's value came from, for people."""
        return self.sources.get(key, "default")


KEYS = {item.name: item for item in fields(Settings) if "help" in item.metadata}
"""The keys, in the order in which they are documented."""


def load(
    options: Mapping[str, Any] | None = None, file: str | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read all settings.

    :param options: key -> value from the command line; None values are left out.
    :param file: gombus.toml to read; else ``GOMBUS_CONFIG`` names one, else the one in the current folder if any.
    :param environ: None means `os.environ`.
    :raises SettingsError: naming where the setting stands, its key, and what is allowed.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    path = file or environ.get(PREFIX + "CONFIG") or (FILE if Path(FILE).is_file() else None)
    tables: Mapping[str, Any] = MappingProxyType({})
    if path:
        document = _read(path)
        tables = _tables(path, document.pop("plugin", {}))
        for key, value in document.items():
            values[key], sources[key] = _checked(path, key, key, _from_toml(value)), path
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in NO_SETTINGS:
            key = name[len(PREFIX) :].lower()
            values[key], sources[key] = _checked("environment", key, name, _from_text(key, text)), f"environment {name}"
    for key, value in (options or {}).items():
        if value is not None:
            option = "--" + key.replace("_", "-")
            values[key], sources[key] = _checked("command line", key, option, value), f"option {option}"
    return Settings(**values, plugin_settings=tables, sources=MappingProxyType(sources))


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: is no TOML: {error}") from error


def _tables(path: str, tables: Any) -> Mapping[str, Any]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise SettingsError(f"{path}: plugin: only tables [plugin.<name>] are allowed")
    return MappingProxyType({name: MappingProxyType(table) for name, table in tables.items()})


def _from_toml(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _from_text(key: str, text: str) -> Any:
    """A value of the environment: lists are split at commas."""
    default = KEYS[key].default if key in KEYS else text
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(default, int) and _NUMBER.fullmatch(text.strip()):
        return int(text)
    return text


def _checked(where: str, key: str, shown: str, value: Any) -> Any:
    if key not in KEYS:
        raise SettingsError(f"{where}: {shown}: is no setting; allowed: {', '.join(KEYS)}, and tables [plugin.<name>]")
    if not _fits(key, value):
        raise SettingsError(f"{where}: {shown}: {value!r} is not allowed; allowed: {allowed(key)}")
    return value


def _fits(key: str, value: Any) -> bool:
    default, meta = KEYS[key].default, KEYS[key].metadata
    if isinstance(default, tuple):
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if isinstance(default, int):
        return type(value) is int and 0 <= value <= meta["most"]
    return isinstance(value, str) and bool(value) and (not meta["choices"] or value in meta["choices"])


def allowed(key: str) -> str:
    """What a key allows, for people."""
    default, meta = KEYS[key].default, KEYS[key].metadata
    if isinstance(default, tuple):
        return "a list of strings"
    if isinstance(default, int):
        return f"a whole number from 0 to {meta['most']}"
    return ", ".join(meta["choices"]) or "a string that is not empty"
