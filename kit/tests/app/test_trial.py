"""With scripts made on the spot. gombus itself is tried out in tests/test_app.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gombus_kit.app import trial
from gombus_kit.app.trial import QUIET, TrialError, started, try_out
from wheelhouse import wheel

pytestmark = pytest.mark.gom


def scripts(text: str) -> dict[str, bytes]:
    return {"scripts/gombus_start.py": text.encode()}


def test_a_script_sees_its_modules_and_the_client_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMBUS_SECRET", "x")
    own = wheel(tmp_path, "acme", files={"acme/__init__.py": "from importlib.metadata import version\n"})
    text = (
        "import os, sys, acme\n"
        "from importlib.util import find_spec\n"
        "print(acme.version('acme'), os.environ.get('GOMBUS_SECRET'), os.environ['TOM_PYTHON_API_URL'])\n"
        "print([name for name in ('gom', 'websocket', 'gombus', 'pytest', 'pip') if find_spec(name)])\n"
        "print(sys.argv[1:], __name__)\n"
    )
    with started(scripts(text), [own], sys.executable, "ws://x", QUIET) as script:
        assert script.end() == 0
    assert script.lines == ["1.0 None ws://x", "['gom', 'websocket']", "[] __main__"]
    without = text.replace("acme.version('acme')", "acme.version")
    with started(scripts(without), [own], sys.executable, "ws://x", {}, with_info=False) as script:
        assert script.end() == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import gom\nimport nothing_like_it\n", "has ended before it listened: .*nothing_like_it"),
        ("", "has ended before it listened: it wrote nothing"),
        (
            "print('plugin acme is not used: no')\nprint('gombus listens on ws://localhost:1, request types: none')\n"
            "input()",
            "without one of its plugins: plugin acme is not used: no",
        ),
        (
            "print('gombus listens on ws://127.0.0.1:1, request types: image, quit', flush=True)\n",
            "it does not stop with quit: ",
        ),
    ],
)
def test_a_script_that_does_not_do_is_told(text: str, says: str) -> None:
    with pytest.raises(TrialError, match="(?s)" + says):
        try_out(scripts(text), [], sys.executable)


def test_an_app_without_quit_is_ended() -> None:
    line = "gombus listens on ws://127.0.0.1:1, request types: image"
    text = f"import time\nprint({line!r}, flush=True)\ntime.sleep(999)\n"
    assert try_out(scripts(text), [], sys.executable) == line


def test_a_script_that_does_not_listen_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LIMIT_S", 0.0)
    with started(scripts("import time\ntime.sleep(999)"), [], sys.executable, "ws://x", {}) as script:
        with pytest.raises(TrialError, match="does not listen after 0 s"):
            _ = script.url
        with pytest.raises(TrialError, match="has not ended after 0 s"):
            script.end()


def test_an_interpreter_is_seen_from_here_and_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(sys.executable).parent)
    with started(scripts("print('here')"), [], Path(sys.executable).name, "ws://x", {}) as script:
        assert script.end() == 0
    none = tmp_path / "none"
    none.write_text("no program", encoding="utf-8")
    with pytest.raises(TrialError, match="none cannot be started: "):
        try_out(scripts(""), [], str(none))
