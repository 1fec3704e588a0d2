"""The twin's project: series with images, stages, the clipboard; and that a refusal changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gombus_kit import samples
from gombus_kit.twin import Elements, Project, RequestError, errors

IMAGE, ELEMENTS, BROKEN = str(samples.IMAGE), str(samples.ELEMENTS), str(samples.BROKEN_IMAGE)
COUNTS = {"point": 3, "circle": 1}


def state(project: Project) -> Any:
    """All that the project holds, as values that later commands do not change."""
    series = [(item.name, item.focal_length, tuple(item.images)) for item in project.measurement_series]
    return series, tuple(project.stages), project.clipboard


def filled() -> Project:
    """A project with something of everything in it."""
    project = Project()
    project.import_images([IMAGE], project.create_series("one", 50))
    project.create_series("two", "2.0")
    project.import_elements([ELEMENTS], "clipboard")
    project.import_elements([ELEMENTS], "new_stage")
    return project


def test_series_can_be_looped_over_while_one_is_added() -> None:
    project = filled()
    names = []
    for series in project.measurement_series:
        names.append(series.name)
        project.create_series(f"{series.name} again", 1)
    assert names == ["one", "two"]


def test_a_new_project_is_empty() -> None:
    assert state(Project()) == ([], (), None)
    assert len(Project().measurement_series) == 0


@pytest.mark.parametrize(
    ("sent", "focal_length"),
    [
        (50, 50.0),
        (0.5, 0.5),
        (5e-324, 5e-324),
        ("50.0", 50.0),
        ("2.0", 2.0),
        ("5.", 5.0),
        (".5", 0.5),
        ("0050", 50.0),
    ],
)
def test_a_series_is_created_empty_with_its_focal_length_in_mm(sent: object, focal_length: float) -> None:
    project = Project()
    series = project.create_series("Microscopy", sent)
    assert (series.name, series.focal_length, series.images) == ("Microscopy", focal_length, [])
    assert type(series.focal_length) is float
    assert project.measurement_series["Microscopy"] is series


@pytest.mark.parametrize(
    "focal_length",
    [
        *("", "abc", "nan", "inf", "-1", "0", "0.0", ".0", "1e400", "1e2", " 50", "50 ", "5_0", "50.0\n", ".", "+5"),
        *("٥٠", "５０", "0x10", "1" * 400, "5,0"),
        *(0, -1, 0.0, -0.5, float("nan"), float("inf"), 10**400, True, False, None, [], {}, [50], b"50"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_is_no_focal_length_is_refused(focal_length: object) -> None:
    project = filled()
    before = state(project)
    with pytest.raises(RequestError, match="cannot have the focal length") as caught:
        project.create_series("three", focal_length)
    assert caught.value.error_code == errors.BAD_ARGUMENT
    assert state(project) == before


@pytest.mark.parametrize("name", ["", " ", "\t\n", None, 5, b"three", ["three"], True], ids=repr)
def test_what_is_no_name_is_refused(name: object) -> None:
    project = filled()
    before = state(project)
    with pytest.raises(RequestError, match="cannot have the name") as caught:
        project.create_series(name, 50)
    assert caught.value.error_code == errors.BAD_ARGUMENT
    assert state(project) == before


def test_a_name_that_is_taken_is_refused_and_the_series_stays_as_it_is() -> None:
    project = filled()
    before = state(project)
    with pytest.raises(RequestError, match="already") as caught:
        project.create_series("one", 99)
    assert caught.value.error_code == errors.NAME_TAKEN
    assert state(project) == before


def test_names_are_told_apart_by_every_character() -> None:
    project = Project()
    for name in ("one", "One", "one ", "öne", "0"):
        project.create_series(name, 50)
    assert [series.name for series in project.measurement_series] == ["one", "One", "one ", "öne", "0"]
    assert len(project.measurement_series) == 5


def test_series_are_found_by_name_and_by_index_in_the_order_of_their_creation() -> None:
    project = filled()
    series = project.measurement_series
    assert [series["one"], series["two"]] == [series[0], series[1]] == list(series)


def test_a_name_that_looks_like_an_index_is_a_name() -> None:
    project = filled()
    zero = project.create_series("0", 50)
    assert project.measurement_series["0"] is zero
    assert project.measurement_series[0].name == "one"


@pytest.mark.parametrize("key", ["three", "ONE", "", "0", 1.5, None, ("one",)], ids=repr)
def test_a_series_that_is_not_there_is_refused(key: Any) -> None:
    series = filled().measurement_series
    with pytest.raises(RequestError, match="no measurement series") as caught:
        series[key]
    assert caught.value.error_code == errors.UNKNOWN_ITEM


@pytest.mark.parametrize("index", [2, -3, 10**30])
def test_an_index_beyond_the_last_series_ends_a_loop(index: int) -> None:
    with pytest.raises(IndexError):
        filled().measurement_series[index]


def test_images_are_added_to_their_series_alone_in_the_order_given() -> None:
    project = filled()
    project.import_images([IMAGE, IMAGE], project.measurement_series["two"])
    assert [image.file for image in project.measurement_series["two"].images] == [IMAGE, IMAGE]
    assert len(project.measurement_series["one"].images) == 1
    facts = project.measurement_series["two"].images[0].facts
    assert (facts.width, facts.height, facts.mode, facts.exif_focal_length) == (320, 240, "RGB", 50.0)


@pytest.mark.parametrize("name", ["one", "three"])
def test_a_series_of_another_project_is_refused_whether_its_name_is_known_here_or_not(name: str) -> None:
    foreign = Project().create_series(name, 50)
    project = filled()
    before = state(project)
    with pytest.raises(RequestError) as caught:
        project.import_images([IMAGE], foreign)
    assert caught.value.error_code == errors.UNKNOWN_ITEM
    assert state(project) == before
    assert foreign.images == []


@pytest.mark.parametrize("series", ["one", 0, None, object()], ids=["its name", "its index", "None", "an object"])
def test_what_is_no_series_is_refused(series: object) -> None:
    project = filled()
    before = state(project)
    with pytest.raises(RequestError, match="is no measurement series of this project") as caught:
        project.import_images([IMAGE], series)
    assert caught.value.error_code == errors.UNKNOWN_ITEM
    assert state(project) == before


@pytest.mark.parametrize("paths", [[BROKEN], [ELEMENTS], [IMAGE, BROKEN], [BROKEN, IMAGE]])
def test_one_bad_image_leaves_out_the_good_ones_too(paths: list[str]) -> None:
    project = filled()
    before = state(project)
    with pytest.raises(RequestError) as caught:
        project.import_images(paths, project.measurement_series["one"])
    assert caught.value.error_code == errors.FILE_BROKEN
    assert state(project) == before


def test_the_clipboard_holds_the_last_elements(tmp_path: Path) -> None:
    other = tmp_path / "other.gxml"
    other.write_text("<e><plane/></e>", encoding="utf-8")
    project = Project()
    project.import_elements([ELEMENTS], "clipboard")
    assert project.clipboard == Elements(ELEMENTS, COUNTS)
    project.import_elements([ELEMENTS, str(other)], "clipboard")
    assert project.clipboard == Elements(str(other), {"plane": 1})
    assert project.stages == []


def test_every_file_gets_a_new_stage_of_its_own() -> None:
    project = Project()
    project.import_elements([ELEMENTS], "new_stage")
    project.import_elements([ELEMENTS, ELEMENTS], "new_stage")
    assert [stage.name for stage in project.stages] == ["Stage 1", "Stage 2", "Stage 3"]
    assert {stage.elements.file for stage in project.stages} == {ELEMENTS}
    assert all(stage.elements.counts == COUNTS for stage in project.stages)
    assert project.clipboard is None


@pytest.mark.parametrize(
    "import_mode", ["", "both", "Clipboard", "new stage", None, 1, True, ["clipboard"], {}], ids=repr
)
def test_an_unknown_import_mode_is_refused(import_mode: object) -> None:
    project = filled()
    before = state(project)
    with pytest.raises(RequestError, match="no import mode") as caught:
        project.import_elements([ELEMENTS], import_mode)
    assert caught.value.error_code == errors.BAD_ARGUMENT
    assert state(project) == before


@pytest.mark.parametrize("import_mode", ["clipboard", "new_stage"])
@pytest.mark.parametrize("paths", [[IMAGE], [ELEMENTS, IMAGE], [IMAGE, ELEMENTS]])
def test_one_bad_elements_file_leaves_out_the_good_ones_too(paths: list[str], import_mode: str) -> None:
    project = filled()
    before = state(project)
    with pytest.raises(RequestError) as caught:
        project.import_elements(paths, import_mode)
    assert caught.value.error_code == errors.FILE_BROKEN
    assert state(project) == before
