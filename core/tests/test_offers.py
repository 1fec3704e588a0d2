"""What a plugin may offer; that it is blocked alone with the reason stands in test_registry.py."""

from __future__ import annotations

from typing import Any

import pytest

from gombus.errors import PluginError
from gombus.model import ROLES
from gombus.offers import MAX_TIMEOUT_S, check_request
from support import request


@pytest.mark.parametrize(
    "members",
    [
        *({"role": role} for role in ROLES),
        {"timeout_s": 0.001},
        {"timeout_s": MAX_TIMEOUT_S},
        {"files": ("file", "files")},
        {"at_once": True},
        {"result": {"type": "integer"}},
    ],
    ids=str,
)
def test_what_is_allowed(members: dict[str, Any]) -> None:
    check_request(request(**members))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"name": "Say"}, "a name is lower-case letters"),
        ({"role": "boss"}, "role is 'boss'; allowed: viewer, operator, admin"),
        ({"timeout_s": 0}, r"timeout_s is 0; above 0 up to 604800 \(s\) is allowed"),
        ({"timeout_s": float("nan")}, "timeout_s is nan; above 0"),
        ({"timeout_s": True}, "timeout_s is True; a number is allowed"),
        ({"files": ("none",)}, "files names 'none'; a parameter of type string, or array of strings, is allowed"),
        ({"commands": ("gom.app.x",)}, "'gom.app.x' is no gom command"),
        ({"at_once": True, "files": ("file",)}, "what runs at once can have neither commands nor files"),
        ({"handler": 5}, "its handler cannot be called"),
    ],
    ids=str,
)
def test_what_is_not_allowed_is_named(members: dict[str, Any], reason: str) -> None:
    with pytest.raises(PluginError, match=reason):
        check_request(request(**members))
