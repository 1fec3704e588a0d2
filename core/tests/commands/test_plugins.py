"""`gombus plugins`: what is served, and what cannot be used."""

from __future__ import annotations

import json
import os
from pathlib import Path

from programs import HERE, gombus


def test_it_lists_request_types_with_their_plugin_and_commands() -> None:
    done = gombus("plugins")
    assert done.returncode == 0
    assert done.stdout == (
        "REQUEST  PLUGIN        GOM COMMANDS\n"
        "hold     serve_plugin  gom.script.test.say\n"
        "quit     serve_plugin  -\n"
        "say      serve_plugin  gom.script.test.say\n"
        "Backends: inspect, watching\n"
    )
    assert done.stderr == ""


def test_it_lists_what_cannot_be_used_with_the_reason_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "acme_broken.py").write_text("raise RuntimeError('no licence')\n", encoding="utf-8")
    more = {
        "GOMBUS_PLUGIN_MODULES": "acme_broken,serve_plugin",
        "GOMBUS_PLUGINS_ENABLED": "acme_broken,serve_plugin",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(HERE)]),
    }
    done = gombus("plugins", **more)
    assert done.returncode == 1
    assert done.stdout.endswith(
        "\nNot used:\n  acme_broken (acme_broken): importing acme_broken raised RuntimeError: no licence\n"
    )
    done = gombus("plugins", "--json", **more)
    assert done.returncode == 1
    listed = json.loads(done.stdout)
    assert [(plugin["name"], plugin["reason"]) for plugin in listed["failed"]] == [
        ("acme_broken", "importing acme_broken raised RuntimeError: no licence")
    ]
    assert [request["name"] for request in listed["requests"]] == ["hold", "quit", "say"]


def test_a_plugin_without_request_types_is_listed(tmp_path: Path) -> None:
    (tmp_path / "acme_quiet.py").write_text(
        "import gombus\n\n@gombus.hookimpl\ndef gombus_commands(cli):\n    pass\n", encoding="utf-8"
    )
    done = gombus(
        "plugins", GOMBUS_PLUGIN_MODULES="acme_quiet", GOMBUS_PLUGINS_ENABLED="acme_quiet", PYTHONPATH=str(tmp_path)
    )
    assert done.returncode == 0
    assert "Without request types: acme_quiet\n" in done.stdout
