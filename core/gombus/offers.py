"""What a plugin may offer: each request type is checked whole when it is loaded, so that nothing fails later."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from .errors import PluginError
from .model import ROLES, Legacy, Request
from .refusals import ERRORS
from .schemas import check_result, check_schema

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_COMMAND = re.compile(r"gom\.(script|interactive|api)(\.[A-Za-z_][A-Za-z0-9_]*)+")
MAX_TIMEOUT_S = 7 * 24 * 3600
_CODES = {row.code for row in ERRORS}


def check_request(request: Request) -> None:
    """Refuse a request type that cannot be served as it says.

    :raises PluginError: naming what is wrong.
    """
    if not _NAME.fullmatch(str(request.name)):
        raise PluginError("a name is lower-case letters, digits and '_', starts with a letter, at most 64 characters")
    if not callable(request.handler):
        raise PluginError("its handler cannot be called")
    check_schema(request.schema)
    check_result(request.result)
    properties = request.schema["properties"]
    for name in request.files:
        node = properties.get(name, {})
        if "string" not in (node.get("type"), node.get("items", {}).get("type")):
            raise PluginError(f"files names {name!r}; a parameter of type string, or array of strings, is allowed")
    for command in request.commands:
        if not _COMMAND.fullmatch(command):
            raise PluginError(f"{command!r} is no gom command; they look like gom.script.sys.import_other_images")
    if isinstance(request.timeout_s, bool) or not isinstance(request.timeout_s, (int, float)):
        raise PluginError(f"timeout_s is {request.timeout_s!r}; a number is allowed")
    if not 0 < request.timeout_s <= MAX_TIMEOUT_S:
        raise PluginError(f"timeout_s is {request.timeout_s!r}; above 0 up to {MAX_TIMEOUT_S} (s) is allowed")
    if request.role not in ROLES:
        raise PluginError(f"role is {request.role!r}; allowed: {', '.join(ROLES)}")
    if request.at_once and (request.commands or request.files):
        raise PluginError("what runs at once can have neither commands nor files")
    _check_legacy(request.legacy, properties)


def _check_legacy(legacy: Legacy, properties: Mapping[str, Any]) -> None:
    """:raises PluginError: naming what is wrong."""
    for field, kind in (("ok", str), ("plain", bool), ("precedence", int), ("required", tuple)):
        if not isinstance(getattr(legacy, field), kind):
            raise PluginError(f"legacy.{field} is {getattr(legacy, field)!r}; {kind.__name__} is allowed")
    for name in legacy.required:
        if name not in properties:
            raise PluginError(f"legacy.required names {name!r}, which is not in its schema")
    for code, text in legacy.texts.items():
        if code not in _CODES:
            raise PluginError(f"legacy.texts has the unknown code {code!r}; allowed: {', '.join(sorted(_CODES))}")
        for _, parameter, _, _ in string.Formatter().parse(text):
            if parameter is not None and parameter not in legacy.required:
                raise PluginError(f"legacy.texts[{code!r}] uses {{{parameter}}}, which is not in legacy.required")
        # Once here, so that it cannot fail when it is needed.
        text.format_map(dict.fromkeys(legacy.required, ""))
