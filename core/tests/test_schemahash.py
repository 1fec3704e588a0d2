"""Hashes of schemas, and what changed between two of them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gombus.schemahash import canonical, difference, hash_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


def test_the_canonical_text_has_sorted_members_no_spaces_and_no_needless_escapes() -> None:
    assert canonical({"b": [1, 2.5, None, True], "a": {"µ": 'x"\n/'}}) == '{"a":{"µ":"x\\"\\n/"},"b":[1,2.5,null,true]}'


def test_a_hash_is_that_of_the_canonical_text_as_any_client_can_make_it() -> None:
    assert hash_of({"b": 1, "a": "µ"}) == hashlib.sha256('{"a":"µ","b":1}'.encode()).hexdigest()


def test_half_of_a_surrogate_pair_has_a_hash() -> None:
    assert len(hash_of({"a": "\ud800"})) == 64


@settings(max_examples=200, deadline=None, database=None)
@given(OBJECTS)
def test_the_order_of_members_makes_no_difference(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert hash_of(turned) == hash_of(value) == hash_of(json.loads(json.dumps(value)))
    assert difference(value, turned) == []


@settings(max_examples=200, deadline=None, database=None)
@given(OBJECTS, OBJECTS)
def test_where_the_hashes_differ_there_is_a_difference(was: dict[str, Any], now: dict[str, Any]) -> None:
    assert bool(difference(was, now)) == (hash_of(was) != hash_of(now))


def _applied(value: Any, changes: list[dict[str, Any]]) -> Any:
    """The value, with each change made."""
    value = json.loads(json.dumps(value))
    for change in changes:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in change["pointer"].split("/")[1:]]
        place = value
        for part in path:
            place = place[part]
        if change["change"] == "removed":
            assert place.pop(last) == change["was"]
        else:
            assert (last in place) == (change["change"] == "changed")
            assert place.get(last) == change.get("was")
            place[last] = change["now"]
    return value


@settings(max_examples=200, deadline=None, database=None)
@given(OBJECTS, OBJECTS)
def test_a_difference_is_whole(was: dict[str, Any], now: dict[str, Any]) -> None:
    assert canonical(_applied(was, difference(was, now))) == canonical(now)


def test_what_was_added_removed_and_changed_is_named_with_its_place() -> None:
    was = {"properties": {"file": {"maxLength": 10}, "a/b~c": {"enum": [1, 2]}, "old": {"type": "string"}}, "x": 1}
    now = {"properties": {"file": {"maxLength": 20}, "a/b~c": {"enum": [2, 1]}, "new": {"type": "string"}}, "x": 1.0}
    assert difference(was, now) == [
        {"pointer": "/properties/a~1b~0c/enum", "change": "changed", "was": [1, 2], "now": [2, 1]},
        {"pointer": "/properties/file/maxLength", "change": "changed", "was": 10, "now": 20},
        {"pointer": "/properties/new", "change": "added", "now": {"type": "string"}},
        {"pointer": "/properties/old", "change": "removed", "was": {"type": "string"}},
        {"pointer": "/x", "change": "changed", "was": 1, "now": 1.0},
    ]


@pytest.mark.parametrize(("was", "now"), [(1, True), (0, False), (None, 0), ("1", 1), ({}, []), ({"a": 1}, None)])
def test_values_of_another_type_differ_even_where_python_has_them_equal(was: Any, now: Any) -> None:
    assert difference({"x": was}, {"x": now}) == [{"pointer": "/x", "change": "changed", "was": was, "now": now}]
