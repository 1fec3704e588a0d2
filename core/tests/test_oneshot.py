"""The client for the legacy wire."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Callable

import pytest
from websockets.sync.server import ServerConnection, serve

from gombus.client import Unreachable, oneshot
from gombus.client import request as ask
from support import WatchingGom, request, serving, stop_request


def test_one_text_out_one_text_back() -> None:
    with serving(request()) as server:
        assert ask(server.url, '{"say": {}}') == "O.k."


@pytest.mark.parametrize("url", ["localhost:1", "http://localhost:1", "ws://", "ws://[::1", "ws://127.0.0.1:1/"])
def test_an_address_without_server_is_named(url: str) -> None:
    with pytest.raises(Unreachable, match="no gombus server at "):
        ask(url, "quit")


@contextmanager
def other_server(handler: Callable[[ServerConnection], None], **options: Any) -> Iterator[str]:
    """A server that is not gombus; gives its address."""
    with serve(handler, "127.0.0.1", 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_a_refused_handshake_is_unreachable() -> None:
    def refuse(connection: ServerConnection, request: object) -> Any:
        return connection.respond(403, "No.\n")

    with other_server(lambda connection: None, process_request=refuse) as url, pytest.raises(Unreachable, match="403"):
        ask(url, "quit")


def test_an_answer_that_does_not_come_in_time() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    with serving(request(), gom=gom) as server:
        with pytest.raises(Unreachable, match=r"within 0.05 s; the request may still be carried out"):
            ask(server.url, '{"say": {"word": "slow"}}', timeout=0.05)
        gom.go_on.set()


def test_a_connection_that_ends_before_the_answer() -> None:
    closing = other_server(lambda connection: connection.close())
    with closing as url, pytest.raises(Unreachable, match="ended before the answer"):
        ask(url, "x")


def test_an_answer_in_a_binary_frame_is_text() -> None:
    def answer(connection: ServerConnection) -> None:
        connection.send(f"{connection.recv()} in bytes".encode())

    with other_server(answer) as url:
        assert ask(url, "x") == "x in bytes"


def test_quit() -> None:
    with serving(stop_request()) as server:
        assert ask(server.url, "quit") == "bye"
        assert server.ended()


def test_a_server_that_accepts_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library waits 10 s for the handshake; a shorter wait is asked of it here.
    monkeypatch.setattr(oneshot, "connect", partial(oneshot.connect, open_timeout=0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"no gombus server at {url}: "):
            ask(url, "quit")
