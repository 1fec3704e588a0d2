"""What commands get and give, and what the twin does with what is no command."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from gombus_kit.twin import BreakError, File, MeasurementSeries, RequestError, Twin
from gombus_kit.wire import Hold, Item, Request, WireTwin, series_item
from gombus_kit.wire.records import MAX_PART
from scripts import RAISED, run
from support import WAIT_S
from wire_client import ask, dial, message, received

ACT = "gom.script.test.act"


def taught(act: Any) -> WireTwin:
    """A twin that knows one command."""

    def teach(twin: Twin) -> None:
        twin.command(ACT)(act)

    return WireTwin(teach=teach)


@pytest.mark.gom
def test_a_command_gets_the_twin_s_objects_and_gives_them() -> None:
    got: list[Any] = []

    def act(series: MeasurementSeries, files: list[File], more: Any) -> Any:
        got.append((series, files, more))
        return {"series": series, "files": files, "point": (1, 2.5), "none": None}

    script = f"""
series = gom.app.project.measurement_series['a']
answer = {ACT}(series=series, files=[gom.File('x'), gom.File('y')], more={{'deep': [b'1', gom.Vec2d(1, 2)]}})
print(json.dumps([answer['series'] == series, str(answer['files'][1]), answer['point'], answer['none']]))
"""
    with taught(act) as twin:
        made = twin.project.create_series("a", 1)
        assert run(twin, script) == [True, "y", [1, 2.5], None]
    ((series, files, more),) = got
    assert series is made
    assert files == [File("x"), File("y")]
    assert more["deep"][0] == b"1"
    assert (more["deep"][1].x, more["deep"][1].y) == (1.0, 2.0)


@pytest.mark.gom
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RequestError("no", "X-1", "log"), ["RequestError", "no", "X-1", "log"]),
        (BreakError("Esc"), ["BreakError", ""]),
        (ValueError("a bug of the plugin"), ["RuntimeError", "ValueError: a bug of the plugin\nCalled from here:"]),
        (SystemExit(3), ["RuntimeError", "SystemExit: 3\nCalled from here:"]),
    ],
)
def test_what_a_command_raises_reaches_the_script(error: BaseException, raised: list[str]) -> None:
    def act() -> None:
        raise error

    with taught(act) as twin:
        assert run(twin, RAISED.format(call=f"{ACT}()")) == raised


def test_a_command_gets_what_is_long_and_the_twin_keeps_the_beginning() -> None:
    got: list[bytes] = []
    sent = b"x" * (2 * MAX_PART)
    with taught(lambda data: got.append(data)) as twin:
        ask(twin, Request.COMMAND, command=ACT, parameters={"data": sent})
        assert got == [sent]
        assert twin.commands == [(ACT, {"data": sent[:MAX_PART]})]
        assert not twin.inspect.twin.calls


def test_a_result_without_a_form_is_refused() -> None:
    with taught(lambda: object()) as twin:
        reply = ask(twin, Request.COMMAND, command=ACT, parameters={})
    assert (reply["type"], reply["description"]) == ("error", "object has no form on the wire")


def test_an_argument_that_names_nothing_is_refused_and_the_command_not_called() -> None:
    called: list[Any] = []
    with taught(lambda series: called.append(series)) as twin:
        reply = ask(twin, Request.COMMAND, command=ACT, parameters={"series": series_item("nope")})
        assert reply["description"] == "There is no measurement series 'nope'"
        assert ask(twin, Request.COMMAND, command=ACT, parameters={"series": Item("gom.app")})["type"] == "reply"
    assert len(called) == 1


def test_scripts_share_the_project_and_one_that_waits_keeps_no_other() -> None:
    create = "gom.script.sys.create_measurement_series_for_other_images"
    parameters = {"camera_focal_length": 1, "name": "a"}
    with WireTwin() as twin, dial(twin) as waiting:
        twin.hold[create] = hold = Hold()
        waiting.send(message(twin, Request.COMMAND, command=create, parameters=parameters))
        assert hold.entered.wait(WAIT_S)
        assert ask(twin, Request.LEN, item=Item("gom.app.project.measurement_series"))["value"] == 0
        hold.release.set()
        assert received(waiting)["value"] == [None, ""]
        assert ask(twin, Request.LEN, item=Item("gom.app.project.measurement_series"))["value"] == 1


def test_the_end_cuts_every_script_while_the_command_of_one_is_carried_out() -> None:
    entered, release = threading.Event(), threading.Event()

    def act() -> None:
        entered.set()
        assert release.wait(WAIT_S)

    with taught(act) as twin, dial(twin) as busy, dial(twin) as idle, ThreadPoolExecutor(1) as pool:
        busy.send(message(twin, Request.COMMAND, command=ACT, parameters={}))
        assert entered.wait(WAIT_S)
        idle.send(message(twin, Request.REGISTER))
        received(idle)
        closing = pool.submit(twin.close)
        try:
            with pytest.raises(ConnectionClosed):
                idle.recv(timeout=WAIT_S / 2)
            assert not closing.done()
        finally:
            release.set()


def test_commands_run_on_one_thread_whoever_asks() -> None:
    threads: list[int] = []
    with taught(lambda: threads.append(threading.get_ident())) as twin:
        for _ in range(3):
            assert ask(twin, Request.COMMAND, command=ACT, parameters={})["type"] == "reply"
    assert len(set(threads)) == 1


@pytest.mark.gom
def test_changes_of_the_environment_and_failing_imports_are_taken() -> None:
    script = """
import os
os.environ['A'] = 'b'
del os.environ['A']
try:
    import nothing_of_this_name
except ImportError as error:
    print(json.dumps(error.name))
"""
    with WireTwin() as twin:
        assert run(twin, script) == "nothing_of_this_name"
    assert {Request.SETENV, Request.IMPORT} <= set(twin.asked)


@pytest.mark.gom
def test_values_come_back_as_they_went() -> None:
    script = """
values = [None, True, -1, 0.5, 'b\\u00fc', {'a': []}, slice(1, None), gom.Vec3d(1, 2, 3), b'x', gom.File('p')]
back = gom.test.reflect(values)
print(json.dumps([back[:7] == values[:7], back[7] == values[7], back[8] == b'x', str(back[9])]))
"""
    with WireTwin() as twin:
        assert run(twin, script) == [True, True, True, "p"]
        kind, said, *_ = run(twin, RAISED.format(call="gom.test.crash('access')"))
    assert (kind, said) == ("RequestError", "the twin does not model the test 'crash'")
