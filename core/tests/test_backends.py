"""Choosing the backend: what is taken, and what is said where there is none."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gombus.backends import open_backend
from gombus.config import Settings, load
from gombus.errors import BackendUnavailable
from gombus.registry import Registry
from support import WatchingBackend, WatchingGom, plugin, request


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
        pool.submit(open_backend, Settings(), {"TOM_PYTHON_API_URL": "ws://127.0.0.1:9?apikey=Secr3tKey"}).result()


def test_without_address_and_twin_it_says_what_is_missing() -> None:
    with pytest.raises(BackendUnavailable, match=r"TOM_PYTHON_API_URL is not set; .* pip install gombus-kit"):
        open_backend(Settings(), {}, registry_with())


def test_an_unknown_backend_names_those_there_are() -> None:
    settings = load({"backend": "twins"}, environ={})
    with pytest.raises(BackendUnavailable, match="no backend 'twins'; allowed: auto, inspect, watching"):
        open_backend(settings, {}, registry_with(watching=lambda call_each: WatchingBackend(WatchingGom())))


def test_where_a_plugin_failed_the_missing_backend_says_where_to_look() -> None:
    broken = plugin(request("NO"), name="broken")
    registry = Registry(Settings(), [broken])
    with pytest.raises(BackendUnavailable, match="some plugins cannot be used, see: gombus plugins"):
        open_backend(Settings(), {}, registry)
