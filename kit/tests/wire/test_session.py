"""The conversation with one client: what is no message, what nobody knows, and functions that are called back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from gombus_kit.wire import Item, Request, WireTwin
from gombus_kit.wire.values import Function, Trait, encode
from support import WAIT_S
from wire_client import ask, dial, message, received

CREATE = "gom.script.sys.create_user_defined_dialog"
SHOW = "gom.script.sys.show_user_defined_dialog"


@pytest.fixture(scope="module")
def twin() -> Iterator[WireTwin]:
    with WireTwin() as twin:
        yield twin


def lives(twin: WireTwin) -> bool:
    return ask(twin, Request.REGISTER)["type"] == "reply"


REQUEST = {"type": "request", "apikey": "k", "id": "1", "value": 1, "params": {}}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x63",
        b"\x04\x05",
        b"\x05\xff\xff\xff\xff\xff\xff\xff\x7f",
        "text",
        encode(None),
        encode([]),
        encode({}),
        *(encode({**REQUEST, name: None}) for name in REQUEST if name != "apikey"),
        encode({**REQUEST, "type": "result"}),
        encode({**REQUEST, "type": "twin"}),
        encode({**REQUEST, "value": "show"}),
    ],
    ids=repr,
)
def test_what_is_no_message_is_answered_and_the_client_sent_away(twin: WireTwin, data: bytes | str) -> None:
    with dial(twin) as connection:
        connection.send(data)
        reply = received(connection)
        assert (reply["type"], reply["id"]) == ("error", "")
        assert reply["description"].startswith("no message of the gom wire: ")
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=WAIT_S)
        assert connection.close_code == 1002
    assert lives(twin)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_comes_the_twin_lives(twin: WireTwin, data: bytes) -> None:
    with dial(twin) as connection:
        connection.send(data)
        assert received(connection)["type"] == "error"
    assert lives(twin)


def test_a_message_beyond_the_limit_closes_the_connection(twin: WireTwin) -> None:
    with dial(twin) as connection:
        connection.send(b"\x00" * (16 * 2**20 + 1))
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=WAIT_S)
        assert connection.close_code == 1009
    assert lives(twin)


def test_a_message_beyond_the_limit_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with WireTwin() as twin, dial(twin) as connection:
        connection.send(b"\x00" * (16 * 2**20 + 1))
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=WAIT_S)
        twin.close()
    assert "a client was sent away: 16777216 bytes are allowed in a message" in caplog.text


def test_a_wrong_key_gets_no_answer_and_nothing_is_kept_of_it(twin: WireTwin) -> None:
    twin.asked.clear()
    with dial(twin) as connection:
        for key in ("", "x", None, 1, "\u00e4"):
            connection.send(encode({**REQUEST, "apikey": key}))
            assert received(connection)["description"] == "the apikey is not the one in the url"
            connection.send(encode({**REQUEST, "type": "twin", "value": "show", "apikey": key}))
            assert received(connection)["description"] == "the apikey is not the one in the url"
    assert twin.asked == []


@pytest.mark.parametrize("number", [0, 50, 1003, -1, 2**63 - 1])
def test_an_unknown_request_is_named_and_logged(twin: WireTwin, number: int, caplog: pytest.LogCaptureFixture) -> None:
    reply = ask(twin, number)
    assert (reply["type"], reply["description"]) == ("error", f"there is no request {number}; the twin knows 1 to 49")
    assert f"a client sent the unknown request {number}" in caplog.text


@pytest.mark.parametrize("request_", list(Request), ids=lambda request: request.name)
def test_every_request_without_its_parameters_is_answered(twin: WireTwin, request_: Request) -> None:
    reply = ask(twin, request_)
    assert reply["type"] in ("reply", "error")
    assert reply["type"] == "reply" or reply["description"]
    assert lives(twin)


@pytest.mark.parametrize(
    "request_",
    [
        *(Request.DATA_ARRAY, Request.INDEX, Request.LESS, Request.QUERY, Request.RESOURCE_KEY, Request.RUNAPI),
        *(Request.SERVICE, Request.SETATTR),
    ],
    ids=lambda request: request.name,
)
def test_what_is_not_modelled_says_so(twin: WireTwin, request_: Request) -> None:
    assert ask(twin, request_)["description"] == f"the twin does not model requests of the kind {request_.name}"


def open_dialog(twin: WireTwin, connection: ClientConnection, number: int, handler: Function) -> None:
    dialog = Trait("Tom::Dialog", [number])
    params = {"type": dialog.type, "args": dialog.args, "kwargs": {}, "name": "handler", "value": handler}
    connection.send(message(twin, Request.TYPE_SETATTR, **params))
    received(connection)
    connection.send(message(twin, Request.COMMAND, command=SHOW, parameters={"dialog": dialog}))


def test_a_handler_is_called_and_may_ask_in_between() -> None:
    with WireTwin() as twin, dial(twin) as connection:
        connection.send(message(twin, Request.COMMAND, command=CREATE, parameters={"dialog": {"title": "T"}}))
        (number,) = received(connection)["value"][0].args
        open_dialog(twin, connection, number, Function("9", "m.handler"))
        call = received(connection)
        assert (call["type"], call["value"]) == ("call", Function("9", "m.handler"))
        # The 2025 client reads params and keys, the 2026 one args and kwargs.
        assert (call["args"], call["params"], call["kwargs"], call["keys"]) == (["initialize"], ["initialize"], {}, {})
        connection.send(message(twin, Request.LEN, item=Item("gom.app.project.stages")))
        assert received(connection)["value"] == 0
        connection.send(encode({"type": "result", "id": call["id"], "state": True, "value": None}))
        assert received(connection)["value"] == [Trait("Tom::DialogResult", [{}]), ""]


def test_a_handler_that_fails_fails_the_command() -> None:
    with WireTwin() as twin, dial(twin) as connection:
        connection.send(message(twin, Request.COMMAND, command=CREATE, parameters={}))
        (number,) = received(connection)["value"][0].args
        open_dialog(twin, connection, number, Function("9", "m.handler"))
        call = received(connection)
        value = ["ValueError", "a traceback", b""]
        connection.send(encode({"type": "result", "id": call["id"], "state": False, "value": value}))
        reply = received(connection)
    assert (reply["type"], reply["description"], reply["log"]) == ("error", "m.handler failed", "a traceback")


def test_a_client_that_leaves_while_its_function_runs_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    with WireTwin() as twin:
        with dial(twin) as connection:
            connection.send(message(twin, Request.COMMAND, command=CREATE, parameters={}))
            (number,) = received(connection)["value"][0].args
            open_dialog(twin, connection, number, Function("9", "m.handler"))
            received(connection)
        assert twin.wait_until(lambda: twin.dialogs[0].state == "closed", WAIT_S)
        assert lives(twin)
    assert set(threading.enumerate()) <= threads
