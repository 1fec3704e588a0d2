"""The folders in which files may lie: by text, and over the links that there really are."""

from __future__ import annotations

import os
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from gombus.files.roots import HERE, Roots
from hostile_paths import untouched

OUTSIDE = "lies in none of the folders in which files may lie"
NO_WHOLE = "is no whole path, so it means another folder on every start"


def roots(*folders: Path, said: tuple[str, ...] = ("Z:/",)) -> Roots:
    return Roots([str(folder) for folder in folders], said, HERE)


def link(path: Path, target: Path, folder: bool = False) -> Path:
    try:
        path.symlink_to(target, target_is_directory=folder)
    except OSError:
        pytest.skip("no right to make links")
    return path


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A folder in which files may lie."""
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "x.jpg").write_bytes(b"inside")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """One beside it whose name begins alike."""
    folder = tmp_path / "inside2"
    folder.mkdir()
    (folder / "x.jpg").write_bytes(b"outside")
    return folder


@pytest.mark.parametrize(
    ("flavour", "path", "reason"),
    [
        (PureWindowsPath, "D:/A/x", None),
        (PureWindowsPath, r"d:\a", None),
        (PureWindowsPath, "D:/ab/x", OUTSIDE),
        (PureWindowsPath, "/a/x", NO_WHOLE),
        (PureWindowsPath, "a/x", NO_WHOLE),
        (PureWindowsPath, "//NAS/Share/x", None),
        (PureWindowsPath, "//nas/share2/x", OUTSIDE),
        (PureWindowsPath, "//nas2/share/x", OUTSIDE),
        (PurePosixPath, "/a/x", None),
        (PurePosixPath, "/A/x", OUTSIDE),
        (PurePosixPath, "/ab/x", OUTSIDE),
        (PurePosixPath, "a/x", NO_WHOLE),
        (PurePosixPath, "D:/a/x", NO_WHOLE),
    ],
)
def test_a_path_is_judged_by_its_components_and_no_file_is_touched(
    flavour: type[PurePath], path: str, reason: str | None
) -> None:
    folders = ("D:/a", "//nas/share") if flavour is PureWindowsPath else ("/a",)
    with untouched():
        assert Roots(folders, folders, flavour).refusal(path) == reason


def test_what_is_allowed_is_said_in_clients_words() -> None:
    assert Roots(["/a"], ["Z:/parts", "N:/"], HERE).allowed == "a whole path in Z:/parts or N:/"


def test_a_file_in_a_folder_is_held(inside: Path) -> None:
    assert roots(inside).hold(str(inside / "x.jpg"))
    assert roots(inside).hold(str(inside / "not there yet.jpg"))


def test_a_file_beside_it_is_not(inside: Path, outside: Path) -> None:
    assert not roots(inside).hold(str(outside / "x.jpg"))


@pytest.mark.parametrize("folder", [False, True], ids=["a file", "a folder"])
def test_a_link_does_not_lead_out(folder: bool, inside: Path, outside: Path) -> None:
    made = link(inside / "link", outside if folder else outside / "x.jpg", folder)
    path = str(made / "x.jpg" if folder else made)
    # By its text it is inside, and it can be read.
    assert roots(inside).refusal(path) is None
    assert Path(path).read_bytes() == b"outside"
    assert not roots(inside).hold(path)


def test_a_link_may_lead_within_and_from_one_folder_to_another(inside: Path, outside: Path) -> None:
    link(inside / "link.jpg", inside / "x.jpg")
    link(inside / "other.jpg", outside / "x.jpg")
    assert roots(inside).hold(str(inside / "link.jpg"))
    assert roots(inside, outside).hold(str(inside / "other.jpg"))


def test_the_folder_itself_may_be_a_link(inside: Path, tmp_path: Path) -> None:
    made = link(tmp_path / "root", inside, folder=True)
    assert roots(made).hold(str(made / "x.jpg"))
    assert roots(made).hold(str(inside / "x.jpg"))


def test_a_link_that_leads_in_a_circle_is_no_file_and_no_way_out(inside: Path) -> None:
    link(inside / "a", inside / "b")
    link(inside / "b", inside / "a")
    assert roots(inside).hold(str(inside / "a"))
    assert not (inside / "a").exists()


def test_folders_that_are_not_asked_need_not_be_reachable(
    inside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: asked.append(str(path)) or real(path))
    assert roots(tmp_path / "far", inside).hold(str(inside / "x.jpg"))
    assert str(tmp_path / "far") not in asked


def test_the_opened_file_must_be_the_one_to_which_the_path_leads(inside: Path, outside: Path) -> None:
    path = inside / "x.jpg"
    with path.open("rb") as opened:
        assert roots(inside).hold_opened(str(path), opened)
    path.unlink()
    made = link(path, outside / "x.jpg")
    with path.open("rb") as opened:
        assert not roots(inside).hold_opened(str(path), opened)
        # Put back right after it was opened: by its name it is inside again.
        made.unlink()
        path.write_bytes(b"inside")
        assert roots(inside).hold(str(path))
        assert not roots(inside).hold_opened(str(path), opened)
