"""Arguments as they stand in receipts: always JSON, never endless, and nothing is asked of INSPECT for it."""

from __future__ import annotations

import collections
import json
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import (
    Array,
    Asking,
    Dict,
    File,
    Item,
    List,
    Lying,
    Mode,
    Number,
    Pair,
    Real,
    Slotted,
    Text,
    Tuple,
    Vec3d,
    ask,
)
from gombus.rendering import MAX_CHARACTERS, MAX_DEPTH, MAX_ITEMS, MAX_TEXT, name_of, noted, rendered

LONGEST = 10 * MAX_CHARACTERS
"""Of JSON text for one value, in bytes: an escape is six of them, and brackets count less than they need."""


def text_of(value: Any) -> str:
    """What is sent."""
    text = json.dumps(rendered(value), allow_nan=False)
    assert len(text) <= LONGEST
    return text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *(
            (plain, plain)
            for plain in ("text", "", "ä\u202e\x00\ud800", 5, -1, 0, 2**53, -(2**53), 0.5, True, False, None)
        ),
        (2**53 + 1, "9007199254740993"),
        (-(2**63), "-9223372036854775808"),
        (2**64, "0x10000000000000000"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1e308, 1e308),
        (("a", ["b", {"c": 1.5}]), ["a", ["b", {"c": 1.5}]]),
        ({1: "a", None: "b", 0.5: "c", False: "d"}, {"1": "a", "None": "b", "0.5": "c", "False": "d"}),
        (Text("text"), "text"),
        (Number(7), 7),
        (Real(0.5), 0.5),
        (Mode.FAST, 3),
        (List([1, List([2])]), [1, [2]]),
        (Tuple([1]), [1]),
        (Pair(1, "b"), [1, "b"]),
        (Dict({"a": 1}), {"a": 1}),
        ({Text("key"): 1}, {"key": 1}),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.defaultdict(ask, a=1), {"a": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_values_are_shown_as_they_are(value: Any, shown: Any) -> None:
    assert json.loads(text_of(value)) == shown


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (File(__args__=["C:/x.jpg"], __kwargs__={}), "gom.File('C:/x.jpg')"),
        (File(__args__=("it's",), __kwargs__=None), 'gom.File("it\'s")'),
        (File(__args__=[], __kwargs__={"path": "x", "n": 1.5, "none": None}), "gom.File(path='x', n=1.5, none=None)"),
        (File(__args__=[Text("x"), Number(1), Item(__id__="I#!1")], __kwargs__={}), "gom.File('x', Number, Item)"),
        (File(__args__=["C:\\a\nb"], __kwargs__={}), "gom.File('C:\\\\a\\nb')"),
        (Item(__id__="I#!1234", __category__=3, __stage__=-1), "gom.Item('I#!1234')"),
        (Item(__id__="gom.app.project.parts['a']", __category__=3, __stage__=-1), "gom.app.project.parts['a']"),
        (Item(__id__="gom.app.project.parts['a']", __stage__=2), "gom.app.project.parts['a'].in_stage[2]"),
        (Item(__gom_name__="what it says"), "what it says"),
        (Vec3d(x=1.0, y=-2, z=0.5), "gom.Vec3d(1.0, -2, 0.5)"),
        (Vec3d(x=True, y=1), "gom.Vec3d"),
        (Item(path="C:/x.jpg"), "gom.Item('C:/x.jpg')"),
        (Item(name="a series", path=5), "gom.Item('a series')"),
        (Asking(), "gom.Asking"),
        (Array(), "gom.Array"),
        (Slotted(), "gom.Slotted"),
        (b"bytes", "bytes"),
        ({1, 2}, "set"),
        (slice(1, 2), "slice"),
        (range(3), "range"),
        (ask, "function"),
        (ask.__call__, "method-wrapper"),
        (Item, "type"),
        (1j, "complex"),
        (object(), "object"),
        (PurePosixPath("a"), "gom.PurePosixPath"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_is_named_by_what_it_holds_itself(value: Any, name: str) -> None:
    assert json.loads(text_of([value, {"a": value}])) == [{"gom": name}, {"a": {"gom": name}}]
    assert name_of(value) == name


def test_what_stands_as_a_key_is_named_without_asking_too() -> None:
    class Keyed(Item):
        __hash__ = object.__hash__

    assert rendered({Keyed(__id__="I#!1"): 1, (1, 2): 2}) == {"gom.Keyed('I#!1')": 1, "tuple": 2}


def broken(**members: Any) -> Any:
    """An object with these members, among them such as gom's have."""
    value = Asking()
    value.__dict__.update(members)
    return value


@pytest.mark.parametrize(
    "make",
    [
        Lying,
        lambda: {"a": [Lying()]},
        lambda: broken(__gom_name__=Lying()),
        lambda: broken(__id__=Lying()),
        lambda: broken(__args__=Lying()),
        lambda: broken(__args__=[Lying()], __kwargs__=Lying()),
        lambda: broken(__args__=[Lying()], __kwargs__={Lying(): Lying()}),
        lambda: broken(__args__=[10**5000], __kwargs__={}),
        lambda: broken(__id__="x", __stage__=Lying()),
        lambda: broken(path=Lying(), name=Text("x")),
    ],
)
def test_whatever_an_object_does_when_it_is_looked_at_the_command_can_be_called(make: Callable[[], Any]) -> None:
    assert text_of(make())
    assert isinstance(name_of(make()), str)


def test_long_ones_are_cut() -> None:
    assert rendered("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert rendered("x" * (MAX_TEXT + 1)) == "x" * (MAX_TEXT - 1) + "…"
    assert rendered(list(range(MAX_ITEMS))) == list(range(MAX_ITEMS))
    assert rendered(tuple(range(MAX_ITEMS + 1))) == [*range(MAX_ITEMS), "…"]
    wide = {str(number): number for number in range(MAX_ITEMS + 1)}
    assert rendered(wide) == {**{str(number): number for number in range(MAX_ITEMS)}, "…": MAX_ITEMS + 1}
    assert rendered({"x" * 2000: 1}) == {"x" * (MAX_TEXT - 1) + "…": 1}
    assert len(rendered(10**100_000)) == MAX_TEXT
    assert len(name_of(broken(path="x" * 2000))) == len(name_of(broken(__args__=["x" * 2000]))) == MAX_TEXT
    assert len(name_of(broken(__args__=["x"] * 2000))) == MAX_TEXT


def test_deep_ones_are_cut() -> None:
    deep: Any = "bottom"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert text_of(deep) == "[" * MAX_DEPTH + '"bottom"' + "]" * MAX_DEPTH
    assert json.loads(text_of([deep])) == json.loads("[" * MAX_DEPTH + '"…"' + "]" * MAX_DEPTH)


def rings() -> Iterator[Any]:
    """Containers that hold themselves, and so have no end in depth; the wide ones have as many ways down."""
    for width in (1, 2, MAX_ITEMS, 1000):
        ring: list[Any] = []
        ring.extend([ring] * width)
        yield ring
        yield (ring, {"ring": ring})
        members: dict[str, Any] = {}
        members.update((str(number), members) for number in range(width))
        yield members


@pytest.mark.parametrize("ring", list(rings()), ids=lambda ring: type(ring).__name__)
def test_what_holds_itself_comes_to_an_end(ring: Any) -> None:
    assert "\\u2026" in text_of(ring)


def test_many_long_ones_are_cut_in_all_and_short_ones_beside_them_are_not() -> None:
    shown = rendered({"first": 1, "texts": [["x" * 1000] * MAX_ITEMS] * MAX_ITEMS, "last": 2})
    assert shown["first"] == 1
    assert shown["texts"][0][0] == "x" * 1000
    assert shown["texts"][-1] == shown["last"] == "…"
    paths = [str(Path("C:/Users/IQMPRINK/Documents") / f"{number}.jpg") for number in range(MAX_ITEMS)]
    assert rendered({"files": paths, "mode": "new"}) == {"files": paths, "mode": "new"}


def test_a_call_stands_with_its_command() -> None:
    assert noted("gom.script.sys.x", (), {}) == {"command": "gom.script.sys.x", "arguments": {}}
    assert noted("gom.api.x", (1, "b"), {"c": None}) == {
        "command": "gom.api.x",
        "arguments": {"*": [1, "b"], "c": None},
    }


def test_what_is_shown_is_as_it_was_then() -> None:
    files = ["a"]
    shown = rendered({"files": files})
    files.append("b")
    assert shown == {"files": ["a"]}


class Anything:
    """With any members."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.__dict__.update(members)


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
    | st.decimals(allow_nan=False) | st.dates() | st.text(st.characters(categories=["Cs", "Co", "Cc"]))
)  # fmt: skip
MEMBERS = st.sampled_from(["__id__", "__args__", "__kwargs__", "__stage__", "__gom_name__", "path", "name", "x"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(LEAVES, inner)
        | st.dictionaries(MEMBERS, inner).map(Anything)
    ),
    max_leaves=40,
)


@given(VALUES)
def test_any_value_is_shown_as_json(value: Any) -> None:
    text_of(value)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def depth(value: Any) -> int:
    """How deep its containers are nested."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(JSON_VALUES.filter(lambda value: depth(value) <= MAX_DEPTH))
def test_what_a_client_sends_is_shown_exactly(value: Any) -> None:
    assert rendered(value) == value


def test_numbers_are_of_python_s_own_types() -> None:
    assert type(rendered(Mode.FAST)) is int
    assert type(rendered(Real(1.5))) is float
    assert type(rendered(Text("x"))) is str
    assert math.isclose(rendered(Real(1.5)), 1.5)
