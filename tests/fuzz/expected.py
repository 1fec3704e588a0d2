"""What one message must be answered with, by the documents: made without any code of gombus's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import places  # noqa: F401  # first
from say_plugin import MAX_LEVEL, MAX_WORD, MODES, NAME, REFUSED, SCHEMA

from reading import Unreadable, read

OK = "ok"
MALFORMED, INVALID_REQUEST, UNKNOWN, INVALID = "malformed", "invalid_request", "unknown_request", "invalid_params"
MAX_BATCH = 64
_ORDER: Mapping[str, tuple[str, ...]] = {NAME: tuple(SCHEMA["properties"]), "quit": ()}
_BY_ID = ("tasks/get", "tasks/cancel")
_OWN = ("server/info", "server/stats", "rpc.discover", "tasks/list", *_BY_ID)
_STATUSES = ("working", "completed", "failed", "cancelled", "interrupted")
_SAYS_JSONRPC = re.compile(r'"jsonrpc"\s*:')
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Verdict:
    """What becomes of one request."""

    codes: frozenset[str]
    """Its answer has one of these codes; `OK` where it is carried out."""
    id: Any = None
    word: str | None = None
    """The word of the gom command that is called where it is carried out; None where none is."""
    key: str = ""
    """Idempotency key."""
    payload: str = ""
    """With a key: what it belongs to."""
    task: bool = False
    """Whether it is answered before it is carried out."""
    silent: bool = False
    """Whether it is a notification, and has no answer."""
    stops: bool = False
    """Whether the server stops where it is carried out."""


@dataclass(frozen=True)
class Expected:
    """What becomes of one message."""

    verdicts: tuple[Verdict, ...]
    legacy: bool
    """Whether it is answered in order, by one sentence."""
    batch: bool = False
    halts: bool = False
    """Whether the first failure cancels what comes after it."""
    text: str | None = None
    """The sentence, where all of it is known."""

    @property
    def stops(self) -> bool:
        """Whether the server may stop because of it."""
        return any(verdict.stops for verdict in self.verdicts)

    @property
    def due(self) -> tuple[Verdict, ...]:
        """Those of its requests that are answered."""
        return tuple(verdict for verdict in self.verdicts if not verdict.silent)


def expected(message: str | bytes, structured: bool) -> Expected:
    """Judge one message.

    :param structured: whether the subprotocol was negotiated on its connection.
    """
    try:
        text = message if isinstance(message, str) else message.decode()
    except UnicodeDecodeError:
        return _parse_error() if structured else _legacy(MALFORMED)
    if not structured and text.startswith("quit"):
        return Expected((Verdict(frozenset({OK}), stops=True),), True, text="bye")
    try:
        value = read(text)
    except Unreadable:
        # A refused number is named where it stands in a known request type.
        return _parse_error() if structured or _SAYS_JSONRPC.search(text) else _legacy(MALFORMED, INVALID)
    if not structured and not _says_jsonrpc(value):
        return _legacy_request(value)
    if not isinstance(value, list):
        return Expected((_request(value),), False)
    if not 0 < len(value) <= MAX_BATCH:
        return Expected((_refused(INVALID_REQUEST),), False)
    return Expected(tuple(map(_request, value)), False, True, _halts(value[0]))


def _parse_error() -> Expected:
    return Expected((_refused(MALFORMED),), False)


def _says_jsonrpc(value: Any) -> bool:
    members = value if isinstance(value, list) else [value]
    return any(isinstance(member, dict) and "jsonrpc" in member for member in members)


def _halts(first: Any) -> bool:
    try:
        return bool(first["params"]["_meta"]["haltOnFailure"])
    except (TypeError, KeyError, IndexError):
        return False


# The plain wire.


def _legacy(*codes: str, text: str | None = None, word: str | None = None) -> Expected:
    return Expected((Verdict(frozenset(codes), word=word),), True, text=text)


def _legacy_request(value: Any) -> Expected:
    if not isinstance(value, dict) or not value.keys() & _ORDER.keys():
        return _legacy(UNKNOWN, text=f"Error: Unknown request:\n{repr(value)[:200]}")
    if "quit" in value:
        return _legacy(OK, text="bye")
    params = value[NAME] if isinstance(value[NAME], dict) else {}
    if "word" not in params:
        return _legacy(INVALID, text="Error: Missing parameter 'word' in 'say' request.")
    known = {name: given for name, given in params.items() if name in _ORDER[NAME]}
    # A refused path is an invalid parameter there.
    codes = {INVALID if code == "path_refused" else code for code in _say_codes(known)}
    return _legacy(*codes, word=known["word"] if codes - {INVALID} else None)


def _say_codes(params: Mapping[str, Any]) -> set[str]:
    """What a request to say something may be answered with."""
    word, level = params.get("word"), params.get("level", 0)
    good = isinstance(word, str) and len(word) <= MAX_WORD and params.keys() <= set(_ORDER[NAME])
    good = good and isinstance(level, (int, float)) and not isinstance(level, bool) and 0 <= level <= MAX_LEVEL
    good = good and params.get("mode", MODES[0]) in MODES
    file = params.get("file", "")
    if not good or not isinstance(file, str) or len(file) > 1024:
        return {INVALID}
    codes = {"gom_refused" if str(word).startswith(REFUSED) else OK}
    return codes | {"path_refused", "file_unreadable"} if "file" in params else codes


# JSON-RPC.


def _refused(code: str, id: Any = None, silent: bool = False) -> Verdict:
    return Verdict(frozenset({code}), id, silent=silent)


def _request(value: Any) -> Verdict:
    if not isinstance(value, dict) or isinstance(value.get("id"), (dict, list, bool)):
        return _refused(INVALID_REQUEST)
    id, silent = value.get("id"), "id" not in value
    method, params = value.get("method"), value.get("params", {})
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, (dict, list)):
        return _refused(INVALID_REQUEST, id)
    if isinstance(params, list):
        names = _ORDER.get(method, tuple(map(str, range(len(params)))))
        if len(params) > len(names):
            return _refused(INVALID, id, silent)
        return _call(method, dict(zip(names, params)), {}, id, silent)
    meta = params.get("_meta", {})
    if not _is_meta(meta):
        return _refused(INVALID_REQUEST, id)
    given = {name: value for name, value in params.items() if name != "_meta"}
    return _call(method, given, meta, id, silent)


def _is_meta(meta: Any) -> bool:
    if not isinstance(meta, dict):
        return False
    if meta.get("plan") is True and (meta.get("task") is True or "idempotencyKey" in meta):
        return False
    return all(name in _META and _META[name](value) for name, value in meta.items())


def _is_token(value: Any) -> bool:
    return (isinstance(value, str) and len(value) <= 128) or type(value) is int


_META: Mapping[str, Any] = {
    "progressToken": _is_token,
    "idempotencyKey": lambda value: isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable(),
    "task": lambda value: isinstance(value, bool),
    "plan": lambda value: isinstance(value, bool),
    "haltOnFailure": lambda value: isinstance(value, bool),
    "schemaHash": lambda value: isinstance(value, str) and _HASH.fullmatch(value),
}


def _call(method: str, params: Mapping[str, Any], meta: Mapping[str, Any], id: Any, silent: bool) -> Verdict:
    if method in _OWN:
        # What is as if it was not there asks for nothing.
        codes = {INVALID_REQUEST} if any(value is not False for value in meta.values()) else _own_codes(method, params)
        return Verdict(frozenset(codes), id, silent=silent)
    if method not in _ORDER:
        return _refused(UNKNOWN, id, silent)
    if "schemaHash" in meta:
        return _refused("schema_mismatch", id, silent)
    if meta.get("plan"):
        return _refused(OK, id, silent)
    codes = _say_codes(params) if method == NAME else {INVALID} if params else {OK}
    if codes == {INVALID}:
        return _refused(INVALID, id, silent)
    task, key = meta.get("task", False), meta.get("idempotencyKey", "")
    if task:
        # What comes of it is told later.
        codes = {OK} | (codes & {"path_refused"})
    if key:
        codes = codes | {"conflict"} | (set() if task else {"cancelled"})
    payload = json.dumps([method, params], sort_keys=True) if key else ""
    word = params["word"] if method == NAME else None
    return Verdict(frozenset(codes), id, word, key, payload, task, silent, method == "quit")


def _own_codes(method: str, params: Mapping[str, Any]) -> set[str]:
    if method in _BY_ID:
        longest = {"job": 64, "idempotencyKey": 128}
        good = len(params) == 1 and all(
            name in longest and isinstance(value, str) and 0 < len(value) <= longest[name]
            for name, value in params.items()
        )
        return {OK, "unknown_job"} if good else {INVALID}
    if method != "tasks/list":
        return {INVALID} if params else {OK}
    limit, before = params.get("limit", 1), params.get("before", "0")
    good = params.keys() <= {"status", "limit", "before"} and params.get("status", "working") in _STATUSES
    good = good and isinstance(before, str) and 0 < len(before) <= 64
    whole = isinstance(limit, (int, float)) and not isinstance(limit, bool) and limit == int(limit)
    return {OK} if good and whole and 1 <= limit <= 100 else {INVALID}
