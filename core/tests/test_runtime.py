"""Putting the parts together: choosing the backend, and what goes wrong at start."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from websockets.sync.client import connect

from gombus import runtime
from gombus.config import Settings, load
from gombus.errors import BackendUnavailable, CannotListen
from gombus.registry import Registry
from gombus.runtime import open_backend
from gombus.server import Server
from support import WAIT_S, Serving, WatchingBackend, WatchingGom, plugin, request, serving


def registry_with(**backends: Any) -> Registry:
    return Registry(Settings(), [plugin(request(), backends=backends)])


def test_auto_takes_the_twin_where_no_address_is_set_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    twin = WatchingBackend(WatchingGom())
    backend, _, gom = open_backend(Settings(), {}, registry_with(twin=lambda call_each: twin))
    assert backend is twin
    assert gom is twin.gom
    assert "backend twin (TOM_PYTHON_API_URL is not set): a test's gom" in caplog.text


def test_auto_takes_inspect_where_an_address_is_set() -> None:
    # On a thread of its own, where INSPECT refuses to be opened: the tests' process must not import gom.
    with ThreadPoolExecutor(1) as pool, pytest.raises(BackendUnavailable, match=r"^INSPECT can be used from the main"):
        pool.submit(open_backend, Settings(), {"TOM_PYTHON_API_URL": "ws://127.0.0.1:9?apikey=secret"}).result()


def test_without_address_and_twin_it_says_what_is_missing() -> None:
    with pytest.raises(BackendUnavailable, match=r"TOM_PYTHON_API_URL is not set; .* pip install gombus-kit"):
        open_backend(Settings(), {}, registry_with())


def test_an_unknown_backend_names_those_there_are() -> None:
    settings = load({"backend": "twins"}, environ={})
    with pytest.raises(BackendUnavailable, match="no backend 'twins'; allowed: auto, inspect, watching"):
        open_backend(settings, {}, registry_with(watching=lambda call_each: WatchingBackend(WatchingGom())))


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


def test_a_command_that_computes_lets_the_network_go_on() -> None:
    before = sys.getswitchinterval()
    # Two servers of other tests that overlapped in this process may have left another one.
    sys.setswitchinterval(0.005)
    try:
        with serving(request()):
            assert sys.getswitchinterval() < 0.004
        assert sys.getswitchinterval() == pytest.approx(0.005)
    finally:
        sys.setswitchinterval(before)


def test_a_host_that_is_not_allowed_is_refused_before_the_backend_is_asked_for_anything() -> None:
    asked: list[Any] = []
    backend = {"watching": lambda call_each: asked.append(call_each)}
    settings = load({"host": "0.0.0.0", "backend": "watching"}, environ={})
    server = Serving(settings, lambda: Registry(settings, [plugin(request(), backends=backend)]))
    with pytest.raises(CannotListen):
        server.start()
    assert asked == []
    assert server.ended()


def test_where_a_plugin_failed_the_missing_backend_says_where_to_look() -> None:
    broken = plugin(request("NO"), name="broken")
    registry = Registry(Settings(), [broken])
    with pytest.raises(BackendUnavailable, match="some plugins cannot be used, see: gombus plugins"):
        open_backend(Settings(), {}, registry)
