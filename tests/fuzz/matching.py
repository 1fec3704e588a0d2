"""Answers with the same id, and the messages that they may belong to: ids are the client's, and need not differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from expected import Expected

Answer = Sequence[Any]
"""The JSON-RPC answers of one message; more than one, or none, only in a batch."""


@dataclass
class Group:
    """Messages of one connection whose answers have the same ids.

    :param fits: whether these can be the answers to that message.
    """

    fits: Callable[[Expected, Answer], bool]
    sent: list[Expected] = field(default_factory=list)
    received: list[Answer] = field(default_factory=list)
    _owner: dict[int, int] = field(default_factory=dict)
    """Place of a message -> place of its answer. Any other assignment that leaves none out would do as well."""

    @property
    def open(self) -> int:
        """How many messages are not answered."""
        return len(self.sent) - len(self.received)

    def take(self, answer: Answer) -> bool:
        """Find a message for an answer, where others may have to change places.

        :returns: False where there is none.
        """
        self.received.append(answer)
        return self._place(len(self.received) - 1, set())

    def settled(self) -> list[tuple[Expected, Answer]]:
        """Each message with its answer, where all are answered; else, which belongs to which is not known yet."""
        if self.open:
            return []
        return [(self.sent[place], self.received[owner]) for place, owner in self._owner.items()]

    def _place(self, answer: int, tried: set[int]) -> bool:
        # Augmenting paths: Kuhn's algorithm for matchings in bipartite graphs.
        for place, expected in enumerate(self.sent):
            if place not in tried and self.fits(expected, self.received[answer]):
                tried.add(place)
                if place not in self._owner or self._place(self._owner[place], tried):
                    self._owner[place] = answer
                    return True
        return False
