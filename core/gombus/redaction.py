"""Secrets that must not be written anywhere. They are taken out of log lines and of what clients are told.

It is the second line of defence: nothing writes them on purpose, but a library may quote them when it fails.
"""

from __future__ import annotations

_hidden: list[str] = []


def hide(secret: str) -> None:
    """Have `redacted` take this out of every text, as long as the process lives."""
    if secret and secret not in _hidden:
        _hidden.append(secret)
        # The longest first, because one may be a part of another.
        _hidden.sort(key=len, reverse=True)


def redacted(text: str) -> str:
    """The text with ``…`` in place of each secret."""
    for secret in _hidden:
        text = text.replace(secret, "…")
    return text
