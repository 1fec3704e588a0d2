"""pip, as a program: it fetches and builds the wheels of an App."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

from gombus import GombusError

from .target import Target

LIMIT_S = 600


class PipError(GombusError):
    """pip could not fetch or build something. Its own words are in the text."""


def download(requirements: Sequence[Requirement], target: Target, folder: Path) -> None:
    """Fetch wheels for the target; what they need is not fetched with them.

    :raises PipError: there is none that fits, or no package index can be reached.
    """
    # Without a patch release pip takes the first, which some wheels exclude, and which nobody has any more.
    python = f"--python-version={target.python}.99"
    fitting = [f"--platform={name}" for name in target.platforms] + [f"--abi={name}" for name in target.abis]
    _run(
        "download",
        *("--no-deps", "--only-binary=:all:", "--implementation=cp", python),
        *fitting,
        *("--dest", str(folder)),
        # Its marker, if any, is not pip's to judge here.
        *(f"{requirement.name}{requirement.specifier}" for requirement in requirements),
    )


def build(source: Path, folder: Path, isolated: bool) -> Path:
    """Build the wheel of a folder with a `pyproject.toml`.

    :param isolated: whether pip fetches the build's own needs; else they must be installed.
    :raises PipError: it cannot be built.
    """
    before = set(folder.glob("*.whl"))
    # Whole, because pip takes `acme` for a name, and Path makes that of `./acme`.
    named = str(source.resolve())
    _run("wheel", "--no-deps", *([] if isolated else ["--no-build-isolation"]), "--wheel-dir", str(folder), named)
    made = set(folder.glob("*.whl")) - before
    if not made:
        raise PipError(f"{source}: its wheel is there already; name each plugin once")
    return made.pop()


def _run(command: str, *arguments: str) -> None:
    call = [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    try:
        done = subprocess.run(call, capture_output=True, text=True, encoding="utf-8", errors="replace", timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise PipError(f"pip {command} has not ended after {LIMIT_S} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line and not line.startswith("WARNING: Location")]
        raise PipError(f"pip {command} failed: " + "\n  ".join(lines[-20:]))
