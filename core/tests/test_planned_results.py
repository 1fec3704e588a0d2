"""What a planned handler gets for what will be there only once its commands have run: it can be passed on, no more."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from gombus import placeholders
from planning import FILL, MAKE, PATH, SERIES, Gom, Planned


def test_before_the_first_command_what_is_missing_is_refused_as_always() -> None:
    def handle(gom: Any) -> str:
        try:
            return str(gom.app.project.series["new"])
        except gom.RequestError as error:
            return f"caught {error}"

    assert Planned(handle).seen == "caught There is no new"
    assert Planned(lambda gom: hasattr(gom.app.project, "nothing")).seen is False


@pytest.mark.parametrize("name", ["new", "it's", 'say "x"', "a]b", "Prüfling 7 µm", "\\", "\n"], ids=ascii)
def test_after_a_command_what_is_missing_may_come_with_it(name: str) -> None:
    def handle(gom: Any) -> None:
        gom.script.test.make(options=[{"names": (name,)}])
        project = gom.app.project
        made = project.series[name]
        gom.script.test.fill(series=made, image=made.images["a"].data, sixth=project.series[5], other=project.other)
        assert project.series["old"].name == "old"

    assert Planned(handle).calls[1:] == [
        (
            FILL,
            {
                "series": {"gom": f"{PATH}.series[{name!r}]"},
                "image": {"gom": f"{PATH}.series[{name!r}].images['a'].data"},
                "sixth": {"gom": f"{PATH}.series[5]"},
                "other": {"gom": f"{PATH}.other"},
            },
        )
    ]


def test_what_is_looked_up_and_made_where_it_is_missing_is_planned_for_each_of_several() -> None:
    def handle(gom: Any) -> None:
        for name in ("one", "old", "two", "one"):
            try:
                series = gom.app.project.series[name]
            except gom.RequestError:
                gom.script.test.make(name=name)
                series = gom.app.project.series[name]
            gom.script.test.fill(series=series)

    one, two = ({"gom": f"{PATH}.series[{name!r}]"} for name in ("one", "two"))
    assert Planned(handle).calls == [
        (MAKE, {"name": "one"}),
        (FILL, {"series": one}),
        (FILL, {"series": SERIES}),
        (MAKE, {"name": "two"}),
        (FILL, {"series": two}),
        (FILL, {"series": one}),
    ]


def test_the_result_of_a_command_can_be_passed_on_and_cannot_act() -> None:
    gom_ = Gom()

    def handle(gom: Any) -> None:
        made = gom.script.test.make(name="new")
        assert repr(made) == str(made) == f"{made}" == f"{made:.2f}" == "%s" % made == f"{MAKE}(…)"  # noqa: UP031
        assert bool(made)
        assert made == made
        assert made != gom.script.test.make(name="new")
        assert made is not None
        assert made != None  # noqa: E711
        assert made not in gom.app.project.series
        assert gom.app.project.series["old"] != made
        assert len({made, made}) == 1
        with made as entered:
            assert entered is made
        gom_.series.asked.clear()
        gom.script.test.fill(series=made.part[2]["x"], keyed=gom.app.project.series[made], text=f"<{made.name}>")
        made.set(5, speed=1)
        made.name = "other"
        made["x"] = made

    assert Planned(handle, gom=gom_).calls[2:] == [
        (
            FILL,
            {
                "series": {"gom": f"{MAKE}(…).part[2]['x']"},
                "keyed": {"gom": f"{PATH}.series[{MAKE}(…)]"},
                "text": f"<{MAKE}(…).name>",
            },
        ),
        (f"{MAKE}(…).set", {"*": [5], "speed": 1}),
        (f"{MAKE}(…).name = …", {"value": "other"}),
        (f"{MAKE}(…)['x'] = …", {"value": {"gom": f"{MAKE}(…)"}}),
    ]
    assert gom_.series.asked == [], "INSPECT is not asked for what it cannot know"


def test_what_is_computed_of_a_result_is_shown_as_a_formula() -> None:
    def handle(gom: Any) -> None:
        made = gom.script.test.make()
        ratio, size = gom.app.project.ratio, gom.app.project.series["old"].size
        gom.script.test.fill(
            sums=[made.x + 1, 1 - made.x, made * made, 2 / made, made // 2, made % 3, 2**made, ratio + made],
            text="a" + made,
            size=size + made.size,
            deep=(made + 1) * 2,
        )

    sums = ["(M.x + 1)", "(1 - M.x)", "(M * M)", "(2 / M)", "(M // 2)", "(M % 3)", "(2 ** M)", "(0.5 + M)"]
    shown = {
        "sums": [{"gom": text.replace("M", f"{MAKE}(…)")} for text in sums],
        "text": {"gom": f"('a' + {MAKE}(…))"},
        "size": {"gom": f"(gom.Vector(1.5, -2) + {MAKE}(…).size)"},
        "deep": {"gom": f"(({MAKE}(…) + 1) * 2)"},
    }
    assert Planned(handle).calls[1:] == [(FILL, shown)]


@pytest.mark.parametrize(
    "need",
    [
        lambda made, gom: list(made),
        lambda made, gom: [*made],
        lambda made, gom: dict([made]),
        lambda made, gom: next(iter(made)),
        lambda made, gom: len(made),
        lambda made, gom: reversed(made),
        lambda made, gom: sorted(made),
        lambda made, gom: max(made, made),
        lambda made, gom: sum(made),
        lambda made, gom: "x" in made,
        lambda made, gom: int(made),
        lambda made, gom: float(made),
        lambda made, gom: f"{float(made):.2f}",
        lambda made, gom: "%d" % made,  # noqa: UP031
        lambda made, gom: round(made),
        lambda made, gom: range(made),
        lambda made, gom: [1, 2][made],
        lambda made, gom: made < 3,
        lambda made, gom: gom.app.project.ratio >= made,
        lambda made, gom: gom.app.project.series["old"] < made,
        lambda made, gom: made == "done",
        lambda made, gom: made != "done",
        lambda made, gom: made in ("", None),
        lambda made, gom: os.path.join(made, "x.jpg"),  # noqa: PTH118
        lambda made, gom: time.sleep(made),
    ],
)
def test_where_a_value_is_needed_that_is_not_there_yet_the_plan_ends_and_says_so(need: Any) -> None:
    def handle(gom: Any) -> None:
        made = gom.script.test.make(name="new")
        try:
            need(made, gom)
        except Exception:
            pytest.fail("a handler goes on with what is made up")
        gom.script.test.fill(name="new")

    planned = Planned(handle)
    assert planned.end == (
        f"The plan ends here: its handler needs the value of {MAKE}(…), which is there only once the commands have run."
    )
    assert [call["command"] for call in planned.found["calls"]] == [MAKE]


# What would never end.


def polls(gom: Any) -> None:
    made = gom.script.test.make()
    while made != made.last:
        pass


def waits_for_a_change(gom: Any) -> None:
    while len(gom.app.project.series) < 3:
        gom.script.test.make()


def asks_again_and_again(gom: Any) -> None:
    made = gom.script.test.make()
    while made:
        pass


def goes_deeper(gom: Any) -> None:
    made = gom.script.test.make()
    while True:
        made = made.next[made] + made


def walks_what_has_no_end(gom: Any) -> None:
    for _ in gom.app.endless:
        pass


def catches_all_it_can(gom: Any) -> None:
    while True:
        try:
            gom.script.test.make()
        except Exception:
            pytest.fail("caught")


@pytest.mark.parametrize(
    "handle",
    [polls, waits_for_a_change, asks_again_and_again, goes_deeper, walks_what_has_no_end, catches_all_it_can],
)
def test_a_handler_that_waits_for_what_cannot_happen_is_ended(handle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        def __getitem__(self, place: int) -> int:
            return place

    monkeypatch.setattr(placeholders, "MAX_STEPS", 1000)
    gom = Gom()
    gom.app.endless = Endless()
    planned = Planned(handle, gom=gom)
    assert planned.end == "The plan ends here: its handler did not end within 1000 steps."
    assert len(planned.found["calls"]) <= 1000


def test_a_handler_that_sleeps_while_it_waits_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])

    def handle(gom: Any) -> None:
        while gom.app.project.series:
            now_s[0] += 1.0

    assert Planned(handle).end == "The plan ends here: its handler did not end within 30 s."
    assert now_s[0] == 31.0


def test_each_plan_has_steps_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placeholders, "MAX_STEPS", 10)
    for _ in range(3):
        assert Planned(lambda gom: [gom.script.test.make() for _ in range(10)]).found["ok"]
