"""Putting the parts together, and what goes wrong at start."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from gombus import runtime
from gombus.config import load
from gombus.errors import CannotListen, SettingsError
from gombus.journal.reading import reading
from gombus.model import COMPLETED, QUEUED
from gombus.net.server import Server
from gombus.registry import Registry
from journals import opened, record
from support import WAIT_S, Serving, WatchingBackend, WatchingGom, plugin, request, serving


def test_all_who_wake_before_a_delivery_are_served_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    deliver, wake = Server.deliver, runtime._Network._wake
    wakes: list[Any] = []
    deliveries: list[int] = []

    def init(self: runtime._Network, *arguments: Any) -> None:
        wakes.append(partial(wake, self))
        made(self, *arguments)

    def count(self: Server) -> None:
        deliveries.append(len(deliveries))
        deliver(self)

    made = runtime._Network.__init__
    monkeypatch.setattr(runtime._Network, "__init__", init)
    monkeypatch.setattr(Server, "deliver", count)

    def many(params: Any, context: Any) -> None:
        for _ in range(20):
            wakes[0]()

    # At once: on the thread of the network, so that nothing is delivered meanwhile.
    with serving(request("many", many, at_once=True)) as server, connect(server.url, proxy=None) as client:
        for times in (1, 2):
            client.send('{"many": {}}')
            assert client.recv(WAIT_S) == "O.k."
            # The delivery comes in the turn after.
            client.ping().wait(WAIT_S)
            assert len(deliveries) == times


def test_the_backend_is_closed_at_the_end() -> None:
    backend = WatchingBackend(WatchingGom())
    settings = load({"port": 0, "backend": "watching", "journal": "off"}, environ={})
    candidate = plugin(request(), backends={"watching": lambda call_each: backend})
    server = Serving(settings, lambda: Registry(settings, [candidate]))
    server.start()
    assert not backend.closed
    server.listening.stop()
    assert server.ended()
    assert backend.closed


def queued(folder: Path, count: int) -> str:
    """A journal with so many jobs that were accepted and not begun; its path."""
    with opened(folder) as asked:
        asked.accept(*(record(backend="watching", params=f'{{"word": "{number}"}}') for number in range(count)))
    return str(folder / "journal.sqlite3")


def states(journal: str) -> set[str]:
    """Of its jobs."""
    with reading(Path(journal)) as reader:
        return {job.state for job in reader.jobs()}


@pytest.mark.parametrize("broken", ["the port is taken", "what comes after it fails"])
def test_a_start_that_fails_leaves_what_is_queued_to_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    journal = queued(tmp_path, 5)
    with monkeypatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        if broken != "the port is taken":
            port = 0
            patch.setattr("gombus.net.server.Door", lambda *_: 1 / 0)
        for _ in range(3):
            server = serving(request(), host="127.0.0.1", port=port, journal=journal)
            with pytest.raises((CannotListen, ZeroDivisionError)), server:
                pass
            assert states(journal) == {QUEUED}
    gom = WatchingGom()
    gom.hold_word = "4"
    with serving(request(), gom=gom, journal=journal):
        assert gom.entered.wait(WAIT_S)
    assert gom.words == ["0", "1", "2", "3", "4"]
    assert states(journal) == {COMPLETED}


def test_an_error_of_the_caller_stops_the_server() -> None:
    backend = WatchingBackend(WatchingGom())
    settings = load({"port": 0, "backend": "watching", "journal": "off"}, environ={})
    candidate = plugin(request(), backends={"watching": lambda call_each: backend})
    server = Serving(settings, lambda: Registry(settings, [candidate]))

    def broken(listening: Any) -> None:
        raise RuntimeError("cannot print")

    server._on_listening = broken  # type: ignore[method-assign]  # stands for a closed standard output
    with pytest.raises(RuntimeError, match="cannot print"):
        server.start()
    assert server.ended()
    assert backend.closed


def test_stop_may_be_called_more_than_once_and_after_the_end() -> None:
    with serving(request()) as server:
        server.listening.stop()
        server.listening.stop()
        assert server.ended()
        server.listening.stop()


def test_the_url_of_an_ipv6_address_has_brackets() -> None:
    with serving(request(), host="::1") as server:
        assert server.url.startswith("ws://[::1]:")


def test_a_host_that_is_not_allowed_is_refused_before_the_backend_is_asked_for_anything() -> None:
    asked: list[Any] = []
    backend = {"watching": lambda call_each: asked.append(call_each)}
    settings = load({"host": "0.0.0.0", "backend": "watching"}, environ={})
    server = Serving(settings, lambda: Registry(settings, [plugin(request(), backends=backend)]))
    with pytest.raises(CannotListen):
        server.start()
    assert asked == []
    assert server.ended()


@pytest.mark.parametrize("options", [{"allowed_roots": ("x",)}, {"paths": {"Z:/": "x"}}, {"spool": __file__}])
def test_settings_of_files_are_checked_before_the_backend_is_asked_for_anything(options: dict[str, Any]) -> None:
    asked: list[Any] = []
    settings = load({"port": 0, "backend": "watching", "journal": "off", **options}, environ={})
    candidate = plugin(request(), backends={"watching": lambda call_each: asked.append(call_each)})
    server = Serving(settings, lambda: Registry(settings, [candidate]))
    with pytest.raises(SettingsError, match=f"{next(iter(options))}: "):
        server.start()
    assert asked == []
    assert server.ended()


def test_the_spool_folder_is_free_when_the_server_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(request(), spool=str(tmp_path / "spool")):
            pass
