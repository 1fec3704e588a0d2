"""The lexical gate: what it refuses, what it lets pass, and that it agrees with how Windows reads a path."""

from __future__ import annotations

import ntpath
import os
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gombus.paths import ALLOWED, refusal
from hostile_paths import CLIMBS, CONTROL, DEVICE, HOSTILE, NETWORK, NO_ROOT, PLAIN, SYSTEM, untouched


def reserved_on_windows(path: str) -> bool:
    """Whether Python knows the path as a device's on Windows."""
    if sys.version_info >= (3, 13):
        return ntpath.isreserved(path)
    return PureWindowsPath(path).is_reserved()


def _id(path: str) -> str:
    return ascii(path)[1:-1] or "empty"


@pytest.fixture
def judged() -> Callable[[str], str | None]:
    """Judges a path while every way to a file fails."""

    def judge(path: str) -> str | None:
        with untouched():
            return refusal(path)

    return judge


def test_what_shows_that_no_file_is_touched_shows_it() -> None:
    for touch in (
        lambda: Path("x").stat(),
        lambda: Path("x").is_file(),
        lambda: os.path.realpath("x"),
        lambda: Path("x").read_bytes(),
    ):
        with pytest.raises(AssertionError, match="the file system was touched"), untouched():
            touch()


@pytest.mark.parametrize(("path", "reason"), HOSTILE, ids=[_id(path) for path, _ in HOSTILE])
def test_a_hostile_path_is_refused_with_its_reason(judged: Callable[[str], str | None], path: str, reason: str) -> None:
    assert str(judged(path)).startswith(reason)


@pytest.mark.parametrize("path", PLAIN, ids=_id)
def test_a_plain_path_may_be_looked_at(judged: Callable[[str], str | None], path: str) -> None:
    assert judged(path) is None


def test_a_device_is_named_in_the_reason() -> None:
    assert refusal("C:/temp/Nul.jpg/x") == "has the name of a device, 'Nul.jpg'"


def test_what_is_allowed_is_said_with_an_example_that_is_allowed() -> None:
    example_path = next(word for word in ALLOWED.replace(",", " ").split() if "/" in word)
    assert refusal(example_path) is None


@pytest.mark.parametrize("path", [path for path, reason in HOSTILE if reason == NETWORK and path != "//"], ids=_id)
def test_what_is_called_a_network_or_device_path_has_no_drive_letter_on_windows(path: str) -> None:
    drive = PureWindowsPath(path).drive
    assert not drive or drive.startswith("\\\\")


@pytest.mark.parametrize("path", [path for path, reason in HOSTILE if reason == NO_ROOT], ids=_id)
def test_what_is_said_to_have_no_root_has_a_drive_and_no_root_on_windows(path: str) -> None:
    assert PureWindowsPath(path).drive
    assert not PureWindowsPath(path).root


@pytest.mark.parametrize("path", [path for path, reason in HOSTILE if reason == CLIMBS], ids=_id)
def test_what_is_said_to_climb_climbs_on_windows(path: str) -> None:
    assert ".." in PureWindowsPath(path).parts


@pytest.mark.parametrize(
    "name", ["CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))]
)
@pytest.mark.parametrize("form", ["{}", "C:/x/{}", "C:\\{}.jpg", "{} .x"])
def test_every_device_of_windows_is_refused(name: str, form: str) -> None:
    for path in (form.format(name), form.format(name.lower())):
        assert reserved_on_windows(path)
        assert str(refusal(path)).startswith(DEVICE)


@pytest.mark.parametrize("path", PLAIN, ids=_id)
def test_a_plain_path_is_no_device_on_windows(path: str) -> None:
    assert not reserved_on_windows(path)


@pytest.mark.parametrize(
    "path",
    [
        "//nas/parts",
        r"\\nas\parts\in",
        "//10.0.0.1/c$/x",
        "//host@SSL@8443/DavWWWRoot/x",
        "//dev/parts",
        "D:/exchange",
    ],
)
def test_a_share_may_be_meant_where_it_is_no_client_who_means_it(path: str) -> None:
    with untouched():
        assert refusal(path, shares=True) is None


@pytest.mark.parametrize(
    "path",
    [
        *(
            "//nas",
            "//nas/",
            "///nas/parts",
            "//?/C:/x",
            "//?/UNC/nas/parts",
            r"\\.\pipe\x",
            "//./C:/x",
            "//",
            "/??/C:/x",
        ),
        *("//nas/parts/../x", "//nas/pa:rts/x", "//nas/parts/con", "//nas/parts/x.", "//na\ns/parts", "//nas/*/x"),
    ],
    ids=_id,
)
def test_what_is_no_plain_share_is_refused_all_the_same(path: str) -> None:
    with untouched():
        assert refusal(path, shares=True) is not None


def test_what_is_said_to_be_the_system_s_is_a_whole_path_of_a_posix_system() -> None:
    for path in (path for path, reason in HOSTILE if reason == SYSTEM):
        assert PurePosixPath(path.replace("\\", "/")).parts[1] in ("dev", "proc", "sys")


PARTS = st.sampled_from(
    ["", ".", "..", "...", " ", "a", "a.", "a ", "C:", "con", "nul.x", "com1 .y", "lpt9", "x.jpg", "?", "??", "~", "é"]
) | st.text(st.characters(), max_size=3)
SEPARATORS = st.sampled_from(["/", "\\", "//", "\\\\", "/\\"])
STARTS = st.sampled_from(["", "/", "\\", "./", "C:/", "c:\\", "C://", "C:\\\\", "C:", "//", "\\\\?\\"])
JOINED = st.builds(
    lambda start, steps: start + "".join(part + separator for part, separator in steps),
    STARTS,
    st.lists(st.tuples(PARTS, SEPARATORS), max_size=5),
)
PATHS = JOINED | JOINED.map(lambda path: path.rstrip("/\\")) | st.text(st.characters())


@settings(max_examples=300, deadline=None, database=None)
@given(PATHS)
@example("C://../x")
@example("C://con/x/y")
def test_whatever_is_allowed_is_harmless_as_windows_reads_it(path: str) -> None:
    if refusal(path) is not None:
        return
    read = PureWindowsPath(path)
    assert not read.drive or (len(read.drive) == 2 and read.root)
    for part in read.parts[1 if read.anchor else 0 :]:
        assert part != ".."
        assert not part.endswith((".", " "))
        assert ":" not in part
        assert not any(ord(character) < 32 for character in part)
        assert not reserved_on_windows(part)


@settings(max_examples=300, deadline=None, database=None)
@given(PATHS, PATHS)
def test_nul_is_refused_wherever_it_stands(before: str, after: str) -> None:
    assert refusal(f"{before}\0{after}") == CONTROL


@settings(max_examples=300, deadline=None, database=None)
@given(JOINED, st.sampled_from(["", "/", "\\"]), JOINED)
@example("C://", "/", "x")
@example("C:\\\\a\\", "\\", "b")
def test_climbing_is_refused_wherever_it_stands(before: str, separator: str, after: str) -> None:
    climbing = f"{before}..{separator}{after if separator else ''}"
    assert refusal(climbing) is not None or not _has_component(climbing)


def _has_component(path: str) -> bool:
    return ".." in path.replace("\\", "/").split("/")
