"""The twin's exceptions have the members and the texts of gom's."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from gombus_kit.twin import BreakError, RequestError, errors


def facts(gom: Any) -> list[Any]:
    """What a handler can see of gom's exceptions. Its source also runs in a process that has the real client."""
    found: list[Any] = []
    for description, code, log in (
        ("no such file", "GAPP-0011", "line 1\nline 2"),
        ("no such file", "GAPP-0011", ""),
        ("no such file", "GAPP-0011", "no such file: C:/x.jpg"),
    ):
        error = gom.RequestError(description, code, log)
        found.append([str(error), error.description, error.error_code, error.error_log, error[0], error[1]])
        found.append(list(error.args))
    found.append([base.__name__ for base in gom.RequestError.__mro__])
    found.append([str(gom.BreakError()), str(gom.BreakError("Esc"))])
    found.append([base.__name__ for base in gom.BreakError.__mro__])
    return found


def test_a_request_error_carries_description_code_and_log() -> None:
    error = RequestError("no such file", "GAPP-0011", "line 1\nline 2")
    assert (error.description, error.error_code, error.error_log) == ("no such file", "GAPP-0011", "line 1\nline 2")


def test_the_log_of_a_request_error_is_empty_unless_given() -> None:
    assert RequestError("no such file", "GAPP-0011").error_log == ""


@pytest.mark.parametrize(
    ("log", "text"),
    [
        pytest.param("", "GAPP-0011: no such file\n\n", id="no log"),
        pytest.param("line 1\nline 2", "GAPP-0011: no such file\n\nline 1\nline 2", id="a log"),
        pytest.param("no such file: x", "GAPP-0011: no such file: x", id="a log that starts with the description"),
    ],
)
def test_the_text_of_a_request_error_is_made_as_gom_makes_it(log: str, text: str) -> None:
    assert str(RequestError("no such file", "GAPP-0011", log)) == text


def test_a_request_error_gives_code_and_log_by_index_as_old_scripts_ask_for_them() -> None:
    error: Any = RequestError("no such file", "GAPP-0011", "log")
    assert (error[0], error[1]) == ("GAPP-0011", "log")


def test_only_the_request_error_is_a_runtime_error() -> None:
    assert issubclass(RequestError, RuntimeError)
    # A handler that catches RuntimeError must not swallow the user's Esc.
    assert not issubclass(BreakError, RuntimeError)


def test_every_cause_has_its_own_code() -> None:
    codes = [value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)]
    assert len(codes) == 7
    assert len(set(codes)) == len(codes)
    assert all(code.startswith("TWIN-") for code in codes), "a code of INSPECT's own would mislead"


@pytest.mark.gom
def test_handlers_cannot_tell_the_exceptions_from_the_real_clients() -> None:
    source = inspect.getsource(facts)
    program = f"from __future__ import annotations\nimport gom, json\n{source}\nprint(json.dumps(facts(gom)))"
    # Importing gom changes its process, so it gets one of its own; without an address it only warns.
    environ = {name: value for name, value in os.environ.items() if name != "TOM_PYTHON_API_URL"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environ,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    real = json.loads(done.stdout)
    assert facts(SimpleNamespace(RequestError=RequestError, BreakError=BreakError)) == real
