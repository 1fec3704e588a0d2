"""The structured wire: JSON-RPC 2.0 (https://www.jsonrpc.org/specification) over text messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import InvalidParams, InvalidRequest, Problem, Refusal
from ..model import NO_META, Call, Meta, Outcome, Request
from ..tasks import failure

SUBPROTOCOL = "gombus.v1.json"
MAX_BATCH = 64
"""How many requests one batch may hold."""
MAX_RESULT = 8 * 1024 * 1024
"""Longest JSON text of a result that is no receipt, in characters: every client is to be able to take it."""

_HASH = re.compile(r"[0-9a-f]{64}")


class Invoke(NamedTuple):
    """One request, or, where `notification` is set, one that nobody waits for."""

    id: Any
    call: Call
    notification: bool


class Reject(NamedTuple):
    """One request that is answered with this error, because it cannot be read."""

    id: Any
    error: Refusal
    notification: bool = False


class Message(NamedTuple):
    """What one message holds."""

    entries: tuple[Invoke | Reject, ...]
    batch: bool
    halts: bool = False
    """Whether the first failure in a batch cancels the rest."""


class JsonRpcWire:
    """The codec for one set of request types."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._order = {request.name: tuple(request.schema["properties"]) for request in requests}

    @staticmethod
    def speaks(value: Any) -> bool:
        """Whether a JSON value is of this wire where the connection does not say so: it has a member ``jsonrpc``."""
        if isinstance(value, list):
            return any(isinstance(member, dict) and "jsonrpc" in member for member in value)
        return isinstance(value, dict) and "jsonrpc" in value

    def decode(self, value: Any) -> Message:
        """Read one JSON value. Never raises."""
        if not isinstance(value, list):
            return Message((self._entry(value),), False)
        if not 0 < len(value) <= MAX_BATCH:
            reason = f"A batch of {len(value)} requests is not allowed; allowed: 1 to {MAX_BATCH}."
            return Message((Reject(None, InvalidRequest(reason)),), False)
        return Message(tuple(self._entry(member) for member in value), True, _halts(value[0]))

    def _entry(self, value: Any) -> Invoke | Reject:
        if not isinstance(value, dict):
            return Reject(None, InvalidRequest("A request is a JSON object."))
        id = value.get("id")
        if isinstance(id, (dict, list, bool)):
            return Reject(None, InvalidRequest("The member 'id' is a string, a number or null."))
        try:
            return Invoke(id, self._call(value), "id" not in value)
        except Refusal as error:
            # What is no request at all is answered, with or without an id; a notification never is.
            return Reject(id, error, isinstance(error, InvalidParams) and "id" not in value)

    def _call(self, value: dict[str, Any]) -> Call:
        """:raises Refusal: it is no request that gombus takes."""
        if value.get("jsonrpc") != "2.0":
            raise InvalidRequest("The member 'jsonrpc' must be \"2.0\".")
        method, params = value.get("method"), value.get("params", {})
        if not isinstance(method, str):
            raise InvalidRequest("The member 'method' must be a string.")
        if isinstance(params, list):
            return Call(method, self._named(method, params))
        if not isinstance(params, dict):
            raise InvalidRequest("The member 'params' is an object or an array.")
        if "_meta" not in params:
            return Call(method, params)
        params = dict(params)
        return Call(method, meta=_meta(params.pop("_meta")), params=params)

    def _named(self, method: str, values: list[Any]) -> dict[str, Any]:
        """Parameters by position, in the order in which the schema has them."""
        names = self._order.get(method)
        if names is None:
            # What is no method is refused for that, and the server's own take parameters by name only.
            return {str(place): value for place, value in enumerate(values)}
        if len(values) > len(names):
            allowed = ", ".join(names) or "none"
            message = f"{len(values)} parameters by position are not allowed; there are: {allowed}"
            raise InvalidParams((Problem("", "params", message),))
        return dict(zip(names, values))


def _halts(first: Any) -> bool:
    """Whether the first member of a batch asks for it, even one that is refused: its failure halts the batch, too."""
    params = first.get("params") if isinstance(first, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    return isinstance(meta, dict) and bool(meta.get("haltOnFailure"))


def _meta(value: Any) -> Meta:
    """:raises InvalidRequest: naming the member and what is allowed."""
    if not isinstance(value, dict):
        raise InvalidRequest("_meta is an object.")
    for name in value:
        if name not in _META:
            raise InvalidRequest(f"_meta.{name[:60]} is not known; allowed: {', '.join(_META)}.")
    for name, given in value.items():
        fits, allowed = _META[name]
        if not fits(given):
            raise InvalidRequest(f"_meta.{name} is not allowed; allowed: {allowed}.")
    meta = Meta(
        progress_token=value.get("progressToken"),
        key=value.get("idempotencyKey", ""),
        task=value.get("task", False),
        plan=value.get("plan", False),
        schema_hash=value.get("schemaHash", ""),
        halt=value.get("haltOnFailure", False),
    )
    if meta.plan and (meta.task or meta.key):
        raise InvalidRequest("_meta.plan runs nothing, so it goes with neither task nor idempotencyKey.")
    return NO_META if meta == NO_META else meta


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_token(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and len(value) <= 128)


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable()


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and bool(_HASH.fullmatch(value))


_META: Mapping[str, Any] = {
    "progressToken": (_is_token, "a whole number, or a string of up to 128 characters"),
    "idempotencyKey": (_is_key, "a string of 1 to 128 printable characters"),
    "task": (_is_flag, "true or false"),
    "plan": (_is_flag, "true or false"),
    "schemaHash": (_is_hash, "64 hexadecimal digits in lower case"),
    "haltOnFailure": (_is_flag, "true or false"),
}


def encode(id: Any, outcome: Outcome) -> str:
    """The answer to one request, as JSON text in ASCII.

    :raises ValueError: its result is no JSON value, or too long.
    """
    if outcome.error is not None:
        return _answer(id, "error", json.dumps(failure(outcome)))
    if outcome.receipt is not None:
        return _answer(id, "result", outcome.receipt.text)
    try:
        text = json.dumps(outcome.result, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("its result is no JSON value") from None
    if len(text) > MAX_RESULT:
        raise ValueError(f"its result has more than {MAX_RESULT} characters")
    return _answer(id, "result", text)


def encode_batch(answers: Iterable[str]) -> str:
    """The answers to a batch as one message."""
    return f"[{','.join(answers)}]"


def encode_notification(method: str, params: Mapping[str, Any]) -> str:
    """A message that no answer is expected to."""
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params})


def _answer(id: Any, member: str, text: str) -> str:
    return f'{{"jsonrpc":"2.0","id":{json.dumps(id)},"{member}":{text}}}'
