"""``gom.api`` as far as the twin has it: progress, introspection and settings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from .records import remember

MODULES = {
    "__internal__progress": ("_create_internal_progress_bar",),
    "introspection": ("modules", "classes"),
    "settings": ("get", "set", "list"),
}
"""The modules that answer, and their functions."""


class NotThere(Exception):
    """There is no such function, object or setting."""


class Api:
    """Answers the calls of ``gom.api``. Objects live in the client and are named by what they are."""

    def __init__(self) -> None:
        self.progress: list[int] = []
        """The values of all progress bars, in %, as received."""
        self.messages: list[str] = []
        """The messages of all progress bars, as received."""
        self.shown: set[str] = set()
        """The progress bars that are shown now."""
        self.settings: dict[str, Any] = {}
        """What ``gom.api.settings`` reads and writes."""
        self._made = 0

    def answer(self, text: str) -> str:
        """The JSON answer to a JSON call."""
        try:
            call = json.loads(text)
            return json.dumps({"result": self._call(call)})
        except NotThere as error:
            return json.dumps({"error": str(error)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return json.dumps({"error": f"the twin cannot read the call: {error!r}"})

    def _call(self, call: dict[str, Any]) -> object:
        params = call.get("params", [])
        if "instance" in call:
            return self._method(str(call["instance"]), call["call"], params)
        name = f"{call['module']}.{call['call']}"
        if name == "internal.release":
            return None
        functions: dict[str, Callable[..., object]] = {
            "__internal__progress._create_internal_progress_bar": self._progress_bar,
            "introspection.modules": lambda: [_instance("introspection.Module", f"module {name}") for name in MODULES],
            "introspection.classes": list,
            "settings.get": self._setting,
            "settings.set": self.settings.__setitem__,
            "settings.list": lambda: sorted(self.settings),
        }
        if name not in functions:
            raise NotThere(f"the twin does not have gom.api.{name}; it has {', '.join(MODULES)}")
        return functions[name](*params)

    def _method(self, instance: str, method: str, params: Sequence[Any]) -> object:
        kind, _, name = instance.partition(" ")
        if kind == "module":
            functions = [_instance("introspection.Function", f"function {function}") for function in MODULES[name]]
            return _one_of(method, {"name": name, "version": 1, "description": "", "tags": [], "functions": functions})
        if kind == "function":
            # The second name is spelt as the client spells it.
            members = {"name": name, "descripion": "", "signature": [], "arguments": [], "returns": ["", ""]}
            return _one_of(method, members)
        if kind != "progress":
            raise NotThere(f"the twin has no object {instance!r}")
        if method == "_set_progress":
            remember(self.progress, *params)
        elif method == "_set_message":
            remember(self.messages, *params)
        elif method == "_register_watcher":
            self.shown.add(name)
        elif method == "_deregister_watcher":
            self.shown.discard(name)
        else:
            raise NotThere(f"a progress bar has no method {method!r}")
        return None

    def _progress_bar(self, passcode: str) -> object:
        self._made += 1
        return _instance("__internal__progress.InternalProgressBar", f"progress {self._made}")

    def _setting(self, key: str) -> object:
        if key not in self.settings:
            raise NotThere(f"there is no setting {key!r}; there are: {', '.join(sorted(self.settings)) or 'none'}")
        return self.settings[key]


def _instance(kind: str, name: str) -> dict[str, str]:
    return {"$type": "instance", "typename": kind, "id": name}


def _one_of(method: str, members: Mapping[str, object]) -> object:
    if method not in members:
        raise NotThere(f"there is no method {method!r}; there are: {', '.join(members)}")
    return members[method]
