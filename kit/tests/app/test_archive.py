from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gombus_kit.app.archive import write


def test_the_same_content_is_the_same_file_whatever_its_order(tmp_path: Path) -> None:
    entries = {"b/two.txt": b"2" * 999, "a.json": b"{}", "m.whl": b"PK" * 99}
    write(tmp_path / "one.addon", entries)
    write(tmp_path / "new" / "two.addon", dict(reversed(list(entries.items()))))
    assert (tmp_path / "one.addon").read_bytes() == (tmp_path / "new" / "two.addon").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.addon") as archive:
        assert archive.namelist() == ["a.json", "b/two.txt", "m.whl"]
        assert {name: archive.read(name) for name in archive.namelist()} == entries
        # What is compressed already is stored.
        kinds = {entry.filename: entry.compress_type for entry in archive.infolist()}
    assert kinds == {"a.json": zipfile.ZIP_DEFLATED, "b/two.txt": zipfile.ZIP_DEFLATED, "m.whl": zipfile.ZIP_STORED}


def test_a_file_that_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "app.addon"
    path.write_bytes(b"before")
    with pytest.raises(TypeError):
        write(path, {"a": None})  # type: ignore[dict-item]  # what fails
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
