"""Each thing that can be wrong with an App. Those that are built, and start: tests/test_app.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from gombus_kit.app import archive
from gombus_kit.app.appfile import opened
from gombus_kit.app.check import Report, check
from gombus_kit.app.target import Target
from wheelhouse import TARGET, app_entries, app_file, wheel

Change = Callable[[dict[str, Any]], Any]


def checked(folder: Path, entries: dict[str, Any], target: Target = TARGET) -> Report:
    with opened(app_file(folder, entries)) as app:
        return check(app, target)


def good(folder: Path, **more: Any) -> dict[str, Any]:
    """An App that is in order."""
    core = wheel(folder, "gombus", "0.1", requires=["rpds"])
    rpds = wheel(folder, "rpds", tag="cp39-cp39-win_amd64")
    return app_entries([core, rpds, wheel(folder, "acme", plugins={"acme": "acme_import"})], **more)


def test_an_app_that_is_in_order(tmp_path: Path) -> None:
    report = checked(tmp_path, good(tmp_path))
    assert report.problems == []
    assert len(report.checked) == 8
    assert (report.kind, report.target) == ("server", TARGET)
    (unchecked,) = report.unchecked
    assert unchecked.startswith("whether it starts, against the wire twin: ")


def meta(**members: Any) -> Change:
    def change(entries: dict[str, Any]) -> None:
        found = {**json.loads(entries["metainfo.json"]), **members}
        kept = {name: value for name, value in found.items() if value is not None}
        entries["metainfo.json"] = json.dumps(kept).encode()

    return change


def without(name: str) -> Change:
    return lambda entries: entries.pop(name)


def replaced(name: str, content: bytes) -> Change:
    return lambda entries: entries.update({name: content})


START = "scripts/gombus_start"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (without("metainfo.json"), "metainfo.json: is not there"),
        (replaced("metainfo.json", b"{"), "metainfo.json: is no JSON: "),
        (replaced("metainfo.json", b"[]"), "metainfo.json: is no JSON object"),
        (meta(title=None), "metainfo.json: title is missing; mandatory: title, uuid, version, author, description, "),
        (meta(author=""), "metainfo.json: author is ''; allowed: a text that is not empty"),
        (meta(uuid="1234"), "metainfo.json: uuid is '1234'; allowed: one such as "),
        (meta(licensing={"licenses": []}), "metainfo.json: licensing.product-codes is missing; allowed: a list"),
        (meta(environment=None), "metainfo.json: environment is None; allowed: 'gombus-1ac11c8b'"),
        (without(f"{START}.py"), f"{START}.py: is not there, so nothing starts gombus"),
        (replaced(f"{START}.py", b"import import"), f"{START}.py: is no Python 3.9: "),
        (without(f"{START}.metainfo"), f"{START}.metainfo: is not there"),
        (replaced(f"{START}.metainfo", b"{}"), f"{START}.metainfo: has no uuid"),
        (
            replaced(f"{START}.metainfo", b'{"uuid": "1ac11c8b-667c-4030-85f5-6b9683c2ae32"}'),
            f"{START}.metainfo: gives no entry in the menu; allowed: show_in_menu true, main_menu_path.script ",
        ),
        (without("doc/README.md"), "doc/README.md: is not there, or empty"),
        (replaced("icon.png", b"GIF"), "icon.png: is no PNG file"),
        (without("license/license_rpds.txt"), "license/license_rpds.txt: is not there, or empty; "),
        (without("scripts/modules/rpds-1.0-cp39-cp39-win_amd64.whl"), "gombus needs rpds, which is not there"),
        (
            without("scripts/modules/acme-1.0-py3-none-any.whl"),
            "no module has an entry point of the group gombus: the App serves no request type",
        ),
        (
            replaced("scripts/gombus_app.json", b'{"kind": "server", "plugins": ["other"]}'),
            "scripts/gombus_app.json: names the plugin 'other', which is not among the modules",
        ),
        (
            replaced("scripts/gombus_app.json", b'{"kind": "server", "plugins": 5}'),
            "scripts/gombus_app.json: names the plugin 5, which is not among the modules",
        ),
        (
            replaced("scripts/gombus_app.json", b'{"kind": "server", "plugins": [{}]}'),
            "scripts/gombus_app.json: names the plugin {}, which is not among the modules",
        ),
        (meta(**{"python-version": "3.12.x"}), "metainfo.json: python-version is '3.12.x'; allowed: '3.9.x'"),
        (meta(**{"python-version": 3.9}), "metainfo.json: python-version is 3.9; allowed: '3.9.x'"),
        (replaced("metainfo.json", b"[" * 99999), "metainfo.json: is no JSON: "),
        (replaced(f"{START}.py", b"x = " + b"(" * 99999), f"{START}.py: is no Python 3.9: "),
        (replaced("../x", b""), "'../x': leads out of the App"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(tmp_path: Path, change: Change, problem: str) -> None:
    entries = good(tmp_path)
    change(entries)
    report = checked(tmp_path, entries)
    assert [text for text in report.problems if text.startswith(problem)], report.problems
    assert report.unchecked == ["whether it starts, against the wire twin: there are problems"]


def test_modules_must_fit_python_and_platform(tmp_path: Path) -> None:
    report = checked(tmp_path, good(tmp_path), Target("3.12"))
    assert report.problems == [
        "scripts/modules/rpds-1.0-cp39-cp39-win_amd64.whl: is for cp39-cp39-win_amd64; "
        "allowed: what fits Python 3.12 on win_amd64"
    ]


def test_a_plugin_must_be_written_for_the_app_s_python(tmp_path: Path) -> None:
    newer = "match 1:\n    case _:\n        pass\n"
    plugin = wheel(
        tmp_path,
        "acme",
        plugins={"acme": "acme_import"},
        files={"acme_import/__init__.py": newer},
        lines=["Requires-Python: >=3.10"],
    )
    # What others hand on may have files for other Pythons.
    entries = app_entries([plugin, wheel(tmp_path, "other", files={"other/new.py": newer})])
    first, second = checked(tmp_path, entries).problems
    assert first == (
        "scripts/modules/acme-1.0-py3-none-any.whl: is for Python >=3.10; allowed: what fits Python 3.9 on win_amd64"
    )
    assert second.startswith("acme-1.0-py3-none-any.whl: acme_import/__init__.py: is no Python 3.9: ")
    report = checked(tmp_path, entries, Target("3.12"))
    assert report.problems == []
    said = report.checked if sys.version_info >= (3, 12) else report.unchecked
    assert [text for text in said if "are written for Python 3.12" in text]


def test_what_inspect_brings_must_not_be_inside_and_nothing_twice(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path, "gombus", plugins={"x": "x"}),
        wheel(tmp_path, "zeiss-inspect-api"),
        wheel(tmp_path, "acme", "1.0"),
        wheel(tmp_path, "acme", "2.0"),
    ]
    report = checked(tmp_path, app_entries(wheels))
    assert report.problems == [
        "scripts/modules/acme-2.0-py3-none-any.whl: acme-1.0-py3-none-any.whl is there, too; allowed: one of them",
        "scripts/modules/zeiss_inspect_api-1.0-py3-none-any.whl: INSPECT brings it itself, and ZEISS's own must not be "
        "handed on",
    ]


def test_an_app_that_adds_a_plugin_needs_what_it_joins(tmp_path: Path) -> None:
    plugin = wheel(tmp_path, "acme", requires=["gombus>=0.2"], plugins={"acme": "acme_import"})
    entries = app_entries([plugin], kind="plugin")
    report = checked(tmp_path, entries)
    assert (report.problems, report.kind) == ([], "plugin")
    assert report.unchecked == [
        "whether all that the modules need is there: name gombus's App with --beside",
        "whether it starts, against the wire twin: a plugin's App is started with gombus's: name it with --beside",
    ]
    base = app_file(tmp_path, good(tmp_path), "base.addon")
    with opened(app_file(tmp_path, entries)) as app, opened(base) as beside:
        assert check(app, TARGET, beside).problems == ["acme needs gombus>=0.2, and gombus 0.1 is there"]


def test_an_app_of_others_is_told_by_its_modules(tmp_path: Path) -> None:
    entries = good(tmp_path)
    del entries["scripts/gombus_app.json"]
    assert checked(tmp_path, entries).kind == "server"
    alone = app_entries([wheel(tmp_path, "acme")], kind="plugin")
    del alone["scripts/gombus_app.json"]
    assert checked(tmp_path, alone).kind == "plugin"


def test_a_module_whose_files_unpack_to_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"acme_import/__init__.py": "#" * 2 * 1024**2}
    plugin = wheel(tmp_path, "acme", plugins={"acme": "acme_import"}, files=files)
    entries = app_entries([plugin])
    monkeypatch.setattr(archive, "MAX_TEXT_BYTES", 1024**2)
    with opened(app_file(tmp_path, entries)) as app:
        (problem,) = (text for text in check(app, TARGET).problems if "MiB" in text)
    assert problem.startswith("acme-1.0-py3-none-any.whl: unpacks to more than 1 MiB; the largest is acme_import/")


def test_odd_escapes_in_a_script_are_nobody_s_matter(tmp_path: Path) -> None:
    entries = good(tmp_path)
    # Warnings are errors here.
    entries[f"{START}.py"] = b"import gom\nx = '\\d'\n"
    assert checked(tmp_path, entries).problems == []


def test_both_apps_share_one_version_of_a_module(tmp_path: Path) -> None:
    base = good(tmp_path)
    newer = wheel(tmp_path, "rpds", "2.0", tag="cp39-cp39-win_amd64")
    plugin = wheel(tmp_path, "site", requires=["rpds"], plugins={"site": "site_import"})
    joining = app_file(tmp_path, app_entries([plugin, newer], kind="plugin"))
    with opened(joining) as app, opened(app_file(tmp_path, base, "base.addon")) as beside:
        (problem,) = check(app, TARGET, beside).problems
    assert problem.startswith("scripts/modules/rpds-2.0-cp39-cp39-win_amd64.whl: gombus's App has rpds 1.0, and they ")


def test_gombus_s_own_app_needs_all_in_itself(tmp_path: Path) -> None:
    base = app_file(tmp_path, good(tmp_path), "base.addon")
    entries = good(tmp_path)
    del entries["scripts/modules/rpds-1.0-cp39-cp39-win_amd64.whl"]
    with opened(app_file(tmp_path, entries)) as app, opened(base) as beside:
        assert check(app, TARGET, beside).problems == ["gombus needs rpds, which is not there"]
