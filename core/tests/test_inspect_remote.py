"""The server's side of gom's objects: they look and behave as those in the holder."""

from __future__ import annotations

import copy
import enum
import gc
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from gombus.inspect.remote import BreakError, InspectLost, RequestError, raised
from gombus.rendering import rendered
from holding import Gom, Held, holding


@pytest.fixture
def made() -> Gom:
    return Gom()


@pytest.fixture
def held(made: Gom) -> Iterator[Held]:
    with holding(made) as held:
        yield held


class Word(str, enum.Enum):
    """A text that is of another class."""

    HELLO = "hello"


class Own:
    """Nothing that INSPECT knows."""


PLAIN = [None, True, 5, 2.5, "text", b"bytes", [1, ["x"]], (1, 2), {"a": {"b": None}}, {1, 2}, slice(1, None), 2**70]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_go_there_and_back(value: Any, held: Held, made: Gom) -> None:
    answer = held.gom.script.sys.run(answer=value)
    assert (answer, type(answer)) == (value, type(value))
    assert made.calls == [((), {"answer": value})]


def test_arrays_of_numpy_go_by_value(held: Held, made: Gom) -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(6, dtype="f8").reshape(2, 3)
    answer = held.gom.script.sys.run(answer=array, one=numpy.float32(2.5))
    assert (answer.dtype, answer.tolist()) == (array.dtype, array.tolist())
    ((_, kwargs),) = made.calls
    assert (type(kwargs["answer"]), kwargs["one"]) == (numpy.ndarray, 2.5)
    # What they hold, where that is gom's, goes as it does elsewhere.
    made.script.sys.odd = lambda: numpy.array([made.Vector(1), 2], dtype=object)
    first, second = held.gom.script.sys.odd()
    assert (first.x, second) == (1, 2)


def test_what_is_of_a_plain_kind_goes_as_that(held: Held, made: Gom) -> None:
    class Deep(dict):  # type: ignore[type-arg]
        pass

    held.gom.script.sys.run(word=Word.HELLO, deep=Deep(a=Word.HELLO))
    ((_, kwargs),) = made.calls
    assert kwargs == {"word": "hello", "deep": {"a": "hello"}}
    assert [type(kwargs["word"]), type(kwargs["deep"])] == [str, dict]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (print, "cannot be given a function"),
        (lambda: None, "cannot be given a function"),
        ([{"a": Own()}], "cannot be given 'Own' here; allowed: plain values, and its own"),
    ],
    ids=["builtin", "lambda", "object"],
)
def test_what_inspect_cannot_take_is_refused_before_it_is_asked(value: Any, said: str, held: Held, made: Gom) -> None:
    with pytest.raises(TypeError, match=said):
        held.gom.script.sys.run(value=value)
    assert made.calls == []
    # The next one is not hurt by it.
    assert held.gom.script.sys.run(answer=1) == 1


def test_objects_are_used_where_they_are(held: Held, made: Gom) -> None:
    vector = held.gom.Vector(2)
    assert (vector.x, repr(vector), str(vector)) == (2, "Vector 2", "Vector 2")
    vector.x = 3
    assert (vector + vector).x == 6
    assert (vector + 1).x == (1 + vector).x == 4
    assert vector == held.gom.Vector(3)
    assert vector != held.gom.Vector(4)
    held.gom.script.sys.run(series=[vector])
    ((_, kwargs),) = made.calls
    assert type(kwargs["series"][0]) is made.Vector
    assert kwargs["series"][0].x == 3


def test_classes_are_classes(held: Held) -> None:
    gom = held.gom
    special = gom.Special(1)
    assert isinstance(special, gom.Special)
    assert isinstance(special, gom.Vector)
    assert not isinstance(gom.Vector(1), gom.Special)
    assert issubclass(gom.Special, gom.Vector)
    assert (gom.Vector.__name__, type(special) is gom.Special) == ("Vector", True)
    assert gom.Vector.zero().x == 0
    with pytest.raises(AttributeError, match="nothing"):
        _ = gom.Vector.nothing


def test_special_methods_are_there_only_where_the_object_has_them(held: Held) -> None:
    vector = held.gom.Vector(1)
    for act in (len, iter, hash, int, lambda value: value[0], lambda value: value()):
        with pytest.raises(TypeError):
            act(vector)
    assert bool(vector)
    assert hash(held.gom.Special(1)) == 5


def test_a_container(held: Held) -> None:
    app = held.gom.app
    assert (len(app), app[0], app["a"].x, app[1:2]) == (3, "first", 1, [1, 2])
    assert list(app) == ["first", "second"]
    assert ("a" in app, "b" in app) == (True, False)
    app["b"] = app["a"]
    assert app["b"] == app["a"]
    del app["b"]
    with pytest.raises(KeyError):
        _ = app["b"]


def test_with(held: Held) -> None:
    with held.gom.Bar() as bar:
        assert bar.log == ["entered"]
    assert bar.log == ["entered", "left"]


@pytest.mark.parametrize(
    ("kind", "args", "expected"),
    [
        ("KeyError", ("x",), KeyError("x")),
        ("AttributeError", ("no",), AttributeError("no")),
        ("ConnectionRefusedError", (111, "refused"), ConnectionRefusedError(111, "refused")),
        ("BreakError", (), BreakError()),
    ],
)
def test_exceptions_keep_their_type(kind: str, args: tuple[Any, ...], expected: Exception, held: Held) -> None:
    with pytest.raises(type(expected)) as caught:
        held.gom.script.sys.fail(kind, *args)
    assert (type(caught.value), caught.value.args) == (type(expected), expected.args)


def test_a_refusal_carries_what_inspect_said(held: Held) -> None:
    with pytest.raises(held.gom.RequestError) as caught:
        held.gom.script.sys.fail("RequestError", "Broken file", "GAPP-0001", "a log")
    error = caught.value
    assert (error.description, error.error_code, error.error_log) == ("Broken file", "GAPP-0001", "a log")
    assert (error[0], error[1], isinstance(error, RuntimeError)) == ("GAPP-0001", "a log", True)
    assert str(error) == "GAPP-0001: Broken file\n\na log"
    assert str(RequestError("a", "b", "a: c")) == "b: a: c"


def test_exceptions_that_are_not_here_are_of_python_s_that_they_were_made_of(held: Held) -> None:
    with pytest.raises(ConnectionError, match="gone") as caught:
        held.gom.script.sys.fail("Odd", "gone")
    assert type(caught.value).__name__ == "Odd"
    with pytest.raises(RuntimeError, match=r"^UnicodeDecodeError: "):
        held.gom.script.sys.fail("Unicode", "utf-8", b"\xff", 0, 1, "odd")


@pytest.mark.parametrize("name", ["eval", "Odd"])
@pytest.mark.parametrize("base", ["eval", "type", "__import__", "nothing"])
def test_what_is_no_exception_is_not_called_to_make_one(name: str, base: str) -> None:
    """INSPECT can have the holder run what it likes, and so say what it likes; the server runs nothing for it."""
    error = raised(name, base, ("1 / 0",), "a text")
    assert (type(error), error.args) == (RuntimeError, (f"{name}: a text",))


def test_what_does_not_exist(held: Held) -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = held.gom.nothing
    with pytest.raises(AttributeError, match="nothing"):
        held.gom.script.sys.nothing()
    vector = held.gom.Vector(1)
    with pytest.raises(AttributeError):
        _ = vector.y
    # Python's own questions stay here.
    assert not hasattr(vector, "__array__")
    assert not hasattr(held.gom.Vector, "__array__")


def test_receipts_name_an_object_as_the_real_one(held: Held, made: Gom) -> None:
    assert rendered(held.gom.Vector(2)) == rendered(made.Vector(2)) == {"gom": "gom.Vector(2)"}


def test_objects_that_are_no_longer_used_are_let_go(held: Held) -> None:
    for _ in range(50):
        held.gom.Vector(1)
    kept = held.gom.Vector(2)
    gc.collect()
    assert kept.x == 2
    assert len(held.holder._objects) == 1


@pytest.mark.parametrize("act", [copy.copy, copy.deepcopy, pickle.dumps, lambda one: copy.deepcopy({"a": [one]})])
def test_an_object_that_cannot_be_copied_says_so_and_is_kept(act: Any, held: Held) -> None:
    vector = held.gom.Vector(2)
    with pytest.raises(TypeError, match="'Vector' of INSPECT cannot be copied"):
        act(vector)
    gc.collect()
    assert held.gom.Vector(3).x == 3
    assert vector.x == 2


def test_an_object_of_an_inspect_that_is_gone_is_lost(held: Held) -> None:
    with holding(Gom()) as other:
        foreign, kind = other.gom.Vector(1), other.gom.Vector
        for value in (foreign, kind):
            with pytest.raises(InspectLost):
                held.gom.script.sys.run(value=value)
    assert held.gom.script.sys.run(answer=1) == 1


def test_warnings_are_told_with_the_answer(held: Held) -> None:
    assert held.gom.script.sys.warn("a stage is missing") == "warned"
    assert held.warnings == ["a stage is missing"]
    assert held.gom.script.sys.run(answer=1) == 1
    assert held.warnings == ["a stage is missing"]
