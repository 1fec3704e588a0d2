"""Receipts and plans with the real `gom` client: what they show is never asked of INSPECT."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gombus_kit.wire import Refusal, Request, WireTwin, series_item
from programs import environ, serve
from rpc import Rpc, rpc
from support import WAIT_S

pytestmark = pytest.mark.gom

CREATE_SERIES = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT_IMAGES = "gom.script.sys.import_other_images"
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
LOOKING = """
from gombus import Request, hookimpl

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Look",
    "description": "Looks at what the real client gives.",
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}


def look(params, context):
    gom = context.gom
    all_series = gom.app.project.measurement_series
    try:
        all_series["missing"]
    except gom.RequestError as error:
        reason = error.description
    series, file = all_series["there"], gom.File("C:/x.jpg")
    gom.script.test.note(
        text=f"{series} {series!r}",
        types=[isinstance(value, kind) for value in (series, file) for kind in (gom.Item, gom.File)],
        same=[series == all_series["there"], len({series, all_series["there"]})],
        reason=reason,
        files={"deep": [(file,)]},
        series=series,
    )


@hookimpl
def gombus_requests():
    return [Request(name="look", schema=SCHEMA, handler=look, commands=("gom.script.test.note",))]
"""
"""A plugin that uses what it is given in every way that asks INSPECT nothing but to look something up."""
UNCONNECTED = """
import json
import gom
from gom.__types__ import Types
from gombus.rendering import rendered

Types.register_type("Tom::File", "File")
values = [
    gom.Item("I#!1234", 3),
    gom.Item("gom.app.project.parts['a']", 3, 2),
    gom.Vec3d(1.0, -2.5, 3),
    Types.create_object("Tom::File", ["C:/x.jpg"], {}),
    Types.create_object("Tom::File", [], {"path": "C:/x.jpg"}),
    gom.Array("p", gom.Item("I#!1"), "k", (), False, None),
]
print(json.dumps([rendered(values), rendered({gom.Item("I#!1"): 1})]))
"""
"""Values that the wire twin does not have. Without a connection every request of the client's fails."""
INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "auto"}
SERIES = {"gom": series_item("it's new").id}
LOOK_UP = Counter({Request.GETATTR: 2, Request.KEY: 1})
"""gom.app.project, .measurement_series, [name]."""


def taken(twin: WireTwin) -> Counter[int]:
    """What it was asked since the last time."""
    asked = Counter[int](twin.asked)
    twin.asked.clear()
    return asked


@pytest.fixture
def inspect() -> Iterator[WireTwin]:
    with WireTwin() as twin:
        yield twin


@pytest.fixture
def client(inspect: WireTwin) -> Iterator[Rpc]:
    """A client of gombus beside this INSPECT, when it has connected."""
    with serve(TOM_PYTHON_API_URL=inspect.url, **INSTALLED) as program, rpc(program) as client:
        assert client.call("server/info")["backend"]["name"] == "inspect"
        taken(inspect)
        yield client
        client.call("quit")
        code, logged = program.end()
        assert (code, "Traceback" in logged) == (0, False)


def image(paths: dict[str, str], **meta: Any) -> dict[str, Any]:
    return {"file": paths["IMAGE"], "name": "it's new", "focal_length": "2.0", **meta}


def calls(paths: dict[str, str]) -> list[dict[str, Any]]:
    """Of a request for an image in a new series."""
    files = [{"gom": f"gom.File({paths['IMAGE']!r})"}]
    return [
        {"command": CREATE_SERIES, "arguments": {"camera_focal_length": "2.0", "name": "it's new"}},
        {"command": IMPORT_IMAGES, "arguments": {"image_files": files, "measurement_series": SERIES}},
    ]


def test_a_receipt_shows_the_file_and_the_series_and_asks_nothing_for_it(
    inspect: WireTwin, client: Rpc, paths: dict[str, str]
) -> None:
    receipt = client.call("image", image(paths))
    # The two look-ups and the two commands, each found by its name and called, and the file: as without a receipt.
    assert taken(inspect) == LOOK_UP + LOOK_UP + Counter(
        {Request.GETATTR: 2, Request.TYPE_CONSTRUCT: 1, Request.COMMAND: 2}
    )
    assert receipt["calls"] == calls(paths)
    (file,) = receipt["files"]
    content = Path(paths["IMAGE"]).read_bytes()
    assert (file["path"], file["size"], file["changed"]) == (paths["IMAGE"], len(content), False)
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["backend"]["version"].startswith("gom client ")


def test_a_plan_has_the_calls_of_the_receipt_and_only_reads(
    inspect: WireTwin, client: Rpc, paths: dict[str, str]
) -> None:
    planned = client.call("image", image(paths), plan=True)
    assert taken(inspect) == LOOK_UP + LOOK_UP
    assert (planned["ok"], planned["failing"]) == (True, [])
    assert (inspect.commands, list(inspect.project.measurement_series)) == ([], [])
    assert planned["calls"] == client.call("image", image(paths))["calls"] == calls(paths)
    taken(inspect)
    again = client.call("image", image(paths), plan=True)
    assert taken(inspect) == LOOK_UP
    assert again["calls"] == client.call("image", image(paths))["calls"] == calls(paths)[1:]


@pytest.mark.parametrize("import_mode", ["clipboard", "new_stage"])
def test_a_plan_for_elements_asks_nothing_at_all(
    import_mode: str, inspect: WireTwin, client: Rpc, paths: dict[str, str]
) -> None:
    params = {"file": paths["ELEMENTS"], "import_mode": import_mode}
    planned = client.call("elements", params, plan=True)
    assert taken(inspect) == Counter()
    arguments = {"files": [paths["ELEMENTS"]], "import_mode": import_mode}
    assert planned["calls"] == [{"command": IMPORT_ELEMENTS, "arguments": arguments}]
    assert client.call("elements", params)["calls"] == planned["calls"]
    assert [name for name, _ in inspect.commands] == [IMPORT_ELEMENTS]


def test_a_refused_command_stands_in_the_receipt_with_inspect_s_reason(
    inspect: WireTwin, client: Rpc, paths: dict[str, str]
) -> None:
    inspect.refuse[IMPORT_IMAGES] = Refusal("Broken file", "GAPP-0001", "a log")
    error = client.refused("image", image(paths))
    data = error["data"]
    assert (data["code"], data["error_code"], data["description"]) == ("gom_refused", "GAPP-0001", "Broken file")
    assert data["receipt"]["calls"] == calls(paths)
    assert data["receipt"]["created"] == [{"kind": "measurement series", "name": "it's new"}]
    # No item, no file and no error was written down by asking for its text.
    assert not {Request.REPR, Request.TYPE_STR, Request.TYPE_REPR, Request.DOC} & set(taken(inspect))


def test_what_a_plan_gives_looks_as_what_the_real_client_gives(inspect: WireTwin, tmp_path: Path) -> None:
    (tmp_path / "looking.py").write_text(LOOKING, encoding="utf-8")
    only = {"GOMBUS_PLUGIN_MODULES": "looking", "GOMBUS_PLUGINS_ENABLED": "looking", "GOMBUS_BACKEND": "inspect"}
    inspect.project.create_series("there", 50)
    with serve(TOM_PYTHON_API_URL=inspect.url, PYTHONPATH=str(tmp_path), **only) as program, rpc(program) as client:
        taken(inspect)
        planned = client.call("look", plan=True)
        assert set(taken(inspect)) == {Request.GETATTR, Request.KEY}
        # The command is none that the twin knows, so it refuses it when it has been called.
        error = client.refused("look")
        assert set(taken(inspect)) == {Request.GETATTR, Request.KEY, Request.TYPE_CONSTRUCT, Request.COMMAND}
    there = series_item("there").id
    assert (planned["ok"], planned["failing"]) == (True, [])
    assert planned["calls"] == error["data"]["receipt"]["calls"]
    assert planned["calls"] == [
        {
            "command": "gom.script.test.note",
            "arguments": {
                "text": f"{there} {there}",
                "types": [True, False, False, True],
                "same": [True, 1],
                "reason": error["data"]["receipt"]["calls"][0]["arguments"]["reason"],
                "files": {"deep": [[{"gom": "gom.File('C:/x.jpg')"}]]},
                "series": {"gom": there},
            },
        }
    ]


def test_the_real_client_s_own_kinds_of_values_are_named_without_a_connection() -> None:
    # A program of its own, because importing gom changes its process.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", UNCONNECTED],
        env=environ(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stderr
    values, keyed = json.loads(done.stdout)
    assert [value["gom"] for value in values] == [
        "gom.Item('I#!1234')",
        "gom.app.project.parts['a'].in_stage[2]",
        "gom.Vec3d(1.0, -2.5, 3)",
        "gom.File('C:/x.jpg')",
        "gom.File(path='C:/x.jpg')",
        "gom.Array",
    ]
    assert keyed == {"gom.Item('I#!1')": 1}
