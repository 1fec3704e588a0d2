from __future__ import annotations

import importlib.util
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from gombus_kit.app.pip import PipError
from gombus_kit.app.sources import SourceError, wheel_of
from wheelhouse import TARGET, wheel

needs_pip = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pip", "hatchling")), reason="pip and hatchling build"
)
QUIT = Path(__file__).resolve().parents[3] / "plugins" / "quit"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "wheels"
    made.mkdir()
    return made


def test_a_wheel_is_taken(tmp_path: Path, folder: Path) -> None:
    own = wheel(tmp_path, "acme")
    taken = wheel_of(str(own.path), TARGET, folder, isolated=False)
    assert (taken.name, taken.path.parent) == ("acme", folder)


@needs_pip
def test_a_folder_is_built(folder: Path) -> None:
    assert wheel_of(str(QUIT), TARGET, folder, isolated=False).plugins == ("gombus_quit",)


@needs_pip
def test_what_is_installed_from_a_folder_is_built_from_there(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "acme_quit-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-quit\nVersion: 9\n", encoding="utf-8")
    place = {"url": QUIT.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(place), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert wheel_of("acme-quit", TARGET, folder, isolated=False).name == "gombus-quit"
    # A version that is asked for is fetched.
    with pytest.raises(PipError, match="acme-quit==8"):
        wheel_of("acme-quit==8", TARGET, folder, isolated=False)
    # A folder that is gone leaves the version.
    place["url"] = (tmp_path / "gone").as_uri()
    (info / "direct_url.json").write_text(json.dumps(place), encoding="utf-8")
    with pytest.raises(PipError, match="acme-quit==9"):
        wheel_of("acme-quit", TARGET, folder, isolated=False)


@needs_pip
def test_a_folder_is_built_wherever_it_is_named_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(QUIT, tmp_path / "quit_copy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for number, named in enumerate(("quit_copy", "./quit_copy", "quit_copy/")):
        made = tmp_path / str(number)
        made.mkdir()
        assert wheel_of(named, TARGET, made, isolated=False).name == "gombus-quit"


@needs_pip
def test_a_folder_does_not_stand_for_what_is_installed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in the folder in which gombus was cloned.
    (tmp_path / "pluggy").mkdir()
    (tmp_path / "pluggy" / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(PipError, match=f"pluggy=={version('pluggy')}"):
        wheel_of("pluggy", TARGET, folder, isolated=False)


def test_nothing_is_fetched_in_the_place_of_a_folder_that_is_no_project(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_import").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="acme_import: allowed: a folder with a pyproject"):
        wheel_of("acme_import", TARGET, folder, isolated=False)


@pytest.mark.parametrize("named", ["acme[fast]", "acme>=1; python_version > '3'"])
def test_a_name_has_versions_and_no_more(folder: Path, named: str) -> None:
    with pytest.raises(SourceError, match="allowed: a name and versions, such as acme>=1"):
        wheel_of(named, TARGET, folder, isolated=False)


@needs_pip
def test_what_is_fetched_twice_is_named(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, "acme")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wheel_of("acme>=1", TARGET, folder, isolated=False)
    with pytest.raises(SourceError, match="acme>=1: its wheel is there already; name each plugin once"):
        wheel_of("acme>=1", TARGET, folder, isolated=False)


@needs_pip
def test_a_name_is_fetched(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, "acme")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert wheel_of("acme>=1", TARGET, folder, isolated=False).name == "acme"


@pytest.mark.parametrize(
    "named", ["./no/such/folder", "acme-1.0-py3-none-any.whl/", "-x", "acme @ https://acme.example/a.whl"]
)
def test_what_is_none_of_these_is_named(folder: Path, named: str) -> None:
    with pytest.raises(SourceError, match="allowed: a folder with a pyproject"):
        wheel_of(named, TARGET, folder, isolated=False)
