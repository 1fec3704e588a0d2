"""gom.api with the real client: progress, introspection, settings; and gom.log, gom.console and the end of a script."""

from __future__ import annotations

import json

import pytest

from gombus_kit.wire import WireTwin
from gombus_kit.wire.api import MODULES, Api
from scripts import RAISED, run, start
from support import WAIT_S


@pytest.mark.gom
def test_a_progress_bar() -> None:
    script = """
import gom.api.progress
with gom.api.progress.ProgressBar() as bar:
    bar.set_message('Importing')
    bar.set_progress(50)
    bar.set_progress(200)
print(json.dumps('done'))
"""
    with WireTwin() as twin:
        assert run(twin, script) == "done"
    assert twin.progress == [0, 50, 100]
    assert twin.progress_messages == ["Importing (0)", "Importing (50)", "Importing (100)"]
    assert twin.inspect.api.shown == set()


@pytest.mark.gom
def test_the_modules_of_the_api() -> None:
    script = """
import gom.api.introspection
modules = gom.api.introspection.modules()
print(json.dumps({m.name(): [m.version(), [f.name() for f in m.functions()]] for m in modules}))
"""
    with WireTwin() as twin:
        assert run(twin, script) == {name: [1, list(functions)] for name, functions in MODULES.items()}


@pytest.mark.gom
def test_settings_are_those_that_were_given_or_set() -> None:
    script = """
import gom.api.settings as settings
settings.set('size', 640)
print(json.dumps([settings.get('port'), settings.get('size'), settings.list()]))
"""
    with WireTwin() as twin:
        twin.settings["port"] = 40010
        assert run(twin, script) == [40010, 640, ["port", "size"]]
        kind, said = run(twin, "import gom.api.settings\n" + RAISED.format(call="gom.api.settings.get('x')"))
    assert (kind, said) == ("GomApiError", "there is no setting 'x'; there are: port, size")


@pytest.mark.gom
def test_what_the_twin_does_not_have_of_the_api_says_so() -> None:
    script = "import gom.api.addons\n" + RAISED.format(call="gom.api.addons.get_current_addon()")
    with WireTwin() as twin:
        kind, said = run(twin, script)
    assert kind == "GomApiError"
    assert said == f"the twin does not have gom.api.addons.get_current_addon; it has {', '.join(MODULES)}"


@pytest.mark.gom
def test_log_lines_console_and_exit_code_are_kept() -> None:
    script = """
import sys
gom.log.warning('hello')
print('on the console', file=gom.console)
sys.exit(3)
"""
    with WireTwin() as twin, start(twin, script) as process:
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 3
    assert [line.partition("] ")[2] for line in twin.log] == ["WARNING - hello"]
    assert twin.console == ["on the console", "\n"]
    assert twin.exits == [3]


@pytest.mark.gom
def test_an_exception_that_ends_a_script_is_told() -> None:
    """To the twin alone, where the address names the interpreter, as INSPECT does for its own scripts."""
    with WireTwin() as twin, start(twin, "raise ValueError('no')", f"{twin.url}&interpreter_id=1") as process:
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    (exception,) = twin.inspect.exceptions
    assert (exception["name"], exception["text"]) == ("ValueError", "no")
    assert "ValueError: no" in twin.log[0]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "null", "[]", "{}", '{"module": "settings"}', '{"module": "settings", "call": "get"}'),
        *('{"module": "settings", "call": "set", "params": [[], 1]}', '{"instance": "x", "call": "y"}'),
        *('{"instance": "module settings", "call": "y"}', '{"instance": "module x", "call": "name"}'),
        *('{"instance": "progress 1", "call": "_go"}', '{"instance": "progress 1", "call": "_set_progress"}'),
    ],
)
def test_a_call_that_is_none_is_an_error_of_the_api(text: str) -> None:
    answer = json.loads(Api().answer(text))
    assert list(answer) == ["error"]
    assert answer["error"]
