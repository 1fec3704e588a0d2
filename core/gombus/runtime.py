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
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from .backends import open_backend
from .batches import Batches
from .bus import Bus
from .config import Settings
from .errors import BackendLost, Interrupted
from .executor import Executor
from .files import Files
from .files.rules import open_files
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
from .signals import stop_signal, stop_signals
from .strict import StrictReader
from .tasks import ended_receipt
from .wire.choice import Wires

if TYPE_CHECKING:
    from .inspect.display import Display

log = logging.getLogger(__name__)

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
    try:
        with stop_signals() as signals:
            network = _Network(settings, place, access, files, registry, backend, gom, signals, presence)
            display = network.show(gom) if getattr(backend, "in_process", False) else None
            network.start()
            try:
                url = place.url(network.port.result())
                if display is not None:
                    display.serving(url)
                on_listening(Listening(url, backend, registry, network.stop))
                network.executor.run()
            finally:
                if display is not None:
                    display.close()
                network.stop()
                network.join()
                network.journal.close()
            if presence.final:
                raise BackendLost(presence.reason)
    finally:
        backend.close()


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

    def show(self, gom: Any) -> Display:
        """Let a person at INSPECT see what goes on; called before this thread is started."""
        from .inspect.display import Display, Errands

        watch = self._bus.jobs.watch
        errands = Errands(self, self.executor, self._call, lambda: self._bus.stopping, self.stop, watch)
        display = Display(gom, self._settings.inspect_dialog, errands)
        self._methods.batches = Batches(display.progress)
        return display

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
        await stop_signal(loop, self._signals)
        self._server.request_stop()
        await stop_signal(loop, self._signals)
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
