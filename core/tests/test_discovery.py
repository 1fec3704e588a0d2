"""Where plugins come from: real distributions on sys.path, and modules that the settings name."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Callable

import pytest

from gombus.config import Settings
from gombus.discovery import Candidate, find_candidates

PREFIX = "acme"
"""Begins the names of the distributions that these tests make; others may be installed."""


class Site:
    """A folder on sys.path with distributions in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def install(self, name: str, points: str, version: str = "1.0", metadata: str | None = None) -> Path:
        """Make a distribution as an installer leaves it behind; `points` is its entry_points.txt."""
        info = self.folder / f"{name}-{version}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" if metadata is None else metadata
        (info / "METADATA").write_text(text, encoding="utf-8")
        if points:
            (info / "entry_points.txt").write_text(points, encoding="utf-8")
        return info

    def module(self, name: str, text: str = "") -> None:
        """Make a module beside the distributions."""
        (self.folder / f"{name}.py").write_text(text, encoding="utf-8")


@pytest.fixture
def new_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Site]:
    """Makes a folder and puts it first on sys.path."""
    folders: list[Path] = []

    def make() -> Site:
        site = Site(tmp_path / f"site{len(folders)}")
        folders.append(site.folder)
        monkeypatch.syspath_prepend(site.folder)
        return site

    return make


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    """One folder on sys.path."""
    return new_site()


def _found(settings: Settings | None = None) -> list[Candidate]:
    importlib.invalidate_caches()
    return [
        candidate
        for candidate in find_candidates(settings or Settings())
        if candidate.distribution.lower().startswith(PREFIX) or not candidate.distribution
    ]


def _names(settings: Settings | None = None) -> list[str]:
    return [candidate.name for candidate in _found(settings)]


def test_without_distributions_and_modules_there_is_nothing(site: Site) -> None:
    assert _found() == []


def test_a_candidate_says_where_it_comes_from_and_is_not_imported(site: Site) -> None:
    site.install("acme-tools", "[gombus]\ntools = acme_discovered\n", version="2.5")
    site.module("acme_discovered", "VALUE = 5\n")
    (candidate,) = _found()
    assert candidate[:4] == ("tools", "acme-tools", "2.5", "acme_discovered")
    assert "acme_discovered" not in sys.modules
    try:
        assert candidate.load().VALUE == 5
    finally:
        sys.modules.pop("acme_discovered")


def test_an_entry_point_may_name_an_object_inside_a_module(site: Site) -> None:
    site.install("acme", "[gombus]\ntools = acme_object:Plugins.tools\n")
    site.module("acme_object", "class Plugins:\n    tools = 'x'\n")
    (candidate,) = _found()
    assert candidate.module == "acme_object:Plugins.tools"
    try:
        assert candidate.load() == "x"
    finally:
        sys.modules.pop("acme_object")


def test_loading_lets_through_what_the_import_raises(site: Site) -> None:
    site.install("acme", "[gombus]\nbroken = acme_broken\n")
    site.module("acme_broken", "raise LookupError('no')\n")
    (candidate,) = _found()
    with pytest.raises(LookupError, match="no"):
        candidate.load()


def test_only_the_group_gombus_counts(site: Site) -> None:
    site.install("acme", "[console_scripts]\nx = acme:main\n[gombus.more]\ny = acme\n[gombus]\nz = acme\n")
    site.install("acme-without", "")
    site.install("acme-other", "[pytest11]\nw = acme_other\n")
    assert _names() == ["z"]


@pytest.mark.parametrize("order", [("c", "a", "b"), ("b", "c", "a"), ("a", "b", "c")])
def test_the_order_is_that_of_the_names_whatever_was_installed_first(
    new_site: Callable[[], Site], order: tuple[str, ...]
) -> None:
    for name in order:
        new_site().install(f"acme-{'zyx'['abc'.index(name)]}", f"[gombus]\n{name}2 = m{name}\n{name}1 = m{name}\n")
    assert _names() == ["a1", "a2", "b1", "b2", "c1", "c2"]


def test_plugins_of_one_name_are_both_found_in_the_order_of_their_distributions(new_site: Callable[[], Site]) -> None:
    new_site().install("acme-a", "[gombus]\nimage = a\n")
    new_site().install("acme-b", "[gombus]\nimage = b\n")
    assert [candidate.distribution for candidate in _found()] == ["acme-a", "acme-b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme-tools", "acme-tools"),
        ("acme-tools", "Acme-Tools"),
        # Different build tools write one name differently (PyPA, "Names and normalization").
        ("acme-tools", "acme_tools"),
        ("acme.tools", "Acme__tools"),
    ],
)
def test_a_distribution_that_is_twice_on_the_path_counts_once_and_the_first_wins(
    new_site: Callable[[], Site], one: str, other: str
) -> None:
    new_site().install(one, "[gombus]\ntools = behind\n", version="1.0")
    new_site().install(other, "[gombus]\ntools = first\n", version="2.0")
    assert [(candidate.module, candidate.version) for candidate in _found()] == [("first", "2.0")]


def test_a_module_that_the_settings_name_is_found_last(site: Site) -> None:
    site.install("acme", "[gombus]\nzebra = acme\n")
    site.module("acme_named", "VALUE = 6\n")
    found = _found(Settings(plugin_modules=("b_named", "acme_named")))
    assert [candidate[:4] for candidate in found] == [
        ("zebra", "acme", "1.0", "acme"),
        ("acme_named", "", "", "acme_named"),
        ("b_named", "", "", "b_named"),
    ]
    try:
        assert found[1].load().VALUE == 6
    finally:
        sys.modules.pop("acme_named")
    with pytest.raises(ModuleNotFoundError):
        found[2].load()


def test_a_module_that_has_an_entry_point_and_is_named_counts_once(site: Site) -> None:
    site.install("acme", "[gombus]\ntools = acme_tools\n")
    assert _names(Settings(plugin_modules=("acme_tools",))) == ["tools"]


def test_a_module_that_is_named_twice_counts_once(site: Site) -> None:
    assert _names(Settings(plugin_modules=("acme_tools", "acme_tools"))) == ["acme_tools"]


NO_NAME = "Metadata-Version: 2.1\nVersion: 1.0\n"


@pytest.mark.parametrize(
    ("points", "metadata"),
    [
        (b"rubbish\n", None),
        (b"[gombus]\nrubbish\n", None),
        (b"[console_scripts]\nrubbish\n", None),
        (b"[gombus]\nb\xff = acme_b\n", None),
        (b"[gombus]\nb = acme_b\n", ""),
        (b"[gombus]\nb = acme_b\n", NO_NAME),
    ],
    ids=["no group", "no value", "no value elsewhere", "no UTF-8", "empty metadata", "no name"],
)
def test_a_distribution_that_is_damaged_does_not_hide_the_others(
    new_site: Callable[[], Site], points: bytes, metadata: str | None
) -> None:
    for name in ("acme-a", "acme-c"):
        new_site().install(name, f"[gombus]\n{name[-1]} = acme_{name[-1]}\n")
    info = new_site().install("acme-b", "x", metadata=metadata)
    (info / "entry_points.txt").write_bytes(points)
    assert _names() == ["a", "c"]


def test_what_an_interrupted_removal_left_behind_does_not_hide_the_others(new_site: Callable[[], Site]) -> None:
    new_site().install("acme-a", "[gombus]\na = acme_a\n")
    info = new_site().install("acme-b", "[gombus]\nb = acme_b\n")
    (info / "METADATA").unlink()
    assert _names() == ["a"]


def test_a_distribution_without_a_version_is_found(site: Site) -> None:
    site.install("acme", "[gombus]\ntools = acme_tools\n", metadata="Metadata-Version: 2.1\nName: acme\n")
    (candidate,) = _found()
    assert candidate[:4] == ("tools", "acme", "", "acme_tools")
