"""Text to JSON value, strictly: what two readers could understand differently is refused (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from .errors import MalformedMessage

MAX_SIZE = 64 * 1024
"""Longest message, in bytes on the wire and in characters here."""
MAX_DEPTH = 16
"""Deepest nesting of arrays and objects."""
MAX_INTEGER = 2**53
"""Largest magnitude of an integer that every JSON reader keeps exact (RFC 7493 section 2.2)."""

_OVERFLOW = "a number is too large"
_INEXACT = "an integer beyond 2^53 is not kept exact by every reader"


def loads(text: str) -> Any:
    """Decode one JSON text.

    :returns: dict, list, str, int, float, bool or None.
    :raises MalformedMessage: the text is no JSON, or is longer than `MAX_SIZE`, deeper than `MAX_DEPTH`, has a member
        twice, a lone surrogate, NaN, Infinity, a float out of range or an integer beyond `MAX_INTEGER`. For a number
        the error's `pointer` says where it stands.
    """
    if len(text) > MAX_SIZE:
        raise MalformedMessage(f"the text is longer than {MAX_SIZE} characters")
    # Brackets inside strings count here too: a cheap test that spares nearly every message the exact one.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise MalformedMessage(f"the text is nested deeper than {MAX_DEPTH} levels")
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedMessage(f"no JSON: {error.msg} at character {error.pos}") from None
    except _NumberRefused as error:
        raise MalformedMessage(str(error), _pointer_to_number(text)) from None
    # Half a pair stands in an escape, or where a decoder let it pass; ASCII without escapes has none.
    if "\\u" in text or not text.isascii():
        _refuse_surrogates(value)
    return value


class _NumberRefused(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # add gives None
        raise MalformedMessage(f"the member {twice[:60]!r} stands twice in one object")
    return members


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _NumberRefused(_OVERFLOW)
    return number


def _int(digits: str) -> int:
    # The length is looked at first, because converting a very long integer takes quadratic time.
    if len(digits) > 17 or abs(number := int(digits)) > MAX_INTEGER:
        raise _NumberRefused(_INEXACT)
    return number


def _constant(name: str) -> Any:
    raise _NumberRefused(f"{name} is no JSON number")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant)

_STRING_OR_BRACKET = re.compile(r'(?s)"(?:[^"\\]|\\.?)*(?:"|\Z)|[][{}]')


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        token = match.group()
        if token in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in "]}":
            depth -= 1
    return deepest


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedMessage("a string has half of a surrogate pair") from None


class _Refused:
    """Stands where a refused number stood, so that its place can be named."""


def _mark(reader: Any) -> Any:
    def read(digits: str) -> Any:
        try:
            return reader(digits)
        except _NumberRefused:
            return _Refused()

    return read


_marking_decoder = json.JSONDecoder(parse_float=_mark(_float), parse_int=_mark(_int), parse_constant=_mark(_constant))


def _pointer_to_number(text: str) -> str:
    """JSON Pointer to the first refused number; empty where the text is no JSON beyond it."""
    try:
        found = _find(_marking_decoder.decode(text))
    except json.JSONDecodeError:
        return ""
    return found or ""


def _find(value: Any) -> str | None:
    if isinstance(value, _Refused):
        return ""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        rest = _find(inner)
        if rest is not None:
            return f"/{pointer_escape(str(key))}{rest}"
    return None


def pointer_escape(key: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
