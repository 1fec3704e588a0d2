"""The descriptions in an App: of the whole (metainfo.json), of a script (NAME.metainfo), and gombus's own."""

from __future__ import annotations

import json
import uuid
from typing import Any

from .target import Target

APP_UUID = "1ac11c8b-667c-4030-85f5-6b9683c2ae32"
"""gombus's App. INSPECT knows an App by it, so it never changes."""
ENVIRONMENT = "gombus-1ac11c8b"
"""The Python environment that gombus's App shares with those that add plugins to it."""
AUTHOR = "the gombus authors"
OWN = "scripts/gombus_app.json"
"""What the App was built for, for `gombus app check`."""
MANDATORY = (
    "title",
    "uuid",
    "version",
    "author",
    "description",
    "software-version",
    "software-revision",
    "licensing",
)
LICENSING = ("licenses", "product-codes")
_FIRST_TO_CHOOSE = "ZEISS INSPECT 2027"
"""The first that lets an App choose its Python; those before have the oldest."""
_OLDEST = "ZEISS INSPECT 2025"


def uuid_of(name: str) -> str:
    """The uuid of something else that belongs to gombus: the same for the same name."""
    return str(uuid.uuid5(uuid.UUID(APP_UUID), name))


def python_version(target: Target) -> str:
    """The Python that INSPECT makes the environment with, where it can choose."""
    return f"{target.python}.x"


def app(title: str, app_uuid: str, version: str, author: str, description: str, target: Target) -> dict[str, Any]:
    """The content of metainfo.json."""
    return {
        "author": author,
        "description": description,
        "environment": ENVIRONMENT,
        "licensing": {"licenses": [], "product-codes": []},
        "python-version": python_version(target),
        "software-revision": "0000",
        "software-version": _OLDEST if target.python == "3.9" else _FIRST_TO_CHOOSE,
        "tags": ["import"],
        "title": title,
        "uuid": app_uuid,
        "version": version,
    }


def script(name: str, shown: str) -> dict[str, Any]:
    """The description beside a script, with its entry in the menu."""
    return {
        "display_name": shown,
        "folded_blocks": [],
        "icon": "",
        "iinspect_condition": "",
        "interactive": False,
        "main_menu_path": {
            "anchor": {"item": "", "submenu": [], "type": "command"},
            "script": f"userscript.{name}",
            "submenu": [],
        },
        "multicreation_script": False,
        "script_check_type": "none",
        "script_element_type": "none",
        "show_in_iinspect": False,
        "show_in_menu": True,
        "uuid": uuid_of(f"script {name}"),
    }


def own(kind: str, target: Target, plugins: tuple[str, ...]) -> dict[str, Any]:
    """The content of `OWN`; kind is `server` or `plugin`."""
    return {"kind": kind, "platform": target.platform, "plugins": list(plugins), "python": target.python}


def as_json(value: Any) -> bytes:
    """JSON as INSPECT's App editor writes it: sorted, one member a line."""
    return (json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False) + "\n").encode()
