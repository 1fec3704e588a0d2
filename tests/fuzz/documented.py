"""What docs/integrators.md promises to clients: the codes of errors, and those with which a connection is closed."""

from __future__ import annotations

import re

from places import INTEGRATORS

_PAGE = INTEGRATORS.read_text(encoding="utf-8")

CLOSE_CODES = {
    int(code)
    for row in re.findall(r"^\| ((?:1\d{3}\b[^|]*)) \|", _PAGE, re.MULTILINE)
    for code in re.findall(r"\b1\d{3}\b", row)
}
"""WebSocket close codes of the server's own."""
ERRORS = {code: int(number) for code, number in re.findall(r"^\| `(\w+)` \| (-\d+) \|", _PAGE, re.MULTILINE)}
"""Code -> number of every refusal."""
BUG_CODE, BUG_ERROR = 1011, "internal"
"""Documented, too, as signs of a bug."""

assert {1000, 1001, 1002, 1007, 1009, BUG_CODE} <= CLOSE_CODES, CLOSE_CODES
assert ERRORS.keys() >= {"malformed", "invalid_request", "unknown_request", "invalid_params", BUG_ERROR}, ERRORS
