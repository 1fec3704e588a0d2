"""Puts the parts together: the calling thread owns gom and runs the handlers, one more thread serves the network."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, suppress
from typing import Any, Callable, NamedTuple

from .bus import Bus
from .config import Settings
from .errors import BackendLost, BackendUnavailable, Interrupted
from .executor import Executor
from .files import Files
from .files.rules import open_files
from .inspect.address import ADDRESS, forget_key
from .journal import Journal
from .journal.location import open_journal
from .methods import Methods
from .model import INTERRUPTED, Backend, Record
from .net.access import Access
from .net.listening import Place, choose_place, is_loopback
from .net.server import Server
from .presence import Presence
from .registry import Registry
from .schemahash import canonical
from .signals import NUMBERS, stop_signals
from .strict import StrictReader
from .tasks import ended_receipt
from .wire.choice import Wires

log = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.001
"""How long a handler that computes in Python may keep the network thread waiting, in seconds; Python's default of
0.005 makes every answer of the server many times slower meanwhile. With less, the threads that work for one request
take the interpreter from each other more often: with a journal, 0.0005 costs 8 % of the throughput."""
FORCED_LIMIT_S = 0.3
"""How long clients may take to hear of it then, in seconds."""
FORCED = 130
"""Exit code of a server that was stopped at once by a second Ctrl-C, as shells count SIGINT."""


class Listening(NamedTuple):
    """A server that accepts connections."""

    url: str
    backend: Backend
    registry: Registry
    stop: Callable[[], None]
    """Begin to stop, as Ctrl-C does; may be called on any thread."""


def run(
    settings: Settings,
    on_listening: Callable[[Listening], None],
    environ: Mapping[str, str] | None = None,
    registry: Registry | None = None,
) -> None:
    """Serve until a client or the user stops the server. The calling thread becomes the one that owns gom.

    :param on_listening: called once on this thread when the server listens.
    :param environ: where INSPECT's address stands; None means `os.environ`.
    :param registry: None loads the installed plugins.
    :raises BackendUnavailable: INSPECT, or the chosen backend, is not there.
    :raises TokenError: the tokens' file cannot be used, or tokens are needed and there is none.
    :raises JournalError: the journal or the receipt log cannot be used.
    :raises CannotListen: the port is taken, the host is not allowed, or the certificate cannot be used.
    :raises SettingsError: a setting about files is not allowed, or the spool folder cannot be used.
    """
    # Before INSPECT is asked for anything.
    access = Access(settings, beyond_loopback=not is_loopback(settings.host))
    place = choose_place(settings, access.has_tokens)
    with closing(open_files(settings)) as files:
        _run(settings, place, access, files, on_listening, os.environ if environ is None else environ, registry)


def _run(
    settings: Settings,
    place: Place,
    access: Access,
    files: Files,
    on_listening: Callable[[Listening], None],
    environ: Mapping[str, str],
    registry: Registry | None,
) -> None:
    backend, registry, gom = open_backend(settings, environ, registry)
    presence: Presence = getattr(backend, "presence", None) or Presence()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        with stop_signals() as signals:
            network = _Network(settings, place, access, files, registry, backend, gom, signals, presence)
            network.start()
            try:
                port = network.port.result()
                on_listening(Listening(place.url(port), backend, registry, network.stop))
                network.executor.run()
            finally:
                network.stop()
                network.join()
                network.journal.close()
            if presence.final:
                raise BackendLost(presence.reason)
    finally:
        sys.setswitchinterval(interval)
        backend.close()


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


class _Network(threading.Thread):
    """The thread of the event loop."""

    def __init__(
        self,
        settings: Settings,
        place: Place,
        access: Access,
        files: Files,
        registry: Registry,
        backend: Backend,
        gom: Any,
        signals: socket.socket | None,
        presence: Presence,
    ) -> None:
        super().__init__(name="gombus-network", daemon=True)
        self.port: Future[int] = Future()
        self.executor: Executor[Any] = Executor(self._wake)
        self.journal: Journal = open_journal(settings, self._wake, _interrupted)
        self.journal.remember_schemas(_schemas(registry))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = False
        self._settings = settings
        self._presence = presence
        self._place = place
        facts = {"name": backend.name, "version": backend.version}
        self._bus = Bus(registry.types, gom, facts, self.executor, self.journal, self._later, settings, files, presence)
        self._methods = Methods(self._bus, self.journal, registry, backend, settings)
        reader = StrictReader(settings.max_message_bytes, settings.max_depth, settings.max_integer)
        self._wires = Wires((kind.request for kind in registry.types.values()), reader.loads)
        self._access = access
        self._signals = signals
        self._server: Server

    def run(self) -> None:
        try:
            # Not Windows' own kind of loop: it stops listening when a client resets while it is accepted.
            loop = asyncio.SelectorEventLoop()
            try:
                loop.run_until_complete(self._main())
            finally:
                loop.close()
        except BaseException as error:
            if self.port.done():
                log.exception("bug in the network thread")
            else:
                self.port.set_exception(error)
        finally:
            # Whatever ended this thread, the owner thread must not wait for work for ever.
            self._bus.stop()

    def stop(self) -> None:
        self._call(lambda: self._server.request_stop())

    def _wake(self) -> None:
        # One delivery is enough for all who wake: each takes its time, and the clients wait meanwhile.
        if not self._woken:
            self._woken = self._loop is not None
            self._call(self._deliver)

    def _deliver(self) -> None:
        # Lowered first: what stands ready after this wakes anew.
        self._woken = False
        self._server.deliver()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_later(seconds, action)

    def _call(self, action: Callable[[], None]) -> None:
        """Run an action on this thread; a loop that is gone has nobody left to be told."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(action)

    def _presence_changed(self) -> None:
        if self._presence.final:
            self._server.request_stop()
        else:
            self._bus.jobs.line.release()

    async def _main(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = Server(self._settings, self._place, self._access, self._wires, self._bus, self._methods)
        self._loop = loop
        watching = asyncio.ensure_future(self._watch_signals(loop))
        try:
            # Not before the port is ours: a server that cannot start must leave what is queued as it is.
            port = await self._server.start(lambda: self._bus.recover(self.journal.queued))
            self._presence.on_change(lambda: self._call(self._presence_changed))
            self._presence_changed()
            self.port.set_result(port)
            await self._server.stopped.wait()
        except BaseException:
            # What is marked and was not begun is put back.
            await self._server.finish()
            raise
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def _watch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._signals is None:
            return
        await _stop_signal(loop, self._signals)
        self._server.request_stop()
        await _stop_signal(loop, self._signals)
        log.warning("stopped at once; a gom command may still be running in INSPECT")
        try:
            await self._server.close_all(FORCED_LIMIT_S)
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        finally:
            # A gom call cannot be cut short, and the thread that sits in it cannot be ended in any other way.
            os._exit(FORCED)


def _interrupted(record: Record) -> str:
    """The receipt of a job that ran when the server was ended."""
    return ended_receipt(record, INTERRUPTED, record.finished or time.time(), Interrupted())


def _schemas(registry: Registry) -> Iterator[tuple[str, str, str, str]]:
    """Hash, request type, text and version of every schema that is served."""
    for name, kind in registry.types.items():
        yield kind.schema_hash, name, canonical(kind.request.schema), kind.plugin.version


async def _stop_signal(loop: asyncio.AbstractEventLoop, signals: socket.socket) -> None:
    """Wait for a signal that means to stop; a plugin may have given others a handler of their own."""
    while (await loop.sock_recv(signals, 1))[0] not in NUMBERS:
        pass
