"""The numbers of the requests are the client's, and refusals say what the client reads."""

from __future__ import annotations

import pickle

import pytest

from gombus_kit.wire import BREAK, PYTHON, Refusal, Request, WireTwin
from gombus_kit.wire.requests import ATTRIBUTE, INDEX, PLAIN
from scripts import run


@pytest.mark.gom
def test_the_numbers_are_those_of_the_client() -> None:
    script = """
from gom.__common__ import Request
print(json.dumps({request.name: request.value for request in Request if not request.name.startswith('TEST_')}))
"""
    with WireTwin() as twin:
        assert run(twin, script) == {request.name: request.value for request in Request}


@pytest.mark.parametrize(
    ("refusal", "log"),
    [
        (Refusal("why"), ""),
        (Refusal("why", "C", "log"), "log"),
        (Refusal("why", error=BREAK), ""),
        # Of these the client shows the log alone.
        (Refusal("why", error=ATTRIBUTE), "why"),
        (Refusal("why", error=INDEX), "why"),
        (Refusal("why", log="log", error=INDEX), "log"),
    ],
)
def test_the_reply_of_a_refusal(refusal: Refusal, log: str) -> None:
    assert refusal.reply() == {
        "type": "error",
        "error": refusal.error,
        "description": "why",
        "code": refusal.code,
        "log": log,
        "value": None,
    }


def test_an_exception_of_python_is_pickled_as_the_client_unpickles_it() -> None:
    value = Refusal("why", error=PYTHON).reply()["value"]
    assert isinstance(value, bytes)
    assert pickle.loads(value) == (RuntimeError, "why")
    assert Refusal("why").error == PLAIN
