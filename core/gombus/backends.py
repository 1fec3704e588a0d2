"""Which backend runs the gom commands: INSPECT, or one that a plugin gives."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from .config import Settings
from .errors import BackendUnavailable
from .inspect.address import ADDRESS, forget_key
from .model import Backend
from .registry import Registry

log = logging.getLogger(__name__)


def open_backend(
    settings: Settings, environ: Mapping[str, str], registry: Registry | None = None
) -> tuple[Backend, Registry, Any]:
    """Choose and open the backend, and load the plugins.

    :returns: the backend, the plugins, and what handlers know as ``gom``.
    :raises BackendUnavailable: INSPECT, or the chosen backend, is not there.
    """
    name, why = settings.backend, settings.source("backend")
    if name == "auto":
        name, why = ("inspect", f"{ADDRESS} is set") if environ.get(ADDRESS) else ("twin", f"{ADDRESS} is not set")
    backend: Backend
    if name == "inspect":
        # Inside INSPECT, importing gom lets the App's modules be seen, and with them plugins: before the registry.
        # Nothing of it is needed where no INSPECT is.
        from .inspect.backend import InspectBackend

        process, wait = settings.inspect_process, settings.inspect_start == "wait"
        backend = InspectBackend(environ, settings.inspect_hosts, process, wait, settings.inspect_hang_s)
        gom = backend.open()
        registry = registry or Registry(settings)
    else:
        forget_key()
        registry = registry or Registry(settings)
        backend = _from_plugin(name, settings, registry)
        gom = backend.open()
    log.info("backend %s (%s): %s", name, why, backend.title)
    return backend, registry, gom


def _from_plugin(name: str, settings: Settings, registry: Registry) -> Backend:
    factory = registry.backends.get(name)
    if factory:
        return factory(registry.call_each)
    there = ", ".join(["inspect", *sorted(registry.backends)])
    failed = "; some plugins cannot be used, see: gombus plugins" if registry.failed else ""
    if settings.backend == "auto":
        raise BackendUnavailable(
            f"no INSPECT: {ADDRESS} is not set; and no simulated one: python -m pip install gombus-kit{failed}"
        )
    raise BackendUnavailable(f"there is no backend {name!r}; allowed: auto, {there}{failed}")
