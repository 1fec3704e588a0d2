"""The fuzz harness in short: the server answers or closes, whatever it is sent, and the harness would see if not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from properties import all_codecs

HARNESS = Path(__file__).with_name("fuzz")
LIMIT_S = 300.0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, encoding="utf-8", errors="replace", timeout=LIMIT_S
    )


def fuzz(*arguments: str) -> tuple[int, Any]:
    done = run(str(HARNESS), *arguments, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_each_message_is_answered_or_closes_and_the_server_lives(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    code, said = fuzz("--messages", "600", "--seed", "1", "--no-bugs", "--examples", "30", "--out", str(page))
    assert said["findings"] == []
    assert code == 0
    assert sum(said["messages"].values()) >= 600
    assert {"mutated JSON", "mutated frames", "in fragments", "JSON-RPC, batch"} <= said["messages"].keys()
    assert {"ok", "malformed", "invalid_request", "invalid_params"} <= said["answers"].keys()
    assert {"1000", "1002", "reset", "end of stream"} <= said["closes"].keys()
    assert said["servers"] > 1
    assert min(said["codecs"]["examples"].values()) >= 30
    assert "Findings: 0**" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("bug", ["drop-answer", "refused-reaches-gom"])
def test_a_planted_bug_is_caught(bug: str) -> None:
    code, said = fuzz("--bug", bug, "--seed", "1")
    assert said["bugs"][bug]["caught"], said
    assert code == 0


def test_atheris_is_run_or_named_as_missing() -> None:
    done = run(str(HARNESS / "atheris_codecs.py"), "--input", str(HARNESS / "corpus" / "rpc-batch"))
    if done.returncode:
        assert "atheris is not installed for this Python" in done.stderr
        assert "pip install atheris" in done.stderr


@pytest.mark.parametrize("path", sorted((HARNESS / "corpus").iterdir()), ids=lambda path: path.name)
def test_what_atheris_begins_with_holds_by_itself(path: Path) -> None:
    all_codecs(path.read_bytes())
