"""The whole way with the real `gom` client: gombus as a program, INSPECT's side played by the stand-in."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

import reference
from inspect_standin import (
    CREATE_SERIES,
    IMPORT_ELEMENTS,
    IMPORT_IMAGES,
    File,
    Hold,
    InspectStandIn,
    Refusal,
    series_item,
)
from programs import Program, gombus, serve
from support import WAIT_S

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("gom") is None, reason="the real client is not installed: pip install gombus[inspect]"
)

INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "auto"}


@pytest.fixture
def inspect() -> Iterator[InspectStandIn]:
    with InspectStandIn() as standin:
        yield standin


@contextmanager
def beside(inspect: InspectStandIn, *arguments: str) -> Iterator[tuple[Program, ClientConnection]]:
    """gombus beside this INSPECT, and a client of it."""
    started = serve(*arguments, TOM_PYTHON_API_URL=inspect.url, **INSTALLED)
    with started as program, connect(program.url, proxy=None) as connection:
        yield program, connection


def ask(connection: ClientConnection, message: str, paths: dict[str, str]) -> str:
    connection.send(reference.filled(message, paths, as_json=True))
    return str(connection.recv(WAIT_S))


def test_the_transcript_of_the_reference(inspect: InspectStandIn, paths: dict[str, str]) -> None:
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


def test_every_row_of_the_reference(inspect: InspectStandIn, paths: dict[str, str]) -> None:
    with beside(inspect) as (program, connection):
        for row in reference.ROWS:
            if row.outcome == "gom_refused":
                inspect.refuse = {
                    command: Refusal("Broken file", "GAPP-0001", "a log")
                    for command in (IMPORT_IMAGES, IMPORT_ELEMENTS)
                }
            before = len(inspect.commands)
            connection.send(reference.sent(row, paths))
            assert connection.recv(WAIT_S) == reference.answer(row, paths), row.title
            assert (len(inspect.commands) > before) == (row.outcome in ("done", "gom_refused")), row.title
            inspect.refuse = {}
        connection.send("quit")
        assert connection.recv(WAIT_S) == "bye"
        code, logged = program.end()
    assert code == 0
    assert "gom_refused: GAPP-0001 Broken file 'a log'" in logged
    assert "Traceback" not in logged


def test_during_a_gom_call_pings_and_others_are_answered_and_the_late_answer_arrives(
    inspect: InspectStandIn, paths: dict[str, str]
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
def test_ctrl_c_during_a_gom_call(inspect: InspectStandIn, paths: dict[str, str]) -> None:
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


def test_esc_in_inspect_stops_the_server_cleanly(inspect: InspectStandIn, paths: dict[str, str]) -> None:
    inspect.refuse[IMPORT_ELEMENTS] = Refusal("Esc", error="Tom::GScript::BreakException")
    with beside(inspect) as (program, connection):
        file = paths["ELEMENTS"]
        assert (
            ask(connection, reference.elements(), paths)
            == f"Error: Elements could not be imported from file {file} with import mode clipboard."
        )
        code, logged = program.end()
    assert code == 0
    assert "the user pressed Esc in INSPECT; gombus stops" in logged


def test_without_inspect_at_the_address_it_says_so_and_keeps_the_key_to_itself(inspect: InspectStandIn) -> None:
    gone = inspect.url
    inspect.__exit__(None, None, None)
    done = gombus("serve", "--port", "0", "--log-level", "error", TOM_PYTHON_API_URL=gone, **INSTALLED)
    inspect.__enter__()
    address, _, query = gone.partition("?")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: no INSPECT at {address}: ConnectionRefusedError: ")
    assert done.stderr.count("\n") == 1
    assert query.partition("=")[2] not in done.stderr


def test_a_wrong_key_is_said_to_be_inspect_s_refusal(inspect: InspectStandIn) -> None:
    address = inspect.url.partition("?")[0]
    wrong = f"{address}?apikey=wrong-secret"
    done = gombus("serve", "--port", "0", "--log-level", "error", TOM_PYTHON_API_URL=wrong, **INSTALLED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: no INSPECT at {address}: RequestError: ")
    assert "wrong-secret" not in done.stderr
