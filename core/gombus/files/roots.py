"""The folders in which files may lie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import BinaryIO

HERE = type(PurePath())
"""Paths with the rules of this system."""


class Roots:
    """Folders, and what is in them. Compared by components, in upper and lower case alike where this is Windows.

    :param folders: whole paths.
    :param said: how clients would name them, for what they are told.
    :param flavour: whose rules paths have: `HERE`, but for tests.
    """

    def __init__(self, folders: Sequence[str], said: Sequence[str], flavour: type[PurePath]) -> None:
        self._folders = [flavour(folder) for folder in folders]
        self._flavour = flavour
        self.allowed = "a whole path in " + " or ".join(said)
        """What is allowed, for people."""

    def refusal(self, path: str) -> str | None:
        """Why this path is refused by its text, as the rest of a sentence. The file system is not touched."""
        whole = self._flavour(path)
        if not whole.is_absolute():
            return "is no whole path, so it means another folder on every start"
        if not any(whole.is_relative_to(folder) for folder in self._folders):
            return "lies in none of the folders in which files may lie"
        return None

    def hold(self, path: str) -> bool:
        """Whether the file to which a path leads, over all links, is in one of the folders."""
        real = self._flavour(os.path.realpath(path))
        # Those that are not asked need not be reachable.
        return any(real.is_relative_to(os.path.realpath(folder)) for folder in self._likely_first(path))

    def hold_opened(self, path: str, stream: BinaryIO) -> bool:
        """Whether this path leads to a file in one of the folders, and to the one that was opened.

        :raises OSError: it cannot be opened any more.
        """
        real = os.path.realpath(path)
        if not self.hold(real):
            return False
        with open(real, "rb") as again:
            return os.path.sameopenfile(stream.fileno(), again.fileno())

    def _likely_first(self, path: str) -> Iterator[PurePath]:
        whole = self._flavour(path)
        rest = []
        for folder in self._folders:
            if whole.is_relative_to(folder):
                yield folder
            else:
                rest.append(folder)
        yield from rest
