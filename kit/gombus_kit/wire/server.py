"""The wire twin: the application's side of the gom wire, on this computer."""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import socket
import threading
import time
from typing import Any, Callable

from websockets.sync.server import Server, ServerConnection, serve

from gombus.config import load
from gombus.registry import Registry

from ..twin import Project, Twin
from .dialogs import Dialog
from .faults import Faults, Hold
from .inspect import Inspect
from .requests import Refusal, Request
from .session import MAX_MESSAGE, Session, cut

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
ACCEPT_S = 0.5
"""After how many seconds a client is accepted again, where one could not be."""


def installed_plugins(twin: Twin) -> None:
    """Have the installed plugins teach the twin their commands."""
    Registry(load(environ={})).call_each("gombus_simulate", twin=twin)


class WireTwin:
    """A simulated INSPECT for the real gom client, on this computer while the context is open.

    What was received stays when it is closed. Opened again it has the same address and an empty project: an
    INSPECT that went away and came back.

    :param port: 0 for a free one, which it keeps.
    :param apikey: None for one that nobody can guess.
    :param faults: what is to go slow or wrong.
    :param hold_dialogs: whether a dialog that a script waits for stays until it is closed, or is confirmed at once.
    :param teach: teaches the twin its commands; None has the installed plugins do so.
    :param crash: what a crash does; None closes the twin.
    """

    def __init__(
        self,
        port: int = 0,
        apikey: str | None = None,
        *,
        faults: Faults | None = None,
        hold_dialogs: bool = False,
        teach: Callable[[Twin], None] | None = None,
        crash: Callable[[], object] | None = None,
    ) -> None:
        self.port = port
        self.apikey = apikey or secrets.token_hex(16)
        self.faults = faults or Faults()
        self.commands: list[tuple[str, dict[str, Any]]] = []
        """Commands and their arguments, as received; `Item` and `File` stand for gom's."""
        self.asked: list[Request] = []
        """All requests, as received."""
        self.is_open = False
        """Whether it listens."""
        self.stopping = threading.Event()
        self._crash = crash or self._close_elsewhere
        self._news = threading.Condition()
        self.inspect = Inspect(teach or installed_plugins, hold_dialogs, self.changed)
        self._clients: list[tuple[threading.Thread, socket.socket]] = []
        self._arriving = threading.Lock()
        self._server: Server
        self._thread: threading.Thread
        self._closing = threading.Lock()

    @property
    def url(self) -> str:
        """The value for TOM_PYTHON_API_URL, once it was open."""
        return f"ws://{HOST}:{self.port}?apikey={self.apikey}"

    @property
    def project(self) -> Project:
        """The project of the twin."""
        return self.inspect.twin.project

    @property
    def refuse(self) -> dict[str, Refusal]:
        """Commands that are refused."""
        return self.faults.refuse

    @property
    def hold(self) -> dict[str, Hold]:
        """Commands that wait."""
        return self.faults.hold

    @property
    def drop(self) -> set[str]:
        """Commands that cut the connection."""
        return self.faults.drop

    @property
    def log(self) -> list[str]:
        """The lines of gom.log."""
        return self.inspect.log

    @property
    def console(self) -> list[str]:
        """The texts for gom.console."""
        return self.inspect.console

    @property
    def exits(self) -> list[object]:
        """The exit codes of scripts that called sys.exit."""
        return self.inspect.exits

    @property
    def dialogs(self) -> list[Dialog]:
        """The dialogs, as they were created."""
        return self.inspect.dialogs.all

    @property
    def progress(self) -> list[int]:
        """The values of progress bars, in %."""
        return self.inspect.api.progress

    @property
    def progress_messages(self) -> list[str]:
        """The messages of progress bars."""
        return self.inspect.api.messages

    @property
    def settings(self) -> dict[str, Any]:
        """What gom.api.settings reads and writes."""
        return self.inspect.api.settings

    def wait_until(self, happened: Callable[[], object], timeout_s: float = 60.0) -> bool:
        """Wait until something received makes this true; False after `timeout_s` seconds."""
        with self._news:
            return bool(self._news.wait_for(happened, timeout_s))

    def changed(self) -> None:
        """Something was received."""
        with self._news:
            self._news.notify_all()

    def open(self) -> None:
        """Listen.

        :raises OSError: the port is taken.
        :raises Exception: what `teach` raises.
        """
        self.stopping.clear()
        self._clients.clear()
        door = _Door(fileno=socket.create_server((HOST, self.port)).detach())
        door.settimeout(ACCEPT_S)
        try:
            # Before there is a server: one that never served cannot be shut down.
            self.inspect.open()
        except BaseException:
            door.close()
            raise
        # No keepalive: the client answers pings only while it waits for an answer.
        server = serve(
            self._talk, sock=door, compression=None, ping_interval=None, max_size=MAX_MESSAGE, open_timeout=10
        )
        self.port = server.socket.getsockname()[1]
        self._handle, server.handler = server.handler, self._accept
        self._thread = threading.Thread(target=server.serve_forever, name="wire-twin-door", daemon=True)
        self._thread.start()
        self._server = server
        self.is_open = True

    def close(self) -> None:
        """Cut all connections, as if INSPECT had died; nothing that waits is carried out."""
        with self._closing:
            if self.is_open:
                self._end()
                self.is_open = False
        self.changed()

    def _end(self) -> None:
        self.stopping.set()
        self.faults.release_all()
        self.inspect.dialogs.close_all()
        clients = list(self._clients)
        for _, client in clients:
            cut(client)
        for thread, _ in clients:
            thread.join()
        self._server.shutdown()
        self._thread.join()
        for thread, _ in self._clients:
            thread.join()
        for name in ("shutdown_watcher", "shutdown_notifier"):
            pipe_end = getattr(self._server, name, None)
            if isinstance(pipe_end, int):  # websockets 15 leaves its pipe open
                os.close(pipe_end)
        self.inspect.close()

    def __enter__(self) -> WireTwin:
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def crash(self) -> None:
        """Go away in the middle of a command."""
        self._crash()

    def knows(self, apikey: object) -> bool:
        """Whether this is the key."""
        return isinstance(apikey, str) and hmac.compare_digest(apikey.encode(), self.apikey.encode())

    def _close_elsewhere(self) -> None:
        # Not on a client's thread, for which `close` waits.
        threading.Thread(target=self.close, name="wire-twin-crash", daemon=True).start()

    def _accept(self, client: socket.socket, address: Any) -> None:
        with self._arriving:
            alive = [(thread, other) for thread, other in self._clients if thread.is_alive()]
            self._clients = [*alive, (threading.current_thread(), client)]
        if self.stopping.is_set():  # `close` may have read the list before this client was in it
            cut(client)
        self._handle(client, address)

    def _talk(self, connection: ServerConnection) -> None:
        Session(self, connection).run()


class _Door(socket.socket):
    """Listens on where a client cannot be accepted, such as with too many open files: websockets would stop."""

    def accept(self) -> tuple[socket.socket, Any]:
        while True:
            try:
                return super().accept()
            except OSError as error:
                if self.fileno() < 0:  # closed
                    raise
                if not isinstance(error, socket.timeout):
                    log.warning("a client was not accepted: %s", error)
                    time.sleep(ACCEPT_S)
