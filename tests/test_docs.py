"""The documents say what is: tables are complete, examples run, links lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from websockets.sync.client import connect

from gombus import hookspecs
from gombus.config import KEYS
from gombus.refusals import ERRORS
from programs import serve
from support import WAIT_S

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/*/README.md"), *ROOT.glob("*/README.md")])


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(name), re.DOTALL)


@pytest.mark.parametrize("row", ERRORS, ids=[row.code for row in ERRORS])
def test_every_refusal_is_documented(row: object) -> None:
    _, code, number, when, remedy = row  # type: ignore[misc]  # a row of the table
    assert f"| `{code}` | {number} | {when} | {remedy} |" in page("docs/integrators.md")


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_documented(key: str) -> None:
    assert f"| `{key}` | `GOMBUS_{key.upper()}` |" in page("docs/metrology.md")


@pytest.mark.parametrize("hook", [name for name in vars(hookspecs) if name.startswith("gombus_")] + ["gombus_simulate"])
def test_every_hook_is_documented(hook: str) -> None:
    assert f"| `{hook}(" in page("docs/plugins.md")


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_plugin_of_the_documents_works(tmp_path: Path) -> None:
    package = tmp_path / "acme_report"
    package.mkdir()
    template = tmp_path / "a.pdf"
    template.write_bytes(b"x")
    (package / "__init__.py").write_text(blocks("docs/plugins.md", "python")[0], encoding="utf-8")
    (package / "schema.json").write_text(blocks("docs/plugins.md", "json")[0], encoding="utf-8")
    more = {
        "GOMBUS_PLUGIN_MODULES": "acme_report",
        "GOMBUS_PLUGINS_ENABLED": "acme_report,kit",
        "GOMBUS_BACKEND": "twin",
    }
    with serve(PYTHONPATH=str(tmp_path), **more) as program, connect(program.url, proxy=None) as connection:
        assert json.loads(program.line)["requests"] == ["report"]
        for file, answer in ((template, "O.k."), (Path(__file__).resolve(), f"Error: No report from {__file__}.")):
            connection.send(json.dumps({"report": {"template": str(file), "pages": 2}}))
            assert connection.recv(WAIT_S) == answer
        connection.send(json.dumps({"report": {"template": str(template), "pages": 101}}))
        assert "101 is not allowed; allowed: How many pages, 1 to 100" in str(connection.recv(WAIT_S))


def test_the_requests_of_the_documents_are_allowed() -> None:
    from gombus.config import load
    from gombus.model import Call
    from gombus.registry import Registry
    from gombus.wire.choice import Wires

    types = Registry(load(environ={})).types
    wire = Wires(kind.request for kind in types.values())
    for message in re.findall(r'`(\{"(?:image|elements)".*?\}\})`', page("docs/integrators.md")):
        call = wire.decode(message)
        assert isinstance(call, Call), message
        assert types[call.name].validate(call.params) == ()


def test_pip_and_uv_install_the_same() -> None:
    pip = {re.split(r"[=<>@ ]", line)[0] for line in page("requirements-dev.txt").splitlines() if line[:1].isalpha()}
    group = re.search(r"\ndev = \[\n(.*?)\n\]", page("pyproject.toml"), re.DOTALL)
    assert group
    uv = {re.split(r"[=<>\[]", name)[0] for name in re.findall(r'"([^"]+)"', group[1])}
    assert {name for name in uv if not name.startswith("gombus")} == pip
    folders = re.findall(r"^-e \./(\S+?)(?:\[|$)", page("requirements-dev.txt"), re.MULTILINE)
    names = {re.search(r'name = "(.+?)"', page(f"{folder}/pyproject.toml"))[1] for folder in folders}  # type: ignore[index]  # each has one
    assert names == {name for name in uv if name.startswith("gombus")}
