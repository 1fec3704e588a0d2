"""Messages between the server and the holder: what goes by value, and that nothing else is made of them."""

from __future__ import annotations

import io
import os
import pickle
import sys

import pytest

from gombus.inspect.values import Reader, Writer, array, by_value, read, write


def test_what_goes_by_value() -> None:
    assert all(by_value(value) for value in (None, 1, "x", [print], {"a": object()}, slice(1), int, dict))
    assert not any(by_value(value) for value in (object(), print, lambda: None, Writer, os))


def test_messages_have_their_length_before_them() -> None:
    stream = io.BytesIO()
    write(stream, b"one")
    write(stream, b"")
    stream.seek(0)
    assert [read(stream), read(stream)] == [b"one", b""]
    with pytest.raises(EOFError):
        read(stream)


@pytest.mark.parametrize("cut", [1, 7, 8, 10])
def test_a_message_that_is_cut_short_is_none(cut: int) -> None:
    stream = io.BytesIO()
    write(stream, b"one")
    with pytest.raises(EOFError):
        read(io.BytesIO(stream.getvalue()[:cut]))


def test_references_go_and_come_as_what_stands_for_them() -> None:
    stream, object_ = io.BytesIO(), object()
    Writer(stream, lambda value: 7 if value is object_ else None).dump([object_, {"x": object_}])
    assert Reader(io.BytesIO(stream.getvalue()), lambda reference: ("for", reference)).load() == [
        ("for", 7),
        {"x": ("for", 7)},
    ]


class Evil:
    """Runs something where it is read."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("echo no",))


@pytest.mark.parametrize("data", [pickle.dumps(Evil()), pickle.dumps(eval), pickle.dumps(os.getcwd)])
def test_what_inspect_sends_is_not_run_by_the_server(data: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError, match="does not go by value"):
        Reader(io.BytesIO(data), lambda reference: None).load()


@pytest.mark.parametrize("name", ["ndarray", "dtype", "scalar"])
def test_no_module_is_imported_because_inspect_names_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # One that runs a program when it is imported.
    monkeypatch.delitem(sys.modules, "numpy.f2py.__main__", raising=False)
    with pytest.raises(pickle.UnpicklingError, match="does not go by value"):
        Reader(io.BytesIO(f"cnumpy.f2py.__main__\n{name}\n.".encode()), lambda reference: None).load()
    assert "numpy.f2py.__main__" not in sys.modules


def test_an_array_is_made_of_numbers_only() -> None:
    numpy = pytest.importorskip("numpy")
    assert array("<f8", (2, 1), bytes(16)).tolist() == [[0.0], [0.0]]
    assert array("<i4", (0, 3), b"").shape == (0, 3)
    assert type(array("<i4", None, b"\1\0\0\0")) is numpy.int32
    for kind in ("O", "V8", "i4,O"):
        with pytest.raises(pickle.UnpicklingError, match="does not go by value"):
            array(kind, (1,), bytes(16))
    assert not by_value(numpy.array([object()]))
