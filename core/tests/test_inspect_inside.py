"""INSPECT through a gom in this process: it is noticed when it goes, and that is final."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gombus.inspect import inside as inside_module
from gombus.inspect.inside import Inside
from support import WAIT_S

ADDRESS = "ws://localhost:1?apikey=k"


@pytest.fixture
def web_socket(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The connection of a gom that is made up."""
    web_socket = SimpleNamespace(connected=True, sock=SimpleNamespace())
    gom: Any = SimpleNamespace(__common__=SimpleNamespace(__connection__=SimpleNamespace(_ws=web_socket)))
    monkeypatch.setattr(inside_module, "connect", lambda address: gom)
    monkeypatch.setattr("gombus.inspect.client._closed", lambda sock: False)
    return web_socket


@pytest.fixture
def inside(web_socket: SimpleNamespace) -> Iterator[Inside]:
    inside = Inside(ADDRESS)
    yield inside
    inside.close()


def test_as_long_as_it_is_there_handlers_begin(inside: Inside) -> None:
    inside.open()
    assert (inside.begin(), inside.broke(), inside.ready, inside.final) == (True, "", True, False)


def test_it_is_noticed_while_nobody_asks_and_said_once(
    inside: Inside, web_socket: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inside_module, "LOOK_S", 0.01)
    told = threading.Event()
    reasons: list[str] = []

    def tell() -> None:
        reasons.append(inside.reason)
        told.set()

    inside.on_change(tell)
    inside.open()
    web_socket.connected = False
    assert told.wait(WAIT_S)
    assert (inside.begin(), inside.ready, inside.final) == (False, False, True)
    assert inside.broke() == "INSPECT was lost (it closed the connection)"
    inside._thread.join()
    assert reasons == ["INSPECT at ws://localhost:1 is lost: it closed the connection; start gombus from INSPECT again"]


def test_what_the_client_warns_of_is_logged(inside: Inside, caplog: pytest.LogCaptureFixture) -> None:
    inside.open()
    # As the interpreter shows one that no filter makes an error.
    warnings.showwarning("a stage is missing", UserWarning, "gom.py", 1)
    assert "a stage is missing" in caplog.text
    inside.close()
    inside.close()


def test_one_that_was_not_opened_can_be_closed(web_socket: SimpleNamespace) -> None:
    Inside(ADDRESS).close()
