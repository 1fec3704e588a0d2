"""From the settings to what holds for files: what is checked at start, and hostile paths on both kinds of systems."""

from __future__ import annotations

import ntpath
import posixpath
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gombus import paths
from gombus.config import Settings, load
from gombus.errors import PathRefused, SettingsError
from gombus.files import Files
from gombus.files.rules import lexical, open_files
from gombus.files.site import SiteFiles
from hostile_paths import (
    HOSTILE,
    POSIX,
    POSIX_INSIDE,
    POSIX_OUTSIDE,
    WINDOWS,
    WINDOWS_INSIDE,
    WINDOWS_OUTSIDE,
    untouched,
)
from support import request

KIND = request(files=("file", "files"))
FLAVOURS: dict[str, tuple[type[PurePath], dict[str, Any]]] = {
    "windows": (PureWindowsPath, WINDOWS),
    "posix": (PurePosixPath, POSIX),
}


def check(files: Files, params: dict[str, Any]) -> None:
    """:raises PathRefused: some of the paths are refused."""
    problems = files.refused(KIND, params)
    if problems:
        raise PathRefused(problems)


def files_of(flavour: type[PurePath], options: dict[str, Any]) -> SiteFiles:
    asked = load(options, environ={})
    with untouched():
        return SiteFiles(*lexical(asked, flavour), None, None, lambda: None)


def _id(path: object) -> str:
    return ascii(path)[1:-1] or "empty"


# Hostile paths, on both kinds of systems, by text alone.


@pytest.mark.parametrize("system", FLAVOURS)
@pytest.mark.parametrize(("path", "reason"), HOSTILE, ids=[_id(path) for path, _ in HOSTILE])
def test_a_hostile_path_is_refused_before_it_is_mapped(system: str, path: str, reason: str) -> None:
    files = files_of(*FLAVOURS[system])
    with pytest.raises(PathRefused) as caught, untouched():
        check(files, {"files": ["Z:/parts/x.jpg", path]})
    (problem,) = caught.value.problems
    assert problem.pointer == "/files/1"
    assert reason in problem.message


@pytest.mark.parametrize(
    ("system", "sent"),
    [*(("windows", path) for path in WINDOWS_OUTSIDE), *(("posix", path) for path in POSIX_OUTSIDE)],
    ids=_id,
)
def test_a_plain_path_outside_of_all_folders_is_refused_without_saying_where_they_are(system: str, sent: str) -> None:
    # By itself there is nothing wrong with it.
    assert paths.refusal(sent) is None
    flavour, options = FLAVOURS[system]
    files = files_of(flavour, options)
    with pytest.raises(PathRefused) as caught, untouched():
        check(files, {"file": sent})
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.keyword) == ("/file", "path")
    begins = " or ".join(name for name in options["paths"] if name != "job")
    assert problem.message.endswith(f"allowed: a whole path in {begins} or job/today")
    assert not any(root in problem.message for root in options["allowed_roots"] if root not in sent)
    # Without the folders it is let through.
    check(files_of(flavour, {}), {"file": sent})


@pytest.mark.parametrize(
    ("system", "sent", "local"),
    [
        *(("windows", *pair) for pair in WINDOWS_INSIDE.items()),
        *(("posix", *pair) for pair in POSIX_INSIDE.items()),
    ],
    ids=_id,
)
def test_a_path_inside_is_let_through_and_mapped(system: str, sent: str, local: str) -> None:
    flavour, options = FLAVOURS[system]
    files, (pathmap, _) = files_of(flavour, options), lexical(load(options, environ={}), flavour)
    with untouched():
        check(files, {"file": sent})
        assert pathmap.local(sent) == local


NAMES = st.sampled_from(["exchange", "exchange2", "parts", "x.jpg", "..", ".", "", " ", "nas", "con", "E:", "job", "*"])
STARTS = st.sampled_from(["", "/", "//", "D:/", "D:", "Z:/", "Z:/parts/", "z:\\", "N:/", "/mnt/cell/", "/srv/", "job/"])
PATHS = st.builds(
    lambda start, steps: start + "".join(name + slash for name, slash in steps),
    STARTS,
    st.lists(st.tuples(NAMES | st.text(max_size=3), st.sampled_from(["/", "\\", "//"])), max_size=4),
) | st.text(max_size=12)


@pytest.mark.parametrize("system", FLAVOURS)
@settings(max_examples=400, deadline=None, database=None)
@given(PATHS)
@example("D:/exchange/../x")
@example("Z:/parts/..\\..\\x")
@example("/srv/exchange\\..\\..\\x")
def test_whatever_is_let_through_is_inside_as_the_system_itself_reads_it(system: str, sent: str) -> None:
    flavour, options = FLAVOURS[system]
    try:
        check(files_of(flavour, options), {"file": sent})
    except PathRefused:
        return
    local = lexical(load(options, environ={}), flavour)[0].local(sent)
    module: Any = ntpath if system == "windows" else posixpath
    real = module.normcase(module.normpath(local))
    roots = [module.normcase(module.normpath(root)) for root in options["allowed_roots"]]
    assert any(real == root or real.startswith(root + module.sep) for root in roots)


# What settings are allowed.


def refused(flavour: type[PurePath] = PureWindowsPath, **options: Any) -> str:
    asked = load(options, environ={})
    with pytest.raises(SettingsError) as caught, untouched():
        lexical(asked, flavour)
    return str(caught.value)


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ("exchange", "is no whole path on this computer"),
        ("", "is no whole path on this computer"),
        ("/exchange", "is no whole path on this computer"),
        ("D:", "has a drive but no root"),
        ("D:/a/../b", "climbs with '..'"),
        (r"\\?\C:\x", "is a network or device path"),
        ("//nas", "is a network or device path"),
        ("D:/con", "has the name of a device"),
        ("D:/x:y", "has a second colon"),
        ("D:/*", "has a character that no name on Windows has"),
    ],
)
def test_a_root_is_a_whole_plain_path(root: str, reason: str) -> None:
    text = refused(allowed_roots=("D:/fine", root))
    assert text.startswith(f"option --allowed-roots: allowed_roots: {root!r} {reason}")
    assert text.endswith("; allowed: whole paths of folders such as D:/exchange")


def test_only_windows_has_shares() -> None:
    lexical(load({"allowed_roots": ("//nas/parts",)}, environ={}), PureWindowsPath)
    assert "is a network or device path" in refused(PurePosixPath, allowed_roots=("//nas/parts",))
    assert "is no whole path on this computer" in refused(PurePosixPath, allowed_roots=("D:/exchange",))


@pytest.mark.parametrize(
    ("pairs", "value", "reason"),
    [
        ({"//nas/x": "D:/x"}, "//nas/x", "is a network or device path"),
        ({"Z:": "D:/x"}, "Z:", "has a drive but no root"),
        ({"Z:/..": "D:/x"}, "Z:/..", "climbs"),
        ({".": "D:/x"}, ".", "names nothing"),
        ({"Z:/a": "D:/x", r"z:\A": "D:/y"}, r"z:\A", "means the same as 'Z:/a'"),
        ({"Z:/": "x"}, "x", "is no whole path on this computer"),
        ({"Z:/": "D:/x/.."}, "D:/x/..", "climbs"),
        ({"Z:/": "//?/C:/x"}, "//?/C:/x", "is a network or device path"),
        ({"Z:/": "//nas/parts"}, "//nas/parts", "is a network share; allowed: a share that allowed_roots names"),
    ],
)
def test_a_map_is_from_plain_begins_to_whole_plain_paths(pairs: dict[str, str], value: str, reason: str) -> None:
    text = refused(paths=pairs)
    assert text.startswith(f"option --paths: paths: {value!r} {reason}")
    assert "; allowed: " in text


def test_begins_without_a_drive_may_differ_in_case_alone() -> None:
    pathmap, _ = lexical(load({"paths": {"/mnt/a": "D:/x", "/mnt/A": "D:/y"}}, environ={}), PureWindowsPath)
    assert (pathmap.local("/mnt/a/z"), pathmap.local("/mnt/A/z")) == ("D:/x/z", "D:/y/z")


def test_a_map_that_leads_to_no_folder_in_which_files_may_lie_is_refused() -> None:
    text = refused(paths={"Z:/": "E:/x"}, allowed_roots=("D:/x",))
    assert text == "option --paths: paths: 'E:/x' is in none of allowed_roots; allowed: folders in them"


@pytest.mark.parametrize("target", ["D:/x", "d:/X/y", "D:/"])
def test_a_map_may_lead_into_such_a_folder_or_above_it(target: str) -> None:
    lexical(load({"paths": {"Z:/": target}, "allowed_roots": ("D:/x",)}, environ={}), PureWindowsPath)


def test_a_share_that_is_a_root_is_the_only_way_onto_the_network() -> None:
    files = files_of(PureWindowsPath, {"allowed_roots": ("//nas/parts/in",), "paths": {"N:/": "//nas/parts"}})
    check(files, {"file": "N:/in/x.jpg"})
    for sent in ("N:/x.jpg", "N:/in2/x.jpg", "//nas/parts/in/x.jpg"):
        with pytest.raises(PathRefused):
            check(files, {"file": sent})


def test_without_a_map_clients_are_told_the_folders_themselves() -> None:
    with pytest.raises(PathRefused, match=r"allowed: a whole path in D:/a or D:/b$"):
        check(files_of(PureWindowsPath, {"allowed_roots": ("D:/a", "D:/b")}), {"file": "D:/c/x.jpg"})


# What is opened.


def test_where_no_setting_says_anything_nothing_is_added() -> None:
    assert type(open_files(Settings())) is Files


@pytest.mark.parametrize("option", ["allowed_roots", "paths", "settle_s", "spool"])
def test_each_setting_is_heard(option: str, tmp_path: Path) -> None:
    values = {"allowed_roots": (str(tmp_path),), "paths": {"Z:/": str(tmp_path)}, "settle_s": 1.0}
    files = open_files(load({option: values.get(option, str(tmp_path / "spool"))}, environ={}))
    assert type(files) is SiteFiles
    files.close()


def test_a_root_that_is_not_there_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    for root in ("missing", "file"):
        open_files(load({"allowed_roots": (str(tmp_path), str(tmp_path / root))}, environ={}))
        warning = f"allowed_roots: there is no folder {tmp_path / root} now; no file in it can be used"
        assert [record.message for record in caplog.records] == [warning]
        caplog.clear()


def test_the_wait_must_be_long_enough_for_what_is_waited_for() -> None:
    with pytest.raises(SettingsError) as caught:
        open_files(load({"settle_s": 5, "settle_limit_s": 4.0}, environ={}))
    text = "option --settle-limit-s: settle_limit_s: 4.0 is shorter than settle_s; allowed: 5 or more"
    assert str(caught.value) == text


def test_auto_is_in_the_state_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_state_path", lambda name, appauthor: tmp_path / name)
    open_files(load({"spool": "auto"}, environ={})).close()
    assert (tmp_path / "gombus" / "spool").is_dir()
