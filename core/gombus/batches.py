"""The batches under way, for who shows how far they are."""

from __future__ import annotations

from typing import Callable, Protocol


class Batch(Protocol):
    """Some requests that a client sent as one."""

    total: int
    """How many they are."""

    @property
    def left(self) -> int:
        """How many of them are not answered; none where nobody waits for them any more."""


class Batches:
    """Counts the requests of all batches together. Belongs to the network thread.

    :param show: gets how many are answered and how many there are; both are 0 where no batch is under way.
    """

    def __init__(self, show: Callable[[int, int], None]) -> None:
        self._show = show
        self._open: dict[Batch, int] = {}
        """Each with how many of it were not answered when they were counted."""
        self._total = self._left = 0

    def begun(self, batch: Batch) -> None:
        """One more is under way."""
        self._open[batch] = batch.left
        self._total += batch.total
        self._left += batch.left
        self._show(self._total - self._left, self._total)

    def changed(self, batch: Batch) -> None:
        """A request of it was answered."""
        known = self._open.get(batch)
        if known is None:
            return
        left = batch.left
        self._left -= known - left
        if left:
            self._open[batch] = left
        else:
            del self._open[batch]
            self._total -= batch.total
        self._show(self._total - self._left, self._total)

    def client_left(self) -> None:
        """A client is gone; nobody waits for its batches any more."""
        for batch in list(self._open):
            if not batch.left:
                self.changed(batch)
