"""Which Pythons this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def interpreter_of(version: str) -> str:
    """The interpreter of a version such as 3.9, on PATH or kept by pyenv; empty where there is none."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python3"))]
    for path in (*found, shutil.which(f"python{version}")):
        # What is on PATH may be a shim that only says that it is not there.
        if path and subprocess.run([path, "-c", "import ssl"], capture_output=True).returncode == 0:
            return path
    return ""
