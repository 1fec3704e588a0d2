"""Patterns out of schemas: read as JSON Schema means them, and judged before they are run."""

from __future__ import annotations

import random
import re
import sys
import time

import pytest

from gombus.patterns import compile_pattern, slow_reason
from gombus.strict import MAX_SIZE

NO_EXPRESSION = "is no regular expression: "
UNBOUNDED = "whose cost cannot be bounded"
TOO_LONG = "can take too long on "

FOCAL_LENGTH = r"^0*([1-9][0-9]*(\.[0-9]*)?|\.0*[1-9][0-9]*)$"

QUICK: list[tuple[str, int]] = [
    # pattern, the longest string that it is held against
    ("", 0),
    ("", MAX_SIZE),
    ("^$", MAX_SIZE),
    ("^abc$", MAX_SIZE),
    ("^[a-z]+$", MAX_SIZE),
    ("^[^<>]*$", MAX_SIZE),
    ("^[a-z]{3,8}$", MAX_SIZE),
    ("^(?:ab)*$", MAX_SIZE),
    ("^(ab|cd|ef)$", MAX_SIZE),
    ("^a?b?c?d?e?f?$", MAX_SIZE),
    ("^[A-Z]{2}[0-9]{6}$", 8),
    ("^[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}$", 10),
    (r"^\d{4}-\d{2}-\d{2}$", MAX_SIZE),
    (FOCAL_LENGTH, 24),
    (r"^[a-z]+(\.[a-z]+)?$", 64),
    (r"^[^.]*\.jpg$", 1024),
    (r"\.jpg$", 1024),
    ("[a-z]", 1024),
    ("[a-z]+$", 128),
    ("^[a-z]+?$", 1024),
    ("^(a{3}){4}$", 1024),
    ("^(?:x[0-9]{2}){0,8}$", 24),
    ("a{5000}", 4),
    ("^(?:[0-9]{4})$", 4),
    (r"^\(?[(?]?$", 4),
    ("^(?:a|^b)$", 16),
    (r"^\bword\b$", 16),
]

SLOW: list[tuple[str, int, str]] = [
    # Repeats of what varies: 2^n ways.
    ("^(a+)+$", 32, TOO_LONG),
    ("^(a*)*$", 32, TOO_LONG),
    ("^(a+)*?b", 32, TOO_LONG),
    ("^(a|aa)+$", 64, TOO_LONG),
    ("^(a|a)*$", 64, TOO_LONG),
    ("^(a?){40}$", 40, TOO_LONG),
    ("^((a{1,9}){1,9}){1,9}$", 64, TOO_LONG),
    ("^([a-z]+[0-9]?)+$", 32, TOO_LONG),
    ("^(x(a+)?)*$", 64, TOO_LONG),
    ("^(ab|cd)*$", 64, TOO_LONG),
    # Repeats side by side: n^k ways.
    ("^a*a*a*$", 1024, TOO_LONG),
    ("^[a-z]*[a-z]*[a-z]*[0-9]$", 256, TOO_LONG),
    (r"^.*\..*\..*$", 4096, TOO_LONG),
    ("^.*.*=.*$", 256, TOO_LONG),
    # Tried again from every character on.
    ("[a-z]+$", MAX_SIZE, TOO_LONG),
    (".*a", 4096, TOO_LONG),
    ("(^a|b*c)", 4096, TOO_LONG),
    # Only one of the branches is held at the start.
    ("^x|a*b", MAX_SIZE, TOO_LONG),
    ("^x|^y|a*b", MAX_SIZE, TOO_LONG),
    # A fixed repeat is run again for every way that leads to it.
    ("^a*[ab]{30000}$", MAX_SIZE, TOO_LONG),
    ("^(a*[ab]{2000}|b)$", MAX_SIZE, TOO_LONG),
    # Nothing at all, but very often, and in more ways than there are characters.
    ("^((?:^){2,5}){60000}$", 0, TOO_LONG),
    ("^(?:(?:$){2,5}){100}c", 1, TOO_LONG),
    (r"^(?:(?:\b){0,50}){60000}$", 0, TOO_LONG),
    ("^((?:(?:))+){1000}c$", 1, TOO_LONG),
    ("^(a?){2}b", 8, TOO_LONG),
    ("^(?:a|)*b", 8, TOO_LONG),
    ("^(?:(?:(?:){9999}){9999}){9999}$", 8, TOO_LONG),
    (r"^((\b){60000}){60000}", 8, TOO_LONG),
    # The engine's own devices.
    ("^(?=a)", 8, UNBOUNDED),
    ("^(?!a)", 8, UNBOUNDED),
    ("(?<=a)b", 8, UNBOUNDED),
    ("(?<!a)b", 8, UNBOUNDED),
    (r"^(a*)\1$", 8, UNBOUNDED),
    ("^(?P<x>a)(?P=x)$", 8, UNBOUNDED),
    ("^(a)?(?(1)b|c)$", 8, UNBOUNDED),
    # Python's own: no other reader of JSON Schema knows them, and flags change what the rest means.
    ("^(?P<year>[0-9]{4})$", 4, "uses a group that starts with"),
    ("(?i)^a$", 4, "uses a group that starts with"),
    (r"^(?u:\d)$", 4, "uses a group that starts with"),
    # No regular expressions.
    ("(", 8, NO_EXPRESSION),
    (")", 8, NO_EXPRESSION),
    ("[a", 8, NO_EXPRESSION),
    ("*a", 8, NO_EXPRESSION),
    ("a**", 8, NO_EXPRESSION),
    ("a{2,1}", 8, NO_EXPRESSION),
    ("[z-a]", 8, NO_EXPRESSION),
    ("a\\", 8, NO_EXPRESSION),
    (r"\8", 8, NO_EXPRESSION),
    ("(?P<1>a)", 8, NO_EXPRESSION),
    ("(?L)a", 8, NO_EXPRESSION),
    # Python says these in other ways.
    ("a{99999999999999999999}", 8, NO_EXPRESSION),
    ("(?u)a", 8, NO_EXPRESSION),
    ("(" * 500 + ")" * 500, 8, ""),
]


KNOWN: list[str] = [
    # Patterns that have stopped servers or stand in collections of such (OWASP and others), and their like.
    "^(a+)+$",
    "^([a-zA-Z]+)*$",
    "^(a|aa)+$",
    "^(a|a?)+$",
    "(.*a){20}",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$",
    r"^[\s\u200c]+|[\s\u200c]+$",
    r"(?:(?:\"|'|\]|\}|\\|\d|(?:nan|infinity|true|false)|\`|\-|\+)+[)]*;?((?:\s|-|~|!|\|\||\+)*.*(?:.*=.*)))",
    r"D[oD]?(\[[^\[\]]*\]|\s+)+MMMM?",
    r"^(`+)\s*([\s\S]*?[^`])\s*\1(?!`)",
    r"^([a-z0-9]+-?)+$",
    r"^(https?:\/\/)?([\da-z\.-]+)\.([a-z\.]{2,6})([\/\w \.-]*)*\/?$",
    r"^(([0-9]+\.?)+)$",
    r"^(\w+\s?)*$",
    r"^(.*,)*x",
    r"^(([^<>()\[\]\\.,;:\s@]+(\.[^<>()\[\]\\.,;:\s@]+)*)|(.+))@([a-z]+\.)+[a-z]{2,}$",
    r"^\s*(.+?)\s*=\s*(.*?)\s*;?\s*$",
    r"^(?:[^\\/]+[\\/])*[^\\/]*\.(?:[a-z]+)+$",
    r"^\d+1\d+2\d+3\d+$",
    r"(x+x+)+y",
    r"^((ab)*)+$",
    r"^(?:.*\n)*.*x$",
]


@pytest.mark.parametrize("pattern", KNOWN, ids=lambda value: ascii(value)[1:41])
def test_patterns_that_are_known_to_be_slow_are_refused(pattern: str) -> None:
    assert slow_reason(pattern, 1024) is not None


def _made(chance: random.Random, depth: int) -> str:
    """Some pattern."""
    kind = chance.random()
    if depth == 0 or kind < 0.35:
        return chance.choice(["a", "b", "[ab]", ".", r"\w", "[^c]", r"\b", "^", "$", "(?:)"])
    if kind < 0.6:
        return _made(chance, depth - 1) + _made(chance, depth - 1)
    if kind < 0.85:
        times = chance.choice(["*", "+", "?", "*?", "{3}", "{2,5}", "{0,50}", "{5,}", "{300}", "{60000}"])
        return f"{chance.choice(['(', '(?:'])}{_made(chance, depth - 1)}){times}"
    return f"(?:{_made(chance, depth - 1)}|{_made(chance, depth - 1)})"


@pytest.mark.parametrize("seed", range(8))
def test_what_is_taken_is_quick_on_whatever_is_sent(seed: int) -> None:
    """Fifty times what is aimed at, so that a slow machine does not fail; what got through before took minutes."""
    chance = random.Random(seed)
    slowest = (0.0, "")
    for _ in range(400):
        pattern = chance.choice(["^", ""]) + _made(chance, 4) + chance.choice(["", "$", "c"])
        length = chance.choice([0, 1, 32, 1000, MAX_SIZE])
        if slow_reason(pattern, length) is None:
            for text in ("a" * length, "ab" * (length // 2), "a" * (length - 1) + "c"):
                began_s = time.process_time()
                compile_pattern(pattern).search(text)
                slowest = max(slowest, (time.process_time() - began_s, pattern))
    assert slowest[0] < 0.5, slowest


def _id(value: object) -> str:
    return ascii(value)[1:41] if isinstance(value, str) else str(value)


@pytest.mark.parametrize(("pattern", "length"), QUICK, ids=_id)
def test_a_quick_pattern_is_allowed(pattern: str, length: int) -> None:
    assert slow_reason(pattern, length) is None


@pytest.mark.parametrize(("pattern", "length", "reason"), SLOW, ids=_id)
def test_what_could_take_long_is_refused_with_its_reason(pattern: str, length: int, reason: str) -> None:
    given = slow_reason(pattern, length)
    assert given is not None
    assert reason in given


@pytest.mark.skipif(sys.version_info < (3, 11), reason="newer syntax")
@pytest.mark.parametrize("pattern", ["^(?>a*)b", "^a*+b", "^(?:ab)++c"])
def test_atomic_groups_are_refused(pattern: str) -> None:
    assert UNBOUNDED in str(slow_reason(pattern, 8))


def test_the_same_pattern_is_quick_on_short_strings_and_slow_on_long_ones() -> None:
    assert slow_reason("^[a-z]*[a-z]*[0-9]$", 64) is None
    assert TOO_LONG + "65536 characters" in str(slow_reason("^[a-z]*[a-z]*[0-9]$", 65536))


def test_what_to_change_is_said() -> None:
    assert "lower maxLength" in str(slow_reason("^(a+)+$", 32))


@pytest.mark.parametrize(
    ("pattern", "taken", "refused"),
    [
        # The end is the end, not the end of the last line.
        ("^[a-z]+$", ["abc"], ["abc\n", "abc\n\n", "abc\nabc", "\nabc"]),
        ("^(a|b$)", ["a\n", "b"], ["b\n"]),
        ("a$|b", ["a", "b\n"], ["a\n"]),
        # Elsewhere a dollar sign is one.
        (r"^\$$", ["$"], ["", "a", "$\n"]),
        ("^[$]$", ["$"], ["", "a", "$\n"]),
        ("^[^$]$", ["a", "\n"], ["$", "", "a\n"]),
        ("^[]$]$", ["$", "]"], ["a", "]\n"]),
        ("^[^]$]$", ["a"], ["$", "]"]),
        (r"^[\]$]$", ["$", "]"], ["\\", "]\n"]),
        (r"^\\$", ["\\"], ["\\$", "\\\n"]),
        (r"^\[$", ["["], ["[\n"]),
        # ASCII alone.
        (r"^\d+$", ["0123456789"], ["\u0663", "\uff13", "1\u0663", "\u00b2"]),
        (r"^\w+$", ["aZ_9"], ["\u00e9", "\u0663", "\u00df"]),
        (r"^\s$", [" ", "\n"], ["\u00a0", "\u2003"]),
        (r"^\D$", ["a", "\u0663"], ["1"]),
        # Found anywhere unless it says otherwise.
        ("b", ["abc", "b"], ["ac", ""]),
        ("", ["", "x"], []),
        (FOCAL_LENGTH, ["50.0", "2", ".5", "0001", "1."], ["0", "0.0", ".", "", "-1", "1e3", " 1", "1\n", "\u0661"]),
    ],
)
def test_patterns_are_read_as_json_schema_means_them(pattern: str, taken: list[str], refused: list[str]) -> None:
    compiled = compile_pattern(pattern)
    assert [text for text in taken if not compiled.search(text)] == []
    assert [text for text in refused if compiled.search(text)] == []


def test_compiling_what_is_no_regular_expression_says_so() -> None:
    with pytest.raises(re.error, match="unterminated"):
        compile_pattern("(")
