"""The files that a request names: which they are, where, whether they may be used, and what its receipt says of them.

This is what holds where no setting says otherwise: a path means this computer's file of that name, and goes to the
handler as it was sent. `site` is what the settings of a site make of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from .. import evidence, paths
from ..errors import FileUnreadable, Problem
from ..evidence import FileFacts, FileLook, NamedFile
from ..model import JsonObject, Request
from ..validation import MAX_PROBLEMS, shown


class Taken:
    """The files of one request, from before its handler is begun until it has returned. Belongs to the owner thread."""

    __slots__ = ("facts", "params")

    def __init__(self, params: JsonObject, facts: list[FileFacts]) -> None:
        self.params = params
        """What the handler gets."""
        self.facts = facts

    def release(self) -> list[dict[str, Any]]:
        """Let go of them.

        :returns: the facts for the receipt.
        """
        return evidence.after(self.facts)


class Files:
    """Which files requests may use. `refused` belongs to the network thread, `take` and `look` to the owner thread."""

    def refused(self, request: Request, params: JsonObject) -> tuple[Problem, ...]:
        """Judge every path by its text; no file is touched.

        :param params: a JSON object; values that the schema refuses are passed over.
        :returns: the first `MAX_PROBLEMS` that are refused.
        """
        problems = (
            Problem(pointer, "path", f"{shown(sent)} {reason}")
            for pointer, sent in named(request, params)
            if (reason := self.refusal(sent))
        )
        return tuple(islice(problems, MAX_PROBLEMS))

    def refusal(self, sent: str) -> str | None:
        """Why a path is refused by its text, and what is allowed, as the rest of a sentence; None where it is not."""
        reason = paths.refusal(sent)
        return reason and f"{reason}; allowed: {paths.ALLOWED}"

    def take(self, request: Request, params: JsonObject, job: str) -> Taken:
        """Get the files ready for the handler.

        :param job: id of the job.
        :raises Refusal: one of them cannot be used.
        :raises ServerStopping: the server stops, and they are not ready yet; its handler must not be begun.
        """
        return Taken(params, [evidence.read(NamedFile(*file, file[1])) for file in named(request, params)])

    def look(self, request: Request, params: JsonObject) -> tuple[JsonObject, list[FileLook]]:
        """What `take` would do, without doing it.

        :returns: what the handler would get, and what is to be said of each file.
        """
        return params, [look_at(NamedFile(*file, file[1])) for file in named(request, params)]

    def stop(self) -> None:
        """Wait for no file any more. May be called on any thread."""

    def close(self) -> None:
        """Let go of everything."""


def named(request: Request, params: JsonObject) -> Iterator[tuple[str, str]]:
    """JSON Pointer and path of every file that these parameters name."""
    for name in request.files:
        value = params.get(name)
        if isinstance(value, str):
            yield f"/{name}", value
        elif isinstance(value, list):
            for index, path in enumerate(value):
                if isinstance(path, str):
                    yield f"/{name}/{index}", path


def replaced(request: Request, params: JsonObject, new: Iterable[str]) -> JsonObject:
    """The parameters with these paths in place of those that `named` gives, in its order."""
    left = iter(new)
    changed = dict(params)
    for name in request.files:
        value = params.get(name)
        if isinstance(value, str):
            changed[name] = next(left)
        elif value is not None:
            changed[name] = [next(left) for _ in value]
    return changed


def look_at(file: NamedFile) -> FileLook:
    """What a plan says of a file."""
    facts = {**evidence.names(file), "resolved": os.path.realpath(file.path)}
    try:
        status = evidence.look(file)
    except FileUnreadable as error:
        return FileLook({**facts, "size": None, "mtime": None}, error)
    return FileLook({**facts, "size": status.st_size, "mtime": evidence.iso(status.st_mtime)})
