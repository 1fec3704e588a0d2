"""The process that holds gom: when it ends, and what it keeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gombus.inspect.remote import InspectLost
from gombus.inspect.values import CODE_LOST
from holding import Gom, Held, holding
from support import WAIT_S


@pytest.fixture
def made() -> Gom:
    return Gom()


@pytest.fixture
def held(made: Gom) -> Iterator[Held]:
    with holding(made) as held:
        yield held


def test_it_ends_when_the_server_is_gone(held: Held) -> None:
    held.close()
    assert held.ended.wait(WAIT_S)
    assert held.left == [0]


def test_it_ends_when_inspect_is_gone_between_operations(held: Held, made: Gom) -> None:
    made.lose()
    assert held.ended.wait(WAIT_S)
    assert held.left == [CODE_LOST]


def test_an_operation_that_meets_no_inspect_is_lost_and_not_begun(held: Held, made: Gom) -> None:
    assert held.gom.script.sys.run(answer=1) == 1
    made.lose()
    with pytest.raises(InspectLost):
        held.gom.script.sys.run(answer=2)
    assert made.calls == [((), {"answer": 1})]
    assert held.ended.wait(WAIT_S)
    assert held.left == [CODE_LOST]


def test_an_operation_in_which_inspect_goes_is_lost_whatever_the_client_raises(held: Held, made: Gom) -> None:
    def fail() -> None:
        made.lose()
        raise IndexError("index out of range")

    made.script.sys.fail = fail
    with pytest.raises(InspectLost):
        held.gom.script.sys.fail()
    assert held.ended.wait(WAIT_S)
    assert held.left == [CODE_LOST]


def test_a_refusal_is_one_even_where_inspect_goes_after_it(held: Held, made: Gom) -> None:
    def fail() -> None:
        made.lose()
        raise made.BreakError

    made.script.sys.fail = fail
    with pytest.raises(held.gom.BreakError):
        held.gom.script.sys.fail()


def test_classes_that_are_made_anew_for_every_object_are_one(held: Held, made: Gom) -> None:
    class Selector:
        pass

    def select() -> object:
        return type("Selector", (), {"__len__": lambda self: 1})()

    made.script.sys.select = select
    first, second = held.gom.script.sys.select(), held.gom.script.sys.select()
    assert type(first) is type(second)
    assert len(first) == 1
    before = len(held.holder._kinds._numbers)
    for _ in range(20):
        held.gom.script.sys.select()
    assert len(held.holder._kinds._numbers) == before


def test_what_cannot_be_told_is_an_error_and_hurts_nothing_after_it(held: Held, made: Gom) -> None:
    class Unspeakable:
        pass

    class Looks(type):
        @property
        def __module__(cls) -> str:  # type: ignore[override]
            raise RuntimeError("no")

    made.script.sys.odd = lambda: [made.Vector(1), Looks("Odd", (), {})()]
    with pytest.raises(RuntimeError, match="no"):
        held.gom.script.sys.odd()
    assert held.gom.Vector(3).x == 3
    assert repr(held.gom.Special(4)) == "Vector 4"
