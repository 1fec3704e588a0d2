"""Every row of the reference through real sockets, the installed plugins and the twin."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Callable

import pytest
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

import reference
from gombus_kit.twin import File
from reference import QUIT, ROWS
from support import WAIT_S
from twins import TwinServer

CREATE = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT_IMAGES = "gom.script.sys.import_other_images"
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"


def test_every_row_over_one_connection(twin_server: Callable[..., TwinServer], paths: dict[str, str]) -> None:
    server = twin_server()
    with connect(server.url, proxy=None) as connection:
        for row in ROWS:
            before = len(server.twin.calls)
            connection.send(reference.sent(row, paths))
            assert connection.recv(WAIT_S) == reference.answer(row, paths), row.title
            called = len(server.twin.calls) > before
            assert called == (row.outcome in ("done", "gom_refused")), f"{row.title}: was INSPECT called?"


def test_every_row_over_a_connection_of_its_own(twin_server: Callable[..., TwinServer], paths: dict[str, str]) -> None:
    server = twin_server()
    for row in ROWS:
        with connect(server.url, proxy=None) as connection:
            connection.send(reference.sent(row, paths))
            assert connection.recv(WAIT_S) == reference.answer(row, paths), row.title


def test_the_commands_that_reach_inspect(twin_server: Callable[..., TwinServer], paths: dict[str, str]) -> None:
    server = twin_server()
    with connect(server.url, proxy=None) as connection:
        for message in (
            reference.image(name="a", focal_length="50.0"),
            reference.image(name="a", focal_length="50.0"),
            reference.image(name="b", focal_length=2.5),
            reference.elements(import_mode="new_stage"),
        ):
            connection.send(reference.filled(message, paths, as_json=True))
            assert connection.recv(WAIT_S) == "O.k."
    series = server.twin.project.measurement_series
    file = File(paths["IMAGE"])
    assert list(server.twin.calls) == [
        (CREATE, {"camera_focal_length": "50.0", "name": "a"}),
        (IMPORT_IMAGES, {"image_files": [file], "measurement_series": series["a"]}),
        (IMPORT_IMAGES, {"image_files": [file], "measurement_series": series["a"]}),
        (CREATE, {"camera_focal_length": 2.5, "name": "b"}),
        (IMPORT_IMAGES, {"image_files": [file], "measurement_series": series["b"]}),
        (IMPORT_ELEMENTS, {"files": [paths["ELEMENTS"]], "import_mode": "new_stage"}),
    ]


@pytest.mark.parametrize("message", QUIT)
def test_quit_stops_the_server(message: str, twin_server: Callable[..., TwinServer]) -> None:
    server = twin_server()
    with connect(server.url, proxy=None) as connection:
        connection.send(message)
        assert connection.recv(WAIT_S) == "bye"
        with pytest.raises(ConnectionClosedOK):
            connection.recv(WAIT_S)
        assert (connection.close_code, connection.close_reason) == (1000, "Closing connection.")
    assert server.ended()


def test_python_m_websockets_works_as_in_the_transcript(
    twin_server: Callable[..., TwinServer], paths: dict[str, str]
) -> None:
    server = twin_server()
    typed = [
        (reference.image(name="Microscopy", focal_length="2.0"), "O.k."),
        (reference.elements(), "O.k."),
        ("quit", "bye"),
    ]
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "websockets", f"{server.url}/"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as client:
        assert client.stdin and client.stdout
        limit = threading.Timer(WAIT_S, client.kill)
        limit.start()
        for line, expected in typed:
            client.stdin.write(reference.filled(line, paths, as_json=True) + "\n")
            client.stdin.flush()
            shown = ""
            while f"< {expected}" not in shown:
                character = client.stdout.read(1)
                assert character, f"the client ended after showing {shown!r}"
                shown += character
        assert server.ended()
        client.stdin.close()
        assert "Connection closed: 1000 (OK) Closing connection." in client.stdout.read()
        limit.cancel()
