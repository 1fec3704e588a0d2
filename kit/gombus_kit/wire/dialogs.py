"""User-defined dialogs: created, shown, opened and closed, with nobody in front of them.

On the wire a dialog, a widget and a result are objects of registered types. What a script reads and sets of them is
kept here.
"""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Protocol

from ..twin.errors import BAD_ARGUMENT, UNKNOWN_ITEM
from .records import brief, remember
from .requests import ATTRIBUTE, BREAK, Refusal, Refused
from .values import Function, Trait

DIALOG, WIDGET, RESULT = "Tom::Dialog", "Tom::Widget", "Tom::DialogResult"
TYPES = {DIALOG: "Dialog", WIDGET: "Widget", RESULT: "DialogResult"}
"""Registered type: its name in the module gom."""
GROUP = "gom.script.sys"
_OWN = ("control", "timer")
"""Widgets that every dialog has."""
WHOLE = 100
"""How many of the last dialogs are kept with their images; of older ones what is long is cut."""
_CONTROLS = ("ok", "cancel", "close", "prev", "next", "yes", "no")


class Script(Protocol):
    """The script that asks."""

    def call(self, function: Function, argument: object) -> object:
        """Call a function of its own with one argument."""

    def gone(self) -> bool:
        """Whether it has ended."""


@dataclass
class Dialog:
    """A dialog and what became of it."""

    number: int
    definition: dict[str, Any]
    """As the script gave it; empty where it named a file that cannot be read here."""
    title: str
    script: Script | None
    """None once it has ended."""
    state: str = "created"
    """created, open (the script goes on), shown (the script waits), or closed."""
    values: dict[str, Any] = field(default_factory=dict)
    """Widget -> its value."""
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Widget -> what the script set of it beside its value; the dialog's own under the empty name."""
    result: object = None
    """What closed it gave as the result; None where that is the values of the widgets."""
    cancelled: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def trait(self) -> Trait:
        """Its form on the wire."""
        return Trait(DIALOG, [self.number])

    @property
    def text(self) -> str:
        """All that stands in it, a line for each widget with a text."""
        texts = (self.attributes.get(name, {}).get("text") for name in list(self.values))
        return "\n".join(text for text in texts if isinstance(text, str))

    def close(self, result: object = None, cancelled: bool = False) -> None:
        """Close it: the script that waits for it goes on."""
        self.result = result
        self.cancelled = cancelled
        self.state = "closed"
        self.ended.set()


class Dialogs:
    """The dialogs of all scripts.

    :param hold: whether a shown dialog waits for `close`, or is confirmed at once.
    :param changed: called when a dialog changed.
    """

    def __init__(self, hold: bool, changed: Callable[[], None]) -> None:
        self.all: list[Dialog] = []
        self.hold = hold
        self._changed = changed
        self._numbers = itertools.count(1)

    def close_all(self) -> None:
        """Nobody waits any longer."""
        for dialog in self.all:
            if dialog.state != "closed":
                dialog.close(cancelled=True)
        self._changed()

    def close_of(self, script: Script) -> None:
        """This script has ended."""
        for dialog in self.all:
            if dialog.script is not script:
                continue
            if dialog.state != "closed":
                dialog.close(cancelled=True)
            dialog.script = None
        self._changed()

    def run(self, name: str, arguments: dict[str, Any], script: Script) -> object:
        """Carry out one of the dialog commands.

        :param name: behind ``gom.script.sys.``.
        :raises Refused: an argument is unknown, or the dialog was cancelled.
        """
        verb = name.partition("_")[0]
        allowed = {"close": {"dialog", "result"}, "show": {"dialog"}, "open": {"dialog"}}
        known = allowed.get(verb, {"dialog", "file", "content"})
        if not set(arguments) <= known:
            raise Refused(Refusal(f"{name}: {sorted(set(arguments) - known)[0]!r} is no argument", BAD_ARGUMENT))
        if verb == "create":
            return self._create(arguments, script).trait
        dialog = self._create(arguments, script) if verb == "execute" else self._of(arguments.get("dialog"))
        if verb == "close":
            dialog.close(arguments.get("result"))
            self._changed()
            return None
        dialog.ended.clear()
        dialog.state = "open" if verb == "open" else "shown"
        self._changed()
        handler = dialog.attributes[""].get("handler")
        if isinstance(handler, Function):
            script.call(handler, "initialize")
        return None if verb == "open" else self._ended(dialog, script)

    def _ended(self, dialog: Dialog, script: Script) -> object:
        if not self.hold and dialog.state != "closed":
            dialog.close()
        while not dialog.ended.wait(0.2):
            if script.gone():
                dialog.close(cancelled=True)
        self._changed()
        if dialog.cancelled:
            raise Refused(Refusal("The dialog was cancelled", error=BREAK))
        return Trait(RESULT, [dict(dialog.values)]) if dialog.result is None else dialog.result

    def get(self, trait: Trait, name: str) -> object:
        """An attribute of a dialog, a widget or a result.

        :raises Refused: there is none.
        """
        if trait.type == RESULT:
            return _found(trait.args[0], name)
        dialog, widget = self._place(trait)
        if trait.type == DIALOG and (name in dialog.values or name in _OWN):
            return Trait(WIDGET, [dialog.number, name])
        if widget == "control" and name in _CONTROLS:
            return Trait(WIDGET, [dialog.number, f"control.{name}"])
        if trait.type == WIDGET and name in ("name", "value"):
            return widget if name == "name" else dialog.values.get(widget)
        known = dialog.attributes.get(widget, {})
        if trait.type == DIALOG and not dialog.definition and name not in known:
            # Which widgets there are stands in a file of the App's.
            dialog.values[name] = None
            return Trait(WIDGET, [dialog.number, name])
        return _found({"enabled": True, "visible": True, "title": dialog.title, **known}, name)

    def set(self, trait: Trait, name: str, value: object) -> None:
        """Set an attribute of a dialog or a widget."""
        dialog, widget = self._place(trait)
        if trait.type == WIDGET and name == "value":
            dialog.values[widget] = value
        else:
            dialog.attributes.setdefault(widget, {})[name] = value
        if (trait.type, name) == (DIALOG, "title"):
            dialog.title = str(value)
        self._changed()

    def text_of(self, trait: Trait) -> str:
        """``str()`` of one of them."""
        if trait.type == RESULT:
            entries = ", ".join(f"{key!r}: {value!r}" for key, value in trait.args[0].items())
            return f"gom.dialog.DialogResult ({entries})"
        dialog, widget = self._place(trait)
        return f"gom.dialog.Widget ({widget!r})" if trait.type == WIDGET else f"gom.dialog.Dialog ({dialog.title!r})"

    def _place(self, trait: Trait) -> tuple[Dialog, str]:
        dialog = self._of(Trait(DIALOG, trait.args[:1]))
        return dialog, str(trait.args[1]) if trait.type == WIDGET else ""

    def _of(self, trait: object) -> Dialog:
        if isinstance(trait, Trait) and trait.type == DIALOG:
            for dialog in self.all:
                if trait.args == [dialog.number]:
                    return dialog
        raise Refused(Refusal(f"{trait!r} is no dialog", UNKNOWN_ITEM))

    def _create(self, arguments: dict[str, Any], script: Script) -> Dialog:
        definition = _definition(arguments)
        dialog = Dialog(next(self._numbers), definition, _text(definition.get("title")), script)
        dialog.attributes[""] = {}
        for row in definition.get("content") or []:
            for widget in row if isinstance(row, list) else []:
                if isinstance(widget, dict) and isinstance(widget.get("name"), str):
                    dialog.values[widget["name"]] = widget.get("value")
                    kept = {key: value for key, value in widget.items() if key not in ("name", "value")}
                    dialog.attributes[widget["name"]] = {key: _text(value, value) for key, value in kept.items()}
        remember(self.all, dialog)
        for old in self.all[-WHOLE - 1 : -WHOLE]:
            old.definition, old.attributes = brief(old.definition), brief(old.attributes)
        self._changed()
        return dialog


def _definition(arguments: dict[str, Any]) -> dict[str, Any]:
    definition = arguments.get("dialog")
    if isinstance(arguments.get("file"), str):
        # Mostly a file of the App's, which only INSPECT finds.
        try:
            definition = json.loads(Path(arguments["file"].lstrip(":")).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            definition = {}
    return definition if isinstance(definition, dict) else {}


def _text(value: object, other: Any = "") -> Any:
    """The text of a text that may be one for translation."""
    text = value.get("text") if isinstance(value, dict) else value
    return text if isinstance(text, str) else other


def _found(members: dict[str, Any], name: str) -> object:
    if name not in members:
        raise Refused(Refusal(f"There is no {name!r}; there are: {', '.join(members)}", error=ATTRIBUTE))
    return members[name]
