"""Accepting clients, also where the system refuses to give one."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, AsyncIterator, Callable

import pytest

from clients import run
from gombus.net import door
from gombus.net.door import Door
from support import WAIT_S


class Listener(socket.socket):
    """A listening socket whose `accept` fails as often as it is told to."""

    def __init__(self, *errors: OSError) -> None:
        super().__init__()
        self.errors = list(errors)
        self.accepts = 0
        self.failed = threading.Event()
        self.bind(("127.0.0.1", 0))
        self.listen()

    def accept(self) -> Any:
        self.accepts += 1
        if self.errors:
            self.failed.set()
            raise self.errors.pop(0)
        return super().accept()


class Served(asyncio.Protocol):
    """What serves a client: it says hello."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.made = asyncio.Event()
        self.lost = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(b"hello")
        self.made.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def opened(listener: Listener, admit: Callable[[], Any] = Served) -> AsyncIterator[Door]:
    made = Door([listener], admit)
    try:
        yield made
    finally:
        await made.close()


@contextmanager
def client(listener: Listener) -> Iterator[socket.socket]:
    with socket.create_connection(listener.getsockname()) as raw:
        raw.setblocking(False)
        yield raw


async def heard(raw: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(raw, 100)


async def closed(served: Served) -> None:
    served.transport.close()
    await served.lost.wait()


def test_a_client_is_served() -> None:
    async def main() -> None:
        served = Served()
        listener = Listener()
        async with opened(listener, lambda: served):
            with client(listener) as raw:
                assert await heard(raw) == b"hello"
                await closed(served)

    run(main())


def test_a_client_that_is_not_admitted_is_closed_at_once() -> None:
    async def main() -> None:
        listener = Listener()
        async with opened(listener, lambda: None):
            with client(listener) as raw:
                assert await heard(raw) == b""

    run(main())


@pytest.mark.parametrize("error", [ConnectionAbortedError(errno.ECONNABORTED, "x"), ConnectionResetError(10054, "x")])
def test_a_client_that_has_left_again_keeps_nobody_out(error: OSError, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        served = Served()
        listener = Listener(error, error)
        async with opened(listener, lambda: served):
            with client(listener) as raw:
                assert await heard(raw) == b"hello"
                await closed(served)
        # Those two, this one, and that there is no further one.
        assert listener.accepts == 4

    run(main())
    assert caplog.text == ""


def test_where_files_run_out_it_pauses_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(door, "PAUSE_S", 0.05)

    async def main() -> None:
        served: list[Served] = []

        def admit() -> Served:
            served.append(Served())
            return served[-1]

        full = OSError(errno.EMFILE, "Too many open files")
        listener = Listener(full, full, full)
        async with opened(listener, admit):
            with client(listener) as raw:
                assert await heard(raw) == b"hello"
                # Three that failed, one client, and that there is no further one: it did not spin.
                assert listener.accepts == 5
                listener.errors.append(full)
                with client(listener) as second:
                    assert await heard(second) == b"hello"
                    for one in served:
                        await closed(one)

    run(main())
    # Once for each time that they ran out.
    assert caplog.text.count("cannot accept clients: [Errno 24] Too many open files; it is tried again every 0.05") == 2


def test_closing_while_it_pauses_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        listener = Listener(*[OSError(errno.EMFILE, "Too many open files")] * 1000)
        with client(listener):
            async with opened(listener):
                assert await asyncio.get_running_loop().run_in_executor(None, listener.failed.wait, WAIT_S)
            assert listener.fileno() == -1
        assert listener.accepts == 1

    run(main())


def test_who_is_accepted_at_the_last_moment_has_a_connection_when_it_is_closed() -> None:
    async def main() -> None:
        served = Served()
        listener = Listener()
        entered = asyncio.Event()

        def admit() -> Served:
            entered.set()
            return served

        async with opened(listener, admit) as made:
            with client(listener) as raw:
                await entered.wait()
                assert not served.made.is_set()
                await made.close()
                assert served.made.is_set()
                assert await heard(raw) == b"hello"
                await closed(served)

    run(main())


def test_a_socket_that_the_loop_does_not_take_is_closed_and_what_was_to_serve_it_is_told() -> None:
    """As on macOS, where a client that has left is noticed only then."""

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()

        async def refuse(*_: Any) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

        loop.connect_accepted_socket = refuse
        served = Served()
        listener = Listener()
        async with opened(listener, lambda: served):
            with client(listener) as raw:
                await served.lost.wait()
                assert await heard(raw) == b""

    run(main())


def test_after_closing_nobody_is_accepted() -> None:
    async def main() -> None:
        listener = Listener()
        address = listener.getsockname()
        async with opened(listener):
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    run(main())
