"""The codec of the gom wire, against bytes written by hand."""

from __future__ import annotations

import math

import pytest

from gombus_kit.wire.values import (
    MAX_DEPTH,
    Array,
    Command,
    Function,
    Indexable,
    Item,
    NoValue,
    Object,
    Package,
    Resources,
    Trait,
    Vec2d,
    Vec3d,
    decode,
    encode,
)

PINNED = [
    (None, "00"),
    (True, "01 01"),
    (False, "01 00"),
    (258, "02 0201000000000000"),
    (-1, "02 ffffffffffffffff"),
    (1.0, "03 000000000000f03f"),
    ("h\u00e9", "04 0300000000000000 68c3a9"),
    ([None, True], "05 0200000000000000 00 0101"),
    ({"a": None}, "06 0100000000000000 0100000000000000 61 00"),
    (slice(1, None), "07 02 0100000000000000 00"),
    (Item("i", 2, -1), "08 0100000000000000 69 0200000000000000 ffffffffffffffff"),
    (Command("c"), "0a 0100000000000000 63"),
    (Function("1", "m.f"), "0b 0100000000000000 31 0300000000000000 6d2e66"),
    (
        Trait("Tom::File", ["p"], {}),
        "0d 0900000000000000 546f6d3a3a46696c65 05 0100000000000000 04 0100000000000000 70 06 0000000000000000",
    ),
    (Indexable(None, "c", 3), "09 00 0100000000000000 63 0300000000000000"),
    (NoValue("1", "t", 2), "0c 0100000000000000 31 0100000000000000 74 0200000000000000"),
    (Object({}), "0e 06 0000000000000000"),
    (Array(None, None, "k", [], True, None), "0f 00 00 0100000000000000 6b 05 0000000000000000 01 00"),
    (
        Package((2, 1), 9, b"12345678"),
        "10 0200000000000000 0200000000000000 0100000000000000 0900000000000000 00 3132333435363738",
    ),
    (Package((1,), 1, "key"), "10 0100000000000000 0100000000000000 0100000000000000 01 0300000000000000 6b6579"),
    (Vec2d(1.0, 0.0), "11 000000000000f03f 0000000000000000"),
    (Vec3d(1.0, 0.0, 1.0), "12 000000000000f03f 0000000000000000 000000000000f03f"),
    (Resources(), "13"),
    (b"\x00\xff", "14 0200000000000000 00ff"),
]


@pytest.mark.parametrize(("value", "pinned"), PINNED)
def test_bytes_on_the_wire(value: object, pinned: str) -> None:
    assert encode(value) == bytes.fromhex(pinned)
    decoded = decode(bytes.fromhex(pinned))
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        "",
        b"",
        2**63 - 1,
        -(2**63),
        0.1,
        math.inf,
        "a\x00\u6e2c\U0001f600",
        slice(None, "z"),
        {
            "": [{"deep": [[], {}, Trait("X", ["b\u00fc.jpg"], {"a": []})]}, Item("i")],
            "\u00fc": {"x": Command("gom.script")},
        },
    ],
)
def test_round_trip(value: object) -> None:
    assert decode(encode(value)) == value


def test_a_tuple_becomes_a_list() -> None:
    assert decode(encode((1, (2,)))) == [1, [2]]


def test_not_a_number_keeps_its_kind() -> None:
    decoded = decode(encode(math.nan))
    assert isinstance(decoded, float)
    assert math.isnan(decoded)


@pytest.mark.parametrize("value", [object(), {1}, 2**63, [2**63], {"a": 1j}, "\ud800", {1: None}])
def test_values_without_a_form(value: object) -> None:
    with pytest.raises(ValueError):
        encode(value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "nothing"),
        ("63", "an unknown type byte"),
        ("02 00", "an int cut short"),
        ("04 0500000000000000 61", "a text cut short"),
        ("04 ffffffffffffffff 61", "a negative length"),
        ("04 0100000000000000 ff", "a text that is not UTF-8"),
        ("05 0200000000000000 00", "a list cut short"),
        ("00 00", "a byte too many"),
        ("0d 0100000000000000 58 00 06 0000000000000000", "a trait without arguments"),
        ("10 ffffffffffffffff", "an array of less than no dimensions"),
        ("10 0000000000000000 0b00000000000000 00", "an array of an unknown type"),
        ("10 0100000000000000 ffffffffffffff7f 0a00000000000000 00", "an array beyond all memory"),
        ("05 ffffffffffffff7f 00", "a list beyond all memory"),
        ("05 0100000000000000 " * (MAX_DEPTH + 2) + "00", "nested too deep"),
    ],
)
def test_data_that_is_no_value(data: str, why: str) -> None:
    with pytest.raises(ValueError):
        decode(bytes.fromhex(data))
