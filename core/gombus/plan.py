"""Plan mode: what a request would do. Its handler runs, its gom commands are noted and not called."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from .errors import InternalError, Refusal
from .evidence import FileLook
from .guard import Guard, GuardedGom, gom_refused
from .model import Context, JsonObject, Request
from .placeholders import CannotPlan, Notes, Placeholder, Read
from .refusals import code_of


def plan(
    request: Request,
    params: JsonObject,
    gom: Any,
    files: Iterable[FileLook],
    client: str,
    log: logging.Logger,
    user: str = "",
) -> dict[str, Any]:
    """What a request would do, on the owner thread: gom.app is read for real, and nothing is run.

    :param gom: what the backend opened.
    :param params: what the handler would get.
    :param files: what is to be said of each file that the parameters name.
    :param user: name of the asking client's token; empty where it needed none.
    :returns: ``calls``, ``files``, ``failing`` and ``ok``, as JSON values; ``stops`` where it would stop the server.
    :raises BreakError: gom's own: the user pressed Esc in INSPECT while gom.app was read.
    """
    looks = list(files)
    failing = [_failing(file.failing) for file in looks if file.failing is not None]
    notes = Notes(gom.RequestError)
    planned = PlannedGom(Guard(gom, request.name, request.commands), notes)
    context = Context(request.name, planned, client, log, planning=True, user=user)
    if not request.at_once:
        try:
            request.handler(params, context)
        except CannotPlan as end:
            failing.append(_failing(Refusal(f"The plan ends here: {end}.")))
        except Refusal as error:
            failing.append(_failing(error))
        except gom.BreakError:
            raise
        except gom.RequestError as error:
            failing.append(_failing(gom_refused(error)))
        except Exception:
            log.exception("%s: %s request: bug in its plugin, or it cannot be planned", client, request.name)
            failing.append(_failing(InternalError(request.name)))
    found = {"ok": not failing, "calls": notes.calls, "files": [file.facts for file in looks], "failing": failing}
    return {**found, "stops": True} if context.stopping else found


def _failing(error: Refusal) -> dict[str, Any]:
    return {"code": code_of(error), "message": str(error), **error.details()}


class PlannedGom(GuardedGom):
    """`gom` for a handler in plan mode."""

    __slots__ = ("_notes",)

    def __init__(self, guard: Guard, notes: Notes) -> None:
        super().__init__(guard)
        self._notes = notes

    def _read(self, name: str) -> Any:
        value = super()._read(name)
        if name == "app":
            return Read("gom.app", value, self._notes)
        # Exceptions must be the real ones, so that handlers can catch them.
        return value if issubclass(value, BaseException) else self._notes.stand_in(name, value)

    def _run(self, path: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Placeholder:
        self._guard.check(path, args)
        return self._notes.note(path, args, kwargs)
