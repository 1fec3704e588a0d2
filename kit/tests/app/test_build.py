"""From wheels made on the spot, so that pip has nothing to fetch. Those of gombus itself: tests/test_app.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gombus_kit.app.appfile import App, opened
from gombus_kit.app.build import BuildError, Order, build_plugin, build_server
from gombus_kit.app.check import check
from gombus_kit.app.closure import ClosureError
from gombus_kit.app.target import Target
from gombus_kit.app.wheels import Wheel
from wheelhouse import TARGET, wheel

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def core(tmp_path: Path) -> Wheel:
    return wheel(tmp_path, "gombus", "0.3")


@pytest.fixture
def acme(tmp_path: Path) -> Wheel:
    return wheel(tmp_path, "acme", "2.0", requires=["gombus>=0.1"], plugins={"acme": "acme_import", "b": "b:plugin"})


def built(core: Wheel, plugins: list[Wheel], output: Path | None, order: Order | None = None) -> Path:
    return build_server(order or Order(TARGET), str(core.path), [str(item.path) for item in plugins], output)


def test_gombus_s_app_has_all_its_parts(tmp_path: Path, core: Wheel, acme: Wheel) -> None:
    with opened(built(core, [acme], tmp_path / "app" / "g.addon")) as app:
        assert sorted(app.entries) == [
            "doc/Documentation.md",
            "doc/README.md",
            "doc/Releasenotes.md",
            "icon.png",
            "license/license_acme.txt",
            "license/license_gombus.txt",
            "metainfo.json",
            "scripts/gombus.toml",
            "scripts/gombus_app.json",
            "scripts/gombus_start.metainfo",
            "scripts/gombus_start.py",
            "scripts/modules/acme-2.0-py3-none-any.whl",
            "scripts/modules/gombus-0.3-py3-none-any.whl",
        ]
        assert check(app, TARGET).problems == []
        start = app.texts["scripts/gombus_start.py"].decode()
        assert "PLUGINS = ['acme_import']" in start
        assert "the App is for Python 3.9 on win_amd64" in start
        # As INSPECT's own start-up does, and before all else.
        assert start.index("import gom ") < min(start.index("import sys"), start.index("from gombus"))
        documents = b"".join(text for name, text in app.texts.items() if name.startswith("doc/")).decode()
        assert "* acme 2.0\n* gombus 0.3" in documents
        assert "@" not in documents
        assert "the gombus authors" in app.texts["license/license_gombus.txt"].decode()
        assert "the gombus authors" not in app.texts["license/license_acme.txt"].decode()
        assert all(b"\r" not in text for name, text in app.texts.items() if name != "icon.png")


def test_the_settings_template_is_one_that_gombus_reads(tmp_path: Path, core: Wheel, acme: Wheel) -> None:
    from gombus.config import KEYS, load

    with opened(built(core, [acme], tmp_path / "g.addon")) as app:
        text = app.texts["scripts/gombus.toml"].decode()
    assert {line.partition(" ")[0] for line in text.splitlines() if " = " in line} == {"#"}
    settings = "\n".join(line[2:] for line in text.splitlines() if " = " in line)
    (tmp_path / "t.toml").write_text(settings, encoding="utf-8")
    assert load(file=str(tmp_path / "t.toml"), environ={}).sources.keys() < KEYS.keys()


def test_the_licence_inside_is_the_repository_s() -> None:
    inside = (ROOT / "kit" / "gombus_kit" / "app" / "files" / "LICENSE.txt").read_text(encoding="utf-8")
    assert inside == (ROOT / "LICENSE").read_text(encoding="utf-8")


def members(app: App) -> dict[str, Any]:
    meta = app.read_json("metainfo.json")
    return {name: meta[name] for name in ("title", "uuid", "version", "author", "environment", "python-version")}


def test_versions_and_names(tmp_path: Path, core: Wheel, acme: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = built(core, [acme], None)
    assert path == Path("gombus-0.3-win_amd64-py3.9.addon")
    with opened(path) as app:
        assert members(app) == {
            "title": "gombus",
            "uuid": "1ac11c8b-667c-4030-85f5-6b9683c2ae32",
            "version": "0.3",
            "author": "the gombus authors",
            "environment": "gombus-1ac11c8b",
            "python-version": "3.9.x",
        }
    with opened(built(core, [acme], None, Order(Target("3.12"), version="7.1"))) as app:
        assert (members(app)["version"], members(app)["python-version"]) == ("7.1", "3.12.x")
        assert app.target() == Target("3.12")


def test_a_plugin_s_app_has_only_what_gombus_s_has_not(tmp_path: Path, core: Wheel) -> None:
    attrs, extra = wheel(tmp_path, "attrs"), wheel(tmp_path, "extra")
    plugin = wheel(
        tmp_path,
        "acme",
        requires=["gombus>=0.1", "attrs", "zeiss-inspect-api"],
        plugins={"acme": "acme_import"},
        lines=["Author-email: Jo <jo@acme.example>"],
    )
    path = build_plugin(Order(TARGET), str(plugin.path), [core, attrs, extra], tmp_path / "p.addon")
    with opened(path) as app:
        assert [item.name for item in app.wheels] == ["acme"]
        assert "scripts/gombus_start.py" not in app.entries
        assert members(app)["author"] == "Jo <jo@acme.example>"
        assert members(app)["title"] == "gombus plugin acme"
        assert json.loads(app.texts["scripts/gombus_app.json"])["plugins"] == ["acme_import"]
        first = members(app)["uuid"]
        assert check(app, TARGET).problems == []
    again = build_plugin(Order(TARGET, version="9"), str(plugin.path), [core, attrs], tmp_path / "q.addon")
    with opened(again) as app:
        assert (members(app)["uuid"], members(app)["version"]) == (first, "9")


def test_what_is_no_plugin_is_refused(tmp_path: Path, core: Wheel) -> None:
    plain = wheel(tmp_path, "plain")
    for build in (
        lambda: built(core, [plain], tmp_path / "x"),
        lambda: build_plugin(Order(TARGET), str(plain.path), [core], tmp_path / "x"),
    ):
        with pytest.raises(BuildError, match="plain: has no entry point of the group gombus"):
            build()
    assert not (tmp_path / "x").exists()


def test_a_plugin_that_gombus_s_app_has_is_refused(tmp_path: Path, core: Wheel, acme: Wheel) -> None:
    with pytest.raises(BuildError, match=r"acme 2\.0 is in gombus's App; build that one anew"):
        build_plugin(Order(TARGET), str(acme.path), [core, acme], tmp_path / "x")


def test_a_plugin_that_wants_another_gombus_is_refused(tmp_path: Path, core: Wheel) -> None:
    plugin = wheel(tmp_path, "acme", requires=["gombus>=1"], plugins={"acme": "acme"})
    with pytest.raises(ClosureError, match=r"gombus 0\.3 is there, and gombus>=1 is needed"):
        build_plugin(Order(TARGET), str(plugin.path), [core], tmp_path / "x")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, core: Wheel, acme: Wheel) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match=r"g\.addon: cannot be written: "):
        built(core, [acme], tmp_path / "file" / "g.addon")


def test_what_goes_on_is_told(tmp_path: Path, core: Wheel, acme: Wheel) -> None:
    told: list[str] = []
    path = built(core, [acme], tmp_path / "g.addon", Order(TARGET, say=told.append))
    assert told == [f"building {core.path}", f"building {acme.path}", f"writing {path}"]


@pytest.mark.parametrize(
    ("tag", "lines", "says"),
    [
        ("cp39-cp39-linux_x86_64", [], "is for cp39-cp39-linux_x86_64; allowed: what fits Python 3.9 on win_amd64"),
        ("py3-none-any", ["Requires-Python: >=3.12"], "is for Python >=3.12; allowed: what fits Python 3.9"),
    ],
)
def test_a_plugin_that_cannot_run_there_is_refused(
    tmp_path: Path, core: Wheel, tag: str, lines: list[str], says: str
) -> None:
    plugin = wheel(tmp_path, "acme", tag=tag, lines=lines, plugins={"acme": "acme"})
    with pytest.raises(BuildError, match=f"its wheel acme-1.0-{tag}.whl {says}"):
        built(core, [plugin], tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_plugin_that_is_named_twice_is_refused(tmp_path: Path, core: Wheel, acme: Wheel) -> None:
    newer = wheel(tmp_path, "acme", "3.0", plugins={"acme": "acme_import"})
    with pytest.raises(BuildError, match="acme is named twice"):
        built(core, [acme, newer], tmp_path / "x")
