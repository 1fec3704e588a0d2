"""The crash harness in short: the server keeps its promises, and the harness would see if it did not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HARNESS = Path(__file__).with_name("crash")
LIMIT_S = 300.0
WAYS = {"received", "committed", "acknowledged", "running", "effect", "logging", "logged", "done", "random", "starting"}

BUGS = [
    "ack-before-commit",
    "rerun-running",
    "done-before-effect",
    "forget-keys",
    "begin-before-listening",
    "one-pace-for-all",
]


def crash(*arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, str(HARNESS), *arguments, "--json"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    return done.returncode, json.loads(done.stdout)


def test_what_is_promised_is_kept_whenever_the_server_is_killed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    code, said = crash("--kills", "60", "--seed", "1", "--no-bugs", "--out", str(page))
    assert said["violations"] == []
    assert code == 0
    assert sum(said["kills"].values()) == 60
    assert {way for way, kills in said["kills"].items() if kills} == WAYS
    assert said["failed_starts"] > 0
    assert {"completed", "failed", "cancelled", "interrupted"} == set(said["states"])
    assert "**Violations: 0**" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str) -> None:
    code, said = crash("--bug", bug, "--seed", "1")
    assert said["bugs"][bug]["caught"], said
    assert code == 0


def test_a_bug_that_is_not_caught_is_a_failure() -> None:
    # Before the first job runs.
    code, said = crash("--bug", "rerun-running", "--kills", "1", "--seed", "1")
    assert said["bugs"]["rerun-running"]["invariants"] == []
    assert code == 1
