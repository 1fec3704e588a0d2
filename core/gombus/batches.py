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
        self._open: list[Batch] = []

    def begun(self, batch: Batch) -> None:
        """One more is under way."""
        self._open.append(batch)
        self.changed()

    def changed(self) -> None:
        """A request was answered, or a client has left."""
        if not self._open:
            return
        self._open = [batch for batch in self._open if batch.left]
        total = sum(batch.total for batch in self._open)
        self._show(total - sum(batch.left for batch in self._open), total)
