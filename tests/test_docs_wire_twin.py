"""docs/wire-twin.md: its script runs and prints what the page says, and its commands are taken as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gombus_kit import samples
from gombus_kit.wire import Faults, Hold, WireTwin
from gombus_kit.wire.control import ask
from gombus_kit.wire.faults import KINDS
from programs import environ, gombus
from scripts import finish, start
from support import WAIT_S

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "wire-twin.md").read_text(encoding="utf-8")
INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "auto"}
COMMANDS = [shlex.split(line)[2:] for line in re.findall(r"^    (gombus twin.*)$", PAGE, re.MULTILINE)]
STARTS = [arguments for arguments in COMMANDS if not arguments or arguments[0].startswith("--")]
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number]


@contextmanager
def started(arguments: list[str], cwd: Path) -> Iterator[str]:
    """The address of a twin that was started so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gombus", "twin", "--json", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environ(**INSTALLED),
        cwd=cwd,
    )
    with process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


@pytest.mark.gom
def test_the_script_prints_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "try.py").write_text(block("python"), encoding="utf-8")
    shutil.copy(samples.ELEMENTS, tmp_path / "Points.gxml")
    with started([], tmp_path) as url:
        done = subprocess.run(
            [sys.executable, "try.py"],
            cwd=tmp_path,
            env=environ(TOM_PYTHON_API_URL=url),
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            timeout=WAIT_S,
        )
        state = ask(url, "show")
    assert done.stdout == block("text", 1)
    assert (state["progress"], [line.partition("] ")[2] for line in state["log"]]) == ([0, 100], ["INFO - imported"])


@pytest.mark.parametrize("arguments", STARTS, ids=" ".join)
def test_the_twin_starts_as_the_page_says(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text(block("toml"), encoding="utf-8")
    # Runs beside each other must not meet on a port.
    arguments = ["0" if argument == "44444" else argument for argument in arguments]
    with started(arguments, tmp_path) as url:
        assert ask(url, "show")["commands"] == []


@pytest.mark.gom
def test_dialogs_are_closed_as_the_page_says() -> None:
    definition = re.findall(r"dialog=(\{.*\})\n\)", block("python"), re.DOTALL)[0]
    script = f"""
try:
    result = gom.script.sys.execute_user_defined_dialog(dialog={definition})
    print(json.dumps(result if isinstance(result, str) else result.distance))
except gom.BreakError:
    print(json.dumps('cancelled'))
"""
    closings = [arguments for arguments in COMMANDS if arguments[:1] == ["close-dialog"]]
    with WireTwin(hold_dialogs=True) as twin:
        results = []
        for arguments in closings:
            with start(twin, script) as process:
                done = gombus("twin", *arguments, TOM_PYTHON_API_URL=twin.url, **INSTALLED)
                assert done.returncode == 0, done.stderr
                results.append(finish(process))
    assert results == [1.5, 2.5, "Yes", "cancelled"]


def test_the_other_commands_of_the_page() -> None:
    others = [arguments for arguments in COMMANDS if arguments not in STARTS and arguments[0] != "close-dialog"]
    assert others == [["show"], ["release", IMPORT_ELEMENTS]]
    with WireTwin() as twin:
        twin.hold[IMPORT_ELEMENTS] = Hold()
        for arguments in others:
            done = gombus("twin", *arguments, TOM_PYTHON_API_URL=twin.url, **INSTALLED)
            assert done.returncode == 0, done.stderr
        assert twin.hold[IMPORT_ELEMENTS].release.is_set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_is_in_the_table(kind: str) -> None:
    assert f"| `{kind}` | {KINDS[kind]} |" in PAGE


def test_the_file_of_the_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(block("toml"), encoding="utf-8")
    faults = Faults()
    faults.read(str(path))
    assert faults.names == set(re.findall(r'^"(gom[.\w]+)"', block("toml"), re.MULTILINE))
    assert faults.refuse[IMPORT_ELEMENTS].description == "no project is open"
