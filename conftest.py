"""Tests marked `gom` run the real gom client; without it they are skipped."""

from __future__ import annotations

import importlib.util

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if importlib.util.find_spec("gom") is not None:
        return
    missing = pytest.mark.skip(reason="the real client is not installed: python -m pip install gombus[inspect]")
    for item in items:
        if item.get_closest_marker("gom"):
            item.add_marker(missing)
