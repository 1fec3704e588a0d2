"""Faults as they are written, on the command line and in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gombus import GombusError
from gombus_kit.twin.errors import FAULT
from gombus_kit.wire import BREAK, PYTHON, Faults

COMMAND = "gom.script.sys.import_other_images"
ALLOWED = "delay:SECONDS, hang, refuse[:CODE[:TEXT]], break, error, drop, lose, crash"


def one(kind: str) -> Faults:
    faults = Faults()
    faults.add(f"{COMMAND}={kind}")
    assert faults.names == {COMMAND}
    return faults


def test_each_kind_of_fault() -> None:
    assert one("delay:2").delay_s == {COMMAND: 2.0}
    assert one("hang").hold[COMMAND].timeout is None
    assert one("break").refuse[COMMAND].error == BREAK
    assert one("error").refuse[COMMAND].error == PYTHON
    assert one("drop").drop == one("lose").lose == one("crash").crash == {COMMAND}


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("refuse", FAULT, "Refused, because the twin was told to"),
        ("refuse:GAPP-0011", "GAPP-0011", "Refused, because the twin was told to"),
        ("refuse:GAPP-0011:no project: open one", "GAPP-0011", "no project: open one"),
        ("refuse::no project", FAULT, "no project"),
    ],
)
def test_a_refusal_has_a_code_and_a_text(kind: str, code: str, text: str) -> None:
    refusal = one(kind).refuse[COMMAND]
    assert (refusal.code, refusal.description) == (code, text)


@pytest.mark.parametrize("text", ["", "=", "x", "=hang", f"{COMMAND}="])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(GombusError) as caught:
        Faults().add(text)
    assert "allowed" in str(caught.value)


@pytest.mark.parametrize("kind", ["boom", "Hang", "hang:2", "drop:now", "crash:"])
def test_another_kind_is_refused_and_those_that_there_are_named(kind: str) -> None:
    with pytest.raises(GombusError) as caught:
        Faults().add(f"{COMMAND}={kind}")
    assert str(caught.value) == f"fault '{COMMAND}={kind}' is not allowed; allowed: {ALLOWED}"


@pytest.mark.parametrize("delay", ["", "x", "-1", "nan", "inf", "3601"])
def test_what_is_no_delay_is_refused(delay: str) -> None:
    with pytest.raises(GombusError) as caught:
        Faults().add(f"{COMMAND}=delay:{delay}")
    assert str(caught.value) == (f"fault '{COMMAND}=delay:{delay}': {delay!r} is no delay; allowed: 0 to 3600 (s)")


TABLE = {"delay_s": 0.5, "delays_s": {"a": 2}, "faults": {COMMAND: "drop", "b": ["delay:3", "refuse:X"]}}
TOML = f"""
delay_s = 0.5
[delays_s]
a = 2
[faults]
"{COMMAND}" = "drop"
b = ["delay:3", "refuse:X"]
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])  # the second is Notepad's
@pytest.mark.parametrize(("name", "text"), [("faults.toml", TOML), ("faults.json", json.dumps(TABLE))])
def test_a_file_has_the_keys_of_the_settings_with_more_kinds(
    name: str, text: str, encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    faults = Faults()
    faults.read(str(path))
    assert (faults.default_delay_s, faults.delay_s) == (0.5, {"a": 2, "b": 3.0})
    assert (faults.drop, faults.refuse["b"].code) == ({COMMAND}, "X")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", ""),
        ("[1]", ": a table is allowed"),
        ('{"fault": {}}', " fault: is no setting; allowed: delay_s, delays_s, faults"),
        ('{"faults": []}', " faults: a table of commands is allowed"),
        ('{"faults": {"a": 1}}', f" faults.a: 1 is not allowed; allowed: {ALLOWED}"),
        ('{"faults": {"a": ["boom"]}}', f" faults.a: 'boom' is not allowed; allowed: {ALLOWED}"),
        ('{"delay_s": -1}', " delay_s: -1 is not allowed; allowed: 0 to 3600 (s)"),
        ("[" * 100_000, ""),
    ],
    ids=lambda text: text[:20],
)
def test_what_a_file_may_not_have_is_named_with_the_file(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GombusError) as caught:
        Faults().read(str(path))
    assert str(caught.value).startswith(f"{path}{said}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nope.toml"
    with pytest.raises(GombusError) as caught:
        Faults().read(str(path))
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"
