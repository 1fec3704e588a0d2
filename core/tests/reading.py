"""JSON read strictly in another way than `gombus.strict` does: all is kept as it stands, and judged afterwards."""

from __future__ import annotations

import json
import math
from typing import Any

from gombus.strict import MAX_DEPTH, MAX_INTEGER, MAX_SIZE


class Unreadable(ValueError):
    """The text is no JSON, or JSON that two readers could understand differently."""


class _Pairs(list):  # type: ignore[type-arg]  # of names and values
    """An object's members, those that stand twice, too."""


class _Digits(str):
    """A number as it stands."""


def read(text: str) -> Any:
    """One JSON text.

    :raises Unreadable: gombus must refuse it.
    """
    if len(text) > MAX_SIZE:
        raise Unreadable("too long")
    try:
        kept = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_Digits, parse_float=_Digits, parse_constant=_Digits
        )
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    return _judged(kept, MAX_DEPTH)


def _judged(kept: Any, levels: int) -> Any:
    if isinstance(kept, _Digits):
        return _number(kept)
    if isinstance(kept, str):
        if any("\ud800" <= character <= "\udfff" for character in kept):
            raise Unreadable("half of a surrogate pair")
        return kept
    if not isinstance(kept, list):
        return kept
    if levels == 0:
        raise Unreadable("too deep")
    if not isinstance(kept, _Pairs):
        return [_judged(value, levels - 1) for value in kept]
    members = {_judged(name, 1): _judged(value, levels - 1) for name, value in kept}
    if len(members) < len(kept):
        raise Unreadable("a member stands twice")
    return members


def _number(digits: str) -> int | float:
    if digits.lstrip("-").isdigit():
        if len(digits) > len(str(MAX_INTEGER)) + 1 or not -MAX_INTEGER <= int(digits) <= MAX_INTEGER:
            raise Unreadable("an integer that is not exact everywhere")
        return int(digits)
    number = float(digits)
    if not math.isfinite(number):
        raise Unreadable("no finite number")
    return number
