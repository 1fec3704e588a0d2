"""Text to JSON value, strictly."""

from __future__ import annotations

import json
import time
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import properties
from gombus.errors import MalformedMessage
from gombus.strict import MAX_DEPTH, MAX_INTEGER, MAX_SIZE, loads, pointer_escape
from reading import Unreadable, read
from rpc import VALUES

NO_JSON = "no JSON: "
TWICE = "stands twice"
TOO_LARGE = "a number is too large"
INEXACT = r"an integer beyond 2\^53"
HALF = "half of a surrogate pair"
TOO_DEEP = "nested deeper than 16 levels"

REFUSED: list[tuple[str, str, str]] = [
    # text, a part of the reason, pointer
    ("", NO_JSON + "Expecting value at character 0", ""),
    (" ", NO_JSON, ""),
    ("{", NO_JSON, ""),
    ("nope", NO_JSON, ""),
    ("{} {}", NO_JSON + "Extra data at character 3", ""),
    ("{'a': 1}", NO_JSON, ""),
    ('{"a": 1,}', NO_JSON, ""),
    ("[1,]", NO_JSON, ""),
    ("// c\n1", NO_JSON, ""),
    ("\ufeff{}", NO_JSON, ""),
    ("\u00a01", NO_JSON, ""),
    ("01", NO_JSON, ""),
    ("+1", NO_JSON, ""),
    (".5", NO_JSON, ""),
    ("1.", NO_JSON, ""),
    ("0x10", NO_JSON, ""),
    ("1_0", NO_JSON, ""),
    ("\u0661", NO_JSON, ""),  # a digit, but no ASCII one
    ("\uff11", NO_JSON, ""),
    ("1\u0661", NO_JSON, ""),
    ('"a\nb"', NO_JSON, ""),
    ('"\x00"', NO_JSON, ""),
    ('"\\x41"', NO_JSON, ""),
    ('"\\u12"', NO_JSON, ""),
    ("]" * 20, NO_JSON, ""),
    ('["' + "[" * 20, NO_JSON, ""),
    ('["' + "[" * 20 + "\\", NO_JSON, ""),
    ("[1]" + "[" * MAX_DEPTH, NO_JSON, ""),
    ('{"a": 1, "a": 1}', "the member 'a' stands twice", ""),
    ('{"a": 1, "\\u0061": 2}', TWICE, ""),
    ('[{"b": {"": 1, "": 2}}]', "the member '' stands twice", ""),
    ('{"a": 1, "b": 2, "b": 3, "a": 4}', "the member 'b' stands twice", ""),
    ("NaN", "NaN is no JSON number", ""),
    ("Infinity", "Infinity is no JSON number", ""),
    ("-Infinity", "-Infinity is no JSON number", ""),
    ('{"a": NaN}', "NaN", "/a"),
    ('{"a": [0, {"b": [1, 2, Infinity]}]}', "Infinity", "/a/1/b/2"),
    ("[1e999]", TOO_LARGE, "/0"),
    ("[-1e999]", TOO_LARGE, "/0"),
    ('{"a": {"b": 1}, "c": 1.5e400}', TOO_LARGE, "/c"),
    (str(MAX_INTEGER + 1), INEXACT, ""),
    (str(-MAX_INTEGER - 1), INEXACT, ""),
    ('{"x/y": {"~z": [123456789012345678]}}', INEXACT, "/x~1y/~0z/0"),
    ("[" + "9" * 60_000 + "]", INEXACT, "/0"),
    ("[1e999, NaN]", TOO_LARGE, "/0"),
    # The place can be named only where the rest can be read.
    ("[NaN, ", "NaN", ""),
    ('{"a": 1e999, "a": 1}', TOO_LARGE, ""),
    ('"\\ud800"', HALF, ""),
    ('"\\udc00\\ud800"', HALF, ""),
    ('{"\\udfff": 1}', HALF, ""),
    ('[["a", "\\ud83d"]]', HALF, ""),
    ('"\ud800"', HALF, ""),
    ('{"a": "\udfff"}', HALF, ""),
    ("[" * 17 + "]" * 17, TOO_DEEP, ""),
    ('{"a":' * 17 + "1" + "}" * 17, TOO_DEEP, ""),
    ('[{"a":' * 9 + "1" + "}]" * 9, TOO_DEEP, ""),
    ("[" * 60_000, TOO_DEEP, ""),
    ("[[], " + "[" * 16 + "]" * 17, TOO_DEEP, ""),
    ('["\\"", ' + "[" * 16 + "]" * 17, TOO_DEEP, ""),
    ('["\\\\", ' + "[" * 16 + "]" * 17, TOO_DEEP, ""),
    (" " * MAX_SIZE + "1", f"longer than {MAX_SIZE} characters", ""),
]


def _id(value: str) -> str:
    return ascii(value)[1:40] or "empty"


@pytest.mark.parametrize(("text", "reason", "pointer"), REFUSED, ids=_id)
def test_what_readers_could_understand_differently_is_refused(text: str, reason: str, pointer: str) -> None:
    with pytest.raises(MalformedMessage, match=reason) as caught:
        loads(text)
    assert caught.value.pointer == pointer
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        (" [] \r\n\t", []),
        ("null", None),
        ("true", True),
        ('""', ""),
        ("-0", 0),
        ("0.5", 0.5),
        ("1e308", 1e308),
        ("1e-999", 0.0),
        (str(MAX_INTEGER), MAX_INTEGER),
        (str(-MAX_INTEGER), -MAX_INTEGER),
        ('{"a": {"a": 1}}', {"a": {"a": 1}}),
        ('{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        ('"\\ud83d\\ude00"', "😀"),
        ('"Größe 😀"', "Größe 😀"),
        ('"\\u0000"', "\0"),
        ('"\\\\ud800"', "\\ud800"),
        ('"NaN 1e999"', "NaN 1e999"),
        ("[" + "[]," * 100 + "[]]", [[]] * 101),
        ('["' + "[{" * 100 + '"]', ["[{" * 100]),
        ('["\\"' + "[" * 100 + '"]', ['"' + "[" * 100]),
        ('["\\\\", "' + "{" * 100 + '"]', ["\\", "{" * 100]),
        ('["é\\n' + "[" * 17 + '"]', ["é\n" + "[" * 17]),
        ("1" + " " * (MAX_SIZE - 1), 1),
    ],
    ids=_id,
)
def test_json_is_read(text: str, value: Any) -> None:
    read = loads(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[ {"[":', "}]")])
def test_sixteen_levels_are_read(opening: str, closing: str) -> None:
    levels = MAX_DEPTH if len(closing) == 1 else MAX_DEPTH // 2
    text = opening * levels + "1" + closing * levels
    assert loads(text) == json.loads(text)


def test_a_long_name_that_stands_twice_is_cut() -> None:
    name = "n" * 30_000
    with pytest.raises(MalformedMessage, match=f"the member '{'n' * 60}' stands twice"):
        loads(f'{{"{name}": 1, "{name}": 2}}')


@pytest.mark.parametrize(("key", "token"), [("a", "a"), ("a/b", "a~1b"), ("~", "~0"), ("~1", "~01"), ("/~", "~1~0")])
def test_reference_tokens_are_escaped(key: str, token: str) -> None:
    assert pointer_escape(key) == token


@settings(properties.SUITE, max_examples=300)
@given(properties.TEXTS)
def test_any_text_is_refused_in_one_way_or_read_as_every_reader_does(text: str) -> None:
    properties.strict_reading(text)


@pytest.mark.parametrize(("text", "reason", "pointer"), REFUSED, ids=_id)
def test_the_other_way_to_read_strictly_refuses_the_same(text: str, reason: str, pointer: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@settings(properties.SUITE, max_examples=300)
@given(VALUES, st.booleans())
def test_what_a_strict_encoder_writes_is_read(value: Any, escaped: bool) -> None:
    assert repr(loads(json.dumps(value, ensure_ascii=escaped, allow_nan=False))) == repr(value)


@pytest.mark.parametrize("made", properties.WORST.values(), ids=properties.WORST)
def test_the_worst_messages_do_not_take_long(made: Callable[[int], str]) -> None:
    text = made(MAX_SIZE)
    assert MAX_SIZE * 0.8 < len(text) <= MAX_SIZE
    begin = time.process_time()
    properties.decode_all(text)
    # Some milliseconds; anything quadratic takes many seconds.
    assert time.process_time() - begin < 1.0
