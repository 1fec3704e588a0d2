"""What a planned handler reads of gom.app: it is as the real one, but that it cannot act."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest

from planning import FILL, MAKE, PATH, SERIES, SHOW, Gom, Planned, Series
from support import BreakError, RequestError


def test_plain_values_of_the_project_are_the_real_ones() -> None:
    planned = Planned(lambda gom: (gom.app.project.name, gom.app.project.ratio, gom.app.project.none))
    assert planned.seen == ("p", 0.5, None)
    series = Planned(lambda gom: gom.app.project.series["old"]).seen
    assert (series.name, series.count, series.files) == ("old", 3, ["a.jpg", "b.jpg"])
    assert planned.calls == []


def test_what_is_read_and_passed_on_is_named_as_in_a_receipt() -> None:
    def handle(gom: Any) -> None:
        series = gom.app.project.series["old"]
        gom.script.test.fill(series=series, parts=series.parts, one=gom.app.project.series[1].by_name["p"])

    parts = [{"gom": "gom.Part('p')"}, {"gom": "gom.Part('q')"}]
    assert Planned(handle).calls == [(FILL, {"series": SERIES, "parts": parts, "one": parts[0]})]


def test_what_is_read_is_written_as_the_real_one() -> None:
    def handle(gom: Any) -> Any:
        series = gom.app.project.series["old"]
        return str(series), f"{series}", f"{series!s:>12}", repr(series) == repr(inspect.series["old"])

    inspect = Gom()
    assert Planned(handle, gom=inspect).seen == ("series old", "series old", "  series old", True)


def test_what_is_read_can_be_counted_walked_compared_and_sorted() -> None:
    def handle(gom: Any) -> None:
        project = gom.app.project
        assert len(project.series) == 2
        assert project.series
        assert [series.name for series in project.series] == ["old", "older"]
        assert [series.name for series in sorted(project.series, reverse=True)] == ["older", "old"]
        assert project.series["old"] < project.series["older"]
        assert project.series["old"] == project.series[0] != project.series[1]
        assert len({project.series["old"], project.series[0]}) == 1
        assert project.series["old"] in project.series
        assert project.series["old"] in list(project.series)
        assert project.series["old"].by_name["n"] == 5
        assert project.series["old"] != "old"

    assert Planned(handle).calls == []


def test_vectors_are_computed_and_named_by_their_numbers() -> None:
    def handle(gom: Any) -> None:
        size = gom.app.project.series["old"].size
        gom.script.test.fill(twice=size + size, back=-size, x=size.x * 2)

    vectors = {"twice": {"gom": "gom.Vector(3.0, -4)"}, "back": {"gom": "gom.Vector(-1.5, 2)"}}
    assert Planned(handle).calls == [(FILL, {**vectors, "x": 3.0})]


def test_a_list_that_is_read_is_the_handler_s_own() -> None:
    gom = Gom()
    assert Planned(lambda gom: gom.app.project.series["old"].files.append("c"), gom=gom).calls == []
    assert gom.series["old"].files == ["a.jpg", "b.jpg"]


def test_what_is_read_cannot_act() -> None:
    def handle(gom: Any) -> Any:
        series = gom.app.project.series["old"]
        series.name = "new"
        series.count += 1
        gom.app.project.series["other"] = series
        return series.remove()

    gom = Gom()
    planned = Planned(handle, gom=gom)
    assert planned.calls == [
        (f"{PATH}.series['old'].name = …", {"value": "new"}),
        (f"{PATH}.series['old'].count = …", {"value": 4}),
        (f"{PATH}.series['other'] = …", {"value": SERIES}),
        (f"{PATH}.series['old'].remove", {}),
    ]
    assert repr(planned.seen) == f"{PATH}.series['old'].remove(…)"
    assert (gom.series["old"].name, gom.series["old"].count, len(gom.series)) == ("old", 3, 2)


def test_what_the_real_one_cannot_do_cannot_be_done() -> None:
    def handle(gom: Any) -> list[type]:
        project = gom.app.project
        raised = []
        for attempt in (
            lambda: project + 1,
            lambda: len(project),
            lambda: float(project),
            lambda: os.fspath(project),
            lambda: project < project,
            lambda: list(project),
            lambda: project["x"],
            lambda: project.nothing,
        ):
            with pytest.raises((TypeError, AttributeError)) as caught:
                attempt()
            raised.append(caught.type)
        return raised

    assert Planned(handle).seen == [TypeError] * 7 + [AttributeError]


def test_esc_while_reading_passes() -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise BreakError

    gom = Gom()
    gom.app = Broken()  # type: ignore[assignment]
    with pytest.raises(BreakError):
        Planned(lambda gom: (gom.script.test.make(), gom.app.project), gom=gom)


def test_python_s_own_questions_are_not_taken_for_calls() -> None:
    def handle(gom: Any) -> None:
        made = gom.script.test.make()
        assert copy.copy(made) is not made
        assert not hasattr(made, "__array__")
        assert not hasattr(gom.app, "__json__")

    assert [command for command, _ in Planned(handle).calls] == [MAKE]


# Types and exceptions.


def test_a_file_is_named_without_asking_inspect() -> None:
    def handle(gom: Any) -> None:
        file = gom.File("C:/x.jpg")
        assert repr(file) == "gom.File('C:/x.jpg')"
        assert isinstance(file, gom.File)
        assert not isinstance("C:/x.jpg", gom.File)
        assert not isinstance(gom.script.test.make(), gom.File)
        assert gom.File is gom.File
        gom.script.test.fill(files=[file], size=file.size, more=gom.File(1, made=gom.File("a")))

    assert Planned(handle).calls[1:] == [
        (
            FILL,
            {
                "files": [{"gom": "gom.File('C:/x.jpg')"}],
                "size": {"gom": "gom.File('C:/x.jpg').size"},
                "more": {"gom": "gom.File(1, made=File)"},
            },
        )
    ]


def test_what_is_read_is_of_the_type_that_it_is() -> None:
    def handle(gom: Any) -> None:
        series = gom.app.project.series["old"]
        assert isinstance(series, gom.Series)
        assert not isinstance(series, gom.File)
        assert not isinstance(gom.app.project, gom.Series)
        assert not isinstance(Series("x"), gom.Series), "the real type is not there to be made"

    assert Planned(handle).calls == []


def test_exceptions_are_the_real_ones() -> None:
    assert Planned(lambda gom: (gom.RequestError, gom.BreakError)).seen == (RequestError, BreakError)


def test_commands_of_the_api_are_noted_with_what_stands_by_position() -> None:
    assert Planned(lambda gom: gom.api.progress.show(gom.app.project.series["old"], text="x")).calls == [
        (SHOW, {"*": [SERIES], "text": "x"})
    ]
