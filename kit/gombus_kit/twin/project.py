"""The project that the twin keeps: measurement series with images, stages, and the clipboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import BAD_ARGUMENT, NAME_TAKEN, UNKNOWN_ITEM, RequestError
from .files import ImageFacts, read_elements, read_image

_DECIMAL = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


class Image(NamedTuple):
    """An imported image."""

    file: str
    facts: ImageFacts


class Elements(NamedTuple):
    """The elements of one exchange file."""

    file: str
    counts: dict[str, int]
    """Tag -> how many."""


@dataclass(frozen=True)
class MeasurementSeries:
    """A measurement series for images of other cameras."""

    name: str
    focal_length: float
    """In mm."""
    images: list[Image] = field(default_factory=list)

    def __post_init__(self) -> None:
        # So that it stands in receipts as what a handler wrote to get it.
        object.__setattr__(self, "__gom_name__", f"gom.app.project.measurement_series[{self.name!r}]")


@dataclass(frozen=True)
class Stage:
    """A stage of the project."""

    name: str
    elements: Elements


class SeriesByName:
    """Measurement series by name or by index, as ``gom.app.project.measurement_series`` gives them."""

    def __init__(self) -> None:
        self._series: dict[str, MeasurementSeries] = {}

    def __getitem__(self, key: str | int) -> MeasurementSeries:
        """:raises RequestError: there is no series of this name.
        :raises IndexError: there are not so many, as a loop over indexes with the real client ends.
        """
        try:
            return self._series[key] if isinstance(key, str) else list(self._series.values())[key]
        except (KeyError, TypeError):
            raise RequestError(f"There is no measurement series {key!r}", UNKNOWN_ITEM) from None

    def __iter__(self) -> Iterator[MeasurementSeries]:
        # A copy, because the wire twin shows the project while a command adds to it.
        return iter(list(self._series.values()))

    def __len__(self) -> int:
        return len(self._series)

    def _add(self, series: MeasurementSeries) -> None:
        if series.name in self._series:
            raise RequestError(f"There is a measurement series {series.name!r} already", NAME_TAKEN)
        self._series[series.name] = series


class Project:
    """What has been imported so far. Nothing is changed by a command that is refused."""

    def __init__(self) -> None:
        self.measurement_series = SeriesByName()
        self.stages: list[Stage] = []
        self.clipboard: Elements | None = None

    def create_series(self, name: object, focal_length: object) -> MeasurementSeries:
        """Create an empty measurement series.

        :param focal_length: in mm, a number > 0 or its decimal text.
        :raises RequestError: the name is empty or taken, or the focal length is none.
        """
        if not isinstance(name, str) or not name.strip():
            raise RequestError(f"A measurement series cannot have the name {name!r}", BAD_ARGUMENT)
        series = MeasurementSeries(name, _focal_length(focal_length))
        self.measurement_series._add(series)
        return series

    def import_images(self, paths: list[str], series: object) -> None:
        """Import images into a series of this project.

        :raises RequestError: it is no series of this project, or a file is missing, no image or damaged.
        """
        if not isinstance(series, MeasurementSeries) or self.measurement_series[series.name] is not series:
            raise RequestError(f"{series!r} is no measurement series of this project", UNKNOWN_ITEM)
        images = [Image(path, read_image(path)) for path in paths]
        series.images.extend(images)

    def import_elements(self, paths: list[str], import_mode: object) -> None:
        """Import exchange files into the clipboard, which holds the last one, or into new stages.

        :raises RequestError: the import mode is unknown, or a file is missing, broken or empty.
        """
        if import_mode not in ("clipboard", "new_stage"):
            raise RequestError(f"There is no import mode {import_mode!r}", BAD_ARGUMENT)
        for elements in [Elements(path, read_elements(path)) for path in paths]:
            if import_mode == "clipboard":
                self.clipboard = elements
            else:
                self.stages.append(Stage(f"Stage {len(self.stages) + 1}", elements))


def _focal_length(value: object) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_decimal = isinstance(value, str) and _DECIMAL.fullmatch(value)
    try:
        number = float(value) if is_number or is_decimal else 0.0  # type: ignore[arg-type]  # one of the two, as asked
    except OverflowError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise RequestError(f"A camera cannot have the focal length {value!r}", BAD_ARGUMENT)
    return number
