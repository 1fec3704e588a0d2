"""The spool folder: private copies, that are what was hashed, and that do not stay."""

from __future__ import annotations

import builtins
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Callable

import pytest

from gombus import evidence
from gombus.errors import FileUnreadable, ServerStopping, SettingsError, SpoolFailed
from gombus.evidence import NamedFile
from gombus.files import spool as module
from gombus.files.spool import LOCK, Spool
from gombus.ids import JobIds

MIB = 1024 * 1024
LONG_AGO_S = 1_600_000_000.25


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the copies go; not there yet."""
    return tmp_path / "state" / "spool"


@pytest.fixture
def make(folder: Path) -> Iterator[Callable[..., Spool]]:
    """Opens the spool folder; closed at the end."""
    opened: list[Spool] = []

    def make(days: int = 0, stopping: Callable[[], bool] = lambda: False) -> Spool:
        opened.append(Spool(folder, days, stopping))
        return opened[-1]

    make.opened = opened  # type: ignore[attr-defined]  # for tests that close before the end
    yield make
    for spool in opened:
        spool.close()


@pytest.fixture
def source(tmp_path: Path) -> NamedFile:
    """A file of some chunks that was last written long ago."""
    path = tmp_path / "Größe 1.jpg"
    path.write_bytes(b"x" * (2 * MIB + 1))
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    return NamedFile("/file", "Z:/Größe 1.jpg", str(path))


def copy(spool: Spool, file: NamedFile, check: Callable[[BinaryIO], None] = lambda source: None) -> Any:
    return spool.copy(file, spool.make(JobIds().new()) / "0", check)


def in_it(folder: Path) -> list[str]:
    """What is in the spool folder beside its lock."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(LOCK))


def test_a_copy_has_the_name_the_content_and_the_time_of_its_source(
    make: Callable[..., Spool], folder: Path, source: NamedFile
) -> None:
    facts = copy(make(), source)
    made = Path(facts.file.path)
    assert folder in made.parents
    assert made.name == "Größe 1.jpg"
    assert made.read_bytes() == Path(source.path).read_bytes()
    (said,) = evidence.after([facts])
    assert said == {
        "parameter": "/file",
        "path": str(made),
        "sent": "Z:/Größe 1.jpg",
        "source": source.path,
        "size": 2 * MIB + 1,
        "mtime": "2020-09-13T12:26:40.250Z",
        "sha256": hashlib.sha256(b"x" * (2 * MIB + 1)).hexdigest(),
        "changed": False,
    }


def test_what_is_done_to_the_source_later_does_not_change_the_copy(
    make: Callable[..., Spool], source: NamedFile
) -> None:
    facts = copy(make(), source)
    Path(source.path).write_bytes(b"other")
    (said,) = evidence.after([facts])
    assert (said["changed"], said["size"], Path(said["path"]).stat().st_size) == (False, 2 * MIB + 1, 2 * MIB + 1)


def test_a_copy_that_somebody_changes_changed(make: Callable[..., Spool], source: NamedFile) -> None:
    facts = copy(make(), source)
    Path(facts.file.path).write_bytes(b"y" * (2 * MIB + 1))
    assert evidence.after([facts])[0]["changed"]


def test_an_empty_file_is_copied(make: Callable[..., Spool], source: NamedFile) -> None:
    Path(source.path).write_bytes(b"")
    assert copy(make(), source).status.st_size == 0


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such bits")
def test_only_this_user_can_read_it(make: Callable[..., Spool], folder: Path, source: NamedFile) -> None:
    made = Path(copy(make(), source).file.path)
    for path in (folder, made.parent, made.parent.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_each_job_and_each_file_has_a_folder_of_its_own(
    make: Callable[..., Spool], folder: Path, source: NamedFile
) -> None:
    spool, job = make(), JobIds().new()
    first, second = spool.make(job), spool.make(job)
    copies = {spool.copy(source, at / place, lambda source: None) for at in (first, second) for place in "01"}
    assert len({facts.file.path for facts in copies if facts}) == 4
    assert all(name.startswith(f"gombus-{job}-") for name in in_it(folder))


def test_nothing_is_ever_written_over(make: Callable[..., Spool], source: NamedFile) -> None:
    spool = make()
    at = spool.make(JobIds().new())
    spool.copy(source, at / "0", lambda source: None)
    with pytest.raises(SpoolFailed, match=r"^File Z:/Größe 1\.jpg could not be copied for the import: File exists\.$"):
        spool.copy(source, at / "0", lambda source: None)


def test_a_source_that_is_not_there_is_unreadable(make: Callable[..., Spool], source: NamedFile) -> None:
    Path(source.path).unlink()
    with pytest.raises(FileUnreadable, match=r"^File Z:/Größe 1\.jpg could not be read: there is no such file\.$"):
        copy(make(), source)


def test_a_source_that_is_refused_when_it_is_open_is_not_copied(
    make: Callable[..., Spool], folder: Path, source: NamedFile
) -> None:
    def refuse(source: BinaryIO) -> None:
        raise SpoolFailed("no")

    with pytest.raises(SpoolFailed, match="no"):
        copy(make(), source, refuse)
    assert not list(folder.rglob("*.jpg"))


@pytest.mark.parametrize("mode", ["ab", "r+b", "wb"], ids=["grows", "is written over", "is cut"])
def test_a_source_that_changes_while_it_is_copied_is_no_copy(
    mode: str, make: Callable[..., Spool], source: NamedFile
) -> None:
    def meddle() -> bool:
        """Another program writes after the first chunk was read, and puts the time back."""
        with open(source.path, mode) as file:
            file.write(b"meddled")
        os.utime(source.path, (LONG_AGO_S, LONG_AGO_S))
        return False

    assert copy(make(stopping=meddle), source) is None


def test_a_change_that_no_time_shows_is_found_where_the_source_is_young(
    make: Callable[..., Spool], source: NamedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(source.path).write_bytes(b"x" * MIB)
    # Stands for a file system whose times count in long steps.
    monkeypatch.setattr(module, "same", lambda one, other: True)

    def meddle() -> bool:
        Path(source.path).write_bytes(b"y" * MIB)
        return False

    assert copy(make(stopping=meddle), source) is None


def test_a_server_that_stops_does_not_finish_the_copy(make: Callable[..., Spool], source: NamedFile) -> None:
    with pytest.raises(ServerStopping):
        copy(make(stopping=lambda: True), source)


class Full:
    """A disk that has no room left: what is written comes to the system's device for that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self._left = after

        def opened(path: Any, mode: str = "r", **options: Any) -> Any:
            file = builtins.open(path, mode, **options)  # noqa: SIM115 - who asked for it closes it
            return _Filling(file, self) if "x" in mode else file

        monkeypatch.setattr(module, "open", opened, raising=False)

    def write(self, file: BinaryIO, chunk: bytes) -> int:
        """Write as much as there is room for."""
        self._left -= len(chunk)
        if self._left >= 0:
            return file.write(chunk)
        with open("/dev/full", "wb", buffering=0) as full:
            return full.write(chunk)


class _Filling:
    def __init__(self, file: BinaryIO, full: Full) -> None:
        self._file = file
        self._full = full
        self.close = file.close
        self.tell = file.tell

    def write(self, chunk: bytes) -> int:
        return self._full.write(self._file, chunk)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("after", [0, MIB], ids=["at once", "later"])
def test_a_disk_that_is_full_is_said(
    after: int, make: Callable[..., Spool], source: NamedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make()
    Full(monkeypatch, after)
    with pytest.raises(SpoolFailed) as caught:
        copy(spool, source)
    assert str(caught.value) == "File Z:/Größe 1.jpg could not be copied for the import: No space left on device."


def test_a_folder_that_is_gone_is_said(make: Callable[..., Spool], folder: Path) -> None:
    spool = make()
    spool.close()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with pytest.raises(SpoolFailed, match=r"^No file can be copied for the import: No such file or directory\.$"):
        spool.make(JobIds().new())


# What stays, and what does not.


def test_copies_are_removed_when_their_handler_has_returned(
    make: Callable[..., Spool], folder: Path, source: NamedFile
) -> None:
    spool = make()
    at = spool.make(JobIds().new())
    spool.copy(source, at / "0", lambda source: None)
    spool.release(at)
    assert in_it(folder) == []


def test_copies_are_kept_for_their_days(make: Callable[..., Spool], folder: Path) -> None:
    spool = make(days=2)
    young, old = spool.make(JobIds().new()), spool.make(JobIds().new())
    for path, days in ((young, 1), (old, 3)):
        (path / "x.jpg").write_bytes(b"x")
        os.utime(path, (time.time() - days * 86_400,) * 2)
        spool.release(path)
    assert in_it(folder) == sorted([young.name, old.name])
    spool.close()
    make(days=2).close()
    assert in_it(folder) == [young.name]
    make()
    assert in_it(folder) == []


def test_days_that_end_while_it_runs_are_seen_within_the_hour(
    make: Callable[..., Spool], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = make(days=2)
    old = spool.make(JobIds().new())
    os.utime(old, (time.time() - 3 * 86_400,) * 2)
    new = spool.make(JobIds().new())
    assert in_it(folder) == sorted([old.name, new.name])
    monkeypatch.setattr(spool, "_sweep_at_s", time.monotonic())
    last = spool.make(JobIds().new())
    assert in_it(folder) == sorted([new.name, last.name])


def test_what_a_crash_left_is_removed_at_start_and_nothing_else(make: Callable[..., Spool], folder: Path) -> None:
    left = make().make(JobIds().new())
    (left / "0").mkdir()
    (left / "0" / "x.jpg").write_bytes(b"x")
    make_room(make)
    others = ["notes.txt", "gombus-notes", f"{left.name}.txt", f"x{left.name}", left.name.upper()]
    for name in others[1:]:
        (folder / name).mkdir()
    (folder / others[0]).write_bytes(b"x")
    a_file = left.name[:-1] + ("_" if left.name[-1] != "_" else "0")
    (folder / a_file).write_bytes(b"x")
    make()
    assert in_it(folder) == sorted([*others, a_file])


def make_room(make: Callable[..., Spool]) -> None:
    """Close what is open, as a crash does."""
    for spool in make.opened:  # type: ignore[attr-defined]  # the fixture sets it
        spool.close()


def test_what_a_link_leads_to_is_not_removed(make: Callable[..., Spool], folder: Path, tmp_path: Path) -> None:
    left = make().make(JobIds().new())
    make_room(make)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "x.jpg").write_bytes(b"x")
    left.rmdir()
    try:
        left.symlink_to(kept, target_is_directory=True)
    except OSError:
        pytest.skip("no right to make links")
    make()
    assert (kept / "x.jpg").read_bytes() == b"x"


def test_what_cannot_be_removed_now_is_tried_again(
    make: Callable[..., Spool], folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool = make()
    at = spool.make(JobIds().new())

    def refuse(path: Any) -> None:
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    # INSPECT may keep a file open; only Windows then refuses to remove it.
    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "rmtree", refuse)
        caplog.set_level("INFO")
        spool.release(at)
    assert in_it(folder) == [at.name]
    assert "cannot be removed yet" in caplog.text
    monkeypatch.setattr(spool, "_sweep_at_s", time.monotonic())
    new = spool.make(JobIds().new())
    assert in_it(folder) == [new.name]


# Who may use it.


def test_a_folder_belongs_to_one_gombus(make: Callable[..., Spool], folder: Path) -> None:
    at = make().make(JobIds().new())
    with pytest.raises(SettingsError) as caught:
        make()
    text = f"spool: {folder} is in use by another gombus; allowed: off, auto, a folder that only gombus uses"
    assert str(caught.value) == text
    # Else its copies would be removed under its hands.
    assert at.is_dir()


def test_a_folder_that_cannot_be_made_is_said(make: Callable[..., Spool], folder: Path) -> None:
    folder.parent.write_bytes(b"a file")
    with pytest.raises(SettingsError, match=r"spool: .*spool cannot be used: .*; allowed: off, auto, a folder"):
        make()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such bits")
@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_folder_that_others_may_write_is_refused(mode: int, make: Callable[..., Spool], folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.raises(SettingsError, match="may be written by other users"):
        make()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such bits")
def test_a_folder_of_another_user_is_refused(make: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch) -> None:
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(SettingsError, match="may be written by other users"):
        make()


def test_a_relative_folder_is_one_of_the_current_folder(
    source: NamedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spool = Spool(Path("here"), 0, lambda: False)
    try:
        assert tmp_path / "here" in Path(copy(spool, source).file.path).parents
    finally:
        spool.close()
