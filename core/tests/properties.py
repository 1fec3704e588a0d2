"""What holds for strict JSON, for both wires and for the choice between them, whatever they are given.

The tests of these modules try it with some hundred examples; `python tests/fuzz --codecs` does with tens of thousands,
and `tests/fuzz/atheris_codecs.py` with bytes that follow the branches of the code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from gombus import Legacy, errors
from gombus.errors import MalformedMessage, Problem, Refusal
from gombus.model import Answer, Call, Outcome
from gombus.refusals import ERRORS
from gombus.strict import MAX_DEPTH, MAX_SIZE, loads
from gombus.wire.choice import Wires
from gombus.wire.jsonrpc import MAX_BATCH, Invoke, JsonRpcWire, Message, encode, encode_batch, encode_notification
from reading import Unreadable, read
from rpc import REQUESTS, VALUES
from support import request, stop_request

SAY = request(legacy=Legacy(required=("word", "file"), texts={"gom_refused": "Could not say {word} from {file}."}))
WIRES = Wires([request("aside"), request("loud", legacy=Legacy(precedence=1)), SAY, stop_request()])
NAMES = ("aside", "loud", "say", "quit")
CODES = {row.code for row in ERRORS}
NUMBERS = {row.number for row in ERRORS}

SUITE = settings(derandomize=True, deadline=None, database=None)
"""For tests: the same examples in every run, however busy the machine is; `python tests/fuzz` varies them."""

# What is tried.

_PIECES = st.sampled_from(
    [
        *'[]{},:" \n\\-0123456789.eE+u',
        *('"jsonrpc":', '"2.0"', '"method":', '"say"', '"id":', '"params":', "quit", '{"say":', '"word":', "{}"),
        *("NaN", "Infinity", "null", "true", '"a"', '{"a":', "1e999", "\\ud800", "\\udc00", "9007199254740993"),
    ]
)
_NEARLY_JSON = st.lists(_PIECES, max_size=40).map("".join)


def _cut(whole: tuple[str, int, int, str]) -> str:
    text, start, length, put_in = whole
    return text[:start] + put_in + text[start + length :]


_WRITTEN = st.builds(json.dumps, VALUES | REQUESTS, ensure_ascii=st.booleans())
_MUTATED = st.tuples(_WRITTEN, st.integers(0, 60), st.integers(0, 6), _NEARLY_JSON).map(_cut)
TEXTS = st.text(st.characters()) | _NEARLY_JSON | _WRITTEN | _MUTATED
"""What is no JSON, nearly JSON, and JSON."""
MESSAGES = TEXTS | st.binary() | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass"))
"""What a client may send, as text or as bytes."""
LEGACY_VALUES = VALUES | st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=3),
    VALUES | st.dictionaries(st.sampled_from(["word", "file", "files", "other"]), VALUES, max_size=4),
    max_size=3,
)
_LONG_BATCHES = st.builds(lambda value, count: [value] * count, REQUESTS, st.integers(MAX_BATCH - 1, MAX_BATCH + 1))
RPC_VALUES = VALUES | REQUESTS | st.lists(REQUESTS | VALUES, max_size=6) | _LONG_BATCHES

# What holds.


def strict_reading(text: str) -> None:
    """It is refused in one way exactly where it must be, is read as every reader does, and can be written and read."""
    try:
        value = loads(text)
    except MalformedMessage as error:
        assert 0 < len(str(error)) < 120
        assert error.pointer == "" or error.pointer.startswith("/")
        try:
            read(text)
        except Unreadable:
            return
        raise AssertionError(f"refused, and could be read: {error}") from error
    # repr, because 1, 1.0 and True are equal.
    assert repr(value) == repr(read(text)) == repr(json.loads(text))
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    for escaped in (False, True):
        written = json.dumps(value, ensure_ascii=escaped, allow_nan=False)
        if len(written) <= MAX_SIZE:
            assert repr(loads(written)) == repr(value)


def legacy_wire(value: Any) -> None:
    """It becomes a call of a known type with known parameters, or an answer; and every outcome has its words."""
    decoded = WIRES.legacy.decode(value)
    if isinstance(decoded, Answer):
        _is_answer(decoded)
        return
    assert isinstance(decoded, Call)
    assert decoded.name in NAMES and decoded.name in value
    assert decoded.params.items() <= value[decoded.name].items()
    assert decoded.params.keys() <= SAY.schema["properties"].keys()
    assert all(pointer.startswith("/") for pointer in decoded.ignored)
    if decoded.name == "say":
        # Words of a failure may name what is required, and that is there.
        assert decoded.params.keys() >= {"word", "file"}
    for outcome in _outcomes(value):
        text = WIRES.legacy.encode(decoded, outcome)
        assert text == "O.k." if outcome.error is None else text.startswith(("Error: ", "bye"))
        text.encode("utf-8")


def jsonrpc_wire(value: Any) -> None:
    """Every member gets an entry, and every entry has a valid answer on one line, whatever comes of it."""
    decoded = WIRES.jsonrpc.decode(value)
    _is_message(decoded)
    batch = isinstance(value, list) and 0 < len(value) <= MAX_BATCH
    members = value if batch else [value]
    assert len(decoded.entries) == len(members)
    assert JsonRpcWire.speaks(value) in (True, False)
    answers = []
    for member, entry in zip(members, decoded.entries):
        for outcome in _outcomes(member) if isinstance(entry, Invoke) else [Outcome(error=entry.error)]:
            answer = _is_rpc_answer(encode(entry.id, outcome), entry.id)
            assert ("error" in answer) is (outcome.error is not None)
            if outcome.error is None:
                assert repr(answer["result"]) == repr(outcome.result)
        answers.append(encode(entry.id, Outcome()))
    assert len(json.loads(_one_line(encode_batch(answers)))) == len(answers)
    if isinstance(value, dict):
        assert repr(json.loads(_one_line(encode_notification("m", value)))["params"]) == repr(value)


def choice(message: str | bytes) -> None:
    """It is decoded to what its wire allows, whether or not the subprotocol was negotiated."""
    structured = WIRES.decode(message, structured=True)
    assert isinstance(structured, Message)
    _is_message(structured)
    decoded = WIRES.decode(message)
    if isinstance(decoded, Message):
        _is_message(decoded)
        # What says so is read in the same way on every connection. Errors are equal only to themselves.
        assert repr(decoded) == repr(structured)
    elif isinstance(decoded, Answer):
        _is_answer(decoded)
    else:
        assert isinstance(decoded, Call)
        assert decoded.name in NAMES


def all_codecs(data: bytes) -> None:
    """All of this holds for one message, whatever bytes it is."""
    choice(data)
    text = data.decode("utf-8", "surrogateescape")
    choice(text)
    strict_reading(text)
    try:
        value = read(text)
    except Unreadable:
        return
    legacy_wire(value)
    jsonrpc_wire(value)


class Property(NamedTuple):
    """One property, and what it is tried with."""

    holds: Callable[[Any], None]
    given: st.SearchStrategy[Any]
    says: str


PROPERTIES: Mapping[str, Property] = {
    name: Property(holds, given, (holds.__doc__ or "").strip())
    for name, holds, given in (
        ("strict.loads", strict_reading, TEXTS),
        ("wire/legacy", legacy_wire, LEGACY_VALUES),
        ("wire/jsonrpc", jsonrpc_wire, RPC_VALUES),
        ("wire/choice", choice, MESSAGES),
    )
}

# The same in parts.


def _outcomes(value: Any) -> list[Outcome]:
    """Ways in which a request can end, with parts of what was sent in them, because plugins may echo it."""
    echo = str(value)[:60]
    refusals: list[Refusal] = [
        errors.Refusal(echo),
        errors.GomRefused(echo, echo, echo),
        errors.FileUnreadable(echo),
        errors.InternalError("say"),
        errors.InvalidParams((Problem(f"/{echo}", "type", echo), Problem("", "type", echo))),
        errors.PathRefused((Problem("/files/0", "path", echo),)),
    ]
    return [Outcome(value), *(Outcome(error=refusal) for refusal in refusals)]


def _is_answer(answer: Answer) -> None:
    assert answer.code in CODES or (answer.code, answer.text) == ("", "bye")
    # It may name a member that has half of a surrogate pair; the connection writes that as an escape.
    assert answer.text == "bye" or answer.text.startswith("Error: ")


def _is_message(message: Message) -> None:
    assert message.entries
    assert message.batch or len(message.entries) == 1
    for entry in message.entries:
        assert entry.id is None or type(entry.id) in (str, int, float)
        if isinstance(entry, Invoke):
            assert isinstance(entry.call, Call)
            assert isinstance(entry.call.params, dict)
        else:
            answer = _is_rpc_answer(encode(entry.id, Outcome(error=entry.error)), entry.id)
            assert answer["error"]["code"] in (-32700, -32600, -32602)


def _is_rpc_answer(text: str, id: Any) -> Any:
    answer = json.loads(_one_line(text))
    assert answer.keys() in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
    assert answer["jsonrpc"] == "2.0"
    assert repr(answer["id"]) == repr(id)
    if "error" in answer:
        assert answer["error"]["code"] in NUMBERS
        assert answer["error"]["data"]["code"] in CODES
        assert isinstance(answer["error"]["message"], str)
    return answer


def _one_line(text: str) -> str:
    assert text.isascii() and text.isprintable()
    return text


# What could take long.


def _fill(piece: str, begin: str = "", end: str = "") -> Callable[[int], str]:
    def made(size: int) -> str:
        return begin + piece * ((size - len(begin) - len(end)) // len(piece)) + end

    return made


def _many_members(size: int) -> str:
    members = ",".join(f'"{number:x}":{number}' for number in range(size // 12))
    return f"{{{members}}}"


WORST: Mapping[str, Callable[[int], str]] = {
    "open arrays": _fill("["),
    "open objects": _fill('{"a":'),
    "closed arrays": _fill("[],", "[", "[]]"),
    "full depth, many times": _fill("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + ",", "[", "1]"),
    "brackets in a string": _fill("[{", '["', '"]'),
    "brackets in an open string": _fill("[{", '["'),
    "backslashes": _fill("\\", '"'),
    "escaped quotes and brackets": _fill('\\"[', '["', '"]'),
    "quotes": _fill('"'),
    "escapes": _fill("\\u0041", '"', '"'),
    "surrogate pairs": _fill("\\ud83d\\ude00", '"', '"'),
    "half pairs": _fill("\\ud83d", '"', '"'),
    "digits": _fill("9"),
    "digits of a fraction": _fill("9", "0."),
    "digits of an exponent": _fill("9", "1e"),
    "small exponents": _fill("1e-99999,", "[", "1]"),
    "refused numbers": _fill("NaN,", "[", "1]"),
    "a refused number at the end": _fill("[1],", "[", "NaN]"),
    "long integers": _fill("99999999999999999,", "[", "1]"),
    "members": _many_members,
    "the same member": _fill('"a":1,', "{", '"a":1}'),
    "one long name twice": lambda size: f'{{"{"n" * (size // 2 - 8)}":1,"{"n" * (size // 2 - 8)}":1}}',
    "spaces": _fill(" ", "", "1"),
    "spaces after": _fill(" ", "1"),
    "spaces after jsonrpc": _fill(" ", '{"jsonrpc"'),
    "jsonrpc without colon": _fill('"jsonrpc" ,', "[", "1]"),
    "requests": _fill('{"jsonrpc":"2.0","id":1,"method":"say"},', "[", "{}]"),
    "unknown requests": _fill('{"say":{"word":"x"}},', "[", "{}]"),
    "unknown parameters": lambda size: f'{{"say":{{"word":"","file":"",{_many_members(size - 40)[1:-1]}}}}}',
    "a long word": _fill("q"),
    "letters beyond ASCII": _fill("\u00e9", '"', '"'),
    "control characters": _fill("\0", '"', '"'),
}
"""Name -> text of about so many characters."""


def decode_all(text: str) -> None:
    """Read a text in every way in which a connection may."""
    for structured in (False, True):
        WIRES.decode(text, structured)
