"""docs/security.md promises nothing that is not there: its tests and settings exist, and each threat has a test."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from gombus.config import KEYS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS, PROMISES = (
    [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| ")][1:]
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:3]
)
NAMES = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


@cache
def named_in(file: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds) and node.name.startswith("test_")}


@pytest.mark.parametrize(("file", "name"), NAMES, ids=[f"{file}::{name}" for file, name in NAMES])
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    assert name in named_in(file)


@pytest.mark.parametrize("row", THREATS, ids=[row[0] for row in THREATS])
def test_every_threat_has_a_test_and_settings_that_exist(row: list[str]) -> None:
    _, default, settings, shown = row
    assert default
    assert re.fullmatch(r"(`\w+`(, `\w+`)*)?", settings)
    assert set(re.findall(r"`(\w+)`", settings)) <= KEYS.keys()
    assert re.fullmatch(r"`[\w/]+\.py::test_\w+`(, `[\w/]+\.py::test_\w+`)*", shown)


@pytest.mark.parametrize("row", PROMISES, ids=[row[0] for row in PROMISES])
def test_every_promise_has_a_test(row: list[str]) -> None:
    number, promise, shown = row
    assert number.isdecimal()
    assert promise
    assert "::test_" in shown
