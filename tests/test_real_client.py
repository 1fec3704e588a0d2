"""The whole way with the real `gom` client: gombus as a program, INSPECT's side played by the wire twin."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

import reference
from gombus_kit.twin import File
from gombus_kit.wire import BREAK, Hold, Refusal, WireTwin, series_item
from programs import Program, gombus, serve
from support import WAIT_S

CREATE_SERIES = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT_IMAGES = "gom.script.sys.import_other_images"
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"

pytestmark = pytest.mark.gom

INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "auto"}


@pytest.fixture
def inspect() -> Iterator[WireTwin]:
    with WireTwin() as twin:
        yield twin


@contextmanager
def beside(inspect: WireTwin, *arguments: str) -> Iterator[tuple[Program, ClientConnection]]:
    """gombus beside this INSPECT, and a client of it."""
    started = serve(*arguments, TOM_PYTHON_API_URL=inspect.url, **INSTALLED)
    with started as program, connect(program.url, proxy=None) as connection:
        yield program, connection


def ask(connection: ClientConnection, message: str, paths: dict[str, str]) -> str:
    connection.send(reference.filled(message, paths, as_json=True))
    return str(connection.recv(WAIT_S))


def test_the_transcript_of_the_reference(inspect: WireTwin, paths: dict[str, str]) -> None:
    with beside(inspect) as (program, connection):
        assert '"backend": "inspect"' in program.line
        assert ask(connection, reference.image(name="Microscopy", focal_length="2.0"), paths) == "O.k."
        assert ask(connection, reference.image(name="Microscopy", focal_length="2.0"), paths) == "O.k."
        assert ask(connection, reference.image(name="other", focal_length=50), paths) == "O.k."
        assert ask(connection, reference.elements(import_mode="new_stage"), paths) == "O.k."
        assert ask(connection, "quit", paths) == "bye"
        code, logged = program.end()
    assert code == 0
    assert "backend inspect (TOM_PYTHON_API_URL is set): INSPECT at ws://127.0.0.1:" in logged
    file = File(paths["IMAGE"])
    assert inspect.commands == [
        (CREATE_SERIES, {"camera_focal_length": "2.0", "name": "Microscopy"}),
        (IMPORT_IMAGES, {"image_files": [file], "measurement_series": series_item("Microscopy")}),
        (IMPORT_IMAGES, {"image_files": [file], "measurement_series": series_item("Microscopy")}),
        (CREATE_SERIES, {"camera_focal_length": 50, "name": "other"}),
        (IMPORT_IMAGES, {"image_files": [file], "measurement_series": series_item("other")}),
        (IMPORT_ELEMENTS, {"files": [paths["ELEMENTS"]], "import_mode": "new_stage"}),
    ]


def test_every_row_of_the_reference(inspect: WireTwin, paths: dict[str, str]) -> None:
    with beside(inspect) as (program, connection):
        for row in reference.ROWS:
            if row.outcome == "gom_refused":
                broken = Refusal("Broken file", "GAPP-0001", "a log")
                inspect.refuse.update(dict.fromkeys((IMPORT_IMAGES, IMPORT_ELEMENTS), broken))
            before = len(inspect.commands)
            connection.send(reference.sent(row, paths))
            assert connection.recv(WAIT_S) == reference.answer(row, paths), row.title
            assert (len(inspect.commands) > before) == (row.outcome in ("done", "gom_refused")), row.title
            inspect.refuse.clear()
        connection.send("quit")
        assert connection.recv(WAIT_S) == "bye"
        code, logged = program.end()
    assert code == 0
    assert "gom_refused: GAPP-0001 Broken file 'a log'" in logged
    assert "Traceback" not in logged


def test_during_a_gom_call_pings_and_others_are_answered_and_the_late_answer_arrives(
    inspect: WireTwin, paths: dict[str, str]
) -> None:
    hold = inspect.hold[IMPORT_IMAGES] = Hold()
    with beside(inspect) as (program, connection), connect(program.url, proxy=None) as other:
        connection.send(reference.filled(reference.image(), paths, as_json=True))
        assert hold.entered.wait(WAIT_S)
        assert connection.ping().wait(WAIT_S)
        assert ask(other, "quit", paths) == "bye"
        hold.release.set()
        assert connection.recv(WAIT_S) == "O.k."
        assert program.end()[0] == 0


@pytest.mark.skipif(os.name == "nt", reason="a test cannot press Ctrl-C in another console on Windows")
def test_ctrl_c_during_a_gom_call(inspect: WireTwin, paths: dict[str, str]) -> None:
    hold = inspect.hold[IMPORT_IMAGES] = Hold()
    with beside(inspect) as (program, connection):
        connection.send(reference.filled(reference.image(), paths, as_json=True))
        assert hold.entered.wait(WAIT_S)
        program.interrupt(signal.SIGINT)
        hold.release.set()
        assert connection.recv(WAIT_S) == "O.k."
        with pytest.raises(ConnectionClosed):
            connection.recv(WAIT_S)
        assert connection.close_code == 1001
        code, logged = program.end()
    assert (code, "Traceback" in logged) == (0, False)


def test_esc_in_inspect_stops_the_server_cleanly(inspect: WireTwin, paths: dict[str, str]) -> None:
    inspect.refuse[IMPORT_ELEMENTS] = Refusal("Esc", error=BREAK)
    with beside(inspect) as (program, connection):
        file = paths["ELEMENTS"]
        assert (
            ask(connection, reference.elements(), paths)
            == f"Error: Elements could not be imported from file {file} with import mode clipboard."
        )
        code, logged = program.end()
    assert code == 0
    assert "the user pressed Esc in INSPECT; gombus stops" in logged


def test_without_inspect_at_the_address_it_says_so_and_keeps_the_key_to_itself(inspect: WireTwin) -> None:
    gone = inspect.url
    inspect.close()
    done = gombus("serve", "--port", "0", "--log-level", "error", TOM_PYTHON_API_URL=gone, **INSTALLED)
    inspect.open()
    address, _, query = gone.partition("?")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: no INSPECT at {address}: ConnectionRefusedError: ")
    assert done.stderr.count("\n") == 1
    assert query.partition("=")[2] not in done.stderr


def test_a_wrong_key_is_said_to_be_inspect_s_refusal(inspect: WireTwin) -> None:
    address = inspect.url.partition("?")[0]
    wrong = f"{address}?apikey=wrong-secret"
    done = gombus("serve", "--port", "0", "--log-level", "error", TOM_PYTHON_API_URL=wrong, **INSTALLED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: no INSPECT at {address}: RequestError: ")
    assert "wrong-secret" not in done.stderr
