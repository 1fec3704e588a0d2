"""Look up, check, run. The only place where an exception becomes a refusal."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Callable

from . import errors, paths
from .errors import Problem, Refusal
from .executor import Executor
from .guard import GuardedGom
from .model import Call, Context, JsonObject, Outcome, Request
from .registry import RequestType
from .validation import shown

log = logging.getLogger(__name__)

Done = Callable[[Outcome], None]


class Bus:
    """The way of a call to its handler and of the outcome back. `submit` belongs to the network thread.

    :param types: request types by name.
    :param gom: what the backend opened.
    """

    def __init__(self, types: Mapping[str, RequestType], gom: Any, executor: Executor[Outcome]) -> None:
        self._types = types
        self._executor = executor
        self._gom_refusal: type[Exception] = gom.RequestError
        self._break: type[Exception] = gom.BreakError
        self._goms = {
            name: GuardedGom(None if kind.request.at_once else gom, name, kind.request.commands)
            for name, kind in types.items()
        }
        self._logs = {name: logging.getLogger(f"gombus.request.{name}") for name in types}
        self._stopping = False

    def submit(self, call: Call, client: str, done: Done) -> None:
        """Run a call; `done` gets its outcome on this thread, at once where nothing has to be queued."""
        try:
            kind = self._admit(call)
        except Refusal as error:
            done(_refused(client, call.name, error))
            return
        if call.ignored:
            log.info("%s: %s request: ignored members %s", client, call.name, shown(call.ignored))
        context = Context(call.name, self._goms[call.name], client, self._logs[call.name])
        work = partial(self._run, kind.request, call.params, context)
        if kind.request.at_once:
            done(work())
        else:
            self._executor.submit(work, done)

    def stop(self) -> None:
        """Admit nothing more and refuse what waits; the call that runs is finished."""
        if not self._stopping:
            self._stopping = True
            self._executor.stop(Outcome(error=_stopping()))

    def _admit(self, call: Call) -> RequestType:
        if self._stopping:
            raise _stopping()
        kind = self._types.get(call.name)
        if kind is None:
            raise errors.UnknownRequest(f"No request type {call.name!r}; there are {', '.join(self._types)}.")
        problems = kind.validate(call.params)
        if problems:
            raise errors.InvalidParams(problems)
        refused = tuple(_refused_paths(kind.request, call.params))
        if refused:
            raise errors.PathRefused(refused)
        return kind

    def _run(self, request: Request, params: JsonObject, context: Context) -> Outcome:
        """Run a handler on the owner thread. Never raises, because everybody waits for that thread."""
        try:
            return self._carry_out(request, params, context)
        except BaseException as error:  # SystemExit of a handler, too
            log.exception("%s: %s request: bug in its plugin", context.client, request.name, exc_info=error)
            return Outcome(error=errors.InternalError(request.name))

    def _carry_out(self, request: Request, params: JsonObject, context: Context) -> Outcome:
        try:
            for _, path in _files(request, params):
                _check_readable(path)
            result = request.handler(params, context)
        except Refusal as error:
            return _refused(context.client, request.name, error)
        except self._break:
            log.warning("%s: %s request: the user pressed Esc in INSPECT; gombus stops", context.client, request.name)
            return Outcome(error=errors.GomRefused("The user stopped the script in INSPECT."), stop=True)
        except self._gom_refusal as error:
            return _refused(context.client, request.name, _gom_refused(error))
        log.debug("%s: %s request: done", context.client, request.name)
        return Outcome(result, stop=context.stopping)


def _refused(client: str, name: str, error: Refusal) -> Outcome:
    text = str(error)
    if isinstance(error, errors.GomRefused):
        text = f"{error.error_code} {error.description} {shown(error.error_log)}"
    log.warning("%s: %s request: %s: %s", client, name, errors.code_of(error), text)
    return Outcome(error=error)


def _stopping() -> errors.ServerStopping:
    return errors.ServerStopping("The server is stopping; the request was not started.")


def _files(request: Request, params: JsonObject) -> Iterator[tuple[str, str]]:
    """JSON Pointer and path of every file that these parameters name."""
    for name in request.files:
        value = params.get(name)
        if isinstance(value, str):
            yield f"/{name}", value
        elif value is not None:
            for index, path in enumerate(value):
                yield f"/{name}/{index}", path


def _refused_paths(request: Request, params: JsonObject) -> Iterator[Problem]:
    for pointer, path in _files(request, params):
        reason = paths.refusal(path)
        if reason:
            yield Problem(pointer, "path", f"{shown(path)} {reason}; allowed: {paths.ALLOWED}")


def _check_readable(path: str) -> None:
    """:raises FileUnreadable: there is no such file, or it cannot be opened."""
    try:
        # Opening a pipe would wait for its other end, and a folder opens on some systems.
        if not Path(path).is_file():
            raise errors.FileUnreadable(f"File {path} could not be read: there is no such file.")
        with open(path, "rb"):
            pass
    except OSError as error:
        raise errors.FileUnreadable(f"File {path} could not be read: {error.strerror or error}") from error


def _gom_refused(error: Exception) -> errors.GomRefused:
    """gom.RequestError as our own; getattr, because a backend's exception class may carry less."""
    description = str(getattr(error, "description", "") or error)
    return errors.GomRefused(description, str(getattr(error, "error_code", "")), str(getattr(error, "error_log", "")))
