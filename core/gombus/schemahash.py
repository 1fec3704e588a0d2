"""Schemas pinned by their hash, and what changed between two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from .model import JsonObject
from .strict import pointer_escape


def canonical(value: Any) -> str:
    """One JSON text for equal values: members sorted, no spaces, no escapes beyond those that JSON demands."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_of(value: Any) -> str:
    """SHA-256 of the canonical JSON text in UTF-8, as hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("utf-8", "backslashreplace")).hexdigest()


def difference(was: JsonObject, now: JsonObject) -> list[dict[str, Any]]:
    """What changed: JSON Pointer, ``added``, ``removed`` or ``changed``, and the values ``was`` and ``now``."""
    return list(_difference(was, now, ""))


def _difference(was: Any, now: Any, pointer: str) -> Iterator[dict[str, Any]]:
    if not (isinstance(was, dict) and isinstance(now, dict)):
        if canonical(was) != canonical(now):
            yield {"pointer": pointer, "change": "changed", "was": was, "now": now}
        return
    for name in sorted(was.keys() | now.keys()):
        at = f"{pointer}/{pointer_escape(name)}"
        if name not in now:
            yield {"pointer": at, "change": "removed", "was": was[name]}
        elif name not in was:
            yield {"pointer": at, "change": "added", "now": now[name]}
        else:
            yield from _difference(was[name], now[name], at)
