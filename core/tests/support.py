"""What the core's tests share: a gom that watches its caller, plugins made on the spot, and a running server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, Callable

from certificates import trusting
from gombus import Legacy, Request, hookimpl
from gombus.config import Settings, load
from gombus.discovery import Candidate
from gombus.registry import Registry
from gombus.runtime import Listening, run

WAIT_S = 30.0
"""Longest wait for an event, in seconds; only a failing test waits that long."""

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A test's request",
    "description": "Says one word to gom.",
    "type": "object",
    "properties": {
        "word": {"description": "a short word", "type": "string", "maxLength": 32},
        "file": {"description": "a file", "type": "string", "maxLength": 1024},
        "files": {
            "description": "files",
            "type": "array",
            "maxItems": 4,
            "items": {"type": "string", "maxLength": 1024},
        },
    },
    "additionalProperties": False,
}

SAY = "gom.script.test.say"


class RequestError(RuntimeError):
    """As gom's."""

    def __init__(self, description: str, error_code: str = "", error_log: str = "") -> None:
        super().__init__(description)
        self.description = description
        self.error_code = error_code
        self.error_log = error_log


class BreakError(Exception):
    """As gom's."""


class WatchingGom:
    """A gom with one command. It keeps who called and when, and can be made to wait or to fail."""

    RequestError = RequestError
    BreakError = BreakError

    def __init__(self) -> None:
        self.words: list[str] = []
        self.threads: set[int] = set()
        self.overlapped = False
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.hold_word = ""
        self.errors: dict[str, BaseException] = {}
        self._inside = threading.Lock()
        self.script = SimpleNamespace(test=SimpleNamespace(say=self.say))
        self.app = SimpleNamespace(project=SimpleNamespace(name="p"))

    def say(self, word: str) -> str:
        """The command gom.script.test.say."""
        if not self._inside.acquire(blocking=False):
            self.overlapped = True
            raise AssertionError("two gom calls at a time")
        try:
            self.threads.add(threading.get_ident())
            self.words.append(word)
            if word == self.hold_word:
                self.entered.set()
                assert self.go_on.wait(WAIT_S)
            if word in self.errors:
                raise self.errors[word]
            return word.upper()
        finally:
            self._inside.release()


class WatchingBackend:
    """The backend `watching`."""

    name = "watching"
    title = "a test's gom"
    version = "1.0"

    def __init__(self, gom: WatchingGom) -> None:
        self.gom = gom
        self.closed = False

    def open(self) -> WatchingGom:
        """Give the gom that the test made."""
        return self.gom

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def say(params: Any, context: Any) -> Any:
    """A handler that calls the command with the word."""
    return context.gom.script.test.say(word=params.get("word", "none"))


def request(name: str = "say", handler: Callable[..., Any] = say, **members: Any) -> Request:
    """A request type with the schema of these tests."""
    members.setdefault("schema", SCHEMA)
    if not members.get("at_once"):
        members.setdefault("commands", (SAY,))
    return Request(name=name, handler=handler, **members)


def stop_request(name: str = "quit") -> Request:
    """A request type that stops the server, spoken as plain text."""
    return request(name, lambda _, context: context.stop(), at_once=True, legacy=Legacy(ok="bye", plain=True))


def plugin(*requests: Request, name: str = "tests", backends: Any = None, **hooks: Any) -> Candidate:
    """A plugin that offers these request types."""

    @hookimpl
    def gombus_requests() -> list[Request]:
        return list(requests)

    @hookimpl
    def gombus_backends() -> Any:
        return backends

    module = SimpleNamespace(gombus_requests=gombus_requests, gombus_backends=gombus_backends, **hooks)
    return Candidate(name, f"dist-{name}", "1.0", f"module_{name}", lambda: module)


def handshake(headers: str = "Host: localhost\r\n") -> bytes:
    """The opening handshake of a client that is made by hand, with these headers among its own."""
    return (
        f"GET / HTTP/1.1\r\n{headers}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(message: bytes) -> bytes:
    """A text message of up to 125 bytes as a client's frame, masked with zeros."""
    return b"\x81" + bytes([0x80 | len(message)]) + bytes(4) + message


class Serving:
    """A server that runs in a thread of this process, which is its owner thread."""

    def __init__(self, settings: Settings, registry: Callable[[], Registry]) -> None:
        self.listening: Listening
        self.error: BaseException | None = None
        self._settings = settings
        self._registry = registry
        self._ready = threading.Event()
        self.thread = threading.Thread(target=self._run, name="owner")

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.listening.url

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def tls(self) -> dict[str, Any]:
        """What `connect` needs to trust it."""
        return {"ssl": trusting(self._settings.tls_certificate)} if self.url.startswith("wss:") else {}

    def start(self) -> None:
        """Start it and wait until it listens, or raise what kept it from that."""
        self.thread.start()
        assert self._ready.wait(WAIT_S)
        if self.error:
            raise self.error

    def ended(self) -> bool:
        """Wait for its end."""
        self.thread.join(WAIT_S)
        return not self.thread.is_alive()

    def _run(self) -> None:
        try:
            run(self._settings, self._on_listening, environ={}, registry=self._registry())
        except BaseException as error:
            self.error = error
            self._ready.set()

    def _on_listening(self, listening: Listening) -> None:
        self.listening = listening
        self._ready.set()


@contextmanager
def serving(*requests: Request, gom: WatchingGom | None = None, **options: Any) -> Iterator[Serving]:
    """A server with these request types over a gom that watches; stopped at the end."""
    backend = WatchingBackend(gom or WatchingGom())
    settings = load({"port": 0, "backend": "watching", "journal": "off", "tokens": "off", **options}, environ={})
    candidate = plugin(*requests, backends={"watching": lambda call_each: backend})
    server = Serving(settings, lambda: Registry(settings, [candidate]))
    server.start()
    try:
        yield server
    finally:
        backend.gom.go_on.set()
        server.listening.stop()
        assert server.ended(), "the server did not stop"
        if server.error:
            raise server.error


@contextmanager
def dial(server: Serving, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """A client made by hand that has agreed on TLS where the server has it, and said nothing yet.

    :param receive_buffer: size of the system's buffer in bytes; 0 leaves it as it is.
    """
    with ExitStack() as stack:
        raw = stack.enter_context(socket.socket())
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.connect(("127.0.0.1", server.port))
        raw.settimeout(WAIT_S)
        for context in server.tls.values():
            raw = stack.enter_context(context.wrap_socket(raw, server_hostname="localhost"))
        yield raw


@contextmanager
def raw_client(server: Serving, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """As `dial`, and it has done its handshake."""
    with dial(server, receive_buffer) as raw:
        raw.sendall(handshake())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += raw.recv(1)
        assert b" 101 " in answer
        yield raw
