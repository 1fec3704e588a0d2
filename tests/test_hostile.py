"""The soak beside hostile clients in short: the server keeps its promises, and the harness would see if it did not.

How long the honest client waits is judged by the whole run; this one may have to share its cores with other tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HARNESS = Path(__file__).with_name("hostile")
LIMIT_S = 300.0
LONG_S = "20"
"""A delay that no load of the computer brings about."""


def hostile(*arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, str(HARNESS), *arguments, "--seed", "1", "--json"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    return done.returncode, json.loads(done.stdout)


def test_a_server_beside_hostile_clients_keeps_its_promises(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    code, said = hostile("--seconds", "12", "--each", "0", "--no-faults", "--limit", LONG_S, "--out", str(page))
    found = said["mixed"]
    assert found["violations"] == []
    assert code == 0
    assert len(found["kinds"]) == 16
    assert all(kind["connections"] for kind in found["kinds"].values())
    assert all(found["honest"][what]["count"] for what in ("status", "ping", "connect"))
    assert "**Promises broken: 0**" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", ["read-on", "any-size"])
def test_a_planted_fault_is_caught(fault: str) -> None:
    code, said = hostile("--fault", fault)
    assert said["faults"][fault]["caught"], said
    assert code == 0


def test_a_fault_that_is_not_caught_is_a_failure() -> None:
    # Those that would show it are not there.
    code, said = hostile("--fault", "read-on", "--kinds", "half-open", "--seconds", "1")
    assert not said["faults"]["read-on"]["caught"]
    assert code == 1
