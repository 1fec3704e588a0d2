"""The OpenRPC document, and the parameters of the server's own methods."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gombus import __version__, errors
from gombus.config import Settings
from gombus.methods import Methods
from gombus.model import ENDED, Call, Meta
from gombus.openrpc import OWN_METHODS, document
from gombus.refusals import ERRORS
from gombus.registry import Registry
from gombus.schemahash import hash_of
from support import SCHEMA, plugin, request, stop_request

POINT = {
    "type": "array",
    "description": "a point",
    "minItems": 3,
    "maxItems": 3,
    "items": {"$ref": "#/$defs/length"},
}
POINTS = {
    **SCHEMA,
    "title": "Make a line",
    "description": "Makes a line of two points.",
    "$defs": {"point": POINT, "length": {"type": "number", "description": "in mm"}},
    "properties": {
        "to": {"$ref": "#/$defs/point", "description": "where it ends"},
        "from": {"$ref": "#/$defs/point", "description": "where it begins"},
        "name": {"type": "string", "maxLength": 10, "description": "its name"},
    },
    "required": ["to", "from"],
}
RESULT = {"type": "integer", "description": "how many"}
TYPES = Registry(
    Settings(),
    [
        plugin(
            request(),
            request("line", schema=POINTS, result=RESULT),
            request("count", lambda *_: 1, result=RESULT, at_once=True),
            stop_request(),
        )
    ],
).types
# The members that OpenRPC 1.3 knows; others are allowed where they begin with x-.
ROOT = {"openrpc", "info", "methods", "components"}
METHOD = {"name", "summary", "description", "paramStructure", "params", "result"}
DESCRIPTOR = {"name", "description", "schema", "required"}


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """The document, as a client reads it."""
    read: dict[str, Any] = json.loads(json.dumps(document(TYPES), allow_nan=False))
    return read


@pytest.fixture(scope="module")
def methods(whole: dict[str, Any]) -> dict[str, Any]:
    """Its methods by name."""
    return {method["name"]: method for method in whole["methods"]}


def own(members: dict[str, Any]) -> set[str]:
    return {name for name in members if not name.startswith("x-")}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def found(value: Any, reference: str) -> Any:
    for name in reference[2:].split("/"):
        value = value[name]
    return value


def test_it_has_the_form_that_openrpc_asks_for(whole: dict[str, Any]) -> None:
    assert own(whole) == ROOT
    assert whole["openrpc"].startswith("1.")
    assert (whole["info"]["title"], whole["info"]["version"]) == ("gombus", __version__)
    for method in whole["methods"]:
        assert own(method) <= METHOD
        assert {"name", "params", "result"} <= own(method)
        assert method["paramStructure"] in ("by-name", "either")
        names = [param["name"] for param in method["params"]]
        assert len(set(names)) == len(names)
        for descriptor in (*method["params"], method["result"]):
            assert own(descriptor) <= DESCRIPTOR
            assert {"name", "schema"} <= own(descriptor)
            Draft202012Validator.check_schema(descriptor["schema"])
    for schema in whole["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(whole: dict[str, Any]) -> None:
    for method in whole["methods"]:
        for descriptor in (*method["params"], method["result"]):
            for reference in references(descriptor["schema"]):
                # What a plugin's schema refers to stands with the parameter.
                inside = descriptor["schema"] if reference.startswith("#/$defs/") else whole
                assert isinstance(found(inside, reference), dict)
    for reference in references(whole["components"]):
        assert found(whole, reference)


def test_every_request_type_comes_by_its_name_and_then_the_server_s_own_methods(whole: dict[str, Any]) -> None:
    names = [method["name"] for method in whole["methods"]]
    assert names == [*sorted(TYPES), *OWN_METHODS]
    assert set(OWN_METHODS) == {
        *("server/info", "server/stats", "rpc.discover", "tasks/get", "tasks/list", "tasks/cancel")
    }


def test_the_methods_described_are_those_that_are_served() -> None:
    # Only its table is looked at.
    served: Any = Methods(None, None, None, None)  # type: ignore[arg-type]
    assert set(served._own) == set(OWN_METHODS)


def test_parameters_come_in_the_order_of_the_schema_with_what_they_refer_to(methods: dict[str, Any]) -> None:
    line = methods["line"]
    assert [(param["name"], param["required"], param["description"]) for param in line["params"]] == [
        ("to", True, "where it ends"),
        ("from", True, "where it begins"),
        ("name", False, "its name"),
    ]
    for param in line["params"]:
        schema = {**param["schema"]}
        assert schema.pop("$defs") == POINTS["$defs"]
        assert schema == POINTS["properties"][param["name"]]
    # Alone, it refuses what the whole refuses.
    check = Draft202012Validator(line["params"][0]["schema"])
    assert check.is_valid([1, 2, 3])
    assert not check.is_valid([1, 2, "3"])
    assert [param["name"] for param in methods["say"]["params"]] == list(SCHEMA["properties"])
    assert all("$defs" not in param["schema"] for param in methods["say"]["params"])


def test_a_request_type_is_described_by_its_schema(methods: dict[str, Any]) -> None:
    for name, kind in TYPES.items():
        method = methods[name]
        assert method["summary"] == kind.request.schema["title"]
        assert method["description"] == kind.request.schema["description"]
        assert method["x-schemaHash"] == kind.schema_hash == hash_of(kind.request.schema)


def test_a_queued_request_type_gives_a_receipt_and_says_what_value_it_has(methods: dict[str, Any]) -> None:
    receipt = {"name": "receipt", "schema": {"$ref": "#/components/schemas/receipt"}}
    assert methods["say"]["result"] == methods["line"]["result"] == receipt
    assert ("x-value" in methods["say"], methods["line"]["x-value"]) == (False, RESULT)


def test_one_that_runs_at_once_gives_what_its_handler_returns(methods: dict[str, Any]) -> None:
    assert methods["count"]["result"]["schema"] == RESULT
    assert methods["quit"]["result"]["schema"]["type"] == "null"
    assert "x-value" not in methods["count"]


def test_every_refusal_is_listed_with_its_number_and_its_word(whole: dict[str, Any]) -> None:
    assert whole["components"]["errors"] == {
        row.code: {"code": row.number, "message": row.when, "data": {"code": row.code}} for row in ERRORS
    }


def test_making_it_leaves_the_schemas_as_they_are() -> None:
    before, fresh = json.dumps(POINTS), json.dumps(document(TYPES))
    made = document(TYPES)
    for method in made["methods"]:
        for param in method["params"]:
            param["schema"]["changed"] = True
    assert json.dumps(POINTS) == before
    assert json.dumps(document(TYPES)) == fresh


def test_without_request_types_there_are_the_server_s_own_methods() -> None:
    assert [method["name"] for method in document({})["methods"]] == list(OWN_METHODS)


# The server's own methods.

ID = "0193a2c4-5e11-7d5c-a5c1-0a1f6c2b9e77"
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("server/info", {}),
    ("server/stats", {}),
    ("rpc.discover", {}),
    ("tasks/get", {"job": ID}),
    ("tasks/get", {"idempotencyKey": "k" * 128}),
    ("tasks/cancel", {"job": ID}),
    ("tasks/cancel", {"idempotencyKey": "k"}),
    ("tasks/list", {}),
    *(("tasks/list", {"status": status}) for status in ("working", *ENDED)),
    ("tasks/list", {"limit": 1, "before": ID}),
    ("tasks/list", {"limit": 100}),
]
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("server/info", {"x": 1}, ""),
    ("server/stats", {"0": 1}, ""),
    ("rpc.discover", {"x": None}, ""),
    ("tasks/get", {}, ""),
    ("tasks/get", {"job": ID, "idempotencyKey": "k"}, ""),
    ("tasks/get", {"job": ""}, "/job"),
    ("tasks/get", {"job": 5}, "/job"),
    ("tasks/get", {"job": "x" * 65}, "/job"),
    ("tasks/cancel", {}, ""),
    ("tasks/cancel", {"idempotencyKey": "k" * 129}, "/idempotencyKey"),
    ("tasks/list", {"status": "queued"}, "/status"),
    ("tasks/list", {"limit": 0}, "/limit"),
    ("tasks/list", {"limit": 101}, "/limit"),
    ("tasks/list", {"limit": True}, "/limit"),
    ("tasks/list", {"before": None}, "/before"),
]


@pytest.mark.parametrize(("name", "params"), GOOD, ids=repr)
def test_parameters_that_are_allowed(name: str, params: dict[str, Any]) -> None:
    OWN_METHODS[name].check(Call(name, params))


@pytest.mark.parametrize(("name", "params", "pointer"), BAD, ids=repr)
def test_parameters_that_are_not(name: str, params: dict[str, Any], pointer: str) -> None:
    with pytest.raises(errors.InvalidParams) as caught:
        OWN_METHODS[name].check(Call(name, params))
    (problem,) = caught.value.problems
    assert problem.pointer.startswith(pointer)
    assert problem.message


@pytest.mark.parametrize("meta", [Meta(task=True), Meta(key="k"), Meta(plan=True), Meta(progress_token=0)], ids=repr)
@pytest.mark.parametrize("name", OWN_METHODS)
def test_what_is_for_request_types_is_refused(name: str, meta: Meta) -> None:
    with pytest.raises(errors.InvalidRequest):
        OWN_METHODS[name].check(Call(name, {}, meta=meta))
