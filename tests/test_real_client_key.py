"""What is INSPECT's stays INSPECT's: the real client connects where it may, and its key is written nowhere."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import programs
from gombus_kit.wire import Hold, Refusal, WireTwin
from programs import gombus, serve
from rpc import Rpc, rpc
from support import WAIT_S

pytestmark = pytest.mark.gom

HERE = Path(__file__).resolve().parent
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
ADDRESS = "TOM_PYTHON_API_URL"
ENVIRON = {
    "GOMBUS_PLUGIN_MODULES": "telltale_plugin",
    "GOMBUS_PLUGINS_ENABLED": "",
    "GOMBUS_BACKEND": "auto",
    "PYTHONPATH": os.pathsep.join((str(HERE), str(programs.HERE))),
}


@pytest.fixture
def inspect() -> Iterator[WireTwin]:
    with WireTwin() as twin:
        yield twin


def error_of(client: Rpc, how: str) -> str:
    """What is answered to a handler that fails with the key in its words."""
    return json.dumps(client.refused("tell", {"how": how}))


@pytest.mark.parametrize("process", ["own", "same"])
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_key_reaches_no_child_no_log_no_error_and_no_record(
    inspect: WireTwin, paths: dict[str, str], tmp_path: Path, log_format: str, process: str
) -> None:
    key = inspect.url.partition("apikey=")[2]
    inspect.refuse[IMPORT_ELEMENTS] = Refusal(f"not with {key}", f"E-{key}", f"GET /?apikey={key}")
    journal = tmp_path / "journal.sqlite3"
    arguments = ("--log-level", "debug", "--log-format", log_format, "--journal", str(journal))
    with serve(*arguments, **ENVIRON, GOMBUS_INSPECT_PROCESS=process, TOM_PYTHON_API_URL=inspect.url) as program:
        with rpc(program) as client:
            told = client.call("tell", {"how": "children"}, idempotencyKey="k")["value"]
            assert [environ[ADDRESS] for environ in told] == [inspect.url.partition("?")[0]] * 2
            answers = json.dumps(told) + error_of(client, "bug") + error_of(client, "refusal")
            error = client.refused("elements", {"file": paths["ELEMENTS"], "import_mode": "clipboard"})
            assert error["data"]["description"] == "not with …"
            answers += json.dumps([error, client.call("server/info"), client.call("server/stats")])
        with rpc(program, structured=False) as client:
            client.connection.send('{"tell": {"how": "refusal"}}')
            answer = str(client.connection.recv(WAIT_S))
            assert answer == f"Error: No connection to {inspect.url.replace(key, '…')}"
            client.connection.send("quit")
            assert client.connection.recv(WAIT_S) == "bye"
        code, logged = program.end()
    assert code == 0
    # Each of them came this far, so there was something to take out.
    assert "Handshake status 403 for " in logged
    assert "the address is " in logged
    assert "gom_refused: " in logged
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"journal.sqlite3", "receipts.jsonl"} <= set(files)
    assert key not in answers + answer + logged + program.line
    assert [name for name, data in files.items() if key.encode() in data] == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ws://inspect.example:1?apikey=Secr3tKey", "Error: INSPECT at 'inspect.example' is not used, because "),
        ("ws://user:Secr3tKey@127.0.0.1:1", f"Error: {ADDRESS} is no address of INSPECT; allowed: "),
    ],
)
def test_an_inspect_elsewhere_is_refused_in_one_line_without_the_key(address: str, said: str) -> None:
    done = gombus("serve", "--port", "0", "--log-level", "debug", **ENVIRON, TOM_PYTHON_API_URL=address)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith(said)
    assert "Secr3tKey" not in done.stderr


def test_the_client_connects_past_a_proxy(inspect: WireTwin) -> None:
    """It would go through it even to this computer, hand it the key, and run what it sends."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    names = dict.fromkeys(("http_proxy", "HTTP_PROXY"), url)
    with serve(**ENVIRON, **names, no_proxy="", NO_PROXY="", TOM_PYTHON_API_URL=inspect.url) as program:
        assert '"backend": "inspect"' in program.line
        with rpc(program) as client:
            environ = client.call("tell", {"how": "children"})["value"][0]
    assert environ["http_proxy"] == url


def test_an_inspect_that_hangs_is_told_in_info_and_in_the_log(inspect: WireTwin, paths: dict[str, str]) -> None:
    hold = inspect.hold[IMPORT_ELEMENTS] = Hold()
    with serve(**ENVIRON, GOMBUS_WATCH_S="0.2", TOM_PYTHON_API_URL=inspect.url) as program, rpc(program) as client:
        running = client.send("elements", {"file": paths["ELEMENTS"], "import_mode": "clipboard"})
        assert hold.entered.wait(WAIT_S)
        while (info := client.call("server/info"))["state"] == "ready":
            pass
        assert (info["state"], info["reason"].partition(" for ")[0]) == ("stuck", f"{IMPORT_ELEMENTS} has not returned")
        assert client.call("server/stats")["running"]["command"]["name"] == IMPORT_ELEMENTS
        hold.release.set()
        assert client.result(running)["state"] == "completed"
        assert client.call("server/info")["state"] == "ready"
        client.call("quit")
        client.until_closed()
        _, logged = program.end()
    assert logged.count("has not returned for ") == logged.count("has returned after ") == 1
