"""The facts of the files that a request names: their digests, and whether they changed while it ran."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from gombus import evidence
from gombus.errors import FileUnreadable
from gombus.evidence import NamedFile

MIB = 1024 * 1024
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
    return [evidence.read(named(path))]


def named(path: Path | str, pointer: str = "/file") -> NamedFile:
    return NamedFile(pointer, str(path), str(path))


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
    facts = [evidence.read(named(path, f"/files/{place}")) for place, path in enumerate((picture, other, picture))]
    assert [(file["parameter"], file["size"]) for file in evidence.after(facts)] == [
        ("/files/0", 7),
        ("/files/1", 0),
        ("/files/2", 7),
    ]
    assert evidence.after([]) == []


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB + 1])
def test_a_file_is_hashed_whole_however_many_chunks_it_has(size: int, tmp_path: Path) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    path = tmp_path / "large"
    write(path, content)
    (file,) = evidence.after(read(path))
    assert (file["size"], file["sha256"]) == (size, hashlib.sha256(content).hexdigest())


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


@pytest.mark.parametrize("mode", ["ab", "r+b", "wb"], ids=["grows", "is written over", "is cut"])
def test_a_file_that_changes_while_it_is_first_read_changed(
    mode: str, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(picture, b"x" * (2 * MIB))

    class Meddling:
        """Another program writes after the first chunk was read."""

        def __init__(self) -> None:
            self.digest = real()

        def update(self, chunk: bytes) -> None:
            if self.digest.digest() == real().digest():
                with picture.open(mode) as file:
                    file.write(b"written meanwhile")
            self.digest.update(chunk)

        def hexdigest(self) -> str:
            return self.digest.hexdigest()

    real = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", Meddling)
    facts = read(picture)
    monkeypatch.setattr(hashlib, "sha256", real)
    assert changed(facts)


@pytest.mark.skipif(os.name == "nt", reason="Windows says when a file was made, not when anything of it was changed")
def test_a_time_that_was_set_back_is_seen(picture: Path) -> None:
    facts = read(picture)
    before = picture.stat()
    with picture.open("r+b") as file:
        file.write(b"PICTURE")
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (picture.stat().st_mtime_ns, picture.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert changed(facts)


def test_what_was_written_just_before_is_read_again_though_nothing_seems_to_have_changed(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: LONG_AGO_S + 1.5)
    facts = read(picture)
    write(picture, b"PICTURE")
    # As if it was written within one step of the file system's clock: size, times and identity stayed.
    facts = [file._replace(status=picture.stat()) for file in facts]
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


def test_a_file_that_inspect_keeps_open_for_itself_did_not_change(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = read(picture)
    refuse_to_open(monkeypatch)
    assert not changed(facts)


def test_a_file_that_cannot_be_read_to_its_end_is_unreadable(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def update(self, chunk: bytes) -> None:
            raise OSError(5, "Input/output error")

    # What a broken disk raises while it is read comes the same way.
    monkeypatch.setattr(hashlib, "sha256", Broken)
    with pytest.raises(FileUnreadable) as caught:
        read(picture)
    assert str(caught.value) == f"File {picture} could not be read: Input/output error"


def test_the_facts_are_of_the_file_that_a_link_leads_to(picture: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    try:
        link.symlink_to(picture)
    except OSError:
        pytest.skip("no right to make links")
    (file,) = evidence.after(read(link))
    assert (file["path"], file["size"], file["changed"]) == (str(link), 7, False)


@pytest.mark.parametrize("mtime_s", [-1e9, 0.0, 4e9])
def test_a_file_may_be_older_than_1970_or_from_the_future(mtime_s: float, picture: Path) -> None:
    write(picture, b"picture", mtime_s)
    (file,) = evidence.after(read(picture))
    assert (
        file["mtime"]
        == {
            -1e9: "1938-04-24T22:13:20.000Z",
            0.0: "1970-01-01T00:00:00.000Z",
            4e9: "2096-10-02T07:06:40.000Z",
        }[mtime_s]
    )
    assert not file["changed"]


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


@pytest.mark.parametrize("way", [evidence.look, evidence.read], ids=["look", "read"])
@pytest.mark.parametrize("kind", ["missing", "folder", "below a file", "pipe"])
def test_what_is_no_file_is_unreadable(picture: Path, tmp_path: Path, way: Any, kind: str) -> None:
    path = {"missing": tmp_path / "missing", "folder": tmp_path, "below a file": picture / "x"}.get(kind)
    if path is None:
        if not hasattr(os, "mkfifo"):
            pytest.skip("named pipes are made differently here")
        path = tmp_path / "pipe"
        os.mkfifo(path)
    with pytest.raises(FileUnreadable) as caught:
        way(named(path))
    assert str(caught.value) == f"File {path} could not be read: there is no such file."


@pytest.mark.parametrize("way", [evidence.look, evidence.read], ids=["look", "read"])
def test_a_file_that_cannot_be_opened_is_unreadable(picture: Path, way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_to_open(monkeypatch)
    with pytest.raises(FileUnreadable) as caught:
        way(named(picture))
    assert str(caught.value) == f"File {picture} could not be read: Permission denied"


def test_to_look_at_a_file_reads_nothing_of_it(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hashes(monkeypatch)
    assert evidence.look(named(picture)).st_size == 7
    assert made == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_490_218.123, "2026-11-24T03:16:58.123Z"),
        (1_795_490_218.9999999, "2026-11-24T03:16:59.000Z"),
        (-11_644_473_600, "1601-01-01T00:00:00.000Z"),
        (1.001, "1970-01-01T00:00:01.001Z"),
        (-0.001, "1969-12-31T23:59:59.999Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
        (1e18, "9999-12-31T23:59:59.000Z"),
        (-1e18, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_utc_with_milliseconds_whatever_a_file_system_holds(seconds: float, text: str) -> None:
    assert evidence.iso(seconds) == text
