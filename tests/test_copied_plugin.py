"""A site copies a plugin, renames it, installs it with pip: it is served, and the core has not changed."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.sync.client import connect

from programs import gombus, serve
from support import WAIT_S

QUIT = Path(__file__).resolve().parents[1] / "plugins" / "quit"
INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "twin"}

needs_pip = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pip", "hatchling")), reason="pip and hatchling build it"
)


def copy_renamed(folder: Path) -> Path:
    """plugins/quit as `goodbye`, in a folder elsewhere."""
    copied = folder / "goodbye"
    shutil.copytree(QUIT, copied, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    (copied / "gombus_quit").rename(copied / "acme_goodbye")
    for path in (copied / "pyproject.toml", copied / "acme_goodbye" / "__init__.py"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("gombus_quit", "acme_goodbye").replace("gombus-quit", "acme-goodbye")
        text = text.replace('quit = "', 'goodbye = "').replace('name="quit"', 'name="goodbye"')
        path.write_text(text, encoding="utf-8")
    return copied


@needs_pip
def test_a_copied_plugin_is_served(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    copied = copy_renamed(tmp_path)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(site), str(copied)], check=True)

    listed = gombus("plugins", PYTHONPATH=str(site), **INSTALLED)
    assert listed.returncode == 0
    assert "goodbye   goodbye 0.1.0          -\n" in listed.stdout

    with serve(PYTHONPATH=str(site), **INSTALLED) as program, connect(program.url, proxy=None) as connection:
        assert '"requests": ["elements", "goodbye", "image", "quit"]' in program.line
        connection.send("goodbye")
        assert connection.recv(WAIT_S) == "bye"
        assert program.end()[0] == 0
