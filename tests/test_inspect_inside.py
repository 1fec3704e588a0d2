"""INSPECT is lost where the server itself holds gom, as inside INSPECT: it says so, keeps what waits, and ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gombus.journal.reading import reading
from gombus_kit.wire import BREAK, Hold, Refusal, WireTwin
from programs import Program, environ, serve
from rpc import Rpc, rpc
from support import WAIT_S

pytestmark = pytest.mark.gom

IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
SAME = {
    "GOMBUS_PLUGIN_MODULES": "",
    "GOMBUS_PLUGINS_ENABLED": "",
    "GOMBUS_BACKEND": "inspect",
    "GOMBUS_INSPECT_PROCESS": "same",
    # So that INSPECT receives the commands of requests, and nothing else.
    "GOMBUS_INSPECT_DIALOG": "off",
}
SCRIPT = """
import gom
import sys
from gombus import cli
sys.argv = ["gombus", "serve", "--port", "0", "--json", "--journal", "off"]
cli.main()
"""
"""A script of INSPECT's: its start-up code has imported gom, and with that connected, before gombus is."""


@pytest.fixture
def inspect() -> Iterator[WireTwin]:
    with WireTwin() as twin:
        yield twin


def elements(paths: dict[str, str]) -> dict[str, Any]:
    return {"file": paths["ELEMENTS"], "import_mode": "clipboard"}


def ended(program: Program, client: Rpc) -> str:
    """Wait until the server has ended by itself, and give what it logged."""
    client.until_closed()
    code, logged = program.end()
    assert (code, "Traceback" in logged) == (3, False), logged
    assert logged.splitlines()[-1].startswith("Error: INSPECT at ws://127.0.0.1:")
    assert logged.splitlines()[-1].endswith("is lost: it closed the connection; start gombus from INSPECT again")
    return logged


def states(journal: Path) -> list[tuple[str | None, str]]:
    """Key and state of every job that the journal has, in order."""
    with reading(journal) as reader:
        return [(record.key, record.state) for record in reader.all_jobs()]


def test_in_the_middle_of_a_command(inspect: WireTwin, tmp_path: Path, paths: dict[str, str]) -> None:
    journal = tmp_path / "journal.sqlite3"
    arguments = ("--journal", str(journal))
    hold = inspect.hold[IMPORT_ELEMENTS] = Hold()
    with serve(*arguments, TOM_PYTHON_API_URL=inspect.url, **SAME) as program, rpc(program) as client:
        running = client.send("elements", elements(paths), idempotencyKey="runs")
        assert hold.entered.wait(WAIT_S)
        kept = client.send("elements", elements(paths), idempotencyKey="waits")
        plain = client.send("elements", elements(paths))
        while client.call("server/stats")["queue"] != 2:
            pass
        inspect.close()
        assert client.error(running)["data"]["code"] == "interrupted"
        assert client.error(kept)["data"] == {"code": "stopping", "kept": True, "job": client_job(journal, "waits")}
        assert client.error(plain)["data"]["code"] == "stopping"
        ended(program, client)
    assert states(journal) == [("runs", "interrupted"), ("waits", "queued"), (None, "cancelled")]
    inspect.open()
    with serve(*arguments, TOM_PYTHON_API_URL=inspect.url, **SAME) as program, rpc(program) as client:
        assert client.call("elements", elements(paths), idempotencyKey="waits")["state"] == "completed"
        assert client.refused("elements", elements(paths), idempotencyKey="runs")["data"]["code"] == "interrupted"
        client.call("quit")
        assert program.end()[0] == 0
    assert [name for name, _ in inspect.commands] == [IMPORT_ELEMENTS] * 2


def client_job(journal: Path, key: str) -> str:
    """The id of the job that has this key."""
    with reading(journal) as reader:
        return next(record.id for record in reader.all_jobs() if record.key == key)


def test_between_commands(inspect: WireTwin, paths: dict[str, str]) -> None:
    with serve(TOM_PYTHON_API_URL=inspect.url, **SAME) as program, rpc(program) as client:
        assert client.call("elements", elements(paths))["state"] == "completed"
        inspect.close()
        ended(program, client)
    assert [name for name, _ in inspect.commands] == [IMPORT_ELEMENTS]


def test_esc(inspect: WireTwin, paths: dict[str, str]) -> None:
    inspect.refuse[IMPORT_ELEMENTS] = Refusal("Esc", error=BREAK)
    with serve(TOM_PYTHON_API_URL=inspect.url, **SAME) as program, rpc(program) as client:
        assert client.refused("elements", elements(paths))["data"]["code"] == "gom_refused"
        client.until_closed()
        code, logged = program.end()
    assert (code, "the user pressed Esc in INSPECT; gombus stops" in logged, "Traceback" in logged) == (0, True, False)


@pytest.mark.parametrize("numbered", [True, False], ids=["by the address", "by what is imported"])
def test_what_inspect_started_has_gom_in_its_own_process(
    numbered: bool, inspect: WireTwin, paths: dict[str, str], tmp_path: Path
) -> None:
    script = tmp_path / "start.py"
    script.write_text(SCRIPT if not numbered else SCRIPT.replace("import gom\n", "", 1), encoding="utf-8")
    url = inspect.url + ("&interpreter_id=7" if numbered else "")
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env=environ(**{**SAME, "GOMBUS_INSPECT_PROCESS": "auto"}, TOM_PYTHON_API_URL=url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        try:
            program = Program(process)
            with rpc(program) as client:
                assert client.call("elements", elements(paths))["state"] == "completed"
                inspect.close()
                with pytest.raises(ConnectionClosed):
                    while True:
                        client.read()
            code, logged = program.end()
        finally:
            process.kill()
    assert code == 3, logged
