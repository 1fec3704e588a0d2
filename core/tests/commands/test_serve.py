"""`gombus serve` as a program: its line, its exit codes, and the signals that stop it."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from programs import gombus, holding, serve
from support import WAIT_S

signals = pytest.mark.skipif(os.name == "nt", reason="a test cannot press Ctrl-C in another console on Windows")


def read_close(connection: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        connection.recv(WAIT_S)
    return connection.close_code


def test_it_prints_one_line_with_url_backend_and_request_types() -> None:
    with serve() as program:
        line = json.loads(program.line)
        assert line == {"url": program.url, "backend": "watching", "requests": ["hold", "quit", "say"]}
        with connect(program.url, proxy=None) as connection:
            connection.send("quit")
            assert connection.recv(WAIT_S) == "bye"
        code, logged = program.end()
        assert code == 0
        assert "backend watching (environment GOMBUS_BACKEND): a test's gom" in logged


def test_a_port_that_is_taken_is_one_line_and_exit_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = gombus("serve", "--port", str(port), "--log-level", "error")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: port {port} on localhost is taken: stop the other server or choose another with --port\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "0.0.0.0"), "Error: host '0.0.0.0' is not loopback"),
        (("--backend", "twins"), "Error: there is no backend 'twins'; allowed: auto, inspect, watching"),
        (("--backend", "inspect"), "Error: TOM_PYTHON_API_URL is not set: start gombus from inside INSPECT"),
        (("--backend", "auto"), "Error: no INSPECT: TOM_PYTHON_API_URL is not set"),
        (("--config", "nowhere.toml"), "Error: nowhere.toml: cannot be read: No such file or directory"),
        (("--port", "70000"), "Error: command line: --port: 70000 is not allowed"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line_and_exit_code_1(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = gombus("serve", *arguments, "--log-level", "error", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_an_unknown_option_shows_the_usage() -> None:
    done = gombus("serve", "--prot", "1")
    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_the_help_has_an_example() -> None:
    done = gombus("serve", "--help")
    assert done.returncode == 0
    assert "Example: gombus serve --backend twin --port 0" in done.stdout


def test_json_log_lines() -> None:
    with serve("--log-format", "json") as program:
        with connect(program.url, proxy=None) as connection:
            connection.send("quit")
            connection.recv(WAIT_S)
        _, logged = program.end()
    lines = [json.loads(line) for line in logged.splitlines()]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()
    assert "stopping: no new requests" in [line["message"] for line in lines]


@signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_an_idle_server(number: int) -> None:
    with serve() as program, connect(program.url, proxy=None) as connection:
        connection.send("5")
        connection.recv(WAIT_S)
        program.interrupt(number)
        assert read_close(connection) == 1001
        assert program.end()[0] == 0


@signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_running_command_finish_and_answers_everybody(number: int) -> None:
    with holding() as test, serve(TEST_PORT=str(test.getsockname()[1])) as program:
        with connect(program.url, proxy=None) as running, connect(program.url, proxy=None) as waiting:
            running.send('{"hold": {}}')
            command, _ = test.accept()
            waiting.send('{"say": {}}')
            assert waiting.ping().wait(WAIT_S)
            program.interrupt(number)
            assert waiting.recv(WAIT_S) == "Error: The server is stopping; the request was not started."
            command.close()
            assert running.recv(WAIT_S) == "O.k."
            assert read_close(running) == 1001
            assert read_close(waiting) == 1001
        assert program.end()[0] == 0


@signals
def test_a_second_ctrl_c_stops_at_once_and_clients_are_told() -> None:
    with holding() as test, serve(TEST_PORT=str(test.getsockname()[1])) as program:
        with connect(program.url, proxy=None) as running, connect(program.url, proxy=None) as waiting:
            running.send('{"hold": {}}')
            command, _ = test.accept()
            waiting.send('{"say": {}}')
            assert waiting.ping().wait(WAIT_S)
            program.interrupt()
            assert waiting.recv(WAIT_S) == "Error: The server is stopping; the request was not started."
            program.interrupt()
            assert read_close(running) == 1001
            assert read_close(waiting) == 1001
        code, logged = program.end()
        command.close()
    assert code == 130
    assert "a gom command may still be running in INSPECT" in logged


@signals
def test_ctrl_c_does_not_break_the_running_command() -> None:
    """Python would raise KeyboardInterrupt in the middle of the gom call."""
    with holding() as test, serve("--log-level", "debug", TEST_PORT=str(test.getsockname()[1])) as program:
        with connect(program.url, proxy=None) as running:
            running.send('{"hold": {}}')
            command, _ = test.accept()
            program.interrupt()
            command.close()
            assert running.recv(WAIT_S) == "O.k."
        code, logged = program.end()
    assert code == 0
    assert "Traceback" not in logged


def test_a_broken_plugin_does_not_keep_the_others_from_serving(tmp_path: Path) -> None:
    broken = tmp_path / "acme_broken.py"
    broken.write_text("import no_such_module\n", encoding="utf-8")
    with serve(
        GOMBUS_PLUGIN_MODULES="acme_broken,serve_plugin",
        GOMBUS_PLUGINS_ENABLED="acme_broken,serve_plugin",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parents[1])]),
    ) as program:
        with connect(program.url, proxy=None) as connection:
            connection.send('{"say": {}}')
            assert connection.recv(WAIT_S) == "O.k."
            connection.send("quit")
            connection.recv(WAIT_S)
        code, logged = program.end()
    assert code == 0
    assert (
        "plugin acme_broken (named in the settings) is not used: importing acme_broken raised "
        "ModuleNotFoundError: No module named 'no_such_module'"
    ) in logged


@signals
def test_a_signal_that_a_plugin_handles_does_not_stop_the_server(tmp_path: Path) -> None:
    handles = "import signal\nimport serve_plugin\nfrom serve_plugin import *\nsignal.signal(signal.SIGUSR1, print)\n"
    (tmp_path / "acme_signal.py").write_text(handles, encoding="utf-8")
    with serve(
        GOMBUS_PLUGIN_MODULES="acme_signal",
        GOMBUS_PLUGINS_ENABLED="acme_signal",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parents[1])]),
    ) as program:
        with connect(program.url, proxy=None) as connection:
            for _ in range(3):
                program.interrupt(signal.SIGUSR1)
                connection.send('{"say": {}}')
                assert connection.recv(WAIT_S) == "O.k."
            program.interrupt(signal.SIGINT)
            assert read_close(connection) == 1001
        assert program.end()[0] == 0
