"""The App as it is built: unpacked as INSPECT does, and run by a bare interpreter with the real client.

pip fetches its modules, so that these tests are skipped where it reaches no package index.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import reference
from gombus_kit.app.appfile import App, opened
from gombus_kit.app.build import Order, build_plugin, build_server
from gombus_kit.app.check import check
from gombus_kit.app.closure import BROUGHT
from gombus_kit.app.pip import PipError
from gombus_kit.app.target import THIS, Target
from gombus_kit.app.trial import QUIET, Started, started
from gombus_kit.twin import Twin
from gombus_kit.wire import Refusal, WireTwin
from gombus_kit.wire.server import installed_plugins
from inside import ask, connected
from interpreters import interpreter_of
from support import WAIT_S

pytestmark = pytest.mark.gom

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [str(ROOT / "plugins" / name) for name in ("image_import", "elements_import", "quit")]
OLDEST = "3.9"
IMPORT_IMAGES = "gom.script.sys.import_other_images"
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
IMPORT_POINTS = "gom.script.sys.import_acme_points"


@contextmanager
def skipped_offline() -> Iterator[None]:
    """Building needs a package index; pip says where it finds none."""
    try:
        yield
    except PipError as error:
        if re.search("Retrying|NewConnectionError|name resolution|No module named pip", str(error)):
            pytest.skip(f"pip reaches no package index: {error}")
        raise


@pytest.fixture(scope="session")
def interpreter() -> str:
    """The oldest Python, where it is there."""
    return interpreter_of(OLDEST) or sys.executable


@pytest.fixture(scope="session")
def order(interpreter: str) -> Order:
    python = OLDEST if interpreter_of(OLDEST) else f"3.{sys.version_info[1]}"
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return Order(Target(python, THIS), constraints=constraints, isolated=False)


@pytest.fixture(scope="session")
def app_file(order: Order, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with skipped_offline():
        return build_server(order, str(ROOT / "core"), SOURCES, tmp_path_factory.mktemp("app") / "gombus.addon")


@pytest.fixture
def app(app_file: Path) -> Iterator[App]:
    with opened(app_file) as read:
        yield read


@pytest.fixture(scope="session")
def site_file(order: Order, app_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The App of a site's plugin, which lies in a folder of its own and needs something that gombus does not."""
    folder = tmp_path_factory.mktemp("site")
    plugin = folder / "points"
    shutil.copytree(ROOT / "plugins" / "elements_import", plugin, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    (plugin / "gombus_elements_import").rename(plugin / "acme_points")
    for path in (plugin / "pyproject.toml", plugin / "acme_points" / "__init__.py"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("gombus_elements_import", "acme_points").replace("gombus-elements-import", "acme-points")
        text = text.replace('elements_import = "', 'points = "').replace('name="elements"', 'name="points"')
        text = text.replace("import_gom_inspection_exchange", "import_acme_points")
        text = text.replace('["gombus>=0.1"]', '["gombus>=0.1", "attrs", "colorama>=0.4"]')
        path.write_text(text, encoding="utf-8")
    with opened(app_file) as app, skipped_offline():
        return build_plugin(order, str(plugin), app.wheels, folder / "points.addon")


def scripts(app: App) -> dict[str, bytes]:
    return {name: text for name, text in app.texts.items() if name.startswith("scripts/")}


def teach(twin: Twin) -> None:
    """As the site's plugin would, were it installed beside the twin."""
    installed_plugins(twin)
    twin.command(IMPORT_POINTS)(lambda files, import_mode: twin.project.import_elements(files, import_mode))


@contextmanager
def running(app: App, interpreter: str, twin: WireTwin, wheels: Any = None, **options: Any) -> Iterator[Started]:
    chosen = app.wheels if wheels is None else wheels
    with started(scripts(app), chosen, interpreter, twin.url, QUIET, **options) as script:
        yield script


def imports(twin: WireTwin) -> list[str]:
    return [name for name, _ in twin.commands if "dialog" not in name]


def test_the_reference_s_transcript(app: App, interpreter: str, paths: dict[str, str]) -> None:
    with WireTwin() as twin, running(app, interpreter, twin) as script, connected(script) as connection:
        for row in reference.ROWS:
            if row.outcome == "gom_refused":
                twin.refuse.update({name: Refusal("Broken file") for name in (IMPORT_IMAGES, IMPORT_ELEMENTS)})
            before = len(imports(twin))
            connection.send(reference.sent(row, paths))
            assert connection.recv(WAIT_S) == reference.answer(row, paths), row.title
            assert (len(imports(twin)) > before) == (row.outcome in ("done", "gom_refused")), row.title
            twin.refuse.clear()
        assert ask(connection, "quit") == "bye"
        assert script.end() == 0
    assert "Traceback" not in script.text
    assert [dialog.state for dialog in twin.dialogs] == ["closed"]


def test_an_app_adds_a_site_s_plugin(app: App, site_file: Path, interpreter: str, paths: dict[str, str]) -> None:
    request = reference.filled(reference.elements(), paths, as_json=True).replace('"elements"', '"points"', 1)
    with opened(site_file) as site, WireTwin(teach=teach) as twin:
        assert [wheel.name for wheel in site.wheels] == ["acme-points", "colorama"]
        with running(app, interpreter, twin) as script, connected(script) as connection:
            assert ask(connection, request).startswith("Error: Unknown request:")
        wheels = [*app.wheels, *site.wheels]
        with running(app, interpreter, twin, wheels) as script, connected(script) as connection:
            assert script.lines[-1].endswith("request types: elements, image, points, quit"), script.text
            assert ask(connection, request) == "O.k."
            assert ask(connection, "quit") == "bye"
            assert script.end() == 0
    name, arguments = twin.commands[-2]
    assert (name, arguments["files"]) == (IMPORT_POINTS, [paths["ELEMENTS"]])


def test_its_own_plugins_are_found_where_inspect_keeps_no_entry_points(app: App, interpreter: str) -> None:
    with (
        WireTwin() as twin,
        running(app, interpreter, twin, with_info=False) as script,
        connected(script) as connection,
    ):
        assert script.lines[-1].endswith("request types: elements, image, quit")
        assert ask(connection, "quit") == "bye"
        assert script.end() == 0


def test_modules_that_inspect_did_not_install_are_used_from_the_app(app: App, interpreter: str) -> None:
    binary = [wheel for wheel in app.wheels if not wheel.pure]
    assert binary
    pure = {f"scripts/modules/{wheel.path.name}": wheel.path.read_bytes() for wheel in app.wheels if wheel.pure}
    with WireTwin() as twin, started({**scripts(app), **pure}, binary, interpreter, twin.url, QUIET) as script:
        with connected(script) as connection:
            assert ask(connection, "quit") == "bye"
        assert script.end() == 0


def test_without_its_modules_it_says_what_is_missing(app: App, interpreter: str) -> None:
    with WireTwin() as twin, running(app, interpreter, twin, []) as script:
        assert script.end() == 1
    assert script.lines[-1].startswith("gombus cannot start: No module named 'gombus'. Python here is 3.")
    assert "gombus cannot start" in twin.log[-1]


def test_both_apps_pass_the_check(app: App, site_file: Path, order: Order, interpreter: str) -> None:
    report = check(app, order.target, interpreter=interpreter)
    assert (report.problems, report.unchecked, report.kind) == ([], [], "server")
    with opened(site_file) as site:
        report = check(site, order.target, app, interpreter)
        assert (report.problems, report.unchecked, report.kind) == ([], [], "plugin")
        assert report.checked[-1].endswith("request types: elements, image, points, quit")
        alone = check(site, order.target)
    assert alone.problems == []
    assert len(alone.unchecked) == 2


def test_the_same_app_comes_out_each_time(app: App, app_file: Path, order: Order, tmp_path: Path) -> None:
    # The wheels of the first are taken, because fetching them again would show pip's work, not ours.
    own = {wheel.name: str(wheel.path) for wheel in app.wheels}
    core, *plugins = (own[name] for name in ("gombus", "gombus-quit", "gombus-image-import", "gombus-elements-import"))
    with skipped_offline():
        again = build_server(order, core, plugins, tmp_path / "again.addon")
    with zipfile.ZipFile(again) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(2020, 2, 2, 0, 0, 0)}
    assert again.read_bytes() == app_file.read_bytes()


def test_nothing_of_zeiss_s_is_inside_and_each_module_has_its_licence(app: App) -> None:
    names = {wheel.name for wheel in app.wheels}
    assert not names & set(BROUGHT)
    assert not [name for name in app.entries if "gom/" in name]
    for name in names:
        assert len(app.texts[f"license/license_{name}.txt"]) > 500
    assert b"Permission is hereby granted" in app.texts["license/license_gombus-quit.txt"]
