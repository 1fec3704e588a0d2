"""Where things are; imported first, because what the core's tests share is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INTEGRATORS = ROOT / "docs" / "integrators.md"
SAMPLE = HERE / "sample.txt"
"""A file that can be read, for requests that name one."""

sys.path.append(str(ROOT / "core" / "tests"))
