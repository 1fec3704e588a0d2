from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from gombus_kit.app import pip
from gombus_kit.app.pip import PipError
from wheelhouse import TARGET, wheel

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pip", "hatchling")), reason="pip and hatchling build"
)

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme"
version = "1.0"
requires-python = ">=3.9"
"""


def test_a_folder_is_built_and_left_as_it_was(tmp_path: Path) -> None:
    source = tmp_path / "acme"
    (source / "acme").mkdir(parents=True)
    (source / "acme" / "__init__.py").touch()
    (source / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    before = sorted(source.rglob("*"))
    assert pip.build(source, tmp_path, isolated=False).name == "acme-1.0-py3-none-any.whl"
    assert sorted(source.rglob("*")) == before
    with pytest.raises(PipError, match="name each plugin once"):
        pip.build(source, tmp_path, isolated=False)


def test_what_cannot_be_built_is_said_in_pip_s_words(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    with pytest.raises(PipError, match="pip wheel failed: "):
        pip.build(tmp_path, tmp_path, isolated=False)


def test_a_wheel_for_windows_is_fetched_anywhere_and_its_needs_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wheel(tmp_path, "acme", requires=["nothing-like-it"], tag="cp39-cp39-win_amd64")
    (tmp_path / "to").mkdir()
    pip.download([Requirement("acme>=1; sys_platform == 'win32'")], TARGET, tmp_path / "to")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["acme-1.0-cp39-cp39-win_amd64.whl"]
    with pytest.raises(PipError, match=r"pip download failed: .*other"):
        pip.download([Requirement("other")], TARGET, tmp_path / "to")


def test_pip_that_does_not_end_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip, "LIMIT_S", 0)
    with pytest.raises(PipError, match="pip download has not ended after 0 s"):
        pip.download([Requirement("acme")], TARGET, tmp_path)
