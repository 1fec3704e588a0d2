from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import pytest

from gombus_kit.app import archive
from gombus_kit.app.appfile import AppError, opened
from wheelhouse import TARGET, app_entries, app_file, wheel


def test_an_app_is_read(tmp_path: Path) -> None:
    path = app_file(tmp_path, app_entries([wheel(tmp_path, "acme")]))
    with opened(path) as app:
        assert app.problems == []
        assert [item.name for item in app.wheels] == ["acme"]
        assert app.wheels[0].path.is_file()
        assert app.target() == TARGET
        assert app.read_json("metainfo.json")["title"] == "An App"
        assert app.entries["doc/README.md"] == len(b"# An App\n")
    assert not app.wheels[0].path.exists()


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_what_is_no_app_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.addon"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AppError, match=r"x\.addon: is no App that can be read: "), opened(path):
        pass


def test_a_damaged_entry_is_named(tmp_path: Path) -> None:
    path = app_file(tmp_path, {"scripts/modules/a.whl": b"content that is stored as it is"})
    path.write_bytes(path.read_bytes().replace(b"content", b"CONTENT"))
    with pytest.raises(AppError, match=r"test\.addon: scripts/modules/a\.whl is damaged"), opened(path):
        pass


def test_an_entry_that_cannot_be_unpacked_is_named(tmp_path: Path) -> None:
    path = app_file(tmp_path, {"doc/a.md": b"any"})
    whole = path.read_bytes()
    for content, says in (
        (whole.replace(b"doc/a.md" + zlib.compress(b"any")[2:-4], b"doc/a.md" + b"\xff" * 5, 1), "is damaged"),
        (whole.replace(b"\x14\x00\x00\x00", b"\x14\x00\x01\x00"), "is damaged: .*encrypted"),
        (
            whole.replace(b"\x08\x00\x00\x00", b"\x0e\x00\x00\x00"),
            "is packed in another way; allowed: stored, deflated",
        ),
    ):
        assert content != whole
        path.write_bytes(content)
        with pytest.raises(AppError, match="doc/a.md " + says), opened(path):
            pass


def test_what_goes_wrong_while_it_is_open_is_no_fault_of_the_app(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), opened(app_file(tmp_path, {})):
        raise PermissionError


@pytest.mark.parametrize("name", ["doc/big.md", "scripts/modules/acme-1.0-py3-none-any.whl"])
def test_an_app_that_is_small_and_unpacks_to_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(archive, "MAX_TEXT_BYTES", 1024**2)
    monkeypatch.setattr(archive, "MAX_BYTES", 2 * 1024**2)
    path = app_file(tmp_path, {name: bytes(3 * 1024**2)})
    with pytest.raises(AppError, match=rf"unpacks to more than \d MiB; the largest is {name}"), opened(path):
        pass


def test_an_entry_comes_to_no_more_than_it_says(tmp_path: Path) -> None:
    size = 1024**2
    path = app_file(tmp_path, {"doc/a.md": bytes(size)})
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (9).to_bytes(4, "little")))
    with pytest.raises(AppError, match=r"doc/a\.md is damaged: Bad CRC"), opened(path):
        pass


def test_links_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.addon"
    link = zipfile.ZipInfo("doc/a.md")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(link, "/etc/passwd")
    with opened(path) as app:
        assert (app.entries, app.problems) == ({}, ["'doc/a.md': is a link or a device; allowed: files"])


@pytest.mark.parametrize("name", ["../x.py", "/x.py", "C:/x.py", "doc/../../x.py", "doc\\x.md", "../folder/"])
def test_what_leads_out_of_it_is_not_unpacked(tmp_path: Path, name: str) -> None:
    with opened(app_file(tmp_path, {name: b"x"})) as app:
        assert app.entries == {}
        assert len(app.problems) == 1
        assert "leads out of the App" in app.problems[0]


@pytest.mark.parametrize("name", ["doc/aux.md", "doc/x. ", "doc/what?.md", "doc/\x01.md"])
def test_what_windows_cannot_have_is_a_problem(tmp_path: Path, name: str) -> None:
    with opened(app_file(tmp_path, {name: b"x"})) as app:
        assert app.entries == {}
        assert app.problems[0].endswith("; allowed: what Windows can have")


def test_what_windows_does_not_tell_apart_is_a_problem(tmp_path: Path) -> None:
    with opened(app_file(tmp_path, {"doc/a.md": b"1", "doc/A.md": b"2"})) as app:
        assert app.problems == ["doc/a.md: is there twice; Windows does not tell upper and lower case apart"]


def test_wheels_are_used_in_one_folder_alone_and_must_be_wheels(tmp_path: Path) -> None:
    entries = {"scripts/a-1-py3-none-any.whl": b"x", "scripts/modules/b-1-py3-none-any.whl": b"x"}
    with opened(app_file(tmp_path, entries)) as app:
        first, second = app.problems
    assert first == "scripts/a-1-py3-none-any.whl: is not used there; allowed: scripts/modules/"
    assert second.startswith("scripts/modules: b-1-py3-none-any.whl: is no wheel that can be read")


def test_folders_are_no_entries(tmp_path: Path) -> None:
    path = tmp_path / "x.addon"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("doc/", "")
    with opened(path) as app:
        assert (app.entries, app.problems) == ({}, [])


@pytest.mark.parametrize(
    "own",
    [
        b"[]",
        b"{}",
        b'{"python": "2.7", "platform": "win_amd64"}',
        b'{"python": 3.9, "platform": "win_amd64"}',
        b"[" * 99999,
        b"x",
        None,
    ],
)
def test_an_app_of_others_does_not_say_what_it_is_for(tmp_path: Path, own: bytes | None) -> None:
    with opened(app_file(tmp_path, {} if own is None else {"scripts/gombus_app.json": own})) as app:
        assert app.target() is None
