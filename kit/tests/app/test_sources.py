from __future__ import annotations

import importlib.util
import json
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
def test_a_name_is_fetched(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, "acme")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert wheel_of("acme>=1", TARGET, folder, isolated=False).name == "acme"


@pytest.mark.parametrize("named", ["./no/such/folder", "acme-1.0-py3-none-any.whl/", "-x"])
def test_what_is_none_of_these_is_named(folder: Path, named: str) -> None:
    with pytest.raises(SourceError, match="allowed: a folder with a pyproject"):
        wheel_of(named, TARGET, folder, isolated=False)
