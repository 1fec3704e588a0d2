"""An INSPECT that can die and come back at the same address with the same key, as one that its user starts again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from inspect_standin import InspectStandIn


class Inspect:
    """INSPECT, life after life. What reached it is that of the life that it is in."""

    def __init__(self) -> None:
        self.life = InspectStandIn()
        self.life.__enter__()
        self.url = self.life.url
        self.alive = True

    @property
    def commands(self) -> list[str]:
        """The commands that reached it, in order."""
        return [name for name, _ in self.life.commands]

    def die(self) -> None:
        """Close everything, as a process that is ended."""
        self.alive = False
        self.life.__exit__(None, None, None)

    def come_back(self) -> None:
        """Start again, with nothing that was there before."""
        address, _, key = self.url.partition("?apikey=")
        self.life = InspectStandIn(int(address.rpartition(":")[2]), key)
        self.life.__enter__()
        self.alive = True


@contextmanager
def living() -> Iterator[Inspect]:
    """One that is alive; at the end it is not."""
    inspect = Inspect()
    try:
        yield inspect
    finally:
        if inspect.alive:
            inspect.die()
