"""One holder after the other: real processes, a gom that is made up, and a door that opens and closes."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gombus.errors import BackendUnavailable
from gombus.inspect import supervisor as supervisor_module
from gombus.inspect.address import ADDRESS
from gombus.inspect.process import Process
from gombus.inspect.remote import InspectLost
from gombus.inspect.supervisor import Supervisor
from support import WAIT_S
from test_inspect_process import GOM_TEXT


class Changes:
    """What a supervisor says."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._news = threading.Condition()
        self.reasons: list[str] = []
        supervisor.on_change(self._changed)

    def until(self, ready: bool) -> str:
        """Wait until it is there, or is not, and give the reason."""
        with self._news:
            assert self._news.wait_for(lambda: self._supervisor.ready is ready, WAIT_S)
            return self._supervisor.reason

    def _changed(self) -> None:
        with self._news:
            self.reasons.append(self._supervisor.reason)
            self._news.notify_all()


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """Where INSPECT listens."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door


@pytest.fixture(autouse=True)
def _client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, "ws://localhost:1")
    monkeypatch.setattr(supervisor_module, "FIRST_S", 0.02)
    monkeypatch.setattr(supervisor_module, "LONGEST_S", 0.1)
    (tmp_path / "gom.py").write_text(GOM_TEXT, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def url(door: socket.socket) -> str:
    return f"ws://127.0.0.1:{door.getsockname()[1]}?apikey=k"


def opened(supervisor: Supervisor, wait: bool = False) -> tuple[Any, Changes]:
    changes = Changes(supervisor)
    return supervisor.open(wait), changes


def test_one_that_need_not_wait_is_there_at_once(door: socket.socket) -> None:
    supervisor = Supervisor(url(door))
    gom, _ = opened(supervisor)
    try:
        assert supervisor.begin()
        assert url(door) == gom.ADDRESS
        assert (supervisor.ready, supervisor.reason, supervisor.broke()) == (True, "", "")
    finally:
        supervisor.close()


def test_where_it_must_be_there_it_says_why_it_is_not(door: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "gom.py").write_text("raise RuntimeError('no')", encoding="utf-8")
    supervisor = Supervisor(url(door))
    with pytest.raises(BackendUnavailable, match=r"no INSPECT at ws://127.0.0.1:.*: RuntimeError: no"):
        supervisor.open(False)
    supervisor.close()


def test_one_that_waits_says_what_is_missing_until_it_comes(door: socket.socket, tmp_path: Path) -> None:
    address = url(door)
    door.close()
    supervisor = Supervisor(address)
    gom, changes = opened(supervisor, wait=True)
    try:
        assert "was not there yet" in supervisor.reason
        assert not supervisor.begin()
        with pytest.raises(InspectLost):
            _ = gom.app
        with changes._news:
            assert changes._news.wait_for(lambda: "ConnectionRefusedError" in supervisor.reason, WAIT_S)
        with socket.create_server(("127.0.0.1", int(address.partition("?")[0].rpartition(":")[2]))):
            assert changes.until(ready=True) == ""
            assert supervisor.begin()
            assert address == gom.ADDRESS
    finally:
        supervisor.close()


def test_after_a_loss_the_next_one_is_started_and_a_handler_keeps_its_own(door: socket.socket) -> None:
    supervisor = Supervisor(url(door))
    gom, changes = opened(supervisor)
    try:
        assert supervisor.begin()
        script = gom.interactive
        with pytest.raises(InspectLost):
            gom.script.leave(9)
        assert supervisor.broke() == "INSPECT was lost (the process that talks to INSPECT ended (exit code 9))"
        changes.until(ready=True)
        # The handler must not go on with another INSPECT, which has another project.
        with pytest.raises(InspectLost):
            _ = gom.ADDRESS
        with pytest.raises(InspectLost):
            script.leave()
        assert supervisor.begin()
        assert (gom.ADDRESS, supervisor.broke()) == (url(door), "")
        assert changes.reasons[1].endswith("; it is looked for until it is back")
    finally:
        supervisor.close()


def test_an_object_that_a_plugin_kept_from_an_earlier_one_is_refused_and_loses_nothing(door: socket.socket) -> None:
    supervisor = Supervisor(url(door))
    gom, changes = opened(supervisor)
    try:
        assert supervisor.begin()
        kept = gom.ENDS[0]
        process = supervisor._process
        assert process is not None
        process.kill("killed")
        changes.until(ready=False)
        changes.until(ready=True)
        assert supervisor.begin()
        for use in (lambda: kept.fileno(), lambda: gom.script.leave(kept), lambda: gom.ENDS[0] == kept):
            with pytest.raises(InspectLost, match="an object is used that was of an INSPECT that is gone"):
                use()
            # The one that is there was not lost by it, and nothing was asked of it.
            assert (supervisor.broke(), supervisor.ready) == ("", True)
        assert url(door) == gom.ADDRESS
    finally:
        supervisor.close()


@pytest.mark.parametrize(
    ("where", "what", "error"),
    [
        (subprocess, "Popen", OSError(24, "Too many open files")),
        (threading.Thread, "start", RuntimeError("can't start new thread")),
        (threading.Timer, "start", RuntimeError("can't start new thread")),
    ],
    ids=["process", "thread", "timer"],
)
def test_where_none_can_be_started_it_is_tried_again(
    where: Any, what: str, error: Exception, door: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor(url(door))
    _, changes = opened(supervisor)

    def fail(*args: Any, **more: Any) -> Any:
        raise error

    try:
        process = supervisor._process
        assert process is not None
        with monkeypatch.context() as patch:
            patch.setattr(where, what, fail)
            process.kill("killed")
            with changes._news:
                assert changes._news.wait_for(lambda: str(error) in supervisor.reason, WAIT_S)
        changes.until(ready=True)
        assert supervisor.begin()
    finally:
        supervisor.close()


def test_one_that_is_lost_before_it_was_said_to_be_there_is_not_said_to_be_there_afterwards(
    door: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_S", 3600.0)
    supervisor = Supervisor(url(door))
    trying: list[threading.Thread] = []
    change = supervisor.change

    def slowly(reason: str) -> None:
        if not reason and supervisor._process is not None and not trying:
            # Jobs that were handed over before it was lost begin meanwhile.
            supervisor._process.kill("killed")
            supervisor._process.wait()
            trying.append(threading.Thread(target=supervisor._lost, args=[supervisor._process]))
            trying[0].start()
            # Who waits for the one who says it comes after it.
            if not supervisor._lock.locked():
                trying[0].join()
        change(reason)

    monkeypatch.setattr(supervisor, "change", slowly)
    opened(supervisor)
    trying[0].join()
    try:
        assert (supervisor.ready, supervisor._process) == (False, None)
    finally:
        supervisor.close()


def test_one_that_is_killed_while_nobody_asks_is_replaced(door: socket.socket) -> None:
    supervisor = Supervisor(url(door))
    gom, changes = opened(supervisor)
    try:
        process = supervisor._process
        assert process is not None
        process._process.kill()
        changes.until(ready=False)
        changes.until(ready=True)
        assert supervisor.begin()
        assert url(door) == gom.ADDRESS
    finally:
        supervisor.close()


def test_one_that_is_gone_when_a_handler_begins_does_not_break_it(
    door: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_S", 3600.0)
    supervisor = Supervisor(url(door))
    _, changes = opened(supervisor)
    try:
        process = supervisor._process
        assert process is not None
        process.kill("killed")
        assert not supervisor.begin()
        assert supervisor.broke() == ""
        changes.until(ready=False)
        assert not supervisor.begin()
    finally:
        supervisor.close()


@pytest.mark.parametrize("hang_s", [0.05, 0.0])
def test_a_command_that_hangs_is_given_up_after_its_time_only(hang_s: float, door: socket.socket) -> None:
    supervisor = Supervisor(url(door), hang_s)
    gom, _ = opened(supervisor)
    ended = threading.Event()

    def look() -> None:
        process = supervisor._process
        while not ended.wait(0.01):
            supervisor.look()
            if not hang_s and process is not None and process.since_s:
                # Nobody else ends it.
                process.kill("killed")

    try:
        assert supervisor.begin()
        looking = threading.Thread(target=look)
        looking.start()
        with pytest.raises(InspectLost):
            gom.script.wait()
        ended.set()
        looking.join()
        why = "a gom command did not return within 0.05 s and may still be running in INSPECT" if hang_s else "killed"
        assert supervisor.broke() == f"INSPECT was lost ({why})"
    finally:
        supervisor.close()


def test_one_that_is_being_started_is_ended_with_the_server(door: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "gom.py").write_text("import threading; threading.Event().wait()", encoding="utf-8")
    supervisor = Supervisor(url(door))
    supervisor.open(wait=True)
    # It is connected to, so its holder is started next.
    door.settimeout(WAIT_S)
    door.accept()[0].close()
    while supervisor._starting is None:
        pass
    supervisor.close()
    assert not supervisor.ready
    assert not supervisor._thread.is_alive()


def test_one_that_is_started_just_when_the_server_ends_is_ended_with_it(
    door: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gom.py").write_text("import threading; threading.Event().wait()", encoding="utf-8")
    supervisor = Supervisor(url(door))
    closed = threading.Event()

    def late(*args: Any) -> Process:
        # `close` has looked and found none.
        closed.set()
        supervisor._closing.wait(WAIT_S)
        return Process(*args)

    monkeypatch.setattr(supervisor_module, "Process", late)
    supervisor.open(wait=True)
    assert closed.wait(WAIT_S)
    supervisor.close()
    assert not supervisor._thread.is_alive()


@pytest.mark.parametrize(("address", "port"), [("ws://127.0.0.1", 80), ("wss://127.0.0.1", 443)])
def test_an_address_without_a_port_has_that_of_its_scheme(
    address: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def connect(where: Any, limit_s: float) -> None:
        asked.append(where)
        raise OSError("no")

    monkeypatch.setattr(supervisor_module.socket, "create_connection", connect)
    assert Supervisor(address)._missing() == f"no INSPECT at {address}: OSError: no"
    assert asked == [("127.0.0.1", port)]
