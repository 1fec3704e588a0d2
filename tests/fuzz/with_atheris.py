"""atheris_codecs.py in another Python, which has atheris."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from places import HERE

_ABOUT = "import platform, importlib.metadata as m; print(m.version('atheris'), platform.python_version())"
_LAST = re.compile(r"^#(\d+)\s+DONE\s+cov: (\d+)", re.MULTILINE)
_DONE = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)


class Atheris(NamedTuple):
    """One run."""

    version: str
    python: str
    runs: int
    seconds: int
    branches: int
    """How many places of the code were reached, as libFuzzer counts them."""
    finding: str
    """What it says where it did not end well; else empty."""


def run(python: str, seconds: int) -> Atheris:
    """Run it.

    :param python: which Python; a path, or a name on PATH.
    """
    asked = (
        "import platform\nfrom importlib import metadata\nprint(metadata.version('atheris'), platform.python_version())"
    )
    about = subprocess.run([python, "-c", asked], capture_output=True, encoding="utf-8", errors="replace")
    if about.returncode:
        return Atheris("", Path(python).name, 0, 0, 0, f"atheris is not installed there: {about.stderr[-300:]}")
    version, python_version = about.stdout.split()
    done = subprocess.run(
        [python, str(HERE / "atheris_codecs.py"), "--seconds", str(seconds)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    ended, last = _DONE.search(done.stderr), _LAST.search(done.stderr)
    if done.returncode or not ended or not last:
        return Atheris(version, python_version, 0, 0, 0, done.stderr[-3000:])
    return Atheris(version, python_version, int(ended[1]), int(ended[2]), int(last[2]), "")
