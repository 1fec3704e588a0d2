r"""Regular expressions out of schemas: read as JSON Schema means them, and refused where they can take long.

JSON Schema's patterns are ECMA-262's: ``$`` is the very end of the string and ``\d`` is 0 to 9. Python reads both
more widely. Python's engine backtracks, so a pattern's cost is bounded before it is used.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import Any

if sys.version_info >= (3, 11):
    # typeshed does not have them, or has them in part, depending on its age.
    import re._constants as sre  # type: ignore[import-untyped,import-not-found,unused-ignore]
    import re._parser as sre_parse  # type: ignore[import-untyped,import-not-found,unused-ignore]
else:  # the same two modules under their older names
    import sre_constants as sre
    import sre_parse

MAX_STEPS = 1_000_000
"""How many steps a pattern may take on the longest allowed string: about 10 ms on an office PC."""

_TOKEN = re.compile(r"(?s)\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$")


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    r"""Compile a schema's pattern.

    :raises re.error: it is no regular expression.
    """
    return re.compile(_TOKEN.sub(lambda m: r"\Z" if m.group() == "$" else m.group(), pattern), re.ASCII)


def slow_reason(pattern: str, max_length: int) -> str | None:
    """Why a pattern is refused for strings of up to max_length characters; None where it is quick.

    The bound counts the ways to share the string out among the pattern's repeats, which is what a backtracking
    engine tries in the worst case, and for each of them the steps of what follows.
    """
    try:
        steps = steps_of(pattern, max_length)
    # Besides re.error: what Python says of contradicting flags, too large counts and too deep nesting.
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    except _Unsupported as error:
        return f"uses {error}, whose cost cannot be bounded"
    # Inline flags could undo what compile_pattern takes care of, and other readers of JSON Schema do not know them.
    if "(?" in _TOKEN.sub("", pattern).replace("(?:", ""):
        return "uses a group that starts with '(?' and is not '(?:'"
    if steps > MAX_STEPS:
        return (
            f"can take too long on {max_length} characters: repeat nothing that itself varies, "
            "use fewer repeats, start it with '^', or lower maxLength"
        )
    return None


@lru_cache(maxsize=1024)
def steps_of(pattern: str, max_length: int) -> int:
    """How many steps a pattern can take on strings of up to max_length characters; no more than a little beyond
    `MAX_STEPS` times the length is told apart.

    :raises re.error: it is no regular expression.
    """
    tree: Any = sre_parse.parse(compile_pattern(pattern).pattern, re.ASCII)
    _, steps = _cost(tree, max_length)
    # Not the text's first character: in ^a|b only one branch is held at the start.
    return steps if tree and tree[0] == (sre.AT, sre.AT_BEGINNING) else steps * (max_length + 1)


class _Unsupported(Exception):
    pass


def _cost(tree: Any, length: int) -> tuple[int, int]:
    """In how many ways a sequence can match, and the steps that trying all of them takes."""
    ways, steps = 1, 1
    for operator, argument in tree:
        more, each = _cost_of(operator, argument, length)
        steps = min(steps + ways * each, MAX_STEPS + 1)
        ways = min(ways * more, MAX_STEPS + 1)
    return ways, steps


def _cost_of(operator: Any, argument: Any, length: int) -> tuple[int, int]:
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, inner = argument
        # The engine repeats nothing at all as often as it may, in more ways than there are characters.
        if high > 1 and inner.getwidth()[0] == 0:
            return MAX_STEPS + 1, MAX_STEPS + 1
        turns = min(int(high), max(int(low), length, 1))
        ways, steps = _cost(inner, length)
        # With more than one way inside, every further turn multiplies; the exponent is cut, the result only grows.
        inside: int = ways ** min(turns, 64) if ways > 1 else 1
        return (turns - min(int(low), turns) + 1) * inside, turns * steps * inside
    if operator is sre.SUBPATTERN:
        return _cost(argument[3], length)
    if operator is sre.BRANCH:
        costs = [_cost(branch, length) for branch in argument[1]]
        return sum(ways for ways, _ in costs), sum(steps for _, steps in costs)
    if operator in (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY, sre.AT):
        return 1, 1
    raise _Unsupported(str(operator).lower())
