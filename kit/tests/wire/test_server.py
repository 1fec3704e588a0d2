"""The wire twin with the real client: commands, faults, going away and coming back."""

from __future__ import annotations

import gc
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from gombus_kit import samples
from gombus_kit.twin import File, Twin, errors
from gombus_kit.wire import BREAK, PYTHON, Hold, Refusal, Request, WireTwin, series_item
from scripts import RAISED, finish, run, start
from support import WAIT_S
from wire_client import ask, dial, message

CREATE_SERIES = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT_IMAGES = "gom.script.sys.import_other_images"
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
CREATE = f"{CREATE_SERIES}(camera_focal_length='50.0', name='other')"
ARGUMENTS = {"camera_focal_length": "50.0", "name": "other"}
OPEN_FILES = Path("/proc/self/fd")


def names(twin: WireTwin) -> list[str]:
    return [series.name for series in twin.project.measurement_series]


@pytest.mark.gom
def test_the_commands_of_the_reference() -> None:
    image, elements = str(samples.IMAGE), str(samples.ELEMENTS)
    script = f"""
created = {CREATE}
series = gom.app.project.measurement_series['other']
gom.script.sys.import_other_images(image_files=[gom.File({image!r})], measurement_series=series)
gom.script.sys.import_gom_inspection_exchange(files=[{elements!r}], import_mode='clipboard')
file = gom.File('b\\u00fc.jpg')
print(json.dumps([created, str(file), repr(file), hasattr(file, 'x'), hasattr(gom.app, 'x'), repr(series)]))
"""
    with WireTwin() as twin:
        result = run(twin, script)
        (series,) = twin.project.measurement_series
        assert twin.project.clipboard is not None
    item = series_item("other")
    assert result == [None, "b\u00fc.jpg", "gom.File ('b\u00fc.jpg')", False, False, item.id]
    assert twin.commands == [
        (CREATE_SERIES, ARGUMENTS),
        (IMPORT_IMAGES, {"image_files": [File(image)], "measurement_series": item}),
        (IMPORT_ELEMENTS, {"files": [elements], "import_mode": "clipboard"}),
    ]
    assert (series.name, series.focal_length, [image.file for image in series.images]) == ("other", 50.0, [image])


@pytest.mark.gom
def test_numbers_keep_their_type() -> None:
    script = """
for name, length in (('float', 2.5), ('int', 2), ('text', '2')):
    gom.script.sys.create_measurement_series_for_other_images(camera_focal_length=length, name=name)
print(json.dumps(None))
"""
    with WireTwin() as twin:
        run(twin, script)
    lengths = [arguments["camera_focal_length"] for _, arguments in twin.commands]
    assert [(type(length), length) for length in lengths] == [(float, 2.5), (int, 2), (str, "2")]


@pytest.mark.gom
@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("gom.app.project.measurement_series['other']", errors.UNKNOWN_ITEM),
        (CREATE.replace("'other'", "'there'"), errors.NAME_TAKEN),
        (CREATE.replace("name=", "title="), errors.BAD_ARGUMENT),
        (f"{IMPORT_IMAGES}(image_files=[gom.File('a')], measurement_series=gom.app)", errors.UNKNOWN_ITEM),
        (
            f"{IMPORT_IMAGES}(image_files=[gom.File('nope.jpg')],"
            " measurement_series=gom.app.project.measurement_series['there'])",
            errors.FILE_BROKEN,
        ),
        ("gom.script.other.command(a=1)", errors.UNKNOWN_COMMAND),
        ("gom.File(1)", errors.BAD_ARGUMENT),
        ("gom.File()", errors.BAD_ARGUMENT),
    ],
)
def test_what_inspect_would_refuse(call: str, code: str) -> None:
    with WireTwin() as twin:
        there = twin.project.create_series("there", 1)
        kind, _, given, _ = run(twin, RAISED.format(call=call))
        assert (kind, given) == ("RequestError", code)
        assert list(twin.project.measurement_series) == [there]
        assert there.images == []


@pytest.mark.gom
@pytest.mark.parametrize(
    ("refusal", "raised"),
    [
        (
            Refusal("no project", "GAPP-0011", "no project is open"),
            ["RequestError", "no project", "GAPP-0011", "no project is open"],
        ),
        (Refusal("stopped", "GAPP-0000", error=BREAK), ["BreakError", ""]),
        (Refusal("broken", error=PYTHON), ["RuntimeError", "broken\nCalled from here:"]),
    ],
)
def test_a_refusal_becomes_the_exception_of_the_client(refusal: Refusal, raised: list[str]) -> None:
    with WireTwin() as twin:
        twin.refuse[CREATE_SERIES] = refusal
        assert run(twin, RAISED.format(call=CREATE)) == raised
        assert names(twin) == []
    assert twin.commands == [(CREATE_SERIES, ARGUMENTS)]


@pytest.mark.gom
def test_a_held_command_is_answered_after_its_release() -> None:
    with WireTwin() as twin:
        twin.hold[CREATE_SERIES] = hold = Hold()
        with start(twin, CREATE + "\nprint(json.dumps('done'))") as process:
            assert hold.entered.wait(WAIT_S)
            assert twin.commands == [(CREATE_SERIES, ARGUMENTS)]
            assert names(twin) == []
            assert process.poll() is None
            hold.release.set()
            assert finish(process) == "done"
        assert names(twin) == ["other"]


@pytest.mark.gom
@pytest.mark.parametrize(("fault", "done"), [("drop", []), ("lose", ["other"])])
def test_a_connection_that_is_cut_before_or_after_the_command(fault: str, done: list[str]) -> None:
    with WireTwin() as twin:
        getattr(twin.faults, fault).add(CREATE_SERIES)
        kind, *_ = run(twin, RAISED.format(call=CREATE))
        assert kind == "WebSocketConnectionClosedException"
        assert names(twin) == done


@pytest.mark.gom
def test_a_crash_in_the_middle_of_a_command_and_a_new_start() -> None:
    with WireTwin() as twin:
        url = twin.url
        twin.project.create_series("lost", 1)
        twin.faults.crash.add(CREATE_SERIES)
        kind, *_ = run(twin, RAISED.format(call=CREATE))
        assert kind == "WebSocketConnectionClosedException"
        assert twin.wait_until(lambda: not twin.is_open, WAIT_S)
        assert finish_refused(twin)
        twin.faults.crash.clear()
        twin.open()
        assert twin.url == url
        assert names(twin) == []
        run(twin, CREATE + "\nprint(json.dumps('done'))")
        assert names(twin) == ["other"]
    assert [name for name, _ in twin.commands] == [CREATE_SERIES] * 2


def finish_refused(twin: WireTwin) -> bool:
    """Whether nobody listens there."""
    try:
        dial(twin).close()
    except ConnectionRefusedError:
        return True
    return False


def test_another_twin_takes_the_same_place() -> None:
    with WireTwin() as twin:
        first = twin.url
    with WireTwin(twin.port, twin.apikey) as second:
        assert second.url == first
        assert ask(second, Request.REGISTER)["type"] == "reply"


@pytest.mark.gom
def test_import_fails_with_another_apikey() -> None:
    with WireTwin() as twin, start(twin, "", twin.url + "x") as process:
        _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode != 0
    assert "RequestError" in said
    assert "apikey" in said
    assert twin.asked == []


def test_the_end_drops_a_held_command() -> None:
    threads = set(threading.enumerate())
    with ExitStack() as stack:
        with WireTwin() as twin:
            twin.hold[CREATE_SERIES] = hold = Hold(timeout=None)
            connection = stack.enter_context(dial(twin))
            connection.send(message(twin, Request.COMMAND, command=CREATE_SERIES, parameters=ARGUMENTS))
            assert hold.entered.wait(WAIT_S)
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=WAIT_S)
        assert names(twin) == []
    assert set(threading.enumerate()) <= threads


def test_a_hold_ends_by_itself() -> None:
    with WireTwin() as twin:
        twin.hold[CREATE_SERIES] = Hold(timeout=0.0)
        reply = ask(twin, Request.COMMAND, command=CREATE_SERIES, parameters=ARGUMENTS)
        assert reply["type"] == "error"
        assert twin.commands == [(CREATE_SERIES, ARGUMENTS)]
        assert names(twin) == []


def test_a_delay_ends_with_the_twin() -> None:
    with WireTwin() as twin:
        twin.faults.delay_s[CREATE_SERIES] = 3600
        with dial(twin) as connection:
            connection.send(message(twin, Request.COMMAND, command=CREATE_SERIES, parameters=ARGUMENTS))
            assert twin.wait_until(lambda: twin.commands, WAIT_S)
            twin.close()
    assert names(twin) == []


def test_what_teach_raises_leaves_the_port_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    def teach(twin: Twin) -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match=r"^a bug$"):
        WireTwin(port, teach=teach).open()
    with WireTwin(port) as twin:
        assert twin.port == port


def test_clients_that_left_are_forgotten() -> None:
    with WireTwin() as twin:
        for _ in range(3):
            ask(twin, Request.REGISTER)
            for thread, _client in twin._clients:
                thread.join(WAIT_S)
        assert len(twin._clients) == 1


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files cannot be counted here")
def test_nothing_stays_open() -> None:
    gc.collect()  # here and below, because websockets leaves its selectors to the collector
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(3):
        with WireTwin() as twin:
            ask(twin, Request.REGISTER)
    gc.collect()
    assert len(list(OPEN_FILES.iterdir())) == before
