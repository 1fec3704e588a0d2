"""With wheels of our own in a folder that pip takes for a package index."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from gombus_kit.app.closure import ClosureError, Constraints, fetch, missing, needs
from gombus_kit.app.pip import PipError
from gombus_kit.app.target import Target
from gombus_kit.app.wheels import Wheel, read
from wheelhouse import TARGET, wheel

needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip fetches")
LATER = Target("3.12")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip finds anything."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "fetched"
    made.mkdir()
    return made


def fetched(own: list[Wheel], folder: Path, target: Target = TARGET, constraints: str = "") -> dict[str, str]:
    wheels = fetch(own, target, Constraints(constraints, target), folder, lambda text: None)
    return {item.name: str(item.version) for item in wheels}


@needs_pip
def test_what_windows_and_an_old_python_need_is_fetched_by_any_python_anywhere(index: Path, folder: Path) -> None:
    wheel(index, "click", requires=["colorama; platform_system == 'Windows'", "uvloop; sys_platform == 'linux'"])
    wheel(index, "colorama")
    wheel(index, "tomli", tag="cp39-cp39-win_amd64")
    wheel(index, "tomli", tag="cp312-cp312-win_amd64")
    wheel(index, "tomli", tag="cp39-cp39-manylinux_2_17_x86_64")
    own = wheel(folder, "gombus", requires=["click>=1", "tomli; python_version < '3.11'"])
    assert fetched([own], folder) == {"click": "1.0", "colorama": "1.0", "gombus": "1.0", "tomli": "1.0"}
    assert (folder / "tomli-1.0-cp39-cp39-win_amd64.whl").is_file()
    later = folder / "later"
    later.mkdir()
    assert fetched([own], later, LATER) == {"click": "1.0", "colorama": "1.0", "gombus": "1.0"}


@needs_pip
def test_constraints_hold_where_their_markers_do(index: Path, folder: Path) -> None:
    for version in ("1.0", "2.0", "3.0"):
        wheel(index, "click", version)
    own = wheel(folder, "gombus", requires=["click"])
    lines = "# pins\nclick==1.0; python_version < '3.10'  # old\nclick==2.0; python_version >= '3.10'\n\nnever<1\n"
    assert fetched([own], folder, constraints=lines)["click"] == "1.0"
    assert fetched([own], folder, LATER, lines)["click"] == "2.0"


@needs_pip
def test_a_version_that_another_cannot_have_is_replaced(index: Path, folder: Path) -> None:
    wheel(index, "attrs", "1.0")
    wheel(index, "attrs", "2.0", requires=["only-new"])
    wheel(index, "only-new")
    wheel(index, "jsonschema", requires=["attrs<2"])
    own = wheel(folder, "gombus", requires=["attrs", "jsonschema"])
    assert fetched([own], folder) == {"attrs": "1.0", "gombus": "1.0", "jsonschema": "1.0"}


@needs_pip
def test_extras_are_followed(index: Path, folder: Path) -> None:
    wheel(index, "jsonschema", requires=["fqdn; extra == 'format'", "other; extra == 'more'"])
    wheel(index, "fqdn")
    own = wheel(folder, "gombus", requires=["jsonschema[format]"])
    assert set(fetched([own], folder)) == {"gombus", "jsonschema", "fqdn"}


@needs_pip
def test_what_inspect_brings_is_left_out(index: Path, folder: Path) -> None:
    own = wheel(folder, "acme", requires=["zeiss-inspect-api>=2025", "Websocket_Client"])
    assert fetched([own], folder) == {"acme": "1.0"}
    assert missing([own], TARGET) == []


@needs_pip
@pytest.mark.parametrize(
    ("requires", "error", "says"),
    [
        (["nothing-like-it"], PipError, "No matching distribution"),
        (["click>=2"], PipError, "click>=2"),
        (["click>=1", "click<1"], PipError, "click<1,>=1"),
        (["elsewhere @ https://example.com/x.whl"], ClosureError, "acme needs elsewhere from an address"),
        (["click", "acme>=2"], ClosureError, "acme 1.0 is there, and acme>=2 is needed"),
    ],
)
def test_what_cannot_be_had_is_named(
    index: Path, folder: Path, requires: list[str], error: type[Exception], says: str
) -> None:
    wheel(index, "click")
    with pytest.raises(error, match=says):
        fetched([wheel(folder, "acme", requires=requires)], folder)


def test_a_constraint_that_is_none_is_named() -> None:
    with pytest.raises(ClosureError, match=r"constraints: '-r other\.txt' is no requirement"):
        Constraints("-r other.txt", TARGET)


def test_what_is_missing_is_told_with_who_needs_it(tmp_path: Path) -> None:
    own = wheel(tmp_path, "gombus", requires=["click>=8", "tomli; python_version < '3.11'", "attrs[more]"])
    click = wheel(tmp_path, "click", "7.0")
    attrs = wheel(tmp_path, "attrs", requires=["hypothesis; extra == 'more'"])
    assert missing([own, click, attrs], TARGET) == [
        "gombus needs click>=8, and click 7.0 is there",
        "gombus needs tomli, which is not there",
        "attrs needs hypothesis, which is not there",
    ]
    assert missing([own, click, attrs], LATER, {"hypothesis": wheel(tmp_path, "hypothesis")}) == [
        "gombus needs click>=8, and click 7.0 is there"
    ]


def test_another_app_s_modules_count(tmp_path: Path) -> None:
    there: dict[str, Any] = {"gombus": wheel(tmp_path, "gombus", "0.1")}
    plugin = wheel(tmp_path, "acme", requires=["gombus>=0.1"])
    assert missing([plugin], TARGET, there) == []
    assert [need.by for need in needs([plugin], TARGET)] == ["acme"]


def test_a_prerelease_that_is_built_counts(tmp_path: Path) -> None:
    core = wheel(tmp_path, "gombus", "0.2.dev1")
    assert read(core.path).version.is_prerelease
    assert missing([core, wheel(tmp_path, "acme", requires=["gombus>=0.1"])], TARGET) == []


def test_what_a_plugin_asks_of_an_extra_of_gombus_s_is_told(tmp_path: Path) -> None:
    core = wheel(tmp_path, "gombus", requires=["cryptography; extra == 'tls'"])
    plugin = wheel(tmp_path, "acme", requires=["gombus[tls]"])
    assert missing([plugin], TARGET, {"gombus": core}) == ["gombus needs cryptography, which is not there"]


@needs_pip
def test_what_only_the_first_patch_releases_cannot_have_is_fetched(index: Path, folder: Path) -> None:
    wheel(index, "cryptography", lines=["Requires-Python: >=3.8,!=3.9.0,!=3.9.1"])
    own = wheel(folder, "gombus", requires=["cryptography"])
    assert fetched([own], folder) == {"cryptography": "1.0", "gombus": "1.0"}
