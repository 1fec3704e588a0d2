"""What the tests of clients share: a relay that loses connections, a server that says odd things, and small helpers."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Callable, TypeVar

from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from gombus.wire.jsonrpc import SUBPROTOCOL
from support import WAIT_S, WatchingGom

Result = TypeVar("Result")


def held(word: str = "slow") -> WatchingGom:
    """A gom that waits with this word."""
    gom = WatchingGom()
    gom.hold_word = word
    return gom


def counting(params: Any, context: Any) -> None:
    """A handler that says how far it is, and calls the command with the word."""
    context.progress(1, 2, "half")
    context.gom.script.test.say(word=params.get("word", "none"))
    context.progress(2, 2, "all")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run it in an event loop of its own, but not for ever."""
    return asyncio.run(asyncio.wait_for(main, WAIT_S))


async def happened(event: threading.Event) -> None:
    """Wait for what happens on another thread."""
    assert await asyncio.get_running_loop().run_in_executor(None, event.wait, WAIT_S)


class Relay:
    """Hands bytes on between clients and the server behind it."""

    def __init__(self, port: int) -> None:
        self.port = port
        """Where the server behind it listens; another may be set."""
        self.swallows = False
        """Whether what clients send is lost on the way."""
        self.swallowed = threading.Event()
        self.turned_away = threading.Event()
        """Set when a client came while there was no server."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """End all connections."""
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        # Closing a socket does not wake a thread that waits for it everywhere; a client does.
        listener, self.port = self._listener, 0
        with socket.create_connection(listener.getsockname()):
            self._threads[0].join(WAIT_S)
        listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(WAIT_S)
        for end in self._open:
            end.close()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if not self.port:
                client.close()
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.port), WAIT_S)
            except OSError:
                self.turned_away.set()
                client.close()
                continue
            server.settimeout(None)
            self._open += [client, server]
            for source, sink in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pump, args=(source, sink, source is client))
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if from_client and self.swallows:
                    self.swallowed.set()
                else:
                    sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay to the server at this port."""
    made = Relay(port)
    try:
        yield made
    finally:
        made.close()


INFO = {"idempotency": {"scope": "s", "kept": "memory"}}
"""What is needed of the answer to ``server/info``."""


@contextmanager
def made_up(
    answers: Callable[[dict[str, Any]], str | None], json_rpc: bool = True, max_size: int | None = None
) -> Iterator[str]:
    """A server that answers as it is told, and closes where it is told nothing; gives its address.

    :param max_size: longest message that it takes, in bytes.
    """

    def handle(connection: ServerConnection) -> None:
        for text in connection:
            answer = answers(json.loads(text))
            if answer is None:
                return
            connection.send(answer)

    subprotocols = [Subprotocol(SUBPROTOCOL)] if json_rpc else None
    with serve(handle, "127.0.0.1", 0, subprotocols=subprotocols, max_size=max_size) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def good(message: dict[str, Any], value: Any = INFO) -> str:
    """An answer with this result."""
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": value})


def bad(message: dict[str, Any], code: str) -> str:
    """An answer with this error."""
    error = {"code": -32803, "message": "No.", "data": {"code": code}}
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error})


def only_info(message: dict[str, Any], otherwise: str | None) -> str | None:
    """What is right to ``server/info``, and this to everything else."""
    return good(message) if message["method"] == "server/info" else otherwise
