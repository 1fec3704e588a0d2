"""The files of requests as the settings of a site want them: mapped, inside certain folders, settled, copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Callable

from .. import evidence, paths
from ..errors import FileUnreadable, FileUnsettled, PathRefused, Problem
from ..evidence import FileFacts, FileLook, NamedFile
from ..model import JsonObject, Request
from ..validation import shown
from . import Files, Taken, look_at, named, replaced
from .pathmap import PathMap
from .roots import Roots
from .settling import Settling
from .spool import Spool

TRIES = 3
"""How often a file is copied that changes while it is."""


class SiteFiles(Files):
    """Which files requests may use, and what their handlers get.

    :param roots: None where files may lie anywhere on drives.
    :param settling: None where nothing is waited for.
    :param spool: None where handlers get the files themselves.
    :param stop: ends all waiting.
    """

    def __init__(
        self,
        pathmap: PathMap,
        roots: Roots | None,
        settling: Settling | None,
        spool: Spool | None,
        stop: Callable[[], None],
    ) -> None:
        self._map = pathmap
        self._roots = roots
        self._settling = settling
        self._spool = spool
        self._stop = stop

    def refusal(self, sent: str) -> str | None:
        """Why a path is refused by its text, and what is allowed, as the rest of a sentence; None where it is not."""
        allowed = paths.ALLOWED if self._roots is None else self._roots.allowed
        # What the client sent comes first, so that a path cannot become a plain one on the way.
        reason = paths.refusal(sent)
        if reason is None and self._roots is not None:
            reason = self._roots.refusal(self._map.local(sent))
        return reason and f"{reason}; allowed: {allowed}"

    def take(self, request: Request, params: JsonObject, job: str) -> Taken:
        """Get the files ready for the handler."""
        files = self._named(request, params)
        for file in files:
            self._check_links(file)
        end_s = 0.0
        if self._settling is not None:
            end_s = self._settling.end_s()
            for file in files:
                self._settling.wait_for(file, end_s)
                self._check_links(file)
        if self._spool is None:
            return Taken(self._given(request, params, files), [evidence.read(file) for file in files])
        return self._copied(self._spool, request, params, files, job, end_s)

    def look(self, request: Request, params: JsonObject) -> tuple[JsonObject, list[FileLook]]:
        """What `take` would do, without doing it."""
        files = self._named(request, params)
        return self._given(request, params, files), [self._looked(file) for file in files]

    def stop(self) -> None:
        """Wait for no file any more."""
        self._stop()

    def close(self) -> None:
        """Let go of the spool folder."""
        if self._spool is not None:
            self._spool.close()

    def _named(self, request: Request, params: JsonObject) -> list[NamedFile]:
        return [NamedFile(pointer, sent, self._map.local(sent)) for pointer, sent in named(request, params)]

    def _given(self, request: Request, params: JsonObject, files: list[NamedFile]) -> JsonObject:
        return replaced(request, params, [file.path for file in files]) if self._map else params

    def _check_links(self, file: NamedFile) -> None:
        if self._roots is not None and not self._roots.hold(file.path):
            raise self._leads_out(self._roots, file)

    @staticmethod
    def _leads_out(roots: Roots, file: NamedFile) -> PathRefused:
        # Where it leads is not for clients to know.
        text = f"{shown(file.sent)} leads out of the folders in which files may lie; allowed: {roots.allowed}"
        return PathRefused((Problem(file.pointer, "path", text),))

    # Copying.

    def _copied(
        self, spool: Spool, request: Request, params: JsonObject, files: list[NamedFile], job: str, end_s: float
    ) -> Taken:
        folder = spool.make(job)
        try:
            facts = [self._copy(spool, file, folder / str(place), end_s) for place, file in enumerate(files)]
        except BaseException:
            spool.remove(folder)
            raise
        given = replaced(request, params, [read.file.path for read in facts])
        return _Copied(given, facts, lambda: spool.release(folder))

    def _copy(self, spool: Spool, file: NamedFile, folder: Path, end_s: float) -> FileFacts:
        def check(source: BinaryIO) -> None:
            if self._roots is not None and not self._roots.hold_opened(file.path, source):
                raise self._leads_out(self._roots, file)

        for tried in range(TRIES):
            if tried and self._settling is not None:
                self._settling.wait_for(file, end_s)
            facts = spool.copy(file, folder, check)
            if facts is not None:
                return facts
            spool.remove(folder)
        raise FileUnsettled(f"File {file.sent} changed each of the {TRIES} times that it was copied.")

    # Planning.

    def _looked(self, file: NamedFile) -> FileLook:
        try:
            self._check_links(file)
        except PathRefused as error:
            # Where it leads is not said.
            return FileLook({**evidence.names(file), "resolved": None, "size": None, "mtime": None}, error)
        looked = look_at(file)
        if looked.failing is not None:
            return looked
        more: dict[str, Any] = {}
        if self._settling is not None:
            try:
                more["settled"] = self._settling.settled(file)
            except FileUnreadable as error:
                return FileLook(looked.facts, error)
        if self._spool is not None:
            more["copied"] = True
        return FileLook({**looked.facts, **more})


class _Copied(Taken):
    """Files of which the handler gets copies."""

    __slots__ = ("_done",)

    def __init__(self, params: JsonObject, facts: list[FileFacts], done: Callable[[], None]) -> None:
        super().__init__(params, facts)
        self._done = done

    def release(self) -> list[dict[str, Any]]:
        """Let go of the copies."""
        try:
            return super().release()
        finally:
            self._done()
