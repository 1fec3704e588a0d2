"""A client that knows nothing of gombus: jsonrpcclient builds its requests and reads its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Callable

import pytest
import websocket
from jsonrpcclient import (
    Error,
    Ok,
    notification,
    notification_json,
    parse,
    parse_json,
    request,
    request_json,
    request_uuid,
)
from websockets.sync.client import connect

from gombus.wire.jsonrpc import SUBPROTOCOL
from support import WAIT_S
from twins import TwinServer

Ask = Callable[[str], str]
"""Sends one text and gives the next that comes back."""


@pytest.fixture
def server(twin_server: Callable[..., TwinServer]) -> TwinServer:
    """All installed plugins over the twin."""
    return twin_server()


def plain(server: TwinServer) -> websocket.WebSocket:
    """Unless told otherwise it claims to be a page of the server's own, which gombus does not serve."""
    return websocket.create_connection(server.url, timeout=WAIT_S, suppress_origin=True)


@pytest.fixture(params=["websocket-client", "websockets"])
def ask(server: TwinServer, request: pytest.FixtureRequest) -> Iterator[Ask]:
    """Over two libraries; one negotiates the subprotocol, the other says nothing."""
    if request.param == "websocket-client":
        client = plain(server)

        def over_plain(text: str) -> str:
            client.send(text)
            return str(client.recv())

        yield over_plain
        client.close()
    else:
        with connect(server.url, proxy=None, subprotocols=[SUBPROTOCOL]) as connection:  # type: ignore[list-item]  # a str

            def over_subprotocol(text: str) -> str:
                connection.send(text)
                return str(connection.recv(WAIT_S))

            yield over_subprotocol


def image(paths: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"file": paths["IMAGE"], "name": "Microscopy", "focal_length": "50.0", **more}


def elements(paths: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"file": paths["ELEMENTS"], "import_mode": "clipboard", **more}


def test_an_import_is_answered_with_its_receipt(ask: Ask, server: TwinServer, paths: dict[str, str]) -> None:
    answer = parse_json(ask(request_json("image", image(paths), id="one")))
    assert isinstance(answer, Ok)
    assert (answer.id, answer.result["request"], answer.result["state"]) == ("one", "image", "completed")
    assert [call["command"] for call in answer.result["calls"]] == [command for command, _ in server.twin.calls]
    assert len(answer.result["calls"]) == 2


def test_parameters_by_position(ask: Ask, server: TwinServer, paths: dict[str, str]) -> None:
    answer = parse_json(ask(request_json("elements", (paths["ELEMENTS"], "new_stage"))))
    assert isinstance(answer, Ok)
    assert server.twin.calls[-1][1] == {"files": [paths["ELEMENTS"]], "import_mode": "new_stage"}


def test_an_error_has_its_number_and_its_word(ask: Ask, server: TwinServer, paths: dict[str, str]) -> None:
    refused = parse_json(ask(request_json("elements", elements(paths, import_mode="both"), id=5)))
    assert isinstance(refused, Error)
    assert (refused.id, refused.code, refused.data["code"]) == (5, -32602, "invalid_params")
    assert refused.data["errors"][0]["pointer"] == "/import_mode"
    unknown = parse_json(ask(request_json("report")))
    assert isinstance(unknown, Error)
    assert (unknown.code, unknown.data["code"]) == (-32601, "unknown_request")
    broken = parse_json(ask(request_json("elements", elements(paths, file=paths["BROKEN_ELEMENTS"]))))
    assert isinstance(broken, Error)
    assert (broken.code, broken.data["code"]) == (-32803, "gom_refused")
    assert broken.message == broken.data["description"]
    assert [command for command, _ in server.twin.calls] == ["gom.script.sys.import_gom_inspection_exchange"]


def test_a_notification_is_carried_out_and_not_answered(ask: Ask, server: TwinServer, paths: dict[str, str]) -> None:
    together = [notification("elements", elements(paths)), request("elements", elements(paths), id="answered")]
    (answer,) = parse(json.loads(ask(json.dumps(together))))  # type: ignore[misc]  # of a list it gives an iterator
    assert (answer.id, len(server.twin.calls)) == ("answered", 2)


def test_a_batch(ask: Ask, server: TwinServer, paths: dict[str, str]) -> None:
    batch = [
        request_uuid("image", image(paths)),
        request_uuid("image", image(paths, file=paths["MISSING"])),
        request_uuid("server/info"),
        request_uuid("elements", elements(paths)),
    ]
    answers = list(parse(json.loads(ask(json.dumps(batch)))))  # type: ignore[arg-type]  # of a list it gives an iterator
    assert [answer.id for answer in answers] == [member["id"] for member in batch]
    assert [type(answer) for answer in answers] == [Ok, Error, Ok, Ok]
    assert isinstance(answers[1], Error)
    assert answers[1].data["code"] == "file_unreadable"


def test_both_wires_on_one_port(ask: Ask, server: TwinServer, paths: dict[str, str]) -> None:
    """A client of today's wire and one of the new wire work side by side."""
    legacy = plain(server)
    for _ in range(3):
        legacy.send(json.dumps({"elements": elements(paths)}))
        assert isinstance(parse_json(ask(request_json("elements", elements(paths)))), Ok)
        assert legacy.recv() == "O.k."
    legacy.close()
    assert len(server.twin.calls) == 6


def test_quit_by_a_notification(server: TwinServer) -> None:
    client = plain(server)
    client.send(notification_json("quit"))
    assert not client.recv()
    client.shutdown()
    assert server.ended()
