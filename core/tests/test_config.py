"""Settings: where they come from, which of them wins, and what is said of those that are wrong."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from gombus.config import KEYS, Settings, allowed, load
from gombus.errors import SettingsError


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its settings; not in the current folder."""
    return tmp_path / "settings.toml"


def _write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_everything_has_a_default() -> None:
    settings = load(environ={})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.backend) == ("localhost", 40010, "auto")
    assert {settings.source(key) for key in KEYS} == {"default"}


def test_every_key_is_a_field_with_a_help_text_and_says_what_it_allows() -> None:
    names = [field.name for field in dataclasses.fields(Settings)]
    assert [*KEYS, "plugin_settings", "sources"] == names
    for key, item in KEYS.items():
        assert item.metadata["help"]
        assert allowed(key)


ALL = {
    "host": ("127.0.0.1", '"127.0.0.1"', "127.0.0.1"),
    "port": (0, "0", " 0 "),
    "backend": ("twin", '"twin"', "twin"),
    "log_level": ("debug", '"debug"', "debug"),
    "log_format": ("json", '"json"', "json"),
    "origins": (("https://a.example", "null"), '["https://a.example", "null"]', "https://a.example , null,"),
    "hosts": (("inspect",), '["inspect"]', "inspect"),
    "plugins_enabled": (("image", "quit"), '["image", "quit"]', "image,quit"),
    "plugins_disabled": ((), "[]", ""),
    "plugin_modules": (("acme",), '["acme"]', "acme"),
    "journal": ("D:/gombus/jobs.sqlite3", '"D:/gombus/jobs.sqlite3"', "D:/gombus/jobs.sqlite3"),
    "receipts": ("off", '"off"', "off"),
    "journal_days": (30, "30", "30"),
    "journal_jobs": (5000, "5000", "5000"),
    "auth": ("required", '"required"', "required"),
    "tokens": ("D:/gombus/tokens.json", '"D:/gombus/tokens.json"', "D:/gombus/tokens.json"),
    "tls_certificate": ("cert.pem", '"cert.pem"', "cert.pem"),
    "tls_key": ("key.pem", '"key.pem"', "key.pem"),
    "allowed_roots": (("D:/exchange", "//nas/parts"), '["D:/exchange", "//nas/parts"]', "D:/exchange, //nas/parts"),
    "paths": ({"Z:/parts": "D:/exchange/parts"}, '{"Z:/parts" = "D:/exchange/parts"}', "Z:/parts=D:/exchange/parts"),
    "settle_s": (0.5, "0.5", "0.5"),
    "settle_limit_s": (60.0, "60", "60"),
    "spool": ("auto", '"auto"', "auto"),
    "spool_days": (30, "30", "30"),
    "max_connections": (8, "8", "8"),
    "max_unanswered": (2, "2", "2"),
    "max_queued": (10, "10", "10"),
    "max_message_bytes": (1024, "1024", "1024"),
    "max_depth": (8, "8", "8"),
    "max_integer": (2**53, "9007199254740992", "9007199254740992"),
    "max_outbox_bytes": (100_000, "100_000", "100000"),
    "handshake_s": (5.0, "5", "5"),
    "send_s": (2.5, "2.5", "2.5"),
    "idle_s": (0.0, "0", "0"),
    "inspect_hosts": (("inspect-pc",), '["inspect-pc"]', "inspect-pc"),
    "inspect_dialog": ("off", '"off"', "off"),
    "inspect_start": ("wait", '"wait"', "wait"),
    "inspect_process": ("same", '"same"', "same"),
    "inspect_hang_s": (60.0, "60.0", "60.0"),
    "watch_s": (60.0, "60.0", "60.0"),
}
"""Key -> value, the value in TOML, the value in the environment."""


def test_the_table_of_these_tests_is_complete() -> None:
    assert list(ALL) == list(KEYS)


@pytest.mark.parametrize("key", ALL)
def test_every_key_is_read_from_each_of_the_three(key: str, file: Path) -> None:
    value, toml, text = ALL[key]
    path = _write(file, f"{key} = {toml}\n")
    name = f"GOMBUS_{key.upper()}"
    option = "--" + key.replace("_", "-")
    for settings, source in [
        (load(file=path, environ={}), path),
        (load(environ={name: text}), f"environment {name}"),
        (load({key: value}, environ={}), f"option {option}"),
    ]:
        assert getattr(settings, key) == value
        assert type(getattr(settings, key)) is (MappingProxyType if key == "paths" else type(value))
        assert settings.source(key) == source
        assert dict(settings.sources) == {key: source}


def test_options_win_over_the_environment_and_that_over_the_file(file: Path) -> None:
    path = _write(file, 'port = 1\nhost = "::1"\nbackend = "twin"\nlog_level = "error"\n')
    environ = {"GOMBUS_PORT": "2", "GOMBUS_HOST": "127.0.0.1", "GOMBUS_BACKEND": "inspect", "OTHER_PORT": "9"}
    settings = load({"port": 3, "host": "localhost", "backend": None, "log_format": None}, path, environ)
    assert (settings.port, settings.host) == (3, "localhost")
    assert (settings.backend, settings.log_level, settings.log_format) == ("inspect", "error", "text")
    assert dict(settings.sources) == {
        "port": "option --port",
        "host": "option --host",
        "backend": "environment GOMBUS_BACKEND",
        "log_level": path,
    }


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMBUS_PORT", "40011")
    assert load().port == 40011


def test_the_file_in_the_current_folder_is_read(file: Path) -> None:
    _write(Path("gombus.toml"), "port = 5\n")
    settings = load(environ={})
    assert settings.port == 5
    assert settings.source("port") == "gombus.toml"


def test_a_folder_of_that_name_is_not() -> None:
    Path("gombus.toml").mkdir()
    assert load(environ={}) == Settings()


def test_the_environment_may_name_the_file_and_the_caller_wins_over_it(file: Path, tmp_path: Path) -> None:
    _write(Path("gombus.toml"), "port = 5\n")
    named = _write(tmp_path / "named.toml", "port = 6\n")
    environ = {"GOMBUS_CONFIG": named}
    assert load(environ=environ).port == 6
    assert load(environ=environ).source("port") == named
    assert load(file=_write(file, "port = 7\n"), environ=environ).port == 7
    assert load(environ={"GOMBUS_CONFIG": ""}).port == 5


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("prot = 1", "prot", "is no setting; allowed: host, port, backend, "),
        ("log-level = 'info'", "log-level", "is no setting; allowed: "),
        ("PORT = 1", "PORT", "is no setting; allowed: "),
        ("sources = {}", "sources", "is no setting; allowed: "),
        ("plugin_settings = {}", "plugin_settings", "is no setting; allowed: "),
        ("[plugins.quit]\na = 1", "plugins", r"is no setting; allowed: .*, and tables \[plugin\.<name>\]"),
        ("port = '40010'", "port", "'40010' is not allowed; allowed: a whole number from 0 to 65535"),
        ("port = true", "port", "True is not allowed; allowed: a whole number"),
        ("port = 1.0", "port", r"1\.0 is not allowed; allowed: a whole number"),
        ("port = -1", "port", "-1 is not allowed; allowed: a whole number"),
        ("port = 65536", "port", "65536 is not allowed; allowed: a whole number"),
        ("port = [1]", "port", r"\(1,\) is not allowed; allowed: a whole number"),
        ("host = 5", "host", "5 is not allowed; allowed: a string that is not empty"),
        ("host = ''", "host", "'' is not allowed; allowed: a string that is not empty"),
        ("log_level = 'loud'", "log_level", "'loud' is not allowed; allowed: debug, info, warning, error"),
        ("log_level = 'INFO'", "log_level", "'INFO' is not allowed; allowed: debug, info, warning, error"),
        ("log_format = 1", "log_format", "1 is not allowed; allowed: text, json"),
        ("origins = 'https://a.example'", "origins", "'https://a.example' is not allowed; allowed: a list of strings"),
        ("origins = [1]", "origins", r"\(1,\) is not allowed; allowed: a list of strings"),
        ("settle_s = 'x'", "settle_s", "'x' is not allowed; allowed: a number from 0 to 3600"),
        ("settle_s = nan", "settle_s", "nan is not allowed; allowed: a number from 0 to 3600"),
        ("settle_s = true", "settle_s", "True is not allowed; allowed: a number"),
        ("send_s = 0", "send_s", "0 is not allowed; allowed: a number from 0.1 to 3600"),
        ("max_depth = 3", "max_depth", "3 is not allowed; allowed: a whole number from 4 to 64"),
        ("paths = 5", "paths", "5 is not allowed; allowed: a table of strings that are not empty"),
        ("[paths]\n'Z:/parts' = 5", "paths", "{'Z:/parts': 5} is not allowed; allowed: a table of strings"),
        ("[paths]\n'Z:/parts' = ''", "paths", "{'Z:/parts': ''} is not allowed; allowed: a table of strings"),
        ("hosts = {}", "hosts", "{} is not allowed; allowed: a list of strings"),
        ("plugin = 5", "plugin", r"only tables \[plugin\.<name>\] are allowed"),
        ("plugin = []", "plugin", r"only tables \[plugin\.<name>\] are allowed"),
        ("[plugin]\nquit = 5", "plugin", r"only tables \[plugin\.<name>\] are allowed"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_file_and_key(text: str, where: str, what: str, file: Path) -> None:
    path = _write(file, text)
    with pytest.raises(SettingsError, match=f"^{re.escape(path)}: {where}: {what}"):
        load(file=path, environ={})


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("GOMBUS_PROT", "1", "is no setting; allowed: host, port, "),
        ("GOMBUS_", "1", "is no setting; allowed: "),
        ("GOMBUS_SOURCES", "1", "is no setting; allowed: "),
        ("GOMBUS_PORT", "", "'' is not allowed; allowed: a whole number from 0 to 65535"),
        ("GOMBUS_PORT", "x", "'x' is not allowed; allowed: a whole number"),
        ("GOMBUS_PORT", "-1", "'-1' is not allowed; allowed: a whole number"),
        ("GOMBUS_PORT", "4_0", "'4_0' is not allowed; allowed: a whole number"),
        ("GOMBUS_PORT", "1e3", "'1e3' is not allowed; allowed: a whole number"),
        ("GOMBUS_PORT", "65536", "'?65536'? is not allowed; allowed: a whole number"),
        ("GOMBUS_PORT", "\u0664\u0660", "'\u0664\u0660' is not allowed; allowed: a whole number"),
        ("GOMBUS_PORT", "9" * 5000, ".*is not allowed; allowed: a whole number"),
        ("GOMBUS_SETTLE_S", "-1", "'-1' is not allowed; allowed: a number from 0 to 3600"),
        ("GOMBUS_SETTLE_S", "nan", "'nan' is not allowed; allowed: a number from 0 to 3600"),
        ("GOMBUS_PATHS", "Z:/parts", "{'Z:/parts': ''} is not allowed; allowed: a table of strings"),
        ("GOMBUS_HOST", "", "'' is not allowed; allowed: a string that is not empty"),
        ("GOMBUS_LOG_LEVEL", "loud", "'loud' is not allowed; allowed: debug, info, warning, error"),
    ],
    ids=lambda value: ascii(value[:20]),
)
def test_what_is_wrong_in_the_environment_is_named_with_its_variable(name: str, text: str, what: str) -> None:
    with pytest.raises(SettingsError, match=f"^environment: {name}: {what}"):
        load(environ={name: text})


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("prot", 1, "--prot: is no setting; allowed: host, port, "),
        ("config_file", "x", "--config-file: is no setting; allowed: "),
        ("port", "40010", "--port: '40010' is not allowed; allowed: a whole number from 0 to 65535"),
        ("port", 65536, "--port: 65536 is not allowed; allowed: a whole number"),
        ("log_level", "loud", "--log-level: 'loud' is not allowed; allowed: debug, info, warning, error"),
        ("origins", ["x"], r"--origins: \['x'\] is not allowed; allowed: a list of strings"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_named_with_its_option(key: str, value: Any, what: str) -> None:
    with pytest.raises(SettingsError, match=f"^command line: {what}"):
        load({key: value}, environ={})


@pytest.mark.parametrize("content", [b"port 5", b"port = ", b"a = 1\na = 2", b"\xff\xfe", b"port = " + b"9" * 5000])
def test_a_file_that_is_no_toml_is_refused_by_name(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(f"{file}: is no TOML: ")):
        load(file=str(file), environ={})


def test_a_file_that_is_not_there_is_refused_by_name(file: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{file}: cannot be read: No such file")):
        load(file=str(file), environ={})
    with pytest.raises(SettingsError, match=re.escape(f"{file}: cannot be read: No such file")):
        load(environ={"GOMBUS_CONFIG": str(file)})


def test_a_file_that_cannot_be_opened_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{tmp_path}: cannot be read: ")):
        load(file=str(tmp_path), environ={})


def test_plugins_have_tables_of_their_own(file: Path) -> None:
    path = _write(file, "port = 1\n[plugin.image]\nfolder = 'x'\ndeep = {a = [1]}\n[plugin.quit]\n")
    settings = load(file=path, environ={})
    assert settings.plugin("image") == {"folder": "x", "deep": {"a": [1]}}
    assert settings.plugin("quit") == {}
    assert settings.plugin("none") == {}
    assert set(settings.plugin_settings) == {"image", "quit"}
    assert settings.port == 1


def test_nothing_can_be_changed_afterwards(file: Path) -> None:
    settings: Any = load({"port": 1}, _write(file, "[plugin.image]\nfolder = 'x'\n"), {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 2
    for table in (
        settings.sources,
        settings.plugin_settings,
        settings.plugin("image"),
        settings.plugin("none"),
        Settings().plugin_settings,
        Settings().sources,
    ):
        with pytest.raises(TypeError):
            table["x"] = {}
    assert Settings().port == 40010
