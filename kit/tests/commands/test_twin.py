"""`gombus twin` as a program: what it prints, what it serves, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from gombus_kit import samples
from gombus_kit.wire import Request
from gombus_kit.wire.control import ask
from gombus_kit.wire.values import encode
from programs import environ, gombus
from support import WAIT_S

INSTALLED = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "", "GOMBUS_BACKEND": "auto"}
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
IMPORT = f"""
import gom
try:
    gom.script.sys.import_gom_inspection_exchange(files=[{str(samples.ELEMENTS)!r}], import_mode='clipboard')
    print('done')
except Exception as error:
    print(type(error).__name__, getattr(error, 'error_code', ''))
"""

signals = pytest.mark.skipif(os.name == "nt", reason="a test cannot press Ctrl-C in another console on Windows")


class Twin:
    """A running `gombus twin --json`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout
        self.line: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
        """What it printed when it listened."""

    def wait_for_line(self, text: str) -> None:
        """Wait until it logged a line with this text."""
        assert self.process.stderr
        hurry = threading.Timer(WAIT_S, self.process.kill)
        hurry.start()
        try:
            assert any(text in line for line in self.process.stderr)
        finally:
            hurry.cancel()

    def end(self) -> tuple[int, str, str]:
        """Its exit code, what it printed after the first line, and what it logged."""
        printed, logged = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, printed, logged

    def run(self, script: str) -> str:
        """What a script prints that runs against it."""
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environ(TOM_PYTHON_API_URL=self.line["url"]),
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            timeout=WAIT_S,
        )
        return done.stdout.strip()


@contextmanager
def running(*arguments: str, before: str = "", **variables: str) -> Iterator[Twin]:
    """A twin, in a process that first carries out the code `before`."""
    main = f"{before}\nimport runpy; runpy.run_module('gombus', run_name='__main__', alter_sys=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", main, "twin", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environ(**{**INSTALLED, **variables}),
    )
    with process:
        try:
            yield Twin(process)
        finally:
            process.kill()


@pytest.mark.gom
@signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_runs_against_it_until_it_is_told_to_end(number: int) -> None:
    with running() as twin:
        assert twin.line["url"] == f"ws://127.0.0.1:{twin.line['port']}?apikey={twin.line['apikey']}"
        assert IMPORT_ELEMENTS in twin.line["commands"]
        assert twin.run(IMPORT) == "done"
        twin.process.send_signal(number)
        code, printed, logged = twin.end()
    assert (code, printed) == (0, "")
    assert f"INFO gombus_kit.wire.session: {IMPORT_ELEMENTS}\n" in logged
    assert "Traceback" not in logged
    assert twin.line["apikey"] not in logged


ENDLESS = """
import sys, threading
from gombus import hookimpl

@hookimpl(optionalhook=True)
def gombus_simulate(twin):
    @twin.command("gom.script.acme.endless")
    def endless():
        print("without end", file=sys.stderr, flush=True)
        threading.Event().wait()
"""


@signals
def test_a_second_ctrl_c_ends_a_command_without_end(tmp_path: Path) -> None:
    (tmp_path / "acme_endless.py").write_text(ENDLESS, encoding="utf-8")
    plugin = {"GOMBUS_PLUGIN_MODULES": "acme_endless", "PYTHONPATH": str(tmp_path)}
    command = {"command": "gom.script.acme.endless", "parameters": {}}
    question = {"type": "request", "apikey": "Secr3tKey", "id": "1", "value": int(Request.COMMAND), "params": command}
    with running("--apikey", "Secr3tKey", **plugin) as twin, ExitStack() as stack:
        connection = stack.enter_context(connect(twin.line["url"], compression=None, ping_interval=None, proxy=None))
        connection.send(encode(question))
        twin.wait_for_line("without end")
        twin.process.send_signal(signal.SIGINT)
        twin.wait_for_line("A command is still carried out; another Ctrl-C ends the twin at once.")
        twin.process.send_signal(signal.SIGINT)
        assert twin.end()[0] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of open files that a test could lower")
def test_a_twin_that_had_too_many_clients_serves_the_next_one() -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"
    with running(before=limit) as twin, ExitStack() as clients:
        for _ in range(50):
            clients.enter_context(socket.create_connection(("127.0.0.1", twin.line["port"])))
        twin.wait_for_line("a client was not accepted: ")
        clients.close()
        assert ask(twin.line["url"], "show")["commands"] == []


@pytest.mark.gom
@signals
def test_for_people_it_says_how_to_start_a_script_and_shows_the_project_at_the_end() -> None:
    key = "Secr3tKey"
    command = [sys.executable, "-m", "gombus", "twin", "--apikey", key]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", env=environ(**INSTALLED)
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline().rstrip("\n") for _ in range(5)]
        url = lines[1].partition("'")[2].rstrip("'")
        ask(url, "show")
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert lines == [
        "The simulated INSPECT listens, nothing is imported anywhere. Start a script with:",
        f"  Linux, macOS:        export TOM_PYTHON_API_URL='{url}'",
        f'  Windows, cmd:        set "TOM_PYTHON_API_URL={url}"',
        f"  Windows, PowerShell: $env:TOM_PYTHON_API_URL = '{url}'",
        "Ctrl-C ends it.",
    ]
    assert url.endswith(f"?apikey={key}")
    assert shown.startswith("Project\n")


@pytest.mark.gom
def test_faults_of_the_command_line_and_of_a_file(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text(f'[faults]\n"{IMPORT_ELEMENTS}" = "refuse:GAPP-0011"\n', encoding="utf-8")
    with running("--faults", str(faults)) as twin:
        assert twin.run(IMPORT) == "RequestError GAPP-0011"
    with running("--fault", f"{IMPORT_ELEMENTS}=break") as twin:
        assert twin.run(IMPORT) == "BreakError"
    with running("--fault", "REGISTER=drop") as twin:
        assert twin.run(IMPORT) == ""


@pytest.mark.gom
def test_a_crash_in_the_middle_of_a_command_ends_the_program() -> None:
    with running("--fault", f"{IMPORT_ELEMENTS}=crash") as twin:
        assert twin.run(IMPORT).split()[0] in ("WebSocketConnectionClosedException", "ConnectionResetError")
        assert twin.end()[0] == 70


@pytest.mark.gom
def test_a_dialog_is_closed_and_a_command_released_from_another_console() -> None:
    script = "import gom\nprint(gom.script.sys.execute_user_defined_dialog(file='x.gdlg'))\n" + IMPORT
    with running("--dialogs", "hold", "--fault", f"{IMPORT_ELEMENTS}=hang") as twin:
        here = {**INSTALLED, "TOM_PYTHON_API_URL": twin.line["url"]}
        process = subprocess.Popen(
            [sys.executable, "-c", script], env=environ(**here), stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        with process:
            closed = gombus("twin", "close-dialog", "--result", "[1]", **here)
            assert (closed.returncode, closed.stdout) == (0, "closed dialog 1\n"), closed.stderr
            while IMPORT_ELEMENTS not in json.loads(gombus("twin", "show", **here).stdout)["held"]:
                assert process.poll() is None
            released = gombus("twin", "release", IMPORT_ELEMENTS, "--json", **here)
            assert json.loads(released.stdout) == {"command": IMPORT_ELEMENTS, "waited": True}
            assert process.communicate(timeout=WAIT_S)[0] == "[1]\ndone\n"
        again = gombus("twin", "close-dialog", "--wait", "0", "--json", **here)
        assert (again.returncode, again.stdout, again.stderr) == (1, "", "Error: no dialog is shown\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--fault", "x"), 1, "Error: fault 'x': COMMAND=KIND is allowed, such as "),
        (("--fault", "x=hang"), 1, f"Error: a fault names 'x'; allowed: {IMPORT_ELEMENTS}, "),
        (
            ("--fault", f"{IMPORT_ELEMENTS}=no"),
            1,
            f"Error: fault '{IMPORT_ELEMENTS}=no' is not allowed; ",
        ),
        (("--faults", "nope.toml"), 1, "Error: nope.toml: cannot be read: No such file or directory"),
        (("--config", "nope.toml"), 1, "Error: nope.toml: cannot be read: No such file or directory"),
        (("--apikey", "a&b"), 2, "Error: Invalid value for --apikey: 8 to 200 letters and digits are allowed"),
        (("close-dialog", "--set", "x"), 2, "Error: Invalid value for '--set': 'x': WIDGET=VALUE is allowed"),
        (("show",), 2, "Error: Missing option '--url'"),
        (("release",), 2, "Error: Missing argument 'COMMAND'."),
        (("show", "--url", "ws://127.0.0.1:1?apikey=k"), 1, "Error: no twin at ws://127.0.0.1:1: "),
    ],
)
def test_what_is_wrong_is_one_line(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = gombus("twin", *arguments, **INSTALLED)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.splitlines()[-1].startswith(said), done.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = gombus("twin", "--port", str(port), **INSTALLED)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: port {port} cannot be had: ")
