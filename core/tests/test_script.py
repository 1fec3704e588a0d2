"""With the real client: tests/test_inside.py. Here is where the settings come from."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gombus.errors import SettingsError
from gombus.inspect import script
from gombus.inspect.script import main, settings_inside, settings_path


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's settings, which are nobody's here."""
    monkeypatch.delenv("GOMBUS_CONFIG", raising=False)
    path = tmp_path / "user" / "gombus.toml"
    monkeypatch.setattr(script, "settings_path", lambda: path)
    return path


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "app.toml"
    path.write_text("port = 40011\n", encoding="utf-8")
    return path


def test_the_user_s_settings_are_no_part_of_the_app() -> None:
    assert settings_path().is_absolute()
    assert settings_path().parts[-2:] == ("gombus", "gombus.toml")


def test_the_first_start_makes_the_user_s_settings_and_later_ones_leave_them(template: Path, place: Path) -> None:
    assert settings_inside(template).port == 40011
    assert place.read_text(encoding="utf-8") == "port = 40011\n"
    place.write_text("port = 40012\n", encoding="utf-8")
    assert settings_inside(template).port == 40012
    assert settings_inside(template).source("port") == str(place)


def test_a_folder_that_cannot_be_written_does_not_matter(template: Path, place: Path) -> None:
    place.parent.write_text("a file", encoding="utf-8")
    assert settings_inside(template).port == 40011


def test_the_environment_may_name_another_file(
    template: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 40013\n", encoding="utf-8")
    monkeypatch.setenv("GOMBUS_CONFIG", str(other))
    assert settings_inside(template).port == 40013
    assert not place.exists()


def test_the_app_s_plugins_are_named_beside_the_user_s(template: Path) -> None:
    template.write_text('plugin_modules = ["acme", "gombus_quit"]\n', encoding="utf-8")
    assert settings_inside(template, ["gombus_image", "gombus_quit"]).plugin_modules == (
        "acme",
        "gombus_quit",
        "gombus_image",
    )


def test_wrong_settings_are_refused(template: Path) -> None:
    template.write_text("prot = 1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="prot"):
        settings_inside(template)


@pytest.mark.parametrize("log_fails", [False, True])
def test_why_it_cannot_start_is_said_even_where_inspect_hears_nothing(
    template: Path, monkeypatch: pytest.MonkeyPatch, log_fails: bool
) -> None:
    heard: list[str] = []

    def error(text: str, *arguments: Any) -> None:
        if log_fails:
            raise RuntimeError("no INSPECT")
        heard.append(text % arguments)

    monkeypatch.setitem(sys.modules, "gom", SimpleNamespace(log=SimpleNamespace(error=error)))
    template.write_text("prot = 1\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"^Error: .*prot: is no setting"):
        main(template)
    assert len(heard) == (not log_fails)
