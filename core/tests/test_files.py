"""Where no setting says otherwise: paths are judged by their text, read as they were sent, and looked at for a plan."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from gombus.errors import FileUnreadable, PathRefused
from gombus.evidence import NamedFile
from gombus.files import Files, look_at, named, replaced
from hostile_paths import HOSTILE, untouched
from support import request

KIND = request(files=("file", "files"))


def check(files: Files, params: dict[str, Any]) -> None:
    """:raises PathRefused: some of the paths are refused."""
    problems = files.refused(KIND, params)
    if problems:
        raise PathRefused(problems)


@pytest.mark.parametrize(
    ("params", "files"),
    [
        ({}, []),
        ({"word": "x"}, []),
        ({"file": "a"}, [("/file", "a")]),
        ({"files": ["b", "c"], "file": "a"}, [("/file", "a"), ("/files/0", "b"), ("/files/1", "c")]),
        ({"files": []}, []),
    ],
)
def test_files_are_found_in_the_order_of_the_request_type(params: Any, files: list[tuple[str, str]]) -> None:
    assert list(named(KIND, params)) == files


def test_a_type_without_files_names_none() -> None:
    assert list(named(request(), {"file": "a"})) == []


@pytest.mark.parametrize("params", [{}, {"word": "x", "file": "a"}, {"files": ["b", "c"], "file": "a"}, {"files": []}])
def test_new_paths_take_the_places_of_those_that_were_named(params: Any) -> None:
    before = {name: list(value) if isinstance(value, list) else value for name, value in params.items()}
    new = replaced(KIND, params, [f"D:/{path}" for _, path in named(KIND, params)])
    assert [path for _, path in named(KIND, new)] == [f"D:/{path}" for _, path in named(KIND, params)]
    assert new.keys() == params.keys()
    assert new.get("word") == params.get("word")
    assert params == before


def test_every_path_that_is_refused_is_named() -> None:
    with pytest.raises(PathRefused) as caught, untouched():
        check(Files(), {"file": "//host/share", "files": ["fine", "../x"]})
    assert [problem.pointer for problem in caught.value.problems] == ["/file", "/files/1"]
    assert caught.value.problems[1].message.startswith("'../x' climbs with '..'; allowed: a plain path such as C:/")


@pytest.mark.parametrize("path", [path for path, _ in HOSTILE], ids=lambda path: ascii(path)[1:-1])
def test_what_the_gate_refuses_is_refused(path: str) -> None:
    with pytest.raises(PathRefused), untouched():
        check(Files(), {"files": ["fine", path]})


def test_a_handler_gets_what_was_sent_and_the_receipt_the_facts(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"picture")
    params = {"file": str(path), "word": "x"}
    taken = Files().take(KIND, params, "job")
    assert taken.params is params
    (facts,) = taken.release()
    assert facts == {
        "parameter": "/file",
        "path": str(path),
        "size": 7,
        "mtime": facts["mtime"],
        "sha256": hashlib.sha256(b"picture").hexdigest(),
        "changed": False,
    }


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        Files().take(KIND, {"file": str(tmp_path / "x")}, "job")


def test_a_plan_looks_at_every_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"picture")
    params = {"files": [str(path), str(tmp_path / "missing")]}
    given, looks = Files().look(KIND, params)
    assert given is params
    assert [look.facts["size"] for look in looks] == [7, None]
    assert [type(look.failing) for look in looks] == [type(None), FileUnreadable]


def test_a_plan_names_what_was_sent_where_that_is_another_path(tmp_path: Path) -> None:
    looked = look_at(NamedFile("/file", "Z:/x.jpg", str(tmp_path / "x.jpg")))
    assert looked.facts == {
        "parameter": "/file",
        "path": str(tmp_path / "x.jpg"),
        "sent": "Z:/x.jpg",
        "resolved": os.path.realpath(tmp_path / "x.jpg"),
        "size": None,
        "mtime": None,
    }
    assert str(looked.failing) == "File Z:/x.jpg could not be read: there is no such file."
