"""What came of one job, as one JSON object: the import receipt."""

from __future__ import annotations

import json
import logging
from typing import Any, Callable

log = logging.getLogger(__name__)

MAX_TEXT = 4 * 1024 * 1024
"""Longest receipt, in characters: every client is to be able to take it."""
_LONG = ("value", "calls", "created", "files")
"""Members of a receipt that can be long."""
_encode = json.JSONEncoder(allow_nan=False).encode


class Receipt:
    """Made into JSON text when that is first asked for, because not every wire and journal needs it.

    :param same: JSON text of an object: further members, which many receipts have in common.
    """

    __slots__ = ("_members", "_same", "_text")

    def __init__(self, members: Callable[[], dict[str, Any]], same: str = "{}") -> None:
        self._members: Callable[[], dict[str, Any]] | None = members
        self._same = same
        self._text = ""

    @classmethod
    def kept(cls, text: str) -> Receipt:
        """One whose JSON text was kept."""
        receipt = cls(dict)
        receipt._text, receipt._members = text, None
        return receipt

    @property
    def text(self) -> str:
        """JSON text, ASCII, in one line."""
        members = self._members
        if members is not None:
            # The text first: another thread may look between the two.
            self._text = _text(members(), self._same)
            self._members = None
        return self._text

    def members(self) -> dict[str, Any]:
        """The JSON object, for the caller to change."""
        value: dict[str, Any] = json.loads(self.text)
        return value


def _text(members: dict[str, Any], same: str) -> str:
    """JSON text of a receipt; where that is too long its longest members are left out, and it says so."""
    text = _joined(members, same)
    if len(text) <= MAX_TEXT:
        return text
    left = len(text)
    lengths = {name: len(_encode(members[name])) for name in _LONG if name in members}
    left_out: list[str] = []
    for name in sorted(lengths, key=lambda name: -lengths[name]):
        if left > MAX_TEXT:
            left -= lengths[name]
            left_out.append(name)
    log.error("job %s: its receipt is too long; left out: %s", members.get("job"), ", ".join(left_out))
    empty: dict[str, Any] = {name: None if name == "value" else [] for name in left_out}
    return _joined({**members, **empty, "leftOut": left_out}, same)


def _joined(members: dict[str, Any], same: str) -> str:
    text = _encode(members)
    return text if same == "{}" or text == "{}" else f"{text[:-1]}, {same[1:]}"


def json_value(value: Any, request: str) -> Any:
    """What a handler returned, as a JSON value that is no longer its own to change; None where it is none.

    :param request: name of the request type.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except Exception:
        # The work is done; what its handler returned beside it must not make it look undone.
        log.exception("%s request: bug in its plugin: what it returned is no JSON value", request)
        return None
