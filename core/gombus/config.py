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
from .strict import MAX_DEPTH, MAX_INTEGER, MAX_SIZE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "gombus.toml"
PREFIX = "GOMBUS_"
NO_SETTINGS = tuple(PREFIX + name for name in ("CONFIG", "URL", "TOKEN", "CA"))
"""Variables that say something else: where gombus.toml is, and which server `gombus send` asks, and as whom."""
_WHOLE = re.compile(r"[0-9]{1,16}")
_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?")
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
OFF = "off"


def _setting(
    default: Any, text: str, choices: tuple[str, ...] = (), *, least: float = 0, most: float = 0, table: bool = False
) -> Any:
    value = {"default_factory": lambda: MappingProxyType({})} if table else {"default": default}
    return field(**value, metadata={"help": text, "choices": choices, "least": least, "most": most})


@dataclass(frozen=True)
class Settings:
    """What is in force. Every field but the last two is a key of gombus.toml, `GOMBUS_<KEY>` and `--<key>`."""

    host: str = _setting(
        "localhost",
        "name or address to listen on; localhost is 127.0.0.1 and ::1, others need TLS, a token and allowed_roots",
    )
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
        "auto", "file that gets a line for every receipt; auto is [NAME.]receipts.jsonl beside the journal, off is none"
    )
    journal_days: int = _setting(365, "jobs that ended longer ago are dropped; 0 keeps all", most=36_500)
    journal_jobs: int = _setting(1_000_000, "how many jobs are kept; 0 keeps all", most=100_000_000)
    auth: str = _setting(
        "auto", "who needs a token: auto is everybody as soon as there is one, or beyond loopback", ("auto", "required")
    )
    tokens: str = _setting(
        "auto", "file that keeps the hashes of tokens; auto is tokens.json in the user's state folder, off is none"
    )
    tls_certificate: str = _setting(OFF, "file with the server's certificate chain (PEM); off serves without TLS")
    tls_key: str = _setting(OFF, "file with its private key (PEM)")
    allowed_roots: tuple[str, ...] = _setting((), "folders in which files may lie; empty means anywhere on drives")
    paths: Mapping[str, str] = _setting(None, "begins of clients' paths -> what they are on this computer", table=True)
    settle_s: float = _setting(0.0, "how long a file must not have changed before it is imported, in s", most=3600)
    settle_limit_s: float = _setting(30.0, "how long to wait for that, in s", most=3600)
    spool: str = _setting(
        OFF, "folder in which files are copied to be imported from there; auto is in the state folder"
    )
    spool_days: int = _setting(0, "how many days those copies are kept; 0 removes them after the import", most=36_500)
    max_connections: int = _setting(64, "how many clients may be connected", least=1, most=10_000)
    max_unanswered: int = _setting(64, "unanswered requests after which a client is not read", least=1, most=10_000)
    max_queued: int = _setting(256, "how many requests may wait or run before others are busy", least=1, most=100_000)
    max_message_bytes: int = _setting(MAX_SIZE, "longest message, in bytes", least=256, most=16_777_216)
    max_depth: int = _setting(MAX_DEPTH, "deepest nesting of a message", least=4, most=64)
    max_integer: int = _setting(MAX_INTEGER, "largest magnitude of an integer in a message", least=1, most=MAX_INTEGER)
    max_outbox_bytes: int = _setting(
        8_388_608, "what may wait for a client to take it, in bytes", least=65_536, most=2**30
    )
    handshake_s: float = _setting(
        10.0, "how long a client may take to connect and say who it is, in s", least=0.1, most=600
    )
    send_s: float = _setting(10.0, "how long a client may leave what it was sent, in s", least=0.1, most=3600)
    idle_s: float = _setting(86_400.0, "how long a client may send nothing, in s; 0 is for ever", most=31_536_000)
    inspect_hosts: tuple[str, ...] = _setting((), "computers beyond this one on which INSPECT may run")
    inspect_dialog: str = _setting(
        "auto",
        "text of the dialog in INSPECT while gombus serves inside it, {url} is the address; auto is gombus's own, "
        "off shows none",
    )
    inspect_start: str = _setting(
        "exit", "what a server does whose INSPECT is not there when it starts: exit, or wait for it", ("exit", "wait")
    )
    inspect_process: str = _setting(
        "auto",
        "who talks to INSPECT: own is a process that is replaced when INSPECT was lost, same is the server's; auto is "
        "same where INSPECT started gombus",
        ("auto", "own", "same"),
    )
    inspect_hang_s: float = _setting(
        0.0, "after how long a gom command is given up, with what talks to INSPECT, in s; 0 is never", most=604_800
    )
    watch_s: float = _setting(
        300.0, "after how long a gom command is reported as not returning, in s", least=0.1, most=604_800
    )
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
DEFAULTS = Settings()
"""What is in force where nothing is set."""


def kind_of(key: str) -> type:
    """What a key's values are: str, int, float, tuple (of strings) or dict (of strings by string)."""
    default = getattr(DEFAULTS, key)
    return dict if isinstance(default, Mapping) else type(default)


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
    path = file or named_file(environ) or (FILE if Path(FILE).is_file() else None)
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


def named_file(environ: Mapping[str, str] | None = None) -> str:
    """The settings file that the environment names; empty where it names none."""
    return (os.environ if environ is None else environ).get(PREFIX + "CONFIG", "")


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
    if key not in KEYS:
        return text
    kind = kind_of(key)
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind is dict:
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        return {name.strip(): value.strip() for name, _, value in pairs}
    if kind in (int, float) and (_WHOLE if kind is int else _NUMBER).fullmatch(text.strip()):
        return kind(text)
    return text


def _checked(where: str, key: str, shown: str, value: Any) -> Any:
    if key not in KEYS:
        raise SettingsError(f"{where}: {shown}: is no setting; allowed: {', '.join(KEYS)}, and tables [plugin.<name>]")
    if not _fits(key, value):
        raise SettingsError(f"{where}: {shown}: {value!r} is not allowed; allowed: {allowed(key)}")
    kind = kind_of(key)
    return MappingProxyType(dict(value)) if kind is dict else float(value) if kind is float else value


def _fits(key: str, value: Any) -> bool:
    kind, meta = kind_of(key), KEYS[key].metadata
    if kind is tuple:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if kind is dict:
        return isinstance(value, Mapping) and all(
            isinstance(item, str) and item for pair in value.items() for item in pair
        )
    if kind in (int, float):
        return type(value) in (int, kind) and meta["least"] <= value <= meta["most"]
    return isinstance(value, str) and bool(value) and (not meta["choices"] or value in meta["choices"])


def allowed(key: str) -> str:
    """What a key allows, for people."""
    kind, meta = kind_of(key), KEYS[key].metadata
    if kind is tuple:
        return "a list of strings"
    if kind is dict:
        return "a table of strings that are not empty"
    if kind in (int, float):
        return f"a {'whole ' if kind is int else ''}number from {meta['least']} to {meta['most']}"
    return ", ".join(meta["choices"]) or "a string that is not empty"
