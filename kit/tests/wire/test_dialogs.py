"""User-defined dialogs with the real client: answered at once, held, cancelled, closed by their handler."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gombus_kit.wire import Request, WireTwin
from gombus_kit.wire.dialogs import WHOLE
from gombus_kit.wire.records import MAX_PART
from scripts import RAISED, finish, run, start
from support import WAIT_S
from wire_client import dial, message, received

pytestmark = pytest.mark.gom

DEFINITION: dict[str, Any] = {
    "title": {"id": "", "text": "Distance", "translatable": True},
    "content": [
        [
            {"name": "label", "type": "label", "text": {"id": "", "text": "How far?"}},
            {"name": "distance", "type": "input::number", "value": 1.5, "maximum": 1000},
        ],
        [{"name": "note", "type": "input::string", "value": ""}, "no widget", {"type": "spacer"}],
    ],
    "control": {"id": "OkCancel"},
}
CREATE = f"D = gom.script.sys.create_user_defined_dialog(dialog=json.loads({json.dumps(DEFINITION)!r}))\n"
EXECUTE = CREATE.replace("create", "execute").replace("D =", "R =")
SHOW = "R = gom.script.sys.show_user_defined_dialog(dialog=D)\n"


def test_a_dialog_is_confirmed_at_once_with_the_values_of_its_definition() -> None:
    with WireTwin() as twin:
        answer = run(twin, EXECUTE + "print(json.dumps([R.distance, R.label, str(R), R.__dict__['__args__'][0]]))")
    values = {"label": None, "distance": 1.5, "note": ""}
    text = "gom.dialog.DialogResult ('label': None, 'distance': 1.5, 'note': '')"
    assert answer == [1.5, None, text, values]
    (dialog,) = twin.dialogs
    assert (dialog.title, dialog.text, dialog.state) == ("Distance", "How far?", "closed")
    assert dialog.definition == DEFINITION


def test_what_a_script_reads_and_sets_before_it_shows_the_dialog() -> None:
    script = f"""{CREATE}
before = [D.title, D.distance.value, D.distance.maximum, D.distance.enabled, D.label.text, D.note.name]
D.title = 'Step 2'
D.distance.value = 3.0
D.label.text = 'Far enough'
D.control.ok.enabled = False
D.control.status = 'wait'
D.timer.interval = 500
after = [D.title, D.distance.value, D.control.ok.enabled, D.control.status, D.timer.interval]
same = [D.note == D.note, D.note == D.label, D == D, D.note != D.label]
has = [hasattr(D, 'nothing'), hasattr(D.note, 'nothing'), isinstance(D.note, gom.Widget)]
{SHOW}
print(json.dumps([before, after, same, has, repr(D), R.distance, hasattr(R, 'nothing')]))
"""
    with WireTwin() as twin:
        before, after, same, has, *rest = run(twin, script)
    assert before == ["Distance", 1.5, 1000, True, "How far?", "note"]
    assert after == ["Step 2", 3.0, False, "wait", 500]
    assert same == [True, False, True, True]
    assert has == [False, False, True]
    assert rest == ["gom.dialog.Dialog ('Step 2')", 3.0, False]
    assert (twin.dialogs[0].title, twin.dialogs[0].text) == ("Step 2", "Far enough")


def test_an_open_dialog_does_not_stop_the_script() -> None:
    script = f"""{CREATE}
gom.script.sys.open_user_defined_dialog(dialog=D)
D.title = 'still open'
input()
gom.script.sys.close_user_defined_dialog(dialog=D)
print(json.dumps('done'))
"""
    with WireTwin(hold_dialogs=True) as twin, start(twin, script) as process:
        assert twin.wait_until(lambda: [d for d in twin.dialogs if d.title == "still open"], WAIT_S)
        assert twin.dialogs[0].state == "open"
        assert process.stdin
        process.stdin.write("\n")
        assert finish(process) == "done"
        assert twin.dialogs[0].state == "closed"


def shown(twin: WireTwin) -> bool:
    return twin.wait_until(lambda: [dialog for dialog in twin.dialogs if dialog.state == "shown"], WAIT_S)


def test_a_held_dialog_waits_for_its_values() -> None:
    with WireTwin(hold_dialogs=True) as twin, start(twin, EXECUTE + "print(json.dumps(R.distance))") as process:
        assert shown(twin)
        assert process.poll() is None
        twin.dialogs[0].values["distance"] = 2.5
        twin.dialogs[0].close()
        assert finish(process) == 2.5


def test_a_cancelled_dialog_is_a_break_error() -> None:
    script = RAISED.format(call=EXECUTE.strip())
    with WireTwin(hold_dialogs=True) as twin, start(twin, script) as process:
        assert shown(twin)
        twin.dialogs[0].close(cancelled=True)
        assert finish(process) == ["BreakError", ""]


@pytest.mark.parametrize("hold", [False, True])
def test_a_handler_is_told_of_the_start_and_may_close_the_dialog_with_a_result(hold: bool) -> None:
    script = f"""{CREATE}
seen = []
def handler(widget):
    seen.append([str(widget), widget == 'initialize', D.distance.value])
    gom.script.sys.close_user_defined_dialog(dialog=D, result='Yes')
D.handler = handler
{SHOW}
print(json.dumps([seen, R]))
"""
    with WireTwin(hold_dialogs=hold) as twin:
        assert run(twin, script) == [[["initialize", True, 1.5]], "Yes"]


def test_a_handler_that_fails_fails_the_command() -> None:
    script = CREATE + "def handler(widget): raise ValueError('no')\nD.handler = handler\n"
    with WireTwin() as twin:
        kind, said, _, trace = run(twin, script + RAISED.format(call=SHOW.strip()))
    assert (kind, said) == ("RequestError", "__main__.handler failed")
    assert "ValueError: no" in trace
    assert "ValueError: no" in twin.log[0]


def test_a_dialog_of_a_file_that_is_not_there_has_whatever_widget_is_asked_for() -> None:
    script = f"""
D = gom.script.sys.create_user_defined_dialog(file=':dialog.gdlg')
D.text.text = 'on port 40010'
{SHOW}
print(json.dumps([R.text, hasattr(R, 'other')]))
"""
    with WireTwin() as twin:
        assert run(twin, script) == [None, False]
    assert twin.dialogs[0].text == "on port 40010"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("show_user_defined_dialog(dialog=None)", "None is no dialog"),
        ("open_user_defined_dialog()", "None is no dialog"),
        ("create_user_defined_dialog(title='x')", "create_user_defined_dialog: 'title' is no argument"),
        ("show_user_defined_dialog(file='x')", "show_user_defined_dialog: 'file' is no argument"),
    ],
)
def test_what_is_refused(call: str, said: str) -> None:
    with WireTwin() as twin:
        kind, description, *_ = run(twin, RAISED.format(call=f"gom.script.sys.{call}"))
    assert (kind, description) == ("RequestError", said)


def test_dialogs_close_with_their_script() -> None:
    script = CREATE + "gom.script.sys.open_user_defined_dialog(dialog=D)\nprint(json.dumps(1))"
    with WireTwin(hold_dialogs=True) as twin:
        assert run(twin, script) == 1
        assert twin.wait_until(lambda: twin.dialogs[0].state == "closed", WAIT_S)


def test_old_dialogs_are_kept_without_what_is_long_and_without_their_script() -> None:
    image = "x" * (2 * MAX_PART)
    content = [[{"name": "photo", "type": "image", "data": image}]]
    execute = {"command": "gom.script.sys.execute_user_defined_dialog", "parameters": {"dialog": {"content": content}}}
    with WireTwin() as twin:
        with dial(twin) as connection:
            for _ in range(WHOLE + 1):
                connection.send(message(twin, Request.COMMAND, **execute))
                assert received(connection)["type"] == "reply"
            lengths = [len(dialog.attributes["photo"]["data"]) for dialog in twin.dialogs]
            assert lengths == [MAX_PART, *[len(image)] * WHOLE]
            assert len(twin.dialogs[0].definition["content"][0][0]["data"]) == MAX_PART
        assert twin.wait_until(lambda: all(dialog.script is None for dialog in twin.dialogs), WAIT_S)


def test_the_end_of_the_twin_cuts_the_script_that_waits() -> None:
    script = RAISED.format(call=EXECUTE.strip())
    with WireTwin(hold_dialogs=True) as twin, start(twin, script) as process:
        assert shown(twin)
        twin.close()
        kind, *_ = finish(process)
    assert kind == "WebSocketConnectionClosedException"
