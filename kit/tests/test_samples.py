"""The sample files are what their descriptions say."""

from __future__ import annotations

import pytest

from gombus_kit import samples
from gombus_kit.twin import RequestError
from gombus_kit.twin.files import ImageFacts, read_elements, read_image


def test_the_image_is_a_photo_of_320_by_240_pixels_taken_with_50_mm() -> None:
    assert read_image(str(samples.IMAGE)) == ImageFacts(320, 240, "RGB", 50.0)


def test_the_elements_are_three_points_and_a_circle() -> None:
    assert read_elements(str(samples.ELEMENTS)) == {"point": 3, "circle": 1}


def test_the_broken_image_is_the_first_half_of_the_image_and_is_refused() -> None:
    whole = samples.IMAGE.read_bytes()
    assert samples.BROKEN_IMAGE.read_bytes() == whole[: len(whole) // 2]
    with pytest.raises(RequestError, match="truncated"):
        read_image(str(samples.BROKEN_IMAGE))


def test_the_names_are_those_of_the_reference_requests() -> None:
    assert [path.name for path in (samples.IMAGE, samples.ELEMENTS)] == ["example.jpg", "Points.gxml"]
    assert samples.IMAGE.parent == samples.ELEMENTS.parent == samples.FOLDER
    assert samples.FOLDER.is_absolute(), "the server may run in another folder"
