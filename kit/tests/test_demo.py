"""`gombus demo`: what it shows, what it exits with, and that it always ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

import gombus_kit.twin.twin as twin_module
from gombus import GombusError, read_schema, runtime
from gombus.config import Settings
from gombus_kit import demo, samples
from gombus_kit.demo import Demonstration, Step

TIMEOUT_S = 30
"""Until a demonstration that hangs fails its test; a good one takes about a second."""

IMAGE, ELEMENTS, BROKEN = str(samples.IMAGE), str(samples.ELEMENTS), str(samples.BROKEN_IMAGE)
MISSING = str(samples.FOLDER / "missing.jpg")


def image(file: str, name: str, focal_length: object) -> str:
    return json.dumps({"image": {"file": file, "name": name, "focal_length": focal_length}})


def elements(import_mode: str) -> str:
    return json.dumps({"elements": {"file": ELEMENTS, "import_mode": import_mode}})


def expected() -> list[tuple[str, str]]:
    """Requests and answers, as the table of the reference protocol has them."""
    allowed = read_schema("gombus_image_import")["properties"]["focal_length"]["description"]
    focal_length = (
        f"Error: Invalid parameter 'focal_length' in 'image' request: 'abc' is not allowed; allowed: {allowed}"
    )
    import_mode = (
        "Error: Invalid parameter 'import_mode' in 'elements' request: "
        "'both' is not allowed; allowed: 'clipboard', 'new_stage'"
    )
    return [
        (image(IMAGE, "Microscopy", "2.0"), "O.k."),
        (image(IMAGE, "other", 50.0), "O.k."),
        (image(IMAGE, "other", 50.0), "O.k."),
        (elements("clipboard"), "O.k."),
        (elements("new_stage"), "O.k."),
        ("{", "Error: Malformed JSON message."),
        ('{"foo": 1}', "Error: Unknown request:\n{'foo': 1}"),
        ('{"image": {}}', "Error: Missing parameter 'file' in 'image' request."),
        (image(MISSING, "other", 50.0), f"Error: Image file {MISSING} could not be read."),
        (image(BROKEN, "other", 50.0), f"Error: Image could not be imported from file {BROKEN}."),
        (image(IMAGE, "other", "abc"), focal_length),
        (elements("both"), import_mode),
        ("quit", "bye"),
    ]


PHOTO = {"file": IMAGE, "width": 320, "height": 240, "mode": "RGB", "exif_focal_length": 50.0}
POINTS = {"file": ELEMENTS, "counts": {"point": 3, "circle": 1}}
PROJECT = {
    "measurement_series": [
        {"name": "Microscopy", "focal_length": 2.0, "images": [PHOTO]},
        {"name": "other", "focal_length": 50.0, "images": [PHOTO, PHOTO]},
    ],
    "stages": [{"name": "Stage 1", **POINTS}],
    "clipboard": POINTS,
}
TREE = """\
Project
├── Measurement series (2)
│   ├── Microscopy, focal length 2 mm
│   │   └── example.jpg: 320 x 240 px, RGB, EXIF 50 mm
│   └── other, focal length 50 mm
│       ├── example.jpg: 320 x 240 px, RGB, EXIF 50 mm
│       └── example.jpg: 320 x 240 px, RGB, EXIF 50 mm
├── Stages (1)
│   └── Stage 1: Points.gxml: 3 point, 1 circle
└── Clipboard: Points.gxml: 3 point, 1 circle
"""


def gombus_demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in this folder, with no settings in the environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("GOMBUS_", "TOM_"))}
    # What is printed must not depend on the console of whoever runs the tests.
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        environ.pop(name, None)
    environ["PYTHONUTF8"] = "1"
    return subprocess.run(
        [sys.executable, "-m", "gombus", "demo", *options],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
    )


def test_the_transcript_has_every_request_and_answer_then_the_closing_then_the_project(tmp_path: Path) -> None:
    done = gombus_demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    head, _, rest = done.stdout.partition("\n\n")
    transcript, closing, tree = rest.partition("Connection closed: 1000 Closing connection.\n\n")
    assert transcript == "".join(f"> {request}\n< {answer}\n" for request, answer in expected())
    assert closing
    assert tree == TREE
    listens, by_hand = head.splitlines()
    assert listens.startswith("gombus listens on ws://localhost:")
    assert "simulated" in listens
    url = listens.split()[3].rstrip(",")
    assert by_hand == f"The same by hand: python -m websockets {url}/"
    assert not url.endswith(":40010"), "a server that runs already must not be in the way"


def test_the_json_has_every_request_and_answer_and_the_project(tmp_path: Path) -> None:
    done = gombus_demo(tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "ok": True,
        "exchanges": [{"request": sent, "answer": answer, "expected": answer} for sent, answer in expected()],
        "project": PROJECT,
    }


@pytest.mark.parametrize("delay", ["-1", "3601", "nan", "slow"])
def test_a_delay_that_is_none_is_refused_before_anything_starts(delay: str, tmp_path: Path) -> None:
    done = gombus_demo(tmp_path, "--delay", delay)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--delay" in done.stderr


def test_an_answer_that_is_not_the_expected_one_is_named_and_gives_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = {"kit": {"faults": {"gom.script.sys.import_gom_inspection_exchange": "refuse"}}}
    demonstration = Demonstration(0, as_json=False)
    demonstrate(demonstration, plugin_settings=refused)
    with pytest.raises(click.ClickException, match="13 of 13 requests were answered, 2 not as expected") as caught:
        demonstration.finish()
    assert elements("clipboard") in caught.value.message
    assert caught.value.exit_code == 1
    assert "Clipboard: empty" in capsys.readouterr().out


@pytest.mark.parametrize(("disabled", "named"), [(("quit",), "quit"), (("quit", "image_import"), "image, quit")])
def test_request_types_that_are_not_there_are_named(disabled: tuple[str, ...], named: str) -> None:
    with pytest.raises(GombusError, match=f"needs the request types {named}; python -m pip install"):
        demonstrate(Demonstration(0, as_json=False), plugins_disabled=disabled)


def demonstrate(demonstration: Demonstration, **settings: Any) -> None:
    """Run a demonstration in this process, whose main thread then owns the twin."""
    runtime.run(Settings(backend="twin", port=0, journal="off", **settings), demonstration.start, environ={})


def test_the_delay_is_that_of_every_gom_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(twin_module, "time", SimpleNamespace(sleep=slept.append))
    demonstration = Demonstration(0.25, as_json=True)
    demonstrate(demonstration)
    demonstration.finish()
    # Two series are created, four images and two elements files imported; one of the images is the broken one.
    assert slept == [0.25] * 8
    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "JSON"])
def test_a_wrong_answer_is_told_after_all_has_been_shown(
    as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "steps", lambda: [Step("{", "O.k."), Step("quit", "bye")])
    demonstration = Demonstration(0.0, as_json)
    demonstrate(demonstration)
    with pytest.raises(click.ClickException) as caught:
        demonstration.finish()
    assert caught.value.message == "2 of 2 requests were answered, 1 not as expected: ['{']"
    shown = capsys.readouterr().out
    if as_json:
        report: dict[str, Any] = json.loads(shown)
        assert report["ok"] is False
        assert report["exchanges"][0] == {
            "request": "{",
            "answer": "Error: Malformed JSON message.",
            "expected": "O.k.",
        }
    else:
        assert "> {\n< Error: Malformed JSON message.\n> quit\n< bye\n" in shown
        assert "Clipboard: empty" in shown


# Whatever ends the client's thread, the server that the main thread runs must end, too.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_connection_that_is_lost_ends_the_demonstration_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "steps", lambda: [Step("quit", "bye"), Step("{", "never answered")])
    demonstration = Demonstration(0.0, as_json=True)
    demonstrate(demonstration)
    with pytest.raises(click.ClickException, match="1 of 2 requests were answered"):
        demonstration.finish()
