"""What a person at INSPECT sees while gombus runs inside it, with the real client and the wire twin."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reference
from gombus_kit.wire import BREAK, Hold, Refusal, Request, WireTwin
from inside import ask, connected, inside
from support import WAIT_S

pytestmark = pytest.mark.gom

IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
IMPORT_IMAGES = "gom.script.sys.import_other_images"
DIALOGS = [f"gom.script.sys.{verb}_user_defined_dialog" for verb in ("create", "open", "close")]
PROGRESS_BAR = Request.API.name


@pytest.fixture
def twin() -> Iterator[WireTwin]:
    with WireTwin() as opened:
        yield opened


def image(paths: dict[str, str], name: str, number: int = 1) -> dict[str, Any]:
    params = {"file": paths["IMAGE"], "name": name, "focal_length": "2.0"}
    return {"jsonrpc": "2.0", "id": number, "method": "image", "params": params}


def test_a_dialog_says_where_it_serves_and_goes_with_the_server(
    twin: WireTwin, tmp_path: Path, paths: dict[str, str]
) -> None:
    with inside(twin, tmp_path) as running, connected(running) as connection:
        assert twin.wait_until(lambda: twin.dialogs and twin.dialogs[0].state == "open", WAIT_S)
        (dialog,) = twin.dialogs
        (words,) = (widget["text"]["text"] for row in dialog.definition["content"] for widget in row)
        assert f"gombus serves on {running.url}" in words
        assert "Esc in the main window" in words
        # It is open, and nobody waits for it.
        answer = ask(connection, reference.filled(reference.image(), paths, as_json=True))
        assert (answer, dialog.state) == ("O.k.", "open")
        assert ask(connection, "quit") == "bye"
        assert running.end() == 0
    assert dialog.state == "closed"
    assert [name for name, _ in twin.commands if name in DIALOGS] == DIALOGS


def test_the_dialog_has_a_site_s_own_text(twin: WireTwin, tmp_path: Path) -> None:
    text = "Cell 3: <robot> at {url}\nnot {this}"
    with inside(twin, tmp_path, GOMBUS_INSPECT_DIALOG=text) as running:
        url = running.url
        assert twin.wait_until(lambda: twin.dialogs, WAIT_S)
    (widget,) = twin.dialogs[0].definition["content"][0]
    assert widget["text"]["text"] == f"<html><p>Cell 3: &lt;robot&gt; at {url}</p><p>not {{this}}</p></html>"


def test_no_dialog_where_none_is_wanted(twin: WireTwin, tmp_path: Path, paths: dict[str, str]) -> None:
    with inside(twin, tmp_path, GOMBUS_INSPECT_DIALOG="off") as running, connected(running) as connection:
        assert ask(connection, reference.filled(reference.image(), paths, as_json=True)) == "O.k."
        assert ask(connection, "quit") == "bye"
        assert running.end() == 0
    assert twin.dialogs == []


def test_warnings_stand_in_inspect_s_log_and_nothing_else_does(
    twin: WireTwin, tmp_path: Path, paths: dict[str, str]
) -> None:
    with inside(twin, tmp_path, GOMBUS_LOG_LEVEL="debug") as running, connected(running) as connection:
        file = paths["MISSING"]
        answer = ask(connection, reference.filled(reference.image(file="MISSING"), paths, as_json=True))
        assert answer == f"Error: Image file {file} could not be read."
        assert twin.wait_until(lambda: twin.log, WAIT_S)
        (line,) = twin.log
        assert "WARNING - gombus.bus: 127.0.0.1:" in line
        assert "image request: file_unreadable: " in line
        assert ask(connection, "quit") == "bye"
        assert running.end() == 0
    assert twin.log == [line]
    # In the script's own output it stands once, too: gom's logger hands on to the root logger.
    assert running.text.count("file_unreadable") == 1


def test_lines_of_other_threads_wait_while_a_command_runs(
    twin: WireTwin, tmp_path: Path, paths: dict[str, str]
) -> None:
    hold = twin.hold[IMPORT_IMAGES] = Hold()
    with inside(twin, tmp_path) as running, connected(running) as connection, connected(running) as other:
        connection.send(reference.filled(reference.image(), paths, as_json=True))
        assert hold.entered.wait(WAIT_S)
        assert ask(other, reference.image(focal_length="abc")).startswith("Error: Invalid parameter")
        assert twin.log == []
        hold.release.set()
        assert connection.recv(WAIT_S) == "O.k."
        assert twin.wait_until(lambda: twin.log, WAIT_S)
    assert "invalid_params" in twin.log[0]


def test_what_is_logged_while_it_stops_keeps_it_from_nothing(
    twin: WireTwin, tmp_path: Path, paths: dict[str, str]
) -> None:
    hold = twin.hold[IMPORT_IMAGES] = Hold()
    with inside(twin, tmp_path) as running, connected(running) as connection, connected(running) as other:
        connection.send(reference.filled(reference.image(), paths, as_json=True))
        assert hold.entered.wait(WAIT_S)
        other.send("quit")
        assert other.recv(WAIT_S) == "bye"
        connection.send(reference.filled(reference.image(name="late"), paths, as_json=True))
        connection.ping().wait(WAIT_S)
        hold.release.set()
        assert connection.recv(WAIT_S) == "O.k."
        assert running.end() == 0


def test_a_progress_bar_counts_the_requests_of_a_batch(twin: WireTwin, tmp_path: Path, paths: dict[str, str]) -> None:
    holds = [twin.hold.setdefault(command, Hold()) for command in (IMPORT_IMAGES, IMPORT_ELEMENTS)]
    elements = {"jsonrpc": "2.0", "id": 2, "method": "elements"}
    elements["params"] = {"file": paths["ELEMENTS"], "import_mode": "clipboard"}
    journal = str(tmp_path / "journal.sqlite3")
    with inside(twin, tmp_path, GOMBUS_JOURNAL=journal) as running, connected(running) as connection:
        connection.send(json.dumps([image(paths, "a", 1), elements, image(paths, "c", 3)]))
        for done, hold in zip((0, 1), holds):
            assert hold.entered.wait(WAIT_S)
            # Before the request is done that it counts next.
            assert twin.progress_messages[-1] == f"gombus: {done} of 3 requests ({33 * done})"
            assert twin.progress[-1] == 33 * done
            assert twin.inspect.api.shown
            hold.release.set()
        assert [answer["id"] for answer in json.loads(connection.recv(WAIT_S))] == [1, 2, 3]
        assert twin.wait_until(lambda: not twin.inspect.api.shown, WAIT_S)
        before = list(twin.progress_messages)
        # One request alone is no batch.
        assert "result" in ask(connection, image(paths, "d"))
        assert ask(connection, "quit") == "bye"
        assert running.end() == 0
    assert twin.progress_messages == before


def test_the_progress_bar_goes_with_the_client(twin: WireTwin, tmp_path: Path, paths: dict[str, str]) -> None:
    hold = twin.hold[IMPORT_IMAGES] = Hold()
    with inside(twin, tmp_path) as running:
        with connected(running) as connection:
            connection.send(json.dumps([image(paths, "a", 1), image(paths, "b", 2)]))
            assert hold.entered.wait(WAIT_S)
        hold.release.set()
        assert twin.wait_until(lambda: not twin.inspect.api.shown, WAIT_S)


@pytest.mark.parametrize("broken", [*DIALOGS, PROGRESS_BAR, Request.LOG.name])
def test_what_cannot_be_shown_harms_no_request(
    twin: WireTwin, tmp_path: Path, paths: dict[str, str], broken: str
) -> None:
    if broken != PROGRESS_BAR:
        twin.refuse[broken] = Refusal("not today")
    with inside(twin, tmp_path) as running, connected(running) as connection:
        if broken == PROGRESS_BAR:
            twin.refuse[broken] = Refusal("not today")
        ask(connection, reference.image(focal_length="abc"))
        answers = ask(connection, [image(paths, "a", 1), image(paths, "b", 2)])
        assert all("result" in answer for answer in answers)
        assert ask(connection, "quit") == "bye"
        assert running.end() == 0
    assert "Traceback" not in running.text
    assert "--- Logging error ---" not in running.text


@pytest.mark.parametrize("where", [DIALOGS[1], Request.LOG.name])
def test_esc_while_something_is_shown_stops_the_server(twin: WireTwin, tmp_path: Path, where: str) -> None:
    twin.refuse[where] = Refusal("Esc", error=BREAK)
    with inside(twin, tmp_path) as running:
        if where == Request.LOG.name:
            with connected(running) as connection:
                ask(connection, reference.image(focal_length="abc"))
        assert running.end() == 0
    assert running.text.count("the user pressed Esc in INSPECT; gombus stops") == 1
    assert "Traceback" not in running.text


def test_a_dialog_that_does_not_open_is_told(twin: WireTwin, tmp_path: Path) -> None:
    hold = twin.hold[DIALOGS[1]] = Hold()
    says = "showing gombus's dialog, progress bar or log lines in INSPECT has not returned for "
    with inside(twin, tmp_path, GOMBUS_WATCH_S="0.1") as running, connected(running) as connection:
        assert hold.entered.wait(WAIT_S)
        state = reason = ""
        while state != "stuck" or says not in running.text:
            info = ask(connection, {"jsonrpc": "2.0", "id": 1, "method": "server/info"})["result"]
            state, reason = info["state"], info["reason"]
        assert reason.startswith(says)
        hold.release.set()
        assert ask(connection, "quit") == "bye"
        assert running.end() == 0
    assert "a plan" not in running.text


def test_inspect_hears_nothing_of_the_environment(twin: WireTwin, tmp_path: Path) -> None:
    with inside(twin, tmp_path) as running, connected(running) as connection:
        assert ask(connection, "quit") == "bye"
        assert running.end() == 0
    assert Request.SETENV not in twin.asked
    assert twin.exits == []


def test_why_it_cannot_start_is_said_in_inspect_s_log(twin: WireTwin, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with inside(twin, tmp_path, GOMBUS_HOST="127.0.0.1", GOMBUS_PORT=port) as running:
            assert running.end() == 1
    (line,) = [line for line in twin.log if "cannot start" in line]
    assert port in line
    assert running.lines[-1].startswith("Error: ")
    assert "Traceback" not in running.text


def test_an_inspect_that_is_lost_is_told_to_the_script_s_output_alone(twin: WireTwin, tmp_path: Path) -> None:
    with inside(twin, tmp_path) as running:
        assert running.url
        twin.close()
        assert running.end() == 3
    assert running.lines[-1].startswith("Error: INSPECT at ws://127.0.0.1:")
    assert "is lost" in running.lines[-1]
    assert "cannot start" not in running.text
    assert "Traceback" not in running.text
    assert "--- Logging error ---" not in running.text
