"""The lexical gate: what it refuses, what it lets pass, and that it agrees with how Windows reads a path."""

from __future__ import annotations

import io
import ntpath
import os
import sys
from pathlib import PureWindowsPath
from typing import Any, Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gombus.paths import ALLOWED, refusal

CONTROL = "has a control character"
NETWORK = "is a network or device path"
DEVICE_PATH = "is a device path"
COLON = "has a colon that does not follow a drive letter"
NO_ROOT = "has a drive but no root"
STREAM = "has a second colon"
CLIMBS = "climbs with '..'"
ENDS = "has a name that ends in a dot or a space"
DEVICE = "has the name of a device"

HOSTILE: list[tuple[str, str]] = [
    # Looking at these sends the user's login to another computer.
    (r"\\host\share\x.jpg", NETWORK),
    ("//host/share/x.jpg", NETWORK),
    (r"\/host\share\x.jpg", NETWORK),
    (r"/\host/share/x.jpg", NETWORK),
    (r"\\host@SSL@8443\DavWWWRoot\x.jpg", NETWORK),
    (r"\\127.0.0.1\c$\x.jpg", NETWORK),
    ("///host/share/x.jpg", NETWORK),
    ("//", NETWORK),
    # Paths past the rules for names, and into devices.
    (r"\\?\C:\temp\x.jpg", NETWORK),
    (r"\\?\UNC\host\share\x.jpg", NETWORK),
    (r"\\?\GLOBALROOT\Device\Mup\host\share\x.jpg", NETWORK),
    ("//?/C:/temp/x.jpg", NETWORK),
    (r"\\.\PhysicalDrive0", NETWORK),
    (r"\\.\pipe\x", NETWORK),
    ("//./C:/x.jpg", NETWORK),
    (r"\??\C:\x.jpg", DEVICE_PATH),
    (r"\??\UNC\host\share\x.jpg", DEVICE_PATH),
    ("/??/UNC/host/share/x.jpg", DEVICE_PATH),
    (r"\??/UNC\host\share\x.jpg", DEVICE_PATH),
    # Relative to what the server did last on that drive.
    ("C:", NO_ROOT),
    ("C:x.jpg", NO_ROOT),
    ("c:temp/x.jpg", NO_ROOT),
    (r"C:..\x.jpg", NO_ROOT),
    ("x:stream", NO_ROOT),
    # Colons: schemes, streams of files, drives that are none.
    ("file:///C:/temp/x.jpg", COLON),
    ("http://host/x.jpg", COLON),
    ("x.jpg:hidden", COLON),
    ("x.jpg::$DATA", COLON),
    ("./x.jpg:hidden", COLON),
    ("/nope:hidden", COLON),
    ("/C:/x.jpg", COLON),
    ("1:/x.jpg", COLON),
    ("é:/x.jpg", COLON),
    (":/x.jpg", COLON),
    (":", COLON),
    ("CON:", COLON),
    ("C:/temp/x.jpg:hidden", STREAM),
    ("C:/temp/x.jpg::$DATA", STREAM),
    ("C:/temp:$I30:$INDEX_ALLOCATION/x.jpg", STREAM),
    ("C:/D:/x.jpg", STREAM),
    ("C:\\:", STREAM),
    # Climbing.
    ("..", CLIMBS),
    ("../x.jpg", CLIMBS),
    ("/..", CLIMBS),
    ("/../etc/passwd", CLIMBS),
    ("a/../b.jpg", CLIMBS),
    ("C:/..", CLIMBS),
    ("C:/data/../../Windows/win.ini", CLIMBS),
    (r"C:\data\..\..\Windows\win.ini", CLIMBS),
    (r"D:\data/..\x.jpg", CLIMBS),
    ("C:/./../x.jpg", CLIMBS),
    ("C://../x.jpg", CLIMBS),
    ("C://data/../x.jpg", CLIMBS),
    (r"C:\\data\..\x.jpg", CLIMBS),
    ("C:/data//../x.jpg", CLIMBS),
    # Windows takes dots and spaces off the end, so that the name means another file.
    ("C:/temp/x.jpg.", ENDS),
    ("C:/temp/x.jpg ", ENDS),
    ("C:/temp /x.jpg", ENDS),
    ("C:/temp./x.jpg", ENDS),
    ("C://temp /data/x.jpg", ENDS),
    ("C:/temp/.../x.jpg", ENDS),
    ("C:/temp/.. /x.jpg", ENDS),
    ("C:/temp/. /x.jpg", ENDS),
    (" ", ENDS),
    (" //host/share/x.jpg", ENDS),
    ("x.jpg. . ", ENDS),
    # Devices, in every folder and with every ending.
    ("NUL", DEVICE),
    ("con", DEVICE),
    ("/dev/nul", DEVICE),
    ("C:/temp/PRN", DEVICE),
    ("C:/temp/aux.jpg", DEVICE),
    ("C:/temp/Con.tar.gz", DEVICE),
    ("C:/nul .jpg", DEVICE),
    ("C:/con/x.jpg", DEVICE),
    ("C:/COM1", DEVICE),
    ("C:/com9.jpg", DEVICE),
    ("C:/com0", DEVICE),
    ("C:/lpt1.jpg", DEVICE),
    ("C:/LPT\u00b9.jpg", DEVICE),
    ("C:/com\u00b2", DEVICE),
    ("C:/COM\u00b3.x", DEVICE),
    ("C:/CONIN$", DEVICE),
    ("C:/conout$.jpg", DEVICE),
    ("C://nul/x", DEVICE),
    ("C://temp/con", DEVICE),
    ("C://aux/data/x.jpg", DEVICE),
    # What ends a name for C, a line for a log, or looks like nothing.
    ("C:/temp/x.jpg\0.png", CONTROL),
    ("\0", CONTROL),
    ("C:/temp/x\n.jpg", CONTROL),
    ("C:/temp/x\x1b[2J.jpg", CONTROL),
    ("C:/temp/x.jpg\t", CONTROL),
    ("C:/temp/x\x7f.jpg", CONTROL),
    ("C:/temp/x\x85.jpg", CONTROL),
    ("C:/temp/x\u2028.jpg", CONTROL),
    ("C:/temp/x\u2029.jpg", CONTROL),
    ("\\\\host\\share\n", CONTROL),
]

PLAIN = [
    "C:/temp/example.jpg",
    r"C:\temp\x.jpg",
    r"c:\temp/mixed\x.jpg",
    "C:/",
    "C:/temp/",
    "C://temp//x.jpg",
    "C:/temp/./x.jpg",
    "/nope",
    "/",
    r"\temp\x.jpg",
    "nope.jpg",
    "./x.jpg",
    ".",
    "",
    "D:/Größe/Bild 1.jpg",
    "D:/ leading/ space.jpg",
    "C:/Users/IQMPRINK/Documents/Points.gxml",
    "C:/PROGRA~1/x.jpg",
    "C:/100% [a] {b} #1 & co; $x ^'`!@=+,.jpg",
    "~/x.jpg",
    "a..b.jpg",
    "..a.jpg",
    ".hidden",
    "..hidden/x.jpg",
    # Nearly devices.
    "console.jpg",
    "com10.txt",
    "com.txt",
    "C:/lpt/x.jpg",
    "C:/xcon",
    "C:/auxiliary/nul1.jpg",
    "C:/my con.jpg",
    "C:/x.con",
    "C:/conin.jpg",
    "C:/com\u2074.jpg",
]


def reserved_on_windows(path: str) -> bool:
    """Whether Python knows the path as a device's on Windows."""
    if sys.version_info >= (3, 13):
        return ntpath.isreserved(path)
    return PureWindowsPath(path).is_reserved()


def _id(path: str) -> str:
    return ascii(path)[1:-1] or "empty"


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str | None]:
    """Judges a path while every way to a file fails."""

    def touched(*_: Any, **__: Any) -> Any:
        raise AssertionError("the file system was touched")

    def judge(path: str) -> str | None:
        with monkeypatch.context() as patch:
            for module, name in [
                (os, "stat"),
                (os, "lstat"),
                (os, "open"),
                (os, "scandir"),
                (os, "listdir"),
                (os, "readlink"),
                (os, "getcwd"),
                (os.path, "exists"),
                (os.path, "realpath"),
                (io, "open"),
            ]:
                patch.setattr(module, name, touched)
            patch.setattr("builtins.open", touched)
            return refusal(path)

    return judge


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
        # Python counts what no name may have on Windows as reserved, too; no file of such a name can be there.
        assert not reserved_on_windows("".join("_" if character in '*?"<>|' else character for character in part))


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
