"""INSPECT as the client sees it: what each request of the wire is answered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

from ..twin import BreakError, RequestError, Twin
from ..twin.errors import BAD_ARGUMENT, UNKNOWN_COMMAND, UNKNOWN_ITEM
from . import dialogs
from .api import Api
from .items import COMMANDS, FILE_TYPE, Items, with_files
from .records import remember
from .requests import ATTRIBUTE, BREAK, PLAIN, PYTHON, Refusal, Refused, Request
from .values import Command, Item, Trait

log = logging.getLogger(__name__)

Params = Mapping[str, Any]


class Inspect:
    """The twin behind the wire, and what was said to it beside commands.

    The twin answers one thread alone, so all that touches it runs on a thread of its own, whoever asks.

    :param teach: teaches the twin its commands.
    :param changed: called when something was received.
    """

    def __init__(self, teach: Callable[[Twin], None], hold_dialogs: bool, changed: Callable[[], None]) -> None:
        self.log: list[str] = []
        self.console: list[str] = []
        self.exits: list[object] = []
        self.exceptions: list[dict[str, Any]] = []
        self.dialogs = dialogs.Dialogs(hold_dialogs, changed)
        self.api = Api()
        self._changed = changed
        self._teach = teach
        self._thread: ThreadPoolExecutor
        self.twin: Twin
        self._items: Items

    def open(self) -> None:
        """Start with an empty project.

        :raises Exception: what `teach` raises.
        """
        self._thread = ThreadPoolExecutor(1, "wire-twin")
        try:
            self._thread.submit(self._make).result()
        except BaseException:
            self._thread.shutdown(wait=False)
            raise

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown()

    def _make(self) -> None:
        self.twin = Twin()
        self._items = Items(self.twin)
        self._teach(self.twin)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that can be called."""
        return (*self.twin.commands, *(f"{dialogs.GROUP}.{name}" for name in _DIALOG_COMMANDS))

    def answer(self, request: Request, params: Params, script: dialogs.Script) -> object:
        """Answer one request.

        :raises Refused: it is not done.
        """
        if request in _PLAIN_ANSWERS:
            return _PLAIN_ANSWERS[request]
        if request is Request.COMMAND:
            return [self._command(params["command"], params["parameters"], script), ""]
        if request in _KEPT:
            return self._keep(request, params)
        if request.name.startswith("TYPE_"):
            return self._typed(request, params)
        if request not in _OF_ITEMS:
            raise Refused(Refusal(f"the twin does not model requests of the kind {request.name}"))
        return self._thread.submit(self._guarded, _OF_ITEMS[request], params).result()

    def _guarded(self, function: Callable[[Items, Params], object], params: Params) -> object:
        try:
            return function(self._items, params)
        except RequestError as error:
            raise Refused(Refusal(error.description, error.error_code, error.error_log)) from None
        except BreakError as error:
            raise Refused(Refusal(str(error), error=BREAK)) from None

    def _command(self, name: str, arguments: Any, script: dialogs.Script) -> object:
        group, _, last = name.rpartition(".")
        if group == dialogs.GROUP and last in _DIALOG_COMMANDS:
            return self.dialogs.run(last, arguments, script)

        def run(items: Items, _: Params) -> object:
            given = items.arguments(with_files(arguments))
            if name not in self.twin.commands:
                known = ", ".join(self.commands)
                raise Refused(Refusal(f"There is no command {name}; the twin has {known}", UNKNOWN_COMMAND))
            try:
                return items.result(self.twin._run(name, given))
            except (RequestError, BreakError, Refused):
                raise
            except BaseException as error:  # SystemExit, too, would end the script's connection
                log.exception("%s failed in the twin", name)
                raise Refused(Refusal(f"{type(error).__name__}: {error}", error=PYTHON)) from error
            finally:
                # The server keeps them, too, but without what is long.
                self.twin.calls.clear()

        return self._thread.submit(self._guarded, run, {}).result()

    def _keep(self, request: Request, params: Params) -> object:
        if request is Request.LOG:
            remember(self.log, params["message"])
            log.info("a script says: %s", params["message"])
        elif request is Request.CONSOLE:
            remember(self.console, params["message"])
        elif request is Request.EXIT:
            remember(self.exits, params["code"])
        elif request is Request.EXCEPTION:
            remember(self.exceptions, dict(params))
            log.info("a script failed: %s: %s", params["name"], params["text"])
        elif request is Request.TRANSLATE:
            return {"translation": params["text"]}
        elif request is Request.API:
            answer = self.api.answer(params["json"])
            self._changed()
            return answer
        elif request is Request.TEST:
            if params["command"] != "reflect":
                raise Refused(Refusal(f"the twin does not model the test {params['command']!r}"))
            return params["data"]
        self._changed()
        return None

    def _typed(self, request: Request, params: Params) -> object:
        if request is Request.TYPE_CMP:
            if "type1" not in params:
                return "not_equal"
            pairs = [(params[f"type{n}"], params[f"args{n}"], params[f"kwargs{n}"]) for n in "12"]
            return "equal" if pairs[0] == pairs[1] else "not_equal"
        trait = Trait(params["type"], list(params["args"]), dict(params["kwargs"]))
        if trait.type == FILE_TYPE:
            return _file(request, trait, params)
        if trait.type not in dialogs.TYPES:
            raise Refused(Refusal(f"there is no type {trait.type!r}"))
        if request is Request.TYPE_GETATTR:
            return self.dialogs.get(trait, params["name"])
        if request is Request.TYPE_SETATTR:
            self.dialogs.set(trait, params["name"], params["value"])
            return None
        if request in (Request.TYPE_STR, Request.TYPE_REPR):
            return self.dialogs.text_of(trait)
        raise Refused(Refusal(f"the twin does not model requests of the kind {request.name}"))


def _file(request: Request, trait: Trait, params: Params) -> object:
    if len(trait.args) != 1 or not isinstance(trait.args[0], str) or trait.kwargs:
        raise Refused(Refusal("gom.File takes one path, a text", BAD_ARGUMENT))
    if request is Request.TYPE_CONSTRUCT:
        return {"args": trait.args, "kwargs": {}}
    if request is Request.TYPE_STR:
        return trait.args[0]
    if request is Request.TYPE_REPR:
        return f"gom.File ({trait.args[0]!r})"
    error = ATTRIBUTE if request is Request.TYPE_GETATTR else PLAIN
    raise Refused(Refusal(f"gom.File has no {params.get('name', request.name)!r}", error=error))


def _attribute(items: Items, params: Params) -> object:
    item: Item = params["item"]
    if isinstance(item, Command) or item.id.startswith(COMMANDS):
        return Command(f"{item.name if isinstance(item, Command) else item.id}.{params['name']}")
    return items.attribute(item, params["name"])


def _get(items: Items, params: Params) -> object:
    value: object = params["item"]
    for name in params["name"].split("."):
        if not isinstance(value, Item):
            raise Refused(Refusal(f"There is no {params['name']!r}", UNKNOWN_ITEM))
        value = items.attribute(value, name)
    index = params.get("index")
    return items.element(value, index) if index is not None and isinstance(value, Item) else value


_DIALOG_COMMANDS = tuple(f"{verb}_user_defined_dialog" for verb in ("create", "show", "open", "close", "execute"))
_PLAIN_ANSWERS: dict[Request, object] = {
    Request.CONFIGURATION: {}, Request.DOC: "", Request.IMPORT: None, Request.LINE: None, Request.REGISTER: {},
    Request.OBJECTTYPES: {FILE_TYPE: "File", **dialogs.TYPES}, Request.RELEASE: None, Request.RESOURCE_LEN: 0,
    Request.RESULT: None, Request.SETENV: None, Request.TYPE_DOC: "",
}  # fmt: skip
_KEPT = (
    *(Request.API, Request.CONSOLE, Request.EXCEPTION, Request.EXIT, Request.LOG, Request.TEST, Request.TRANSLATE),
)
_OF_ITEMS: dict[Request, Callable[[Items, Params], object]] = {
    Request.GETATTR: _attribute,
    Request.GET: _get,
    Request.KEY: lambda items, params: items.element(params["item"], params["name"]),
    Request.LEN: lambda items, params: items.length(params["item"]),
    Request.TOKENS: lambda items, params: items.tokens(params["item"]),
    Request.FILTER: lambda items, params: items.filtered(params["item"], params["expression"], params["condition"]),
    Request.EQUAL: lambda items, params: params["item"] == params["other"],
    Request.REPR: lambda items, params: params["item"].id,
}
