"""`gombus demo`: the reference requests, good and bad, against the twin."""

from __future__ import annotations

import json
import math
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gombus import GombusError, log, runtime
from gombus.config import Settings

from . import samples
from .show import print_project, project_as_json

NEEDED = {"image", "elements", "quit"}
INSTALL = "python -m pip install gombus-image-import gombus-elements-import gombus-quit"


class Step(NamedTuple):
    """A request and the answer that it must get."""

    request: str
    answer: str


def steps() -> list[Step]:
    """What the demonstration sends; bad requests stand among good ones."""
    image, elements, broken = (str(path) for path in (samples.IMAGE, samples.ELEMENTS, samples.BROKEN_IMAGE))
    missing = str(Path(image).with_name("missing.jpg"))
    allowed = 'Focal length of the camera\'s lens in mm: a number > 0, or its decimal text such as "50.0"'
    return [
        Step(_image(image, "Microscopy", "2.0"), "O.k."),
        Step(_image(image, "other", 50.0), "O.k."),
        Step(_image(image, "other", 50.0), "O.k."),
        Step(_elements(elements, "clipboard"), "O.k."),
        Step(_elements(elements, "new_stage"), "O.k."),
        Step("{", "Error: Malformed JSON message."),
        Step('{"foo": 1}', "Error: Unknown request:\n{'foo': 1}"),
        Step('{"image": {}}', "Error: Missing parameter 'file' in 'image' request."),
        Step(_image(missing, "other", 50.0), f"Error: Image file {missing} could not be read."),
        Step(_image(broken, "other", 50.0), f"Error: Image could not be imported from file {broken}."),
        Step(
            _image(image, "other", "abc"),
            f"Error: Invalid parameter 'focal_length' in 'image' request: 'abc' is not allowed; allowed: {allowed}",
        ),
        Step(
            _elements(elements, "both"),
            "Error: Invalid parameter 'import_mode' in 'elements' request: "
            "'both' is not allowed; allowed: 'clipboard', 'new_stage'",
        ),
        Step("quit", "bye"),
    ]


def _number(context: click.Context, option: click.Parameter, value: float) -> float:
    """click's range lets NaN pass."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number of seconds")
    return value


@click.command("demo", epilog="Example: gombus demo --delay 0.5")
@click.option(
    "--delay",
    type=click.FloatRange(0, 3600),
    default=0.0,
    callback=_number,
    help="How long each gom command takes, in s.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def command(delay: float, as_json: bool) -> None:
    """Start a server with the simulated INSPECT on a free port, send it requests, and show what became of them.

    Exit code: 0 where every answer was the expected one, else 1.
    """
    # A site's own settings stay out of it: the demonstration is the same everywhere.
    settings = Settings(backend="twin", port=0, log_level="error", journal="off", tokens="off")
    log.configure(settings)
    demonstration = Demonstration(delay, as_json)
    runtime.run(settings, demonstration.start, environ={})
    demonstration.finish()


class Demonstration:
    """Talks to the server on a thread of its own, because this one belongs to gom."""

    def __init__(self, delay_s: float, as_json: bool) -> None:
        self._delay_s = delay_s
        self._as_json = as_json
        self._exchanges: list[dict[str, Any]] = []
        self._closing = ""
        self._twin: Any = None
        self._client: threading.Thread

    def start(self, listening: runtime.Listening) -> None:
        """The server listens."""
        missing = NEEDED - listening.registry.types.keys()
        if missing:
            listening.stop()
            raise GombusError(f"the demonstration needs the request types {', '.join(sorted(missing))}; {INSTALL}")
        self._twin = getattr(listening.backend, "twin")  # noqa: B009  # only the twin's backend has it
        self._twin.faults.delay_s = self._delay_s
        if not self._as_json:
            click.echo(f"gombus listens on {listening.url}, backend twin ({listening.backend.title})")
            click.echo(f"The same by hand: python -m websockets {listening.url}/\n")
        self._client = threading.Thread(target=self._talk, args=(listening,), name="demo-client")
        self._client.start()

    def finish(self) -> None:
        """The server has stopped: show the project, and say whether all was as expected.

        :raises ClickException: an answer was another one.
        """
        self._client.join()
        wrong = [exchange for exchange in self._exchanges if exchange["answer"] != exchange["expected"]]
        done = len(self._exchanges) == len(steps()) and not wrong
        if self._as_json:
            report = {"ok": done, "exchanges": self._exchanges, "project": project_as_json(self._twin.project)}
            click.echo(json.dumps(report, indent=2))
        else:
            click.echo(f"{self._closing}\n")
            print_project(self._twin.project)
        if not done:
            answered = f"{len(self._exchanges)} of {len(steps())} requests were answered, {len(wrong)} not as expected"
            raise click.ClickException(f"{answered}: {[exchange['request'] for exchange in wrong]}")

    def _talk(self, listening: runtime.Listening) -> None:
        try:
            with connect(listening.url, compression=None, proxy=None) as connection:
                for step in steps():
                    connection.send(step.request)
                    answer = str(connection.recv())
                    self._exchanges.append({"request": step.request, "answer": answer, "expected": step.answer})
                    if not self._as_json:
                        click.echo(f"> {step.request}")
                        click.echo(f"< {answer}")
                # After bye the server closes the connection.
                with suppress(ConnectionClosed):
                    connection.recv()
                self._closing = f"Connection closed: {connection.close_code} {connection.close_reason}"
        except (ConnectionClosed, OSError) as error:
            self._closing = f"Connection lost: {error}"
        finally:
            listening.stop()


def _image(file: str, name: str, focal_length: object) -> str:
    return json.dumps({"image": {"file": file, "name": name, "focal_length": focal_length}})


def _elements(file: str, import_mode: str) -> str:
    return json.dumps({"elements": {"file": file, "import_mode": import_mode}})
