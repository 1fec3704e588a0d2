from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from gombus_kit.app import metainfo
from gombus_kit.app.target import Target


@pytest.mark.parametrize(("python", "software"), [("3.9", "ZEISS INSPECT 2025"), ("3.12", "ZEISS INSPECT 2027")])
def test_an_app_has_what_inspect_asks_for(python: str, software: str) -> None:
    made = metainfo.app("t", metainfo.APP_UUID, "1.0", "a", "d", Target(python))
    assert set(metainfo.MANDATORY) <= made.keys()
    assert made["licensing"] == {"licenses": [], "product-codes": []}
    assert (made["environment"], made["python-version"]) == (metainfo.ENVIRONMENT, f"{python}.x")
    assert made["software-version"] == software


def test_uuids_stay_the_same() -> None:
    assert metainfo.APP_UUID == "1ac11c8b-667c-4030-85f5-6b9683c2ae32"
    assert metainfo.ENVIRONMENT == "gombus-1ac11c8b"
    assert metainfo.uuid_of("plugin acme") == "cb7ffc8a-4231-5a7b-9835-8f7c630b8cac"
    assert uuid.UUID(metainfo.uuid_of("plugin acme")) != uuid.UUID(metainfo.uuid_of("plugin other"))


def test_the_document_names_the_environment_that_apps_share() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "inspect.md"
    assert f'`"environment": "{metainfo.ENVIRONMENT}"`' in page.read_text(encoding="utf-8")


def test_a_script_has_its_entry_in_the_menu() -> None:
    made = metainfo.script("gombus_start", "Start gombus")
    assert (made["show_in_menu"], made["display_name"]) == (True, "Start gombus")
    assert made["main_menu_path"]["script"] == "userscript.gombus_start"


def test_json_is_sorted_and_readable() -> None:
    assert metainfo.as_json({"b": 1, "a": "ä"}) == '{\n    "a": "ä",\n    "b": 1\n}\n'.encode()
    assert json.loads(metainfo.as_json(metainfo.own("plugin", Target("3.9"), ("x",)))) == {
        "kind": "plugin",
        "platform": "win_amd64",
        "plugins": ["x"],
        "python": "3.9",
    }
