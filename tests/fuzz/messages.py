"""What clients say: good messages of both wires, messages that are nearly good, and any JSON."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import places
from hypothesis import strategies as st
from say_plugin import MODES, NAME, REFUSED

from rpc import REQUESTS, VALUES, message


class Text(NamedTuple):
    """One message."""

    kind: str
    """What it is made of, for the figures."""
    text: str


# Words differ, so that each gom call can be told from the others.
_WORDS = st.integers(0, 10**6).map("w{}".format) | st.integers(0, 10**6).map(f"{REFUSED} {{}}".format) | st.text()
_GOOD = st.fixed_dictionaries(
    {"word": _WORDS},
    optional={
        "level": st.integers(0, 10) | st.floats(0, 10),
        "mode": st.sampled_from(MODES),
        "file": st.just(str(places.SAMPLE)) | st.sampled_from(["C:/nope.jpg", "\\\\host\\share\\x", "C:/a/../b"]),
    },
)
_NEARLY = st.fixed_dictionaries(
    {}, optional={"word": _WORDS | VALUES, "level": VALUES, "mode": VALUES, "file": _WORDS, "more": VALUES}
)
_IDS = st.integers(0, 10**6) | st.text(max_size=4) | st.floats(allow_nan=False, allow_infinity=False) | st.none()
_KEYS = st.sampled_from(["k1", "k2", "k3"]) | st.integers(0, 10**6).map("k{}".format)
_META = st.fixed_dictionaries(
    {},
    optional={
        "progressToken": st.integers(0, 99) | st.text(max_size=4),
        "idempotencyKey": _KEYS,
        "task": st.booleans(),
        "plan": st.booleans(),
        "haltOnFailure": st.booleans(),
    },
)
_ODD_META = st.dictionaries(
    st.sampled_from(["progressToken", "idempotencyKey", "task", "plan", "haltOnFailure", "schemaHash", "more"]),
    VALUES | st.just("0" * 64),
    max_size=3,
)


def _ask(method: Any, params: Any, id: Any, meta: Any = None) -> dict[str, Any]:
    value = message(method, {**params, "_meta": meta} if meta else params)
    return value if id is _NONE else {**value, "id": id}


_NONE = object()
_OR_NONE = st.just(_NONE)
_JOBS = st.fixed_dictionaries({}, optional={"job": st.text(max_size=70), "idempotencyKey": _KEYS | st.text()})
_LIST = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["working", "completed", "failed", "cancelled", "interrupted", "odd"]),
        "limit": st.integers(-1, 102) | VALUES,
        "before": st.text(max_size=70),
    },
)
_GOOD_REQUEST = st.builds(_ask, st.just(NAME), _GOOD, _IDS, st.none() | _META)
_NOTIFICATION = st.builds(_ask, st.just(NAME), _GOOD | _NEARLY, _OR_NONE, st.none() | _META)
_OWN = st.builds(_ask, st.sampled_from(["tasks/get", "tasks/cancel"]), _JOBS, _IDS | _OR_NONE) | st.builds(
    _ask, st.sampled_from(["tasks/list", "server/info", "server/stats", "rpc.discover"]), _LIST | st.just({}), _IDS
)
_NEARLY_REQUEST = st.builds(_ask, st.just(NAME), _NEARLY, _IDS, st.none() | _META | _ODD_META) | st.builds(
    lambda params, id: {"jsonrpc": "2.0", "method": NAME, "params": params, "id": id},
    st.lists(_WORDS | VALUES, max_size=5),
    _IDS,
)


def _lives(value: Any) -> Any:
    """Requests that are made by chance do not stop the server; what stops it is sent on purpose."""
    if isinstance(value, list):
        return [_lives(member) for member in value]
    if isinstance(value, dict) and value.get("method") == "quit":
        return {**value, "method": "server/stats"}
    return value


_ANY_REQUEST = REQUESTS.map(_lives)
_MEMBERS = _GOOD_REQUEST | _NOTIFICATION | _OWN | _NEARLY_REQUEST | _ANY_REQUEST
_BATCHES = st.lists(_MEMBERS | VALUES.map(_lives), max_size=6) | st.builds(
    lambda request, count: [request] * count, _GOOD_REQUEST, st.integers(60, 70)
)
_LEGACY = _GOOD.map(lambda params: {NAME: params})
_NEARLY_LEGACY = st.builds(
    lambda params, more: {**more, NAME: params}, _NEARLY | VALUES, st.dictionaries(st.text(max_size=4), VALUES)
)

_TOKENS = st.sampled_from(
    [
        *('"', "\\", "{", "}", "[", "]", ":", ",", " ", "\n", "\0", "\x1b", "\x7f", "\u2028", "\ufeff", "\t", "-"),
        *("NaN", "-Infinity", "1e999", "9007199254740993", "9" * 400, "null", "true", "0", "[" * 20, '{"a":' * 17),
        *('"jsonrpc":', '"id":1,', '"word":"x",', '"say":', '"_meta":{},', "\\ud800", "\\u0000", "\\u001b", "é", "😀"),
    ]
)
_EDITS = st.lists(st.tuples(st.integers(0, 250), st.sampled_from([0, 0, 1, 1, 2, 5, 20]), _TOKENS | st.just("")))


def _edit(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Cut pieces out and put tokens in."""
    for place, length, token in edits[:4]:
        begin = place % (len(text) + 1)
        text = text[:begin] + token + text[begin + length :]
    # As above: "quit" at its beginning would stop the server.
    return text.replace("quit", "Quit")


def _as(kind: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Text]:
    return st.builds(
        lambda value, ascii: Text(kind, json.dumps(value, ensure_ascii=ascii)), values, st.sampled_from([True, False])
    )


_VALID = st.one_of(
    _as("plain wire, good", _LEGACY),
    _as("JSON-RPC, good", _GOOD_REQUEST),
    _as("JSON-RPC, own methods", _OWN),
    _as("JSON-RPC, notification", _NOTIFICATION),
)
TEXTS: st.SearchStrategy[Text] = st.one_of(
    _VALID,
    _as("JSON-RPC, batch", _BATCHES),
    _as("plain wire, nearly good", _NEARLY_LEGACY),
    _as("JSON-RPC, nearly good", _NEARLY_REQUEST | _ANY_REQUEST),
    _as("any JSON", VALUES.map(_lives)),
    st.builds(lambda valid, edits: Text("mutated JSON", _edit(valid.text, edits)), _VALID, _EDITS),
    st.builds(
        lambda value, edits: Text("mutated JSON", _edit(json.dumps(value), edits)),
        _BATCHES | _NEARLY_REQUEST | _NEARLY_LEGACY,
        _EDITS,
    ),
    st.text().map(lambda text: Text("any text", text.replace("quit", "Quit"))),
)
"""Messages as text."""


def good(number: int, structured: bool) -> str:
    """A good request that is answered soon."""
    params = {"word": f"burst {number}"}
    return json.dumps(message(NAME, params, number + 1) if structured else {NAME: params})
