"""INSPECT is lost, and comes back: the real `gom` client in a process of its own, and a server that stays."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from gombus.journal.reading import reading
from gombus_kit.wire import BREAK, Hold, Refusal, WireTwin
from programs import Program, serve
from rpc import Rpc, rpc
from support import WAIT_S

pytestmark = pytest.mark.gom

IMPORT_IMAGES = "gom.script.sys.import_other_images"
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "inspect"}


@pytest.fixture
def inspect() -> Iterator[WireTwin]:
    with WireTwin() as twin:
        yield twin


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@contextmanager
def beside(inspect: WireTwin, journal: Path, **more: str) -> Iterator[tuple[Program, Rpc]]:
    """gombus beside this INSPECT, and a client of it."""
    started = serve("--journal", str(journal), TOM_PYTHON_API_URL=inspect.url, **INSTALLED, **more)
    with started as program, rpc(program) as client:
        yield program, client


def elements(paths: dict[str, str]) -> dict[str, Any]:
    return {"file": paths["ELEMENTS"], "import_mode": "clipboard"}


def reached(inspect: WireTwin) -> list[str]:
    """The commands that INSPECT received, in order, in all its lives."""
    return [name for name, _ in inspect.commands]


def until(client: Rpc, state: str) -> str:
    """Wait until the server says that it is in this state, and give its reason."""
    while (info := client.call("server/info"))["state"] != state:
        pass
    return str(info["reason"])


def end_of(client: Rpc, job: str) -> dict[str, Any]:
    """Wait until a job has ended, and give its task."""
    while (task := client.call("tasks/get", {"job": job}))["status"] == "working":
        pass
    return dict(task)


def states(journal: Path) -> list[tuple[str | None, str]]:
    """Key and state of every job that the journal has, in order."""
    with reading(journal) as reader:
        return [(record.key, record.state) for record in reader.all_jobs()]


def holder_of(program: Program) -> psutil.Process:
    """The process that talks to INSPECT."""
    (child,) = psutil.Process(program.process.pid).children()
    return child


def quit(program: Program, client: Rpc) -> str:
    """End the server cleanly, and give what it logged."""
    client.call("quit")
    code, logged = program.end()
    assert (code, "Traceback" in logged) == (0, False), logged
    return logged


def test_a_server_that_is_to_wait_listens_at_once_and_begins_when_inspect_comes(
    inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    inspect.close()
    with beside(inspect, journal, GOMBUS_INSPECT_START="wait") as (program, client):
        address = inspect.url.partition("?")[0]
        assert f"INSPECT at {address}" in until(client, "not_ready")
        error = client.refused("elements", elements(paths))
        assert error["data"]["code"] == "not_ready"
        assert f"INSPECT at {address}" in error["message"]
        assert client.refused("elements", elements(paths), plan=True)["data"]["code"] == "not_ready"
        with rpc(program, structured=False) as plain:
            plain.connection.send(json.dumps({"elements": elements(paths)}))
            assert plain.connection.recv(WAIT_S) == f"Error: {error['message']}"
        task = client.call("elements", elements(paths), task=True, idempotencyKey="kept")
        assert (task["status"], task["phase"]) == ("working", "queued")
        inspect.open()
        assert end_of(client, task["job"])["status"] == "completed"
        assert client.call("server/info")["reason"] == ""
        assert client.call("elements", elements(paths))["state"] == "completed"
        quit(program, client)
    assert reached(inspect) == [IMPORT_ELEMENTS] * 2
    assert states(journal) == [("kept", "completed"), (None, "completed")]


def test_between_commands_it_is_noticed_and_what_clients_rely_on_waits(
    inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    with beside(inspect, journal) as (program, client):
        assert client.call("elements", elements(paths))["state"] == "completed"
        inspect.close()
        assert "is lost: it closed the connection" in until(client, "not_ready")
        assert client.refused("elements", elements(paths))["data"]["code"] == "not_ready"
        waiting = client.send("elements", elements(paths), idempotencyKey="waits")
        inspect.open()
        assert client.result(waiting)["state"] == "completed"
        quit(program, client)
    assert reached(inspect) == [IMPORT_ELEMENTS] * 2
    assert states(journal) == [(None, "completed"), ("waits", "completed")]


def test_in_the_middle_of_a_command_its_job_is_interrupted_and_the_others_wait(
    inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    hold = inspect.hold[IMPORT_ELEMENTS] = Hold()
    with beside(inspect, journal) as (program, client):
        running = client.send("elements", elements(paths), idempotencyKey="runs")
        assert hold.entered.wait(WAIT_S)
        keyed = client.send("elements", elements(paths), idempotencyKey="waits")
        plain = client.send("elements", elements(paths))
        while client.call("server/stats")["queue"] != 2:
            pass
        inspect.close()
        error = client.error(running)
        assert error["data"]["code"] == "interrupted"
        assert error["message"] == (
            "INSPECT was lost (it closed the connection) while the request ran: its effect is unknown, and it is not "
            "run again."
        )
        assert error["data"]["receipt"]["state"] == "interrupted"
        assert error["data"]["receipt"]["calls"][0]["command"] == IMPORT_ELEMENTS
        until(client, "not_ready")
        # Asked again with its key, the answer stays what it was.
        assert client.refused("elements", elements(paths), idempotencyKey="runs")["data"]["code"] == "interrupted"
        inspect.open()
        assert client.result(keyed)["state"] == client.result(plain)["state"] == "completed"
        quit(program, client)
    assert reached(inspect) == [IMPORT_ELEMENTS] * 3
    assert states(journal) == [("runs", "interrupted"), ("waits", "completed"), (None, "completed")]


def test_a_command_that_hangs_is_given_up_where_a_setting_says_so(
    inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    hold = inspect.hold[IMPORT_ELEMENTS] = Hold()
    with beside(inspect, journal, GOMBUS_INSPECT_HANG_S="0.3") as (program, client):
        running = client.send("elements", elements(paths), idempotencyKey="hangs")
        assert hold.entered.wait(WAIT_S)
        waiting = client.send("elements", elements(paths), idempotencyKey="waits")
        error = client.error(running)
        assert error["data"]["code"] == "interrupted"
        assert "did not return within 0.3 s and may still be running in INSPECT" in error["message"]
        del inspect.hold[IMPORT_ELEMENTS]
        assert client.result(waiting)["state"] == "completed"
        hold.release.set()
        quit(program, client)
    # INSPECT itself was there all the time: the first one once, and the second.
    assert reached(inspect) == [IMPORT_ELEMENTS] * 2
    assert states(journal) == [("hangs", "interrupted"), ("waits", "completed")]


@pytest.mark.parametrize("running", [True, False], ids=["in the middle", "between commands"])
def test_the_process_that_talks_to_inspect_is_killed(
    running: bool, inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    with beside(inspect, journal) as (program, client):
        first = holder_of(program)
        if running:
            hold = inspect.hold[IMPORT_ELEMENTS] = Hold()
            asked = client.send("elements", elements(paths), idempotencyKey="runs")
            assert hold.entered.wait(WAIT_S)
        first.kill()
        if running:
            error = client.error(asked)
            assert (error["data"]["code"], "exit code" in error["message"]) == ("interrupted", True)
            del inspect.hold[IMPORT_ELEMENTS]
            hold.release.set()
        waiting = client.send("elements", elements(paths), idempotencyKey="waits")
        assert client.result(waiting)["state"] == "completed"
        assert holder_of(program).pid != first.pid
        quit(program, client)
    assert reached(inspect) == [IMPORT_ELEMENTS] * (2 if running else 1)
    assert states(journal) == [("runs", "interrupted"), ("waits", "completed")][0 if running else 1 :]


def test_what_was_marked_ahead_of_its_turn_waits_again(inspect: WireTwin, journal: Path, paths: dict[str, str]) -> None:
    with beside(inspect, journal) as (program, client):
        # Many that are short, so that several are marked as running at a time.
        asked = [client.send("elements", elements(paths), idempotencyKey=f"short {n}") for n in range(60)]
        client.result(asked[20])
        inspect.close()
        until(client, "not_ready")
        inspect.open()
        answers = [client.answer(id) for id in asked[:20] + asked[21:]]
        quit(program, client)
    interrupted = [answer["error"]["data"]["code"] for answer in answers if "error" in answer]
    assert interrupted in ([], ["interrupted"])
    # Each once: those that were answered by either life, and at most the one that ran when the first ended.
    assert 60 - len(interrupted) <= len(reached(inspect)) <= 60
    kept = dict(states(journal))
    assert list(kept) == [f"short {n}" for n in range(60)]
    assert sorted(set(kept.values())) == sorted({"completed", *interrupted})


def test_a_command_that_was_carried_out_and_whose_answer_was_lost_is_not_run_again(
    inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    inspect.faults.lose.add(IMPORT_ELEMENTS)
    with beside(inspect, journal) as (program, client):
        error = client.refused("elements", elements(paths), idempotencyKey="lost")
        assert error["data"]["code"] == "interrupted"
        inspect.faults.lose.clear()
        # INSPECT itself is there, and so is the next holder soon.
        until(client, "ready")
        assert client.refused("elements", elements(paths), idempotencyKey="lost") == error
        quit(program, client)
    assert reached(inspect) == [IMPORT_ELEMENTS]
    assert states(journal) == [("lost", "interrupted")]


def test_esc_between_the_operations_of_a_handler_stops_the_server_cleanly(
    inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    # The series is made before.
    inspect.refuse[IMPORT_IMAGES] = Refusal("Esc", error=BREAK)
    with beside(inspect, journal) as (program, client):
        holder = holder_of(program)
        error = client.refused("image", {"file": paths["IMAGE"], "name": "new", "focal_length": "2.0"})
        assert (error["data"]["code"], error["data"]["description"]) == (
            "gom_refused",
            "The user stopped the script in INSPECT.",
        )
        client.until_closed()
        code, logged = program.end()
    assert (code, "the user pressed Esc in INSPECT; gombus stops" in logged) == (0, True)
    assert "Traceback" not in logged
    holder.wait(WAIT_S)


@pytest.mark.skipif(os.name == "nt", reason="a test cannot press Ctrl-C in another console on Windows")
@pytest.mark.parametrize("how", ["killed", "Ctrl-C twice"])
def test_nothing_that_talks_to_inspect_outlives_the_server(
    how: str, inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    hold = inspect.hold[IMPORT_ELEMENTS] = Hold()
    with beside(inspect, journal) as (program, client):
        holder = holder_of(program)
        client.send("elements", elements(paths))
        assert hold.entered.wait(WAIT_S)
        if how == "killed":
            program.process.kill()
        else:
            program.interrupt()
            until(client, "stopping")
            program.interrupt()
        program.end()
        holder.wait(WAIT_S)
    assert not holder.is_running()


@pytest.mark.skipif(os.name == "nt", reason="a test cannot press Ctrl-C in another console on Windows")
def test_ctrl_c_that_reaches_both_lets_the_command_finish(
    inspect: WireTwin, journal: Path, paths: dict[str, str]
) -> None:
    hold = inspect.hold[IMPORT_ELEMENTS] = Hold()
    with beside(inspect, journal) as (program, client):
        running = client.send("elements", elements(paths))
        assert hold.entered.wait(WAIT_S)
        # As a console does it.
        holder_of(program).send_signal(signal.SIGINT)
        program.interrupt()
        hold.release.set()
        assert client.result(running)["state"] == "completed"
        client.until_closed()
        assert program.end()[0] == 0
