"""What importing the real `gom` does to its process, effect by effect, and that gombus undoes it.

Each is looked at in a script of its own: with gom as it comes, imported through gombus, and imported before gombus.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gombus_kit.wire import Request, WireTwin
from gombus_kit.wire import inspect as twins_inspect
from programs import environ
from support import WAIT_S

pytestmark = pytest.mark.gom

BEGIN = """
import importlib, json, os, sys, threading, warnings
from gombus.inspect import client
before = sys.stdout, sys.stderr, sys.exit, os.environ, os.putenv, sys.excepthook
paths = list(sys.path)
address = os.environ["TOM_PYTHON_API_URL"]

def elsewhere(act):
    said = []
    def run():
        try:
            said.append(act())
        except BaseException as error:
            said.append(type(error).__name__)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return said[0]

def named(act):
    try:
        return act()
    except BaseException as error:
        return type(error).__name__

def tell(value):
    print(json.dumps(value), file=before[0])
"""
AS_IT_COMES = "gom = importlib.import_module('gom')\n"
THROUGH = "gom = client.connect(address)\n"
AFTER = "importlib.import_module('gom')\ngom = client.connect(address)\n"
KEPT = [THROUGH, AFTER]
IDS = ["through gombus", "before gombus"]


@pytest.fixture
def inspect() -> Iterator[WireTwin]:
    with WireTwin() as twin:
        yield twin


def start(inspect: WireTwin, script: str, url: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", BEGIN + script],
        env=environ(TOM_PYTHON_API_URL=url or inspect.url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def run(inspect: WireTwin, script: str, url: str = "") -> Any:
    """What a script told."""
    with start(inspect, script, url) as process:
        try:
            output, errors = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    return json.loads(output)


STREAM = "tell([sys.{0} is before[{1}], hasattr(sys.{0}, 'isatty'), hasattr(sys.{0}, 'encoding')])"


@pytest.mark.parametrize(("name", "place"), [("stdout", 0), ("stderr", 1)])
def test_the_streams(name: str, place: int, inspect: WireTwin) -> None:
    script = STREAM.format(name, place)
    assert run(inspect, AS_IT_COMES + script) == [False, False, False]
    assert [run(inspect, how + script) for how in KEPT] == [[True] * 3] * 2


ENVIRON = "os.environ['X'] = '1'\ntell([os.environ is before[3], named(lambda: len(os.environ | {}) > 1)])"


def test_the_environment_and_who_is_told_of_its_changes(inspect: WireTwin) -> None:
    assert run(inspect, AS_IT_COMES + ENVIRON) == [False, "TypeError"]
    assert Request.SETENV in inspect.asked
    inspect.asked.clear()
    assert [run(inspect, how + ENVIRON) for how in KEPT] == [[True, True]] * 2
    assert Request.SETENV not in inspect.asked


PUTENV = "tell([os.putenv is before[4], elsewhere(lambda: os.putenv('X', '1'))])"


def test_putenv(inspect: WireTwin) -> None:
    assert run(inspect, AS_IT_COMES + PUTENV) == [False, "RuntimeError"]
    assert [run(inspect, how + PUTENV) for how in KEPT] == [[True, None]] * 2


EXIT = "tell([sys.exit is before[2], elsewhere(lambda: sys.exit(3)), named(lambda: sys.exit(4))])"


def test_sys_exit(inspect: WireTwin) -> None:
    assert run(inspect, AS_IT_COMES + EXIT) == [False, "RuntimeError", "SystemExit"]
    assert inspect.exits == [4]
    assert [run(inspect, how + EXIT) for how in KEPT] == [[True, "SystemExit", "SystemExit"]] * 2
    assert inspect.exits == [4]


def test_what_is_done_with_an_exception_that_nobody_catches(inspect: WireTwin) -> None:
    numbered = inspect.url + "&interpreter_id=7"
    script = "tell(sys.excepthook is before[5])"
    assert run(inspect, AS_IT_COMES + script, numbered) is False
    assert run(inspect, THROUGH + script, numbered) is True
    # Where INSPECT's start-up code has imported gom, INSPECT is to show how its script ended.
    assert run(inspect, AFTER + script, numbered) is False


IMPORTS = """
missing = lambda: importlib.import_module("a_module_that_is_not_there")
tell([elsewhere(missing), named(missing), elsewhere(lambda: importlib.import_module("this_one_neither"))])
"""


def test_an_import_that_fails_on_another_thread_is_an_import_error(inspect: WireTwin) -> None:
    assert run(inspect, AS_IT_COMES + IMPORTS) == ["RuntimeError", "ModuleNotFoundError", "RuntimeError"]
    inspect.asked.clear()
    assert [run(inspect, how + IMPORTS) for how in KEPT] == [["ModuleNotFoundError"] * 3] * 2
    # On its own thread INSPECT is still asked: a script's resources are modules, too.
    assert inspect.asked.count(Request.IMPORT) >= 2


LATER = """
tell("imported")
sys.stdin.readline()
tell(named(lambda: importlib.import_module("a_module_that_is_not_there")))
"""


@pytest.mark.parametrize("how", KEPT, ids=IDS)
def test_an_import_that_fails_when_inspect_is_gone_is_one_too(how: str, inspect: WireTwin) -> None:
    with start(inspect, how + LATER) as process:
        try:
            assert process.stdout and process.stdin
            assert json.loads(process.stdout.readline()) == "imported"
            inspect.close()
            output, errors = process.communicate("\n", timeout=WAIT_S)
        finally:
            process.kill()
    assert (process.returncode, json.loads(output)) == (0, "ModuleNotFoundError"), errors


@pytest.mark.parametrize("how", [THROUGH, AFTER], ids=IDS)
def test_what_is_added_to_the_path_comes_last(
    how: str, inspect: WireTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # INSPECT gives the folders of its Apps' modules. One of them must not stand in for a module that is there.
    for name in ("json", "of_the_app"):
        (tmp_path / f"{name}.py").write_text("MINE = True", encoding="utf-8")
    monkeypatch.setitem(twins_inspect._PLAIN_ANSWERS, Request.REGISTER, {"path": [str(tmp_path)]})
    script = how + "import of_the_app\ntell([sys.path[len(paths):], sys.path[:len(paths)] == paths, of_the_app.MINE])"
    assert run(inspect, script) == [[str(tmp_path)], True, True]


def test_the_server_beside_inspect_does_none_of_it(inspect: WireTwin) -> None:
    script = """
from gombus.inspect.backend import InspectBackend
if __name__ == "__main__":
    finders = list(sys.meta_path)
    backend = InspectBackend(os.environ)
    gom = backend.open()
    answer = str(gom.File("C:/x.jpg"))
    backend.close()
    after = sys.stdout, sys.stderr, sys.exit, os.environ, os.putenv, sys.excepthook
    tell([answer, [a is b for a, b in zip(before, after)], sys.path == paths, sys.meta_path == finders])
    tell(["gom" in sys.modules, backend.in_process, "apikey" in os.environ["TOM_PYTHON_API_URL"]])
"""
    with start(inspect, script) as process:
        output, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, errors
    assert [json.loads(line) for line in output.splitlines()] == [
        ["C:/x.jpg", [True] * 6, True, True],
        [False, False, False],
    ]
