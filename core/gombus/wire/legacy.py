"""The legacy wire: one request is one text message, one answer is one plain text.

Every sentence here is the contract with clients that exist; `tests/reference.py` holds it row by row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..errors import InvalidParams, MalformedMessage, Refusal
from ..model import Answer, Call, Outcome, Request
from ..refusals import code_of
from ..strict import pointer_escape

ECHO = 200
"""How many characters of an unknown request are sent back."""

MALFORMED = Answer("Error: Malformed JSON message.", "malformed")
INVALID = "invalid_params"
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


class LegacyWire:
    """The codec for one set of request types."""

    def __init__(self, requests: Iterable[Request]) -> None:
        ordered = sorted(requests, key=lambda request: (-request.legacy.precedence, request.name))
        self._requests = {request.name: request for request in ordered}
        self._rank = {request.name: rank for rank, request in enumerate(ordered)}
        self._plain = {request.name for request in ordered if request.legacy.plain}

    def plain(self, text: str) -> Call | None:
        """The request that a text is which needs not be JSON; None where it is no such."""
        word = _WORD.match(text)
        if word is None:
            return None
        prefixes = (word.group()[:length] for length in range(word.end(), 0, -1))
        name = next((prefix for prefix in prefixes if prefix in self._plain), None)
        return Call(name, {}) if name else None

    def decode(self, value: Any) -> Call | Answer:
        """Read one JSON value; what needs no call is answered here. Never raises."""
        named = self._rank.keys() & value if isinstance(value, dict) else ()
        if not named:
            return Answer(f"Error: Unknown request:\n{repr(value)[:ECHO]}", "unknown_request")
        request = self._requests[min(named, key=self._rank.__getitem__)]
        return self._call(request, value)

    def encode(self, call: Call, outcome: Outcome) -> str:
        """Put the outcome of a call into this wire's words."""
        legacy = self._requests[call.name].legacy
        error = outcome.error
        if error is None:
            return legacy.ok
        if isinstance(error, InvalidParams):
            first = min(error.problems, key=lambda problem: _position(legacy.required, _field(problem.pointer)))
            return _invalid(call.name, first.pointer, first.message)
        sentence = legacy.texts.get(code_of(error))
        return f"Error: {sentence.format_map(call.params)}" if sentence else f"Error: {_one_line(error)}"

    def malformed(self, error: MalformedMessage) -> Answer:
        """Answer a text that is no JSON, or no strict JSON."""
        name = _field(error.pointer)
        inside = error.pointer[1:].partition("/")[2]
        if inside and name in self._requests:
            return Answer(_invalid(name, f"/{inside}", str(error)), INVALID)
        return MALFORMED

    def _call(self, request: Request, message: dict[str, Any]) -> Call | Answer:
        legacy, name = request.legacy, request.name
        if legacy.plain:
            return Answer(legacy.ok)
        params = message[name]
        if not isinstance(params, dict):
            if not legacy.required:
                return Answer(f"Error: Invalid parameters of '{name}' request: an object is allowed.", INVALID)
            params = {}
        for field in legacy.required:
            if field not in params:
                return Answer(f"Error: Missing parameter '{field}' in '{name}' request.", INVALID)
        ignored = [f"/{pointer_escape(key)}" for key in message if key != name]
        known = request.schema["properties"]
        if not params.keys() <= known.keys():
            ignored += [f"/{name}/{pointer_escape(key)}" for key in params if key not in known]
            params = {key: value for key, value in params.items() if key in known}
        return Call(name, params, tuple(ignored))


def _invalid(name: str, pointer: str, message: str) -> str:
    field = _field(pointer)
    inside = pointer[1:].partition("/")[2]
    at = f" (at /{inside})" if inside else ""
    return f"Error: Invalid parameter '{field}' in '{name}' request: {message}{at}"


def _field(pointer: str) -> str:
    return pointer[1:].partition("/")[0].replace("~1", "/").replace("~0", "~")


def _position(order: tuple[str, ...], field: str) -> int:
    return order.index(field) if field in order else len(order)


def _one_line(error: Refusal) -> str:
    return " ".join(str(error).split())
