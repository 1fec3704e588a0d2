"""The stand-in for INSPECT: its codec against bytes written by hand, its server against the real client."""

from __future__ import annotations

import gc
import importlib.util
import json
import math
import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from inspect_standin import (
    ALL_SERIES,
    CREATE_SERIES,
    IMPORT_ELEMENTS,
    IMPORT_IMAGES,
    Command,
    File,
    Function,
    Hold,
    InspectStandIn,
    Item,
    Refusal,
    Request,
    decode,
    encode,
    series_item,
)

TIMEOUT = 60  # seconds until a test fails instead of waiting; nothing here takes as long
OPEN_FILES = Path("/proc/self/fd")
BREAK = "Tom::GScript::BreakException"

needs_client = pytest.mark.skipif(
    importlib.util.find_spec("gom") is None, reason="the wheel zeiss-inspect-api is not installed"
)

PINNED = [
    (None, "00"),
    (True, "01 01"),
    (False, "01 00"),
    (258, "02 0201000000000000"),
    (-1, "02 ffffffffffffffff"),
    (1.0, "03 000000000000f03f"),
    ("h\u00e9", "04 0300000000000000 68c3a9"),
    ([None, True], "05 0200000000000000 00 0101"),
    ({"a": None}, "06 0100000000000000 0100000000000000 61 00"),
    (slice(1, None), "07 02 0100000000000000 00"),
    (Item("i", 2, -1), "08 0100000000000000 69 0200000000000000 ffffffffffffffff"),
    (Command("c"), "0a 0100000000000000 63"),
    (Function("1", "m.f"), "0b 0100000000000000 31 0300000000000000 6d2e66"),
    (
        File("p"),
        "0d 0900000000000000 546f6d3a3a46696c65 05 0100000000000000 04 0100000000000000 70 06 0000000000000000",
    ),
    (b"\x00\xff", "14 0200000000000000 00ff"),
]


@pytest.mark.parametrize(("value", "pinned"), PINNED)
def test_bytes_on_the_wire(value: object, pinned: str) -> None:
    assert encode(value) == bytes.fromhex(pinned)
    decoded = decode(bytes.fromhex(pinned))
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        "",
        b"",
        2**63 - 1,
        -(2**63),
        0.1,
        math.inf,
        "a\x00\u6e2c\U0001f600",
        slice(None, "z"),
        {"": [{"deep": [[], {}, File("b\u00fc.jpg")]}, Item("i")], "\u00fc": {"x": Command("gom.script")}},
    ],
)
def test_round_trip(value: object) -> None:
    assert decode(encode(value)) == value


def test_not_a_number_keeps_its_kind() -> None:
    decoded = decode(encode(math.nan))
    assert isinstance(decoded, float)
    assert math.isnan(decoded)


@pytest.mark.parametrize("value", [object(), {1}, 2**63, [2**63], {"a": 1j}])
def test_values_without_a_form(value: object) -> None:
    with pytest.raises(ValueError):
        encode(value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "nothing"),
        ("63", "an unknown type byte"),
        ("02 00", "an int cut short"),
        ("04 0500000000000000 61", "a text cut short"),
        ("04 ffffffffffffffff 61", "a negative length"),
        ("04 0100000000000000 ff", "a text that is not UTF-8"),
        ("05 0200000000000000 00", "a list cut short"),
        ("00 00", "a byte too many"),
        ("0d 0100000000000000 58 05 0000000000000000 06 0000000000000000", "a type that is not registered"),
    ],
)
def test_data_that_is_no_value(data: str, why: str) -> None:
    with pytest.raises(ValueError):
        decode(bytes.fromhex(data))


def message(standin: InspectStandIn, number: int, **params: object) -> bytes:
    apikey = standin.url.partition("apikey=")[2]
    return encode({"type": "request", "apikey": apikey, "id": "7", "value": number, "params": params})


def dial(standin: InspectStandIn) -> ClientConnection:
    # The thread for pings would outlive the connection by a moment, and the tests count threads.
    return connect(standin.url, compression=None, ping_interval=None)


def ask(standin: InspectStandIn, number: int, **params: object) -> dict[str, Any]:
    with dial(standin) as connection:
        connection.send(message(standin, number, **params))
        reply = decode(connection.recv(timeout=TIMEOUT, decode=False))
    assert isinstance(reply, dict)
    assert reply["id"] == "7"
    return reply


def test_an_unknown_request_is_named_in_the_error() -> None:
    with InspectStandIn() as standin:
        reply = ask(standin, 1003)
    assert reply["type"] == "error"
    assert "1003" in reply["description"]


@pytest.mark.parametrize(
    ("number", "params", "answer"),
    [
        (Request.CONSOLE, {"message": "x"}, None),
        (Request.EXCEPTION, {"name": "E", "text": "t", "traceback": ""}, None),
        (Request.EXIT, {"code": 0}, None),
        (Request.IMPORT, {"name": "m", "path": "None"}, None),
        (Request.LOG, {"message": "x"}, None),
        (Request.SETENV, {"name": "A", "value": None}, None),
        (Request.DOC, {"object": ALL_SERIES}, ""),
        (Request.REPR, {"item": ALL_SERIES}, ALL_SERIES.id),
    ],
)
def test_requests_beside_the_work(number: Request, params: dict[str, object], answer: object) -> None:
    with InspectStandIn() as standin:
        reply = ask(standin, number.value, **params)
    assert (reply["type"], reply["value"]) == ("reply", answer)


def test_the_end_drops_a_held_command() -> None:
    threads = set(threading.enumerate())
    parameters = {"camera_focal_length": 1, "name": "s"}
    with ExitStack() as stack:
        with InspectStandIn() as standin:
            standin.hold[CREATE_SERIES] = hold = Hold()
            connection = stack.enter_context(dial(standin))
            number = Request.COMMAND.value
            connection.send(message(standin, number, command=CREATE_SERIES, parameters=parameters))
            assert hold.entered.wait(TIMEOUT)
        with pytest.raises(ConnectionClosedError):
            connection.recv(timeout=TIMEOUT)
    assert standin.series == {}
    assert set(threading.enumerate()) <= threads


def test_a_hold_ends_by_itself() -> None:
    arguments = {"files": ["a"], "import_mode": "clipboard"}
    with InspectStandIn() as standin:
        standin.hold[IMPORT_ELEMENTS] = Hold(timeout=0.0)
        reply = ask(standin, Request.COMMAND.value, command=IMPORT_ELEMENTS, parameters=arguments)
    assert reply["type"] == "error"
    assert standin.commands == [(IMPORT_ELEMENTS, arguments)]
    assert standin.elements == []


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files cannot be counted here")
def test_nothing_stays_open() -> None:
    gc.collect()  # here and below, because websockets leaves its selectors to the collector
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(3):
        with InspectStandIn() as standin:
            ask(standin, Request.REGISTER.value)
    gc.collect()
    assert len(list(OPEN_FILES.iterdir())) == before


def start(standin: InspectStandIn, script: str, **environment: str) -> subprocess.Popen[str]:
    """Start the real client in a process of its own. The script prints one JSON text."""
    environment = {**os.environ, "TOM_PYTHON_API_URL": standin.url, **environment}
    command = [sys.executable, "-c", "import json\nimport gom\n" + script]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> Any:
    try:
        output, errors = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    return json.loads(output)


def run(standin: InspectStandIn, script: str) -> Any:
    with start(standin, script) as process:
        return finish(process)


RAISED = """
try:
    {call}
except gom.RequestError as error:
    print(json.dumps([type(error).__name__, error.description, error.error_code, error.error_log]))
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""

CREATE = "gom.script.sys.create_measurement_series_for_other_images(camera_focal_length='50.0', name='other')"


@needs_client
def test_the_request_numbers_are_those_of_the_client() -> None:
    script = """
from gom.__common__ import Request
print(json.dumps({request.name: request.value for request in Request}))
"""
    with InspectStandIn() as standin:
        numbers = run(standin, script)
    assert {request.name: numbers[request.name] for request in Request} == {
        request.name: request.value for request in Request
    }


@needs_client
def test_the_commands_of_the_reference() -> None:
    script = f"""
created = {CREATE}
series = gom.app.project.measurement_series['other']
for path in ('C:/temp/a.jpg', 'C:/temp/b\\u00fc.jpg'):
    gom.script.sys.import_other_images(image_files=[gom.File(path)], measurement_series=series)
gom.script.sys.import_gom_inspection_exchange(files=['C:/temp/Points.gxml'], import_mode='clipboard')
file = gom.File('a')
print(json.dumps([created, str(file), repr(file), hasattr(file, 'x'), hasattr(gom.app, 'x'), repr(series)]))
"""
    with InspectStandIn() as standin:
        result = run(standin, script)
    series = series_item("other")
    assert result == [None, "a", "gom.File ('a')", False, False, series.id]
    assert standin.commands == [
        (CREATE_SERIES, {"camera_focal_length": "50.0", "name": "other"}),
        (IMPORT_IMAGES, {"image_files": [File("C:/temp/a.jpg")], "measurement_series": series}),
        (IMPORT_IMAGES, {"image_files": [File("C:/temp/b\u00fc.jpg")], "measurement_series": series}),
        (IMPORT_ELEMENTS, {"files": ["C:/temp/Points.gxml"], "import_mode": "clipboard"}),
    ]
    assert standin.series == {"other": "50.0"}
    assert standin.images == {"other": ["C:/temp/a.jpg", "C:/temp/b\u00fc.jpg"]}
    assert standin.elements == [(["C:/temp/Points.gxml"], "clipboard")]


@needs_client
def test_the_focal_length_keeps_its_type() -> None:
    script = """
for name, length in (('float', 2.5), ('int', 2), ('text', '2')):
    gom.script.sys.create_measurement_series_for_other_images(camera_focal_length=length, name=name)
print(json.dumps(None))
"""
    with InspectStandIn() as standin:
        run(standin, script)
    assert [(name, type(length), length) for name, length in standin.series.items()] == [
        ("float", float, 2.5),
        ("int", int, 2),
        ("text", str, "2"),
    ]


@needs_client
@pytest.mark.parametrize(
    "call",
    [
        "gom.app.project.measurement_series['other']",
        "gom.app.project.measurement_series[0:1]",
        CREATE.replace("'other'", "'there'"),
        CREATE.replace("name=", "title="),
        "gom.script.sys.import_other_images(image_files=['a'],"
        " measurement_series=gom.app.project.measurement_series['there'])",
        "gom.script.sys.import_other_images(image_files=[gom.File('a')], measurement_series=gom.app)",
        "gom.script.other.command(a=1)",
        "gom.File(1)",
        "gom.File()",
    ],
)
def test_what_inspect_would_refuse(call: str) -> None:
    with InspectStandIn() as standin:
        standin.series["there"] = 1
        kind, *_ = run(standin, RAISED.format(call=call))
    assert kind == "RequestError"
    assert (standin.series, standin.images) == ({"there": 1}, {})


@needs_client
def test_a_refusal_carries_description_code_and_log() -> None:
    with InspectStandIn() as standin:
        standin.refuse[CREATE_SERIES] = Refusal("no project", "GAPP-0011", "no project is open")
        result = run(standin, RAISED.format(call=CREATE))
    assert result == ["RequestError", "no project", "GAPP-0011", "no project is open"]
    assert [name for name, _ in standin.commands] == [CREATE_SERIES]
    assert standin.series == {}


@needs_client
def test_the_escape_key() -> None:
    with InspectStandIn() as standin:
        standin.refuse[CREATE_SERIES] = Refusal("stopped", "GAPP-0000", "", error=BREAK)
        result = run(standin, RAISED.format(call=CREATE))
    assert result == ["BreakError", ""]


@needs_client
def test_a_held_command_is_answered_after_its_release() -> None:
    script = CREATE + "\nprint(json.dumps('done'))"
    with InspectStandIn() as standin:
        standin.hold[CREATE_SERIES] = hold = Hold()
        with start(standin, script) as process:
            assert hold.entered.wait(TIMEOUT)
            assert standin.commands == [(CREATE_SERIES, {"camera_focal_length": "50.0", "name": "other"})]
            assert standin.series == {}
            assert process.poll() is None
            hold.release.set()
            assert finish(process) == "done"
    assert standin.series == {"other": "50.0"}


@needs_client
def test_a_dropped_connection() -> None:
    with InspectStandIn() as standin:
        standin.drop.add(CREATE_SERIES)
        kind, *_ = run(standin, RAISED.format(call=CREATE))
    assert kind == "WebSocketConnectionClosedException"
    assert standin.series == {}


@needs_client
def test_import_fails_with_another_apikey() -> None:
    with InspectStandIn() as standin, start(standin, "", TOM_PYTHON_API_URL=standin.url + "x") as process:
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0
    assert "RequestError" in errors
    assert "apikey" in errors
