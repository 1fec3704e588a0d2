from __future__ import annotations

import sys

import pytest
from packaging.markers import Marker
from packaging.tags import parse_tag

from gombus_kit.app.target import THIS, WINDOWS, Target, is_python

HERE = Target(f"3.{sys.version_info[1]}", THIS)


@pytest.mark.parametrize(
    ("marker", "python", "applies"),
    [
        ("python_version < '3.11'", "3.9", True),
        ("python_version < '3.11'", "3.12", False),
        ("platform_system == 'Windows'", "3.9", True),
        ("sys_platform == 'win32' and os_name == 'nt'", "3.9", True),
        ("sys_platform == 'linux'", "3.9", False),
        ("platform_machine == 'AMD64'", "3.9", True),
        ("implementation_name == 'pypy'", "3.9", False),
        ("platform_python_implementation == 'CPython'", "3.9", True),
        ("python_version < '3.10' or extra == 'more'", "3.12", False),
        # Which patch release INSPECT has is not known: what some of them need is taken along.
        ("python_full_version < '3.9.2'", "3.9", True),
        ("python_full_version >= '3.9.2'", "3.9", True),
        ("python_full_version >= '3.10'", "3.9", False),
    ],
)
def test_markers_are_those_of_the_target_whatever_runs_here(marker: str, python: str, applies: bool) -> None:
    assert Target(python).applies(Marker(marker)) is applies


def test_no_marker_applies_everywhere_and_extras_where_they_are_asked_for() -> None:
    target = Target("3.9")
    assert target.applies(None)
    assert not target.applies(Marker("extra == 'more'"))
    assert target.applies(Marker("extra == 'more'"), "more")


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("py3-none-any", True),
        ("py2.py3-none-any", True),
        ("cp39-cp39-win_amd64", True),
        ("cp38-abi3-win_amd64", True),
        ("py3-none-win_amd64", True),
        ("cp310-cp310-win_amd64", False),
        ("cp39-cp39-win32", False),
        ("cp39-cp39-manylinux_2_17_x86_64", False),
        ("cp310-abi3-win_amd64", False),
        ("pp39-pypy39_pp73-win_amd64", False),
    ],
)
def test_which_wheels_fit_inspect(tag: str, fits: bool) -> None:
    assert bool(parse_tag(tag) & Target("3.9").tags) is fits


def test_this_platform_takes_what_this_computer_takes() -> None:
    from packaging.tags import sys_tags

    assert next(iter(sys_tags())) in HERE.tags
    assert (HERE.runs_here, HERE.is_this_python) == (True, True)
    assert str(HERE) == f"Python {HERE.python} on this platform"


def test_inspect_s_platform_runs_here_on_windows_alone() -> None:
    assert Target("3.9", WINDOWS).runs_here is (sys.platform == "win32")
    assert not Target("3.9" if sys.version_info >= (3, 10) else "3.12").is_this_python


@pytest.mark.parametrize(
    ("text", "good"), [("3.9", True), ("3.13", True), ("3.8", False), ("3.9.18", False), ("", False)]
)
def test_which_pythons_there_are(text: str, good: bool) -> None:
    assert is_python(text) is good
