from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from programs import gombus
from wheelhouse import app_entries, app_file, wheel

INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": ""}


def run(*arguments: object, cwd: Path) -> Any:
    return gombus("app", *map(str, arguments), cwd=cwd, PIP_NO_INDEX="1", **INSTALLED)


@pytest.fixture
def parts(tmp_path: Path) -> list[object]:
    core = wheel(tmp_path, "gombus", "0.3")
    acme = wheel(tmp_path, "acme", requires=["gombus"], plugins={"acme": "acme_import"})
    return ["--core", core.path, "--plugin", acme.path]


def test_an_app_is_built_listed_and_found_good(tmp_path: Path, parts: list[object]) -> None:
    done = run("build", *parts, "--output", "g.addon", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1].endswith(" g.addon: gombus 0.3, 2 modules")
    assert [line.split()[1] for line in lines if "/modules/" in line] == [
        "scripts/modules/acme-1.0-py3-none-any.whl",
        "scripts/modules/gombus-0.3-py3-none-any.whl",
    ]
    size = (tmp_path / "g.addon").stat().st_size
    assert lines[-1].split()[0] == str(size)
    assert done.stderr.splitlines()[-1] == "writing g.addon ..."

    checked = run("check", "g.addon", cwd=tmp_path)
    assert checked.returncode == 0
    assert checked.stdout.endswith("g.addon: no problems\n")
    assert "good: the modules fit Python 3.9 on win_amd64\n" in checked.stdout

    report = json.loads(run("check", "g.addon", "--python", "3.12", "--json", cwd=tmp_path).stdout)
    assert (report["ok"], report["python"], report["platform"]) == (True, "3.12", "win_amd64")


def test_scripts_read_json(tmp_path: Path, parts: list[object]) -> None:
    done = run("build", *parts, "--version", "5.0", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (report["file"], report["version"]) == ("gombus-5.0-win_amd64-py3.9.addon", "5.0")
    assert report["modules"] == [{"name": "acme", "version": "1.0"}, {"name": "gombus", "version": "0.3"}]
    assert report["size"] == (tmp_path / report["file"]).stat().st_size
    assert {"name": "doc/README.md", "size": report["entries"][1]["size"]} in report["entries"]


def test_a_plugin_s_app_beside_gombus_s(tmp_path: Path, parts: list[object]) -> None:
    assert run("build", *parts, "--output", "g.addon", cwd=tmp_path).returncode == 0
    other = wheel(tmp_path, "other", requires=["gombus>=0.3"], plugins={"other": "other"})
    done = run("build", "--plugin-only", other.path, "--beside", "g.addon", "--output", "o.addon", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("o.addon: gombus plugin other 1.0, 1 modules")
    checked = json.loads(run("check", "o.addon", "--beside", "g.addon", "--json", cwd=tmp_path).stdout)
    assert (checked["ok"], checked["kind"]) == (True, "plugin")

    wrong = run("build", "--plugin-only", other.path, "--beside", "g.addon", "--python", "3.12", cwd=tmp_path)
    assert (wrong.returncode, wrong.stderr) == (
        1,
        "Error: g.addon is for Python 3.9 on win_amd64, and this is to be for Python 3.12 on win_amd64\n",
    )


def test_constraints_are_text_with_or_without_a_mark(tmp_path: Path, parts: list[object]) -> None:
    lines = tmp_path / "constraints.txt"
    lines.write_bytes(b"\xef\xbb\xbfacme==1.0\r\n")
    assert run("build", *parts, "--constraint", lines, cwd=tmp_path).returncode == 0
    lines.write_bytes(b"\xff\xfea\x00")
    done = run("build", *parts, "--constraint", lines, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"Error: {lines}: cannot be read as UTF-8 text: ")


def test_only_gombus_s_app_is_joined(tmp_path: Path, parts: list[object]) -> None:
    other = wheel(tmp_path, "other", plugins={"other": "other"})
    app_file(tmp_path, app_entries([other], kind="plugin"), "o.addon")
    core = wheel(tmp_path, "gombus", plugins={"x": "x"})
    app_file(tmp_path, {**app_entries([core]), "../x": b""}, "bad.addon")
    for beside, says in (
        ("o.addon", "o.addon is not gombus's App: it has no module gombus"),
        ("bad.addon", "bad.addon: '../x': leads out of the App; allowed: names below its folder, with /"),
    ):
        for arguments in (["build", "--plugin-only", other.path], ["check", "o.addon"]):
            done = run(*arguments, "--beside", beside, cwd=tmp_path)
            assert (done.returncode, done.stderr) == (1, f"Error: {says}\n")


def test_what_is_wrong_with_an_app_is_listed(tmp_path: Path) -> None:
    entries = app_entries([wheel(tmp_path, "gombus", plugins={"x": "x"})])
    del entries["icon.png"], entries["doc/README.md"]
    app_file(tmp_path, entries, "bad.addon")
    done = run("check", "bad.addon", cwd=tmp_path)
    assert done.returncode == 1
    assert "WRONG: doc/README.md: is not there, or empty\nWRONG: icon.png: is not there, or empty\n" in done.stdout
    assert done.stdout.endswith("bad.addon: 2 problems\n")
    report = json.loads(run("check", "bad.addon", "--json", cwd=tmp_path).stdout)
    assert (report["ok"], len(report["problems"])) == (False, 2)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["build", "--plugin", "a", "--plugin-only", "b"], 2, "--plugin-only builds an App of one plugin"),
        (["build", "--beside", "here.txt"], 2, "--beside belongs to --plugin-only"),
        (["build", "--python", "2.7"], 2, "'2.7' is not one of '3.9'"),
        (["build", "--core", "./no/folder"], 1, "Error: ./no/folder: allowed: a folder with a pyproject.toml"),
        (["check", "here.txt"], 1, "Error: here.txt: is no App that can be read"),
        (["check", "missing"], 2, "does not exist"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    (tmp_path / "here.txt").touch()
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
