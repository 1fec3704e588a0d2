"""The OpenRPC document (https://spec.open-rpc.org/) of a server: its request types and its own methods."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from ._version import __version__
from .errors import InvalidParams, InvalidRequest, Problem
from .model import ENDED, NO_META, OPERATOR, VIEWER, Call, JsonObject
from .refusals import ERRORS
from .registry import RequestType
from .validation import Validator, compile_schema

OPENRPC = "1.3.2"
_ID = {"type": "string", "minLength": 1, "maxLength": 64, "description": "id of a job"}
_KEY = {"type": "string", "minLength": 1, "maxLength": 128, "description": "the key that a request was sent with"}


class OwnMethod(NamedTuple):
    """A method of the server's own."""

    summary: str
    schema: JsonObject
    result: str
    validate: Validator
    role: str
    """The least of `gombus.model.ROLES` that may use it."""

    def check(self, call: Call) -> None:
        """:raises Refusal: the parameters are not what is allowed."""
        if call.meta != NO_META:
            raise InvalidRequest("_meta is for request types only.")
        problems = self.validate(call.params)
        if problems:
            raise InvalidParams(problems)


def _own(
    summary: str, result: str, one_of: tuple[str, ...] = (), role: str = VIEWER, **properties: JsonObject
) -> OwnMethod:
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    check = compile_schema(schema)

    def validate(params: Any) -> tuple[Problem, ...]:
        if one_of and sum(name in params for name in one_of) != 1:
            return (Problem("", "oneOf", f"one of {' and '.join(one_of)} is needed"),)
        return check(params)

    return OwnMethod(summary, schema, result, validate, role)


OWN_METHODS: Mapping[str, OwnMethod] = {
    "server/info": _own("What the server is, and what it serves", "object"),
    "server/stats": _own("What was asked since the start, and what runs", "object"),
    "rpc.discover": _own("This document", "object"),
    "tasks/get": _own("One job", "task", ("job", "idempotencyKey"), job=_ID, idempotencyKey=_KEY),
    "tasks/cancel": _own(
        "Cancel a job that has not begun",
        "object",
        ("job", "idempotencyKey"),
        OPERATOR,
        job=_ID,
        idempotencyKey=_KEY,
    ),
    "tasks/list": _own(
        "Jobs, newest first",
        "object",
        role=OPERATOR,
        status={"enum": ["working", *ENDED], "description": "only jobs that stand so"},
        limit={
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "description": "how many at most: 1 to 100; 20 if not given",
        },
        before={**_ID, "description": "only jobs that are older than this one"},
    ),
}
"""The methods that are no request types."""

_TIME = {"type": ["string", "null"], "description": "ISO 8601, UTC; null where it has not come that far"}
_TIMES = dict.fromkeys(("accepted", "started", "finished"), _TIME)
_FILE = {
    "type": "object",
    "properties": {
        "parameter": {"type": "string", "description": "JSON Pointer to the parameter"},
        "path": {"type": "string", "description": "the path that the handler was given"},
        "sent": {"type": "string", "description": "the path that was sent, where that is another one"},
        "source": {"type": "string", "description": "the file of which the path is a copy, where it is one"},
        "size": {"type": "integer", "description": "bytes"},
        "mtime": _TIME,
        "sha256": {"type": "string"},
        "changed": {"type": "boolean", "description": "whether it changed while the handler ran"},
    },
}
_COMMAND = {"type": "object", "properties": {"command": {"type": "string"}, "arguments": {"type": "object"}}}
_CREATED = {"type": "object", "properties": {"kind": {"type": "string"}, "name": {"type": "string"}}}
_SCHEMAS = {
    "receipt": {
        "type": "object",
        "properties": {
            "job": _ID,
            "request": {"type": "string"},
            "state": {"enum": [*ENDED]},
            **_TIMES,
            "client": {"type": "string", "description": "address"},
            "user": {"type": ["string", "null"], "description": "name of its token; null where it needed none"},
            "files": {"type": "array", "items": _FILE},
            "calls": {"type": "array", "items": _COMMAND},
            "created": {"type": "array", "items": _CREATED},
            "value": {"description": "what the handler returned"},
            "plugin": {"type": "object"},
            "schemaHash": {"type": "string"},
            "backend": {"type": "object"},
            "error": {"type": "object"},
            "leftOut": {
                "type": "array",
                "items": {"type": "string"},
                "description": "members that are empty because the receipt would be longer than 4 MiB",
            },
        },
    },
    "task": {
        "type": "object",
        "properties": {
            "job": _ID,
            "request": {"type": "string"},
            "status": {"enum": ["working", *ENDED]},
            "phase": {"enum": ["queued", "running"]},
            "position": {"type": "integer", "description": "how many jobs are before it"},
            **_TIMES,
            "progress": {"type": "object"},
            "result": {"$ref": "#/components/schemas/receipt"},
            "error": {"type": "object"},
            "late": {"$ref": "#/components/schemas/receipt"},
        },
    },
}


def document(types: Mapping[str, RequestType]) -> dict[str, Any]:
    """Describe the request types that are served, and the server's own methods: one OpenRPC document."""
    methods = [_request_type(types[name]) for name in sorted(types)]
    methods += [
        _method(name, own.summary, own.schema, _result(own.result), own.role) for name, own in OWN_METHODS.items()
    ]
    errors = {row.code: {"code": row.number, "message": row.when, "data": {"code": row.code}} for row in ERRORS}
    return {
        "openrpc": OPENRPC,
        "info": {"title": "gombus", "version": __version__, "description": "ZEISS INSPECT on the network"},
        "methods": methods,
        "components": {"schemas": _SCHEMAS, "errors": errors},
    }


def _request_type(kind: RequestType) -> dict[str, Any]:
    request = kind.request
    schema = {"description": "what its handler returns", **(request.result or {"type": "null"})}
    result = {"name": "value", "schema": schema} if request.at_once else _result("receipt")
    method = _method(request.name, request.schema["title"], request.schema, result, request.role)
    method["description"] = request.schema["description"]
    method["x-schemaHash"] = kind.schema_hash
    if request.result is not None and not request.at_once:
        method["x-value"] = request.result
    return method


def _method(name: str, summary: str, schema: JsonObject, result: JsonObject, role: str) -> dict[str, Any]:
    required = schema.get("required", ())
    definitions = schema.get("$defs")
    params = []
    for parameter, inner in schema["properties"].items():
        inner = copy.deepcopy(inner)
        if definitions:
            # So that #/$defs/… leads somewhere from where the parameter's schema stands alone.
            inner = {**inner, "$defs": definitions}
        params.append({"name": parameter, "required": parameter in required, "schema": inner})
        if "description" in inner:
            params[-1]["description"] = inner["description"]
    return {
        "name": name,
        "summary": summary,
        "paramStructure": "by-name",
        "params": params,
        "result": result,
        "x-role": role,
    }


def _result(schema: str) -> dict[str, Any]:
    inner = {"$ref": f"#/components/schemas/{schema}"} if schema in _SCHEMAS else {"type": schema}
    return {"name": schema, "schema": inner}
