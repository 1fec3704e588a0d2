"""One holder as the server sees it: a real process, and a gom that is made up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

import pytest

from gombus.inspect import process as process_module
from gombus.inspect.address import ADDRESS
from gombus.inspect.process import Process
from gombus.inspect.remote import InspectLost
from gombus.inspect.values import GET, GOM, write
from support import WAIT_S

URL = "ws://localhost:1?apikey=Secr3tKey"
STAYS_TEXT = """
import gc

for each in gc.get_objects():
    if type(each).__name__ == "Requests":
        each._leave = lambda code: threading.Event().wait()
"""
"""A holder with this does not end when the server closes its end."""

GOM_TEXT = """
import logging, os, socket, sys, threading, types, warnings

class RequestError(RuntimeError):
    pass

class BreakError(Exception):
    pass

ADDRESS = os.environ["TOM_PYTHON_API_URL"]
ARGV = sys.argv + sys.orig_argv if hasattr(sys, "orig_argv") else sys.argv
ENDS = socket.socketpair()
WEB_SOCKET = types.SimpleNamespace(connected=True, sock=ENDS[0])
__common__ = types.SimpleNamespace(__connection__=types.SimpleNamespace(_ws=WEB_SOCKET))

class script:
    def speak():
        print("on stdout")
        os.write(1, b"on its number \\xff\\n")
        print("on stderr \\u2713", file=sys.stderr)
        logging.getLogger("custom").info("of a log")
        warnings.warn("a stage is missing")

    def leave(code):
        os._exit(code)

    def wait():
        threading.Event().wait()

    def close():
        WEB_SOCKET.connected = False

    def lie():
        # What INSPECT could have it do, because the client runs what it is sent.
        import pickle
        from gombus.inspect.holder import Holder
        Holder._bytes = lambda self, answer: pickle.dumps(("ok", os.getcwd, []))
"""
"""A client that does what a test wants."""


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a module of the name gom, with this text, before any other."""
    monkeypatch.setenv(ADDRESS, "ws://localhost:1")

    def write(text: str = GOM_TEXT) -> None:
        (tmp_path / "gom.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

    return write


@contextmanager
def started(lost: list[Process] | None = None) -> Iterator[Process]:
    """A holder that has imported its gom."""
    process = Process(URL, lambda one: None if lost is None else lost.append(one))
    try:
        assert process.open() == ""
        yield process
    finally:
        process.close()


def test_the_address_goes_to_the_client_and_into_no_argument(client: Callable[[str], None]) -> None:
    client(GOM_TEXT)
    with started() as process:
        assert process.do(GOM, ("ADDRESS",)) == URL
        assert "Secr3tKey" not in str(process.do(GOM, ("ARGV",)))


def test_what_is_said_in_it_becomes_lines_of_the_log(
    client: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    client(GOM_TEXT)
    caplog.set_level(logging.INFO)
    with started() as process:
        process.do(GOM, ("script",)).speak()
    said = {(level, text) for name, level, text in caplog.record_tuples if name == "gombus.inspect.gom"}
    assert said == {
        (logging.WARNING, "a stage is missing"),
        (logging.INFO, "on stdout"),
        (logging.INFO, "on its number \ufffd"),
        (logging.INFO, "on stderr \u2713"),
        (logging.INFO, "INFO custom: of a log"),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise ConnectionRefusedError(111, 'refused')", "no INSPECT at ws://localhost:1: ConnectionRefusedError: "),
        ("import os; os._exit(9)", "the process that talks to INSPECT ended (exit code 9)"),
    ],
    ids=["refused", "crashed"],
)
def test_where_gom_cannot_be_imported_it_says_why(text: str, why: str, client: Callable[[str], None]) -> None:
    client(text)
    process = Process(URL, lambda one: None)
    assert process.open().startswith(why)
    process.close()


def test_an_inspect_that_does_not_answer_at_the_start_is_given_up(
    client: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "START_LIMIT_S", 0.1)
    client("import threading; threading.Event().wait()")
    process = Process(URL, lambda one: None)
    assert process.open() == "INSPECT did not answer within 0.1 s"
    process.close()


def test_one_that_still_imports_gom_ends_when_the_server_is_gone(client: Callable[[str], None]) -> None:
    client("import os; os.write(2, b'importing\\n'); import threading; threading.Event().wait()")
    process = Process(URL, lambda one: None)
    write(process._requests, URL.encode())
    process._requests.close()
    try:
        assert process._process.wait(WAIT_S) == 0
    finally:
        process.close()


def test_an_answer_that_cannot_be_understood_is_the_last(
    client: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    client(GOM_TEXT)
    lost: list[Process] = []
    with started(lost) as process:
        script = process.do(GOM, ("script",))
        with pytest.raises(InspectLost, match="what it said could not be understood"):
            script.lie()
        assert lost == [process]
    assert "getcwd does not go by value" in caplog.text


@pytest.mark.parametrize(
    ("name", "args", "why"),
    [
        ("leave", (9,), "the process that talks to INSPECT ended (exit code 9)"),
        ("close", (), ""),
    ],
)
def test_an_operation_is_lost_with_its_process(
    name: str, args: tuple[int, ...], why: str, client: Callable[[str], None]
) -> None:
    client(GOM_TEXT)
    lost: list[Process] = []
    with started(lost) as process:
        script = process.do(GOM, ("script",))
        if why:
            with pytest.raises(InspectLost) as caught:
                getattr(script, name)(*args)
            assert str(caught.value) == why
        else:
            getattr(script, name)(*args)
            with pytest.raises(InspectLost, match="it closed the connection"):
                process.do(GET, (script, name))
        assert lost == [process]
        # And so is everything after it.
        with pytest.raises(InspectLost):
            process.do(GOM, ("ADDRESS",))
        assert not process.alive()


def test_one_that_is_killed_says_for_what(client: Callable[[str], None]) -> None:
    client(GOM_TEXT)
    with started() as process:
        script = process.do(GOM, ("script",))
        assert process.since_s == 0.0

        def kill() -> None:
            while not process.since_s:
                pass
            process.kill("it hangs")

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(InspectLost, match="it hangs"):
            script.wait()
        killer.join()
        assert process.since_s == 0.0


def test_it_is_asked_whether_it_is_there(client: Callable[[str], None]) -> None:
    client(GOM_TEXT)
    with started() as process:
        assert process.alive()
        process.kill("killed")
        process.wait()
        assert not process.alive()


def test_another_thread_cannot_use_it(client: Callable[[str], None]) -> None:
    client(GOM_TEXT)
    caught: list[BaseException] = []
    with started() as process:

        def use() -> None:
            try:
                process.do(GOM, ("ADDRESS",))
            except RuntimeError as error:
                caught.append(error)

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        assert "gom can be used on the thread only on which the handler runs" in str(caught[0])
        assert process.do(GOM, ("ADDRESS",)) == URL


def test_one_that_does_not_end_is_killed(client: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    client(GOM_TEXT + STAYS_TEXT)
    monkeypatch.setattr(process_module, "END_LIMIT_S", 0.0)
    process = Process(URL, lambda one: None)
    assert process.open() == ""
    process.close()
    assert process.wait() == "it did not end by itself"
