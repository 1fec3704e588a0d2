"""What is said to a twin that runs."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gombus import GombusError
from gombus_kit.wire import Hold, Request, WireTwin
from gombus_kit.wire.control import ask, obey
from gombus_kit.wire.requests import Refused
from gombus_kit.wire.values import encode
from scripts import finish, start
from support import WAIT_S
from wire_client import dial, message, received

EXECUTE = (
    "R = gom.script.sys.execute_user_defined_dialog(dialog={'title': 'T', 'content': [[{'name': 'a', 'value': 1}]]})\n"
)
CLOSE = {"cancel": False, "values": {}, "result": None, "wait_s": 0.0}


@pytest.mark.gom
def test_a_dialog_is_waited_for_and_closed_with_values() -> None:
    with WireTwin(hold_dialogs=True) as twin, start(twin, EXECUTE + "print(json.dumps(R.a))") as process:
        closed = ask(twin.url, "close-dialog", WAIT_S, **{**CLOSE, "values": {"a": [2]}, "wait_s": WAIT_S})
        assert closed == {"number": 1, "title": "T"}
        assert finish(process) == [2]


@pytest.mark.gom
def test_a_value_for_a_widget_that_is_not_there_leaves_the_dialog_open() -> None:
    with WireTwin(hold_dialogs=True) as twin, start(twin, EXECUTE + "print(json.dumps(R))") as process:
        with pytest.raises(GombusError, match=r"^the dialog has no widget 'b'; it has: a$"):
            ask(twin.url, "close-dialog", WAIT_S, **{**CLOSE, "values": {"b": 2}, "wait_s": WAIT_S})
        ask(twin.url, "close-dialog", **{**CLOSE, "result": "mine"})
        assert finish(process) == "mine"


@pytest.mark.gom
def test_the_dialog_that_a_script_waits_for_is_closed_before_one_that_is_only_open() -> None:
    opened = "D = gom.script.sys.create_user_defined_dialog(dialog={'title': 'open'})\n"
    opened += "gom.script.sys.open_user_defined_dialog(dialog=D)\n"
    with WireTwin(hold_dialogs=True) as twin, start(twin, opened + EXECUTE + "print(json.dumps(R.a))") as process:
        assert twin.wait_until(lambda: len(twin.dialogs) == 2 and twin.dialogs[1].state == "shown", WAIT_S)
        assert ask(twin.url, "close-dialog", **CLOSE)["title"] == "T"
        assert finish(process) == 1


def test_who_has_left_closes_no_dialog() -> None:
    question = {"type": "twin", "id": "1", "value": "close-dialog", "params": {**CLOSE, "wait_s": WAIT_S}}
    show = {"command": "gom.script.sys.execute_user_defined_dialog", "parameters": {"dialog": {"title": "T"}}}
    with WireTwin(hold_dialogs=True) as twin:
        with dial(twin) as leaving:
            leaving.send(encode({**question, "apikey": twin.apikey}))
        with dial(twin) as connection:
            connection.send(message(twin, Request.COMMAND, **show))
            assert twin.wait_until(lambda: twin.dialogs and twin.dialogs[0].state == "shown", WAIT_S)
            ask(twin.url, "close-dialog", **{**CLOSE, "result": "mine"})
            assert received(connection)["value"][0] == "mine"


def test_waiting_for_a_dialog_ends_with_the_twin() -> None:
    waits = threading.Event()
    with WireTwin() as twin, ThreadPoolExecutor(1) as pool:

        def gone() -> bool:
            waits.set()
            return twin.stopping.is_set()

        closing = pool.submit(obey, twin, "close-dialog", {**CLOSE, "wait_s": WAIT_S}, gone)
        assert waits.wait(WAIT_S)
        twin.close()
        with pytest.raises(Refused, match=r"^no dialog is shown$"):
            closing.result(WAIT_S / 2)


def test_no_dialog_to_close() -> None:
    with WireTwin() as twin, pytest.raises(GombusError, match=r"^no dialog is shown$"):
        ask(twin.url, "close-dialog", **CLOSE)


@pytest.mark.gom
def test_a_command_that_hangs_goes_on() -> None:
    create = "gom.script.sys.create_measurement_series_for_other_images"
    with WireTwin() as twin:
        twin.hold[create] = hold = Hold(timeout=None)
        with pytest.raises(GombusError, match=f"^x does not hang; what hangs: {create}$"):
            ask(twin.url, "release", command="x")
        with start(twin, f"{create}(camera_focal_length=1, name='a')\nprint(json.dumps('done'))") as process:
            assert hold.entered.wait(WAIT_S)
            state = ask(twin.url, "show")
            assert (state["held"], state["commands"], state["project"]["measurement_series"]) == (
                [create],
                [create],
                [],
            )
            assert ask(twin.url, "release", command=create) == {"command": create, "waited": True}
            assert finish(process) == "done"
        state = ask(twin.url, "show")
        assert (state["held"], [each["name"] for each in state["project"]["measurement_series"]]) == ([], ["a"])


def test_what_it_cannot_do_is_refused() -> None:
    with WireTwin() as twin:
        with pytest.raises(GombusError, match=r"^the twin cannot 'dance'; it can close-dialog, release and show$"):
            ask(twin.url, "dance")
        with pytest.raises(GombusError, match=r"^the apikey is not the one in the url$"):
            ask(twin.url + "x", "show")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(GombusError, match=f"^no twin at ws://127.0.0.1:{port}: ") as caught:
        ask(f"ws://127.0.0.1:{port}?apikey=Secr3tKey", "show")
    assert "Secr3tKey" not in str(caught.value)
    with pytest.raises(GombusError, match=r"^no twin at nonsense: ") as caught:
        ask("nonsense?apikey=Secr3tKey", "show")
    assert "Secr3tKey" not in str(caught.value)


def test_what_was_received_may_be_long() -> None:
    with WireTwin() as twin:
        twin.log.extend(["x" * 1000] * 2000)
        assert len(ask(twin.url, "show")["log"]) == 2000


@pytest.mark.parametrize("value", [2**63, "\ud800"])
def test_a_value_without_a_form_is_not_said_of_the_twin(value: object) -> None:
    with WireTwin() as twin, pytest.raises(GombusError, match=r"^no form on the wire: "):
        ask(twin.url, "close-dialog", **{**CLOSE, "result": value})
