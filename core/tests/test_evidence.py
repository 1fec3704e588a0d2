"""The facts of the files that a request names: their digests, and whether they changed while it ran."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from gombus import evidence
from gombus.errors import FileUnreadable

LONG_AGO_S = 1_600_000_000.25
"""A time at which no file system can be in doubt, in s since 1970."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A file that was last written long ago."""
    path = tmp_path / "picture.jpg"
    write(path, b"picture")
    return path


def write(path: Path, content: bytes, mtime_s: float = LONG_AGO_S) -> None:
    path.write_bytes(content)
    os.utime(path, (mtime_s, mtime_s))


def read(path: Path) -> list[evidence.FileFacts]:
    return evidence.before([("/file", str(path))])


def changed(facts: list[evidence.FileFacts]) -> bool:
    (file,) = evidence.after(facts)
    return bool(file["changed"])


def hashes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is hashed from now on, one member for each file."""
    made: list[Any] = []
    real = hashlib.sha256

    def sha256() -> Any:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(hashlib, "sha256", sha256)
    return made


def test_the_receipt_says_what_the_file_was(picture: Path) -> None:
    assert evidence.after(read(picture)) == [
        {
            "parameter": "/file",
            "path": str(picture),
            "size": 7,
            "mtime": "2020-09-13T12:26:40.250Z",
            "sha256": hashlib.sha256(b"picture").hexdigest(),
            "changed": False,
        }
    ]


def test_files_keep_their_order_and_none_are_none(picture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other, b"")
    facts = evidence.before([("/files/0", str(picture)), ("/files/1", str(other)), ("/files/2", str(picture))])
    assert [(file["parameter"], file["size"]) for file in evidence.after(facts)] == [
        ("/files/0", 7),
        ("/files/1", 0),
        ("/files/2", 7),
    ]
    assert evidence.after(evidence.before([])) == []


def test_a_file_of_many_chunks_is_hashed_whole(tmp_path: Path) -> None:
    content = os.urandom(2 * 1024 * 1024 + 1)
    path = tmp_path / "large"
    write(path, content)
    assert read(path)[0].sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_that_nobody_touched_is_not_read_again(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = read(picture)
    made = hashes(monkeypatch)
    assert not changed(facts)
    assert made == []


def test_a_file_that_was_written_anew_with_the_same_content_did_not_change(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = read(picture)
    made = hashes(monkeypatch)
    write(picture, b"picture", LONG_AGO_S + 60)
    assert not changed(facts)
    assert len(made) == 1


def test_other_content_of_the_same_size_is_a_change(picture: Path) -> None:
    facts = read(picture)
    write(picture, b"PICTURE", LONG_AGO_S + 60)
    assert changed(facts)


def test_another_size_at_the_same_time_is_a_change(picture: Path) -> None:
    facts = read(picture)
    write(picture, b"pictures")
    assert changed(facts)


def test_a_file_put_in_its_place_is_seen_even_where_size_and_time_agree(picture: Path, tmp_path: Path) -> None:
    facts = read(picture)
    other = tmp_path / "other"
    write(other, b"PICTURE")
    other.replace(picture)
    assert changed(facts)


def test_a_file_that_grew_while_it_was_first_read_changed(picture: Path) -> None:
    # It was asked for its size, then it grew, then it was read.
    (file,) = read(picture)
    shorter = os.stat_result([*file.status[:6], 3, *file.status[7:]])
    assert changed([file._replace(status=shorter)])


def test_what_was_written_just_before_is_read_again_though_nothing_seems_to_have_changed(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(picture, b"picture", LONG_AGO_S)
    monkeypatch.setattr("time.time", lambda: LONG_AGO_S + 1.5)
    facts = read(picture)
    before = picture.stat()
    # Written in place within one step of the clock: size, time and identity stay.
    with picture.open("r+b") as file:
        file.write(b"PICTURE")
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed(facts)


def test_a_time_in_the_future_is_not_relied_on(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: LONG_AGO_S - 3600)
    facts = read(picture)
    made = hashes(monkeypatch)
    assert not changed(facts)
    assert len(made) == 1


def test_a_file_that_is_gone_changed(picture: Path) -> None:
    facts = read(picture)
    picture.unlink()
    assert changed(facts)


def test_a_file_that_became_a_folder_changed(picture: Path) -> None:
    facts = read(picture)
    picture.unlink()
    picture.mkdir()
    assert changed(facts)


def test_a_file_that_cannot_be_opened_any_more_changed(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = read(picture)
    write(picture, b"PICTURE", LONG_AGO_S + 60)
    refuse_to_open(monkeypatch)
    assert changed(facts)


def refuse_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does where another program holds a file open exclusively."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)


@pytest.mark.parametrize("way", [evidence.look, lambda path: read(Path(path))], ids=["look", "before"])
@pytest.mark.parametrize("kind", ["missing", "folder", "below a file", "pipe"])
def test_what_is_no_file_is_unreadable(picture: Path, tmp_path: Path, way: Any, kind: str) -> None:
    path = {"missing": tmp_path / "missing", "folder": tmp_path, "below a file": picture / "x"}.get(kind)
    if path is None:
        if not hasattr(os, "mkfifo"):
            pytest.skip("named pipes are made differently here")
        path = tmp_path / "pipe"
        os.mkfifo(path)
    with pytest.raises(FileUnreadable) as caught:
        way(str(path))
    assert str(caught.value) == f"File {path} could not be read: there is no such file."


@pytest.mark.parametrize("way", [evidence.look, lambda path: read(Path(path))], ids=["look", "before"])
def test_a_file_that_cannot_be_opened_is_unreadable(picture: Path, way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_to_open(monkeypatch)
    with pytest.raises(FileUnreadable) as caught:
        way(str(picture))
    assert str(caught.value) == f"File {picture} could not be read: Permission denied"


def test_to_look_at_a_file_reads_nothing_of_it(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hashes(monkeypatch)
    assert evidence.look(str(picture)).st_size == 7
    assert made == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_490_218.123, "2026-11-24T03:16:58.123Z"),
        (1_795_490_218.9999999, "2026-11-24T03:16:59.000Z"),
        (-11_644_473_600, "1601-01-01T00:00:00.000Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
        (1e18, "9999-12-31T23:59:59.000Z"),
        (-1e18, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_utc_with_milliseconds_whatever_a_file_system_holds(seconds: float, text: str) -> None:
    assert evidence.iso(seconds) == text
