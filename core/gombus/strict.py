"""Text to JSON value, strictly: what two readers could understand differently is refused (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Callable

from .errors import MalformedMessage

MAX_SIZE = 64 * 1024
"""Longest message, in bytes on the wire and in characters here, unless the settings say otherwise."""
MAX_DEPTH = 16
"""Deepest nesting of arrays and objects, unless the settings say otherwise."""
MAX_INTEGER = 2**53
"""Largest magnitude of an integer that every JSON reader keeps exact (RFC 7493 section 2.2)."""

_OVERFLOW = "a number is too large"


class StrictReader:
    """Decodes JSON texts within limits.

    :param max_size: longest text, in characters.
    :param max_depth: deepest nesting of arrays and objects.
    :param max_integer: largest magnitude of an integer, up to `MAX_INTEGER`.
    """

    def __init__(self, max_size: int = MAX_SIZE, max_depth: int = MAX_DEPTH, max_integer: int = MAX_INTEGER) -> None:
        self._max_size = max_size
        self._max_depth = max_depth
        read_int = _int_reader(max_integer)
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=_float, parse_int=read_int, parse_constant=_constant
        )
        self._marking_decoder = json.JSONDecoder(
            parse_float=_mark(_float), parse_int=_mark(read_int), parse_constant=_mark(_constant)
        )

    def loads(self, text: str) -> Any:
        """Decode one JSON text.

        :returns: dict, list, str, int, float, bool or None.
        :raises MalformedMessage: the text is no JSON, is beyond a limit, has a member twice, a lone surrogate, NaN,
            Infinity or a float out of range. For a number the error's `pointer` says where it stands.
        """
        if len(text) > self._max_size:
            raise MalformedMessage(f"the text is longer than {self._max_size} characters")
        # Brackets inside strings count here too: a cheap test that spares nearly every message the exact one.
        if text.count("{") + text.count("[") > self._max_depth and _depth(text) > self._max_depth:
            raise MalformedMessage(f"the text is nested deeper than {self._max_depth} levels")
        try:
            value = self._decoder.decode(text)
        except json.JSONDecodeError as error:
            raise MalformedMessage(f"no JSON: {error.msg} at character {error.pos}") from None
        except _NumberRefused as error:
            raise MalformedMessage(str(error), self._pointer_to_number(text)) from None
        # Half a pair stands in an escape, or where a decoder let it pass; ASCII without escapes has none.
        if "\\u" in text or not text.isascii():
            _refuse_surrogates(value)
        return value

    def _pointer_to_number(self, text: str) -> str:
        """JSON Pointer to the first refused number; empty where the text is no JSON beyond it."""
        try:
            found = _find(self._marking_decoder.decode(text))
        except json.JSONDecodeError:
            return ""
        return found or ""


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


def _int_reader(largest: int) -> Callable[[str], int]:
    longest = len(str(-largest))
    reason = f"an integer beyond {largest} is not allowed"
    if largest == MAX_INTEGER:
        reason = "an integer beyond 2^53 is not kept exact by every reader"

    def read(digits: str) -> int:
        # The length is looked at first, because converting a very long integer takes quadratic time.
        if len(digits) > longest or abs(number := int(digits)) > largest:
            raise _NumberRefused(reason)
        return number

    return read


def _constant(name: str) -> Any:
    raise _NumberRefused(f"{name} is no JSON number")


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


loads = StrictReader().loads
"""Decode one JSON text within the limits that stand above."""
