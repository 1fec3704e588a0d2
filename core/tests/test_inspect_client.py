"""Whether the client's connection still stands: looked at from outside, with real sockets."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gombus.inspect import client
from gombus.inspect.client import connect, gone, imported, installed, version


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's end of its connection, and INSPECT's."""
    ours, its = socket.socketpair()
    yield ours, its
    ours.close()
    its.close()


def gom(sock: Any, connected: bool = True) -> Any:
    """A client with this socket."""
    web_socket = SimpleNamespace(connected=connected, sock=sock)
    return SimpleNamespace(__common__=SimpleNamespace(__connection__=SimpleNamespace(_ws=web_socket)))


def test_a_connection_that_stands(ends: tuple[socket.socket, socket.socket]) -> None:
    assert not gone(gom(ends[0]))


@pytest.mark.parametrize(
    ("sent", "closed"),
    [(b"\x89\x00", False), (b"\x82\x01x", False), (b"\x88\x02\x03\xe8", True), (b"\x08\x00", True)],
    ids=["ping", "binary", "close", "close, not the last"],
)
def test_what_waits_to_be_read_is_looked_at_and_left(
    sent: bytes, closed: bool, ends: tuple[socket.socket, socket.socket]
) -> None:
    ends[1].sendall(sent)
    assert [gone(gom(ends[0])) for _ in range(2)] == [closed] * 2
    assert ends[0].recv(10) == sent


def test_one_that_inspect_closed(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].close()
    assert gone(gom(ends[0]))


def test_one_that_is_known_to_be_closed(ends: tuple[socket.socket, socket.socket]) -> None:
    assert gone(gom(ends[0], connected=False))
    assert gone(gom(None))
    ends[0].close()
    assert gone(gom(ends[0]))


def test_one_that_was_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door, socket.create_connection(door.getsockname()) as ours:
        its, _ = door.accept()
        ours.sendall(b"x")
        # What was not read makes its end one with a reset.
        its.recv(0)
        its.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        its.close()
        while not gone(gom(ours)):
            pass


def test_a_socket_whose_number_cannot_be_looked_at_is_taken_to_stand(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any) -> Any:
        raise ValueError("filedescriptor out of range in select()")

    monkeypatch.setattr(client.select, "select", too_large)
    assert not gone(gom(ends[0]))


def test_a_gom_without_a_connection_has_none_to_lose() -> None:
    assert not gone(SimpleNamespace())
    assert not gone(SimpleNamespace(__common__=SimpleNamespace(__connection__=None)))


def test_what_is_installed_and_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gom", None)  # type: ignore[arg-type]
    assert (installed(), imported()) == (False, False)
    module = ModuleType("gom")
    monkeypatch.setitem(sys.modules, "gom", module)
    assert (installed(), imported()) == (True, True)
    assert connect("ws://localhost:1") is module
    monkeypatch.setattr(client.metadata, "version", lambda name: "2026.1")
    assert version() == "gom client 2026.1"


def test_without_a_client_there_is_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise client.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(client.metadata, "version", missing)
    monkeypatch.delitem(sys.modules, "gom", raising=False)
    monkeypatch.setattr(client.importlib.util, "find_spec", lambda name: None)
    assert (version(), installed()) == ("", False)
