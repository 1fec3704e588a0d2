"""Waiting for files that are still being written. No test waits: time passes when the file is looked at again."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from desk import Clock
from gombus.errors import FileUnreadable, FileUnsettled, ServerStopping
from gombus.evidence import NamedFile
from gombus.files import settling
from gombus.files.settling import POLL_S, Settling, writers_of

QUIET_S, LIMIT_S = 2.0, 30.0


class Writer:
    """Stands for the program that writes a file, and for time.

    :param steps: what it does in each of the pauses between looks, one after the other.
    """

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        path.write_bytes(b"begun")
        self.clock = Clock()
        self.clock.now_s = time.time()
        monkeypatch.setattr(settling, "time", self.clock)
        self.steps: list[Callable[[], Any]] = []
        self.holds = False
        self.stopping = False
        self.waits: list[float] = []
        self.settling = Settling(QUIET_S, LIMIT_S, self._wait, lambda path: self.holds)

    def _wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.clock.now_s += seconds
        if self.steps:
            self.steps.pop(0)()
        return self.stopping

    def write(self) -> None:
        """Write more."""
        with self.path.open("ab") as file:
            file.write(b"more")

    def write_and_keep_the_time(self) -> None:
        """As programs do that give the copy the original's time at once."""
        self.write()
        os.utime(self.path, (1_600_000_000, 1_600_000_000))

    def wait_for(self) -> float:
        """Wait for the file, and give how long that took, in s."""
        begin_s = self.clock.now_s
        self.settling.wait_for(NamedFile("/file", "Z:/x.jpg", str(self.path)), begin_s + LIMIT_S)
        return self.clock.now_s - begin_s


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writer:
    """It has begun to write."""
    return Writer(tmp_path / "x.jpg", monkeypatch)


def test_a_file_that_was_last_changed_before_that_costs_one_look(writer: Writer) -> None:
    writer.clock.now_s += QUIET_S + 1
    assert writer.wait_for() == 0
    assert writer.waits == []


def test_a_file_that_was_just_written_is_waited_for_until_it_was_quiet_for_so_long(writer: Writer) -> None:
    assert QUIET_S - POLL_S <= writer.wait_for() <= QUIET_S + POLL_S
    assert max(writer.waits) <= POLL_S


@pytest.mark.parametrize("step", [Writer.write, Writer.write_and_keep_the_time], ids=lambda step: step.__name__)
def test_a_file_that_grows_is_waited_for_whatever_its_time_says(writer: Writer, step: Callable[[Writer], None]) -> None:
    writes = 40
    writer.steps = [lambda: step(writer)] * writes
    took_s = writer.wait_for()
    assert writer.steps == []
    assert took_s >= writes * POLL_S + QUIET_S - POLL_S


def test_a_file_whose_time_is_old_and_that_was_made_just_now_is_waited_for(writer: Writer) -> None:
    writer.write_and_keep_the_time()
    assert writer.wait_for() >= QUIET_S - POLL_S


def test_a_file_from_the_future_settles_when_nothing_was_seen_to_change(writer: Writer) -> None:
    os.utime(writer.path, (writer.clock.now_s + 10_000,) * 2)
    assert QUIET_S <= writer.wait_for() <= QUIET_S + 2 * POLL_S


def test_a_file_that_its_writer_holds_is_waited_for(writer: Writer) -> None:
    writer.clock.now_s += 1000
    writer.holds = True
    writer.steps = [lambda: None] * 20 + [lambda: setattr(writer, "holds", False)]
    assert writer.wait_for() == pytest.approx(21 * POLL_S)


def test_a_file_that_is_never_quiet_is_refused_after_the_limit(writer: Writer) -> None:
    writer.steps = [writer.write] * 1000
    begin_s = writer.clock.now_s
    with pytest.raises(FileUnsettled) as caught:
        writer.wait_for()
    assert str(caught.value) == "File Z:/x.jpg was still being written after 30 s."
    assert writer.clock.now_s - begin_s == pytest.approx(LIMIT_S)


def test_a_file_that_its_writer_never_lets_go_is_refused_after_the_limit(writer: Writer) -> None:
    writer.holds = True
    with pytest.raises(FileUnsettled) as caught:
        writer.wait_for()
    assert str(caught.value) == "File Z:/x.jpg was still held open by the program that writes it after 30 s."


def test_a_server_that_stops_does_not_wait(writer: Writer) -> None:
    writer.stopping = True
    with pytest.raises(ServerStopping):
        writer.wait_for()
    assert len(writer.waits) == 1


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_file_that_is_not_there_is_not_waited_for(writer: Writer, when: str) -> None:
    if when == "before":
        writer.path.unlink()
    writer.steps = [writer.path.unlink]
    with pytest.raises(FileUnreadable, match=r"File Z:/x\.jpg could not be read: there is no such file\."):
        writer.wait_for()


def test_a_file_that_is_put_in_its_place_begins_anew(writer: Writer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"begun")
    # Later than when nothing would be seen to change any more.
    os.utime(writer.path, (writer.clock.now_s + 10_000,) * 2)
    os.utime(other, (writer.clock.now_s + 10_000,) * 2)
    writer.steps = [*[lambda: None] * 5, lambda: other.replace(writer.path)]
    assert writer.wait_for() >= 6 * POLL_S + QUIET_S


def test_to_look_is_not_to_wait(writer: Writer) -> None:
    file = NamedFile("/file", "Z:/x.jpg", str(writer.path))
    assert not writer.settling.settled(file)
    writer.clock.now_s += QUIET_S + 1
    assert writer.settling.settled(file)
    writer.holds = True
    assert not writer.settling.settled(file)
    assert writer.waits == []


def test_the_limit_is_of_all_files_of_a_request(writer: Writer) -> None:
    assert writer.settling.end_s() == writer.clock.now_s + LIMIT_S


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells")
def test_elsewhere_nobody_can_tell_who_writes(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb"):
        assert not writers_of()(str(tmp_path / "x"))


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows tells")
def test_windows_tells_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "größe.jpg"
    held = writers_of()
    with path.open("wb"):
        assert held(str(path))
    assert not held(str(path))
    with path.open("rb"):
        assert not held(str(path))
    assert not held(str(tmp_path / "missing"))


class Kernel32:
    """Stands for Windows' library: what is asked of it, and what it gives."""

    class Function:
        """One of its functions."""

        def __init__(self, gives: Any) -> None:
            self.gives = gives
            self.asked: list[tuple[Any, ...]] = []

        def __call__(self, *arguments: Any) -> Any:
            assert len(arguments) == len(self.argtypes)  # type: ignore[attr-defined]  # as ctypes' own
            self.asked.append(arguments)
            return self.gives

    def __init__(self, handle: Any) -> None:
        self.CreateFileW = self.Function(handle)
        self.CloseHandle = self.Function(1)


@pytest.mark.skipif(sys.platform == "win32", reason="the real one is there")
@pytest.mark.parametrize(
    ("handle", "error", "held"), [(4711, 0, False), (-1, 32, True), (-1, 5, False), (-1, 2, False)]
)
def test_windows_is_asked_to_share_with_readers_alone(
    handle: int, error: int, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Kernel32(ctypes.c_void_p(handle).value)
    monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: library, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: error, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert writers_of()("D:/x.jpg") is held
    # GENERIC_READ; FILE_SHARE_READ and FILE_SHARE_DELETE, not FILE_SHARE_WRITE; OPEN_EXISTING.
    assert library.CreateFileW.asked == [("D:/x.jpg", 0x80000000, 0x1 | 0x4, None, 3, 0, None)]
    assert library.CloseHandle.asked == ([(4711,)] if handle == 4711 else [])
