"""What the tests of the whole share: the installed plugins served over the twin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Callable

import pytest

from gombus.config import load
from gombus.registry import Registry
from gombus_kit import samples
from twins import TwinServer, twin_serving


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The installed plugins."""
    return Registry(load(environ={}))


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """The files that the reference's rows name."""
    files = {
        "IMAGE": samples.IMAGE,
        "ELEMENTS": samples.ELEMENTS,
        "BROKEN_IMAGE": samples.BROKEN_IMAGE,
        "BROKEN_ELEMENTS": samples.BROKEN_IMAGE,
    }
    made = {name: str(shutil.copy(path, tmp_path / f"{name.lower()}{path.suffix}")) for name, path in files.items()}
    return {**made, "MISSING": str(tmp_path / "nope.jpg")}


@pytest.fixture
def twin_server() -> Iterator[Callable[..., TwinServer]]:
    """Starts servers; they are stopped at the end of the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(twin_serving(**options))
