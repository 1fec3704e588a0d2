"""`schemas/` is what integrators read: it holds what the installed plugins say, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_published_schemas_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gombus", "schemas", "--to", "schemas", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stderr) == (0, "")
