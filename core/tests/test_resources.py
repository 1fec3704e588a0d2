"""JSON files that ship in a package."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gombus import PluginError, read_schema

PACKAGE = "shipped_schemas"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Each test has the package to itself."""
    yield
    sys.modules.pop(PACKAGE, None)
    importlib.invalidate_caches()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package that can be imported."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_the_schema_of_a_package_is_read(package: Path) -> None:
    (package / "schema.json").write_text('{"title": "Größe"}', encoding="utf-8")
    assert read_schema(PACKAGE) == {"title": "Größe"}


def test_a_package_may_ship_several(package: Path) -> None:
    (package / "other.json").write_text("{}", encoding="utf-8")
    assert read_schema(PACKAGE, "other.json") == {}


def test_the_core_ships_what_it_reads_itself() -> None:
    assert read_schema("gombus", "metaschema.json")["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"\xff\xfe{}",
        b'{"a": "\xe9"}',
        b"\xef\xbb\xbf{}",
        b'{"maximum": NaN}',
        b'{"maximum": 1e999}',
        b'{"maxLength": 5, "maxLength": 50}',
        b'{"a":' * 20_000,
        b"[" * 100_000,
    ],
    ids=lambda content: repr(content[:30]),
)
def test_what_is_no_json_is_refused_and_the_file_is_named(package: Path, content: bytes) -> None:
    (package / "schema.json").write_bytes(content)
    with pytest.raises(PluginError, match=rf"the file schema\.json of {PACKAGE} cannot be read: ."):
        read_schema(PACKAGE)


@pytest.mark.parametrize("content", ["[]", "null", '"x"', "5"])
def test_json_that_is_no_object_is_refused(package: Path, content: str) -> None:
    (package / "schema.json").write_text(content, encoding="utf-8")
    with pytest.raises(PluginError, match=rf"the file schema\.json of {PACKAGE} is no JSON object"):
        read_schema(PACKAGE)


def test_a_missing_file_is_named(package: Path) -> None:
    with pytest.raises(PluginError, match=rf"the file schema\.json of {PACKAGE} cannot be read: "):
        read_schema(PACKAGE)


def test_a_folder_is_no_file(package: Path) -> None:
    (package / "schema.json").mkdir()
    with pytest.raises(PluginError, match=rf"the file schema\.json of {PACKAGE} cannot be read: "):
        read_schema(PACKAGE)


@pytest.mark.parametrize("shipped", [True, False])
def test_packages_inside_a_zip_file_are_read_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shipped: bool
) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr(f"{PACKAGE}/__init__.py", "")
        archive.writestr(f"{PACKAGE}/{'schema' if shipped else 'other'}.json", '{"title": "t"}')
    monkeypatch.syspath_prepend(tmp_path / "app.zip")
    if shipped:
        assert read_schema(PACKAGE) == {"title": "t"}
    else:
        with pytest.raises(PluginError, match=rf"the file schema\.json of {PACKAGE} cannot be read: "):
            read_schema(PACKAGE)
