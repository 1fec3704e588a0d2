"""What the tests of plan mode share: a gom that must only be read, and a handler planned over it."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from gombus.evidence import NamedFile
from gombus.files import look_at
from gombus.plan import plan
from support import BreakError, RequestError, request

MAKE, FILL, SHOW = "gom.script.test.make", "gom.script.test.fill", "gom.api.progress.show"
PATH = "gom.app.project"
SERIES = {"gom": "gom.Series('old')"}
"""A series as the receipt of a real run names it."""
log = logging.getLogger("tests.plan")


class Series:
    """A measurement series, which can act: a plan must not let it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 3
        self.size = Vector(1.5, -2)
        self.files = ["a.jpg", "b.jpg"]
        self.parts = [Part("p"), Part("q")]
        self.by_name = {"p": self.parts[0], "n": 5}

    def __str__(self) -> str:
        return f"series {self.name}"

    def __lt__(self, other: Series) -> bool:
        return self.name < other.name

    def remove(self) -> None:
        """Act."""
        pytest.fail("something was removed")


class Part:
    """A part of a series."""

    def __init__(self, name: str) -> None:
        self.name = name


class Vector:
    """As gom.Vec2d: a value of several numbers."""

    def __init__(self, x: float, y: float) -> None:
        self.x = x
        self.y = y

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.x + other.x, self.y + other.y)

    def __neg__(self) -> Vector:
        return Vector(-self.x, -self.y)


class AllSeries:
    """Measurement series by name or place, as INSPECT gives them: with no iterator of their own."""

    def __init__(self, *series: Series) -> None:
        self.series = {one.name: one for one in series}
        self.asked: list[Any] = []

    def __getitem__(self, key: Any) -> Series:
        self.asked.append(key)
        if isinstance(key, int):
            return list(self.series.values())[key]
        if key not in self.series:
            raise RequestError(f"There is no {key}", "GAPP-0011", "log")
        return self.series[key]

    def __len__(self) -> int:
        return len(self.series)


class Gom:
    """A gom whose commands and types must not be called."""

    RequestError = RequestError
    BreakError = BreakError
    Series = Series

    class File:
        """Making one asks INSPECT."""

        def __init__(self, path: str) -> None:
            pytest.fail("INSPECT was asked")

    def __init__(self) -> None:
        self.series = AllSeries(Series("old"), Series("older"))
        self.app = SimpleNamespace(project=SimpleNamespace(name="p", ratio=0.5, none=None, series=self.series))
        self.log = None

    @property
    def script(self) -> Any:
        """Even to look for a command asks INSPECT."""
        pytest.fail("INSPECT was asked")

    interactive = api = script


class Planned:
    """A plan of a handler, and what the handler returned."""

    def __init__(self, handle: Callable[[Any], Any], files: Any = (), gom: Any = None, **members: Any) -> None:
        self.seen: Any = None

        def handler(params: Any, context: Any) -> None:
            self.context = context
            self.seen = handle(context.gom)

        kind = request("image", handler, **{"commands": (MAKE, FILL, SHOW), **members})
        looks = [look_at(NamedFile(pointer, path, path)) for pointer, path in files]
        self.found = plan(kind, {"word": "x"}, gom or Gom(), looks, "client:1", log)
        # It goes over the wire.
        json.dumps(self.found, allow_nan=False)

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """The calls of a plan that found nothing wrong."""
        assert self.found["failing"] == []
        return [(call["command"], call["arguments"]) for call in self.found["calls"]]

    @property
    def end(self) -> str:
        """Why the plan ends before its handler does."""
        (failing,) = self.found["failing"]
        assert failing["code"] == "refused"
        assert not self.found["ok"]
        return str(failing["message"])
