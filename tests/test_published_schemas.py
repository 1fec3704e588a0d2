"""`schemas/` is what integrators read: it holds what the installed plugins say, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Callable

from rpc import rpc
from twins import TwinServer

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


def test_a_server_says_of_itself_what_is_published(twin_server: Callable[..., TwinServer]) -> None:
    with rpc(twin_server()) as client:
        document = client.call("rpc.discover")
        info = client.call("server/info")
    assert document == json.loads((ROOT / "schemas" / "rpc.discover.json").read_text(encoding="utf-8"))
    methods = {method["name"]: method for method in document["methods"]}
    for name, kind in info["requests"].items():
        assert methods[name]["x-schemaHash"] == kind["schemaHash"]
        published = json.loads((ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
        assert {param["name"]: param["required"] for param in methods[name]["params"]} == {
            member: member in published.get("required", ()) for member in published["properties"]
        }
