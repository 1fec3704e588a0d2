"""Items by name and by index, with the real client and by hand."""

from __future__ import annotations

import pytest

from gombus_kit import samples
from gombus_kit.twin import File, Twin
from gombus_kit.wire import Item, Request, WireTwin, series_item
from gombus_kit.wire.items import Items, with_files
from gombus_kit.wire.requests import Refused
from gombus_kit.wire.values import Trait
from scripts import RAISED, run
from wire_client import ask

IMAGE, ELEMENTS = str(samples.IMAGE), str(samples.ELEMENTS)
SERIES = "gom.app.project.measurement_series"


def filled() -> Twin:
    twin = Twin()
    for name in ("one", "it's", 'a"]'):
        series = twin.project.create_series(name, 50)
        twin.project.import_images([IMAGE], series)
    twin.project.import_elements([ELEMENTS], "new_stage")
    twin.project.import_elements([ELEMENTS], "clipboard")
    return twin


@pytest.fixture
def items() -> Items:
    return Items(filled())


@pytest.mark.gom
def test_what_a_script_reads_of_the_project() -> None:
    script = f"""
series = {SERIES}
one = series['one']
print(json.dumps({{
    'length': len(series),
    'names': [each.name for each in series],
    'slice': [each.name for each in series[1:]],
    'last': series[-1].name,
    'same': [one == series[0], one == series[1], one in list(series), hash(one) == hash(series[0])],
    'length in mm': one.focal_length,
    'images': [[image.file, image.facts.width] for image in one.images],
    'stages': [stage.name for stage in gom.app.project.stages],
    'clipboard': gom.app.project.clipboard.counts,
    'get': [one.get('name'), gom.app.get('project.measurement_series', 1).name],
    'tokens': one.get_tokens(),
    'filter': [each.name for each in series.filter('name', 'one')],
    'full': len(series.filter('images')),
    'in stage': one.in_stage[0].name,
    'reprs': [repr(one), repr(series), repr(gom.app)],
    'doc': one.__doc__,
    'has': [hasattr(gom.app, 'project'), hasattr(one, 'project')],
    'tr': gom.tr('text'),
}}))
"""
    with WireTwin() as twin:
        twin.inspect.twin.project = filled().project
        answer = run(twin, script)
    assert answer == {
        "length": 3,
        "names": ["one", "it's", 'a"]'],
        "slice": ["it's", 'a"]'],
        "last": 'a"]',
        "same": [True, False, True, True],
        "length in mm": 50.0,
        "images": [[IMAGE, 320]],
        "stages": ["Stage 1"],
        "clipboard": {"point": 3, "circle": 1},
        "get": ["one", "it's"],
        "tokens": ["name", "focal_length", "images"],
        "filter": ["one"],
        "full": 3,
        "in stage": "one",
        "reprs": [f"{SERIES}['one']", SERIES, "gom.app"],
        "doc": "",
        "has": [True, False],
        "tr": "text",
    }


@pytest.mark.gom
@pytest.mark.parametrize(
    ("call", "raised"),
    [
        (f"{SERIES}['two']", "RequestError"),
        (f"{SERIES}[3]", "IndexError"),
        (f"{SERIES}[-4]", "IndexError"),
        (f"{SERIES}[None]", "RequestError"),
        (f"{SERIES}['one'].images['x']", "RequestError"),
        ("gom.app.project['x']", "RequestError"),
        ("gom.app.project.parts", "AttributeError"),
        ("len(gom.app.project)", "RequestError"),
        ("gom.app.project.get('clipboard.file.x')", "RequestError"),
        ("gom.app.project < gom.app", "RequestError"),
        ("setattr(gom.app.project, 'name', 'x')", "RequestError"),
    ],
)
def test_what_is_not_there(call: str, raised: str) -> None:
    with WireTwin() as twin:
        twin.inspect.twin.project = filled().project
        kind, said, *_ = run(twin, RAISED.format(call=call))
    assert kind == raised
    assert said


@pytest.mark.parametrize("name", ["one", "it's", 'a"]'])
def test_an_item_is_found_by_its_id_alone(items: Items, name: str) -> None:
    assert items.object_of(series_item(name)).name == name
    assert items.attribute(series_item(name), "name") == name
    assert items.result(items.object_of(series_item(name))) == series_item(name)


@pytest.mark.parametrize(
    "id",
    [
        *("", "gom", "app", "gom.app()", "__import__('os')", "gom.app.__class__", "gom.app.project.create_series"),
        *("gom.app.project._series", f"{SERIES}._add", f"{SERIES}[__import__('os')]", f"{SERIES}[1:2]", "1", "x y"),
        *("(" * 500, "gom.app" + ".project" * 3000, "gom.app" + "[0]" * 900, "\x00", "-" * 5000 + "1"),
        *(f"{SERIES}['x'", "lambda: gom.app", "gom.api", f"{SERIES}[()]"),
    ],
    ids=lambda id: repr(id[:40]),
)
def test_an_id_can_name_nothing_but_what_may_be_read(items: Items, id: str) -> None:
    with pytest.raises((Refused, RuntimeError)) as caught:
        items.object_of(Item(id))
    assert str(caught.value)


def test_arguments_and_results_change_their_form_at_any_depth(items: Items) -> None:
    one = items.object_of(series_item("one"))
    sent = {"a": [series_item("one"), {"b": Trait("Tom::File", ["x"])}], "c": Trait("Other", [1])}
    got = items.arguments(with_files(sent))
    assert got == {"a": [one, {"b": File("x")}], "c": Trait("Other", [1])}
    back = items.result({"a": [one, (File("x"), 1)], "n": None})
    assert back == {"a": [series_item("one"), [Trait("Tom::File", ["x"]), 1]], "n": None}
    with pytest.raises(Refused, match="object has no form on the wire"):
        items.result([object()])


def test_items_are_equal_where_their_ids_are() -> None:
    with WireTwin() as twin:
        assert ask(twin, Request.EQUAL, item=series_item("x"), other=series_item("x"))["value"] is True
        assert ask(twin, Request.EQUAL, item=series_item("x"), other=series_item("y"))["value"] is False
        assert ask(twin, Request.REPR, item=series_item("x"))["value"] == f"{SERIES}['x']"
