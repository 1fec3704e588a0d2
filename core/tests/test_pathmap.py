"""From clients' paths to those of this computer, by text alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gombus.files.pathmap import PathMap, joined, key_of, parts_of
from hostile_paths import PLAIN, untouched

CELL = {
    "Z:/parts": "D:/exchange/parts",
    "Z:/parts/today": "E:/today",
    "Z:/": "D:/z",
    "N:/": "//nas/parts/",
    r"Y:\scans": r"D:\scans",
    "/mnt/cell": "/srv/cell",
    "job": "D:/jobs",
    "one.jpg": "D:/one.jpg",
}


@pytest.mark.parametrize(
    ("sent", "local"),
    [
        ("Z:/parts/a/x.jpg", "D:/exchange/parts/a/x.jpg"),
        # The longest wins, by components.
        ("Z:/parts/today/x.jpg", "E:/today/x.jpg"),
        ("Z:/parts/todays/x.jpg", "D:/exchange/parts/todays/x.jpg"),
        ("Z:/parts2/x.jpg", "D:/z/parts2/x.jpg"),
        # Windows' rules: case and slashes. What comes after keeps its case.
        (r"z:\PARTS\Today\X.JPG", "E:/today/X.JPG"),
        ("Z://parts//./today///x.jpg", "E:/today/x.jpg"),
        ("y:/SCANS/a/x.jpg", r"D:\scans\a\x.jpg"),
        ("N:/x.jpg", "//nas/parts/x.jpg"),
        # A begin with no drive has no such rules, but for slashes.
        (r"/mnt\cell/x.jpg", "/srv/cell/x.jpg"),
        ("/mnt/Cell/x.jpg", "/mnt/Cell/x.jpg"),
        ("mnt/cell/x.jpg", "mnt/cell/x.jpg"),
        ("./job/x.jpg", "D:/jobs/x.jpg"),
        ("Job/x.jpg", "Job/x.jpg"),
        ("/job/x.jpg", "/job/x.jpg"),
        # The whole path.
        ("Z:/parts", "D:/exchange/parts"),
        ("Z:/", "D:/z"),
        ("one.jpg", "D:/one.jpg"),
        # Once: what came out is not looked up again.
        ("D:/exchange/parts/x.jpg", "D:/exchange/parts/x.jpg"),
    ],
)
def test_the_begin_of_a_path_is_replaced(sent: str, local: str) -> None:
    with untouched():
        assert PathMap(CELL).local(sent) == local


@pytest.mark.parametrize("sent", [*PLAIN, r"C:\\a\.\b//c.jpg"])
def test_what_no_begin_fits_stays_as_it_was_sent_to_the_last_character(sent: str) -> None:
    assert PathMap({}).local(sent) == sent
    assert PathMap({"Q:/x": "D:/x", "/mnt/q": "D:/q"}).local(sent) == sent


def test_an_empty_map_is_none() -> None:
    assert not PathMap({})
    assert PathMap({"Z:/": "D:/"})


@pytest.mark.parametrize(
    ("folder", "parts", "path"),
    [
        ("D:/", ["x"], "D:/x"),
        ("/", ["a", "x"], "/a/x"),
        ("D:\\", ["a", "x"], "D:\\a\\x"),
        ("D:/a/", ["x"], "D:/a/x"),
        (r"D:\a/b", ["x"], r"D:\a/b/x"),
        ("D:/a", [], "D:/a"),
    ],
)
def test_a_path_below_a_folder_has_the_folder_s_slashes(folder: str, parts: list[str], path: str) -> None:
    assert joined(folder, parts) == path


def test_components() -> None:
    assert parts_of(r"Z:\Parts//./x.jpg") == ["Z:", "Parts", "x.jpg"]
    assert parts_of("/mnt/x") == ["/", "mnt", "x"]
    assert parts_of("./x") == ["x"]
    assert parts_of("") == []
    assert key_of(r"Z:\Parts") == key_of("z:/PARTS/") != key_of("/Parts")


NAMES = st.sampled_from(["a", "A", "parts", "Parts", "parts2", "x.jpg", "ß", "İ", "."])
SLASHES = st.sampled_from(["/", "\\", "//", "\\\\"])
BELOW = st.lists(st.tuples(SLASHES, NAMES), max_size=4).map(lambda steps: "".join(map("".join, steps)))


@settings(max_examples=200, deadline=None, database=None)
@given(BELOW, BELOW)
def test_what_is_below_a_begin_comes_out_below_its_target_with_the_same_names(begin: str, below: str) -> None:
    names = parts_of(below)[1:]
    local = PathMap({f"Z:{begin}/": "D:/exchange"}).local(f"z:{begin.upper() if begin.isascii() else begin}/{below}")
    assert parts_of(local) == ["D:", "exchange", *names]
