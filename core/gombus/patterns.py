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
    import re._constants as sre  # type: ignore[import-untyped,import-not-found,unused-ignore]
    import re._parser as sre_parse  # type: ignore[import-untyped,import-not-found,unused-ignore]
else:  # the same two modules under their older names
    import sre_constants as sre
    import sre_parse

MAX_WAYS = 1_000_000
"""How many ways through a pattern the longest allowed string may have: about 10 ms on an office PC."""

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
    engine tries in the worst case.
    """
    try:
        tree = sre_parse.parse(compile_pattern(pattern).pattern, re.ASCII)
        ways = _ways(tree, max_length)
    except re.error as error:
        return f"is no regular expression: {error}"
    except _Unsupported as error:
        return f"uses {error}, whose cost cannot be bounded"
    if not pattern.startswith("^"):
        ways *= max_length
    if ways > MAX_WAYS:
        return (
            f"can take too long on {max_length} characters: repeat nothing that itself varies, "
            "use fewer repeats, start it with '^', or lower maxLength"
        )
    return None


class _Unsupported(Exception):
    pass


def _ways(tree: Any, length: int) -> int:
    ways = 1
    for operator, argument in tree:
        ways = min(ways * _ways_of(operator, argument, length), MAX_WAYS + 1)
    return ways


def _ways_of(operator: Any, argument: Any, length: int) -> int:
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, inner = argument
        most = min(int(high), length)
        each = _ways(inner, length)
        # With more than one way inside, every further turn multiplies; the exponent is cut, the result only grows.
        inside: int = each ** min(most, 64) if each > 1 else 1
        return (max(most - int(low), 0) + 1) * inside
    if operator is sre.SUBPATTERN:
        return _ways(argument[3], length)
    if operator is sre.BRANCH:
        return sum(_ways(branch, length) for branch in argument[1])
    if operator in (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY, sre.AT):
        return 1
    raise _Unsupported(str(operator).lower())
