"""`gombus send`: one request from the command line to a running server."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from programs import gombus
from support import WatchingGom, request, serving, stop_request


def test_what_was_carried_out_is_printed_with_exit_code_0() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server:
        done = gombus("send", '{"say": {"word": "hello"}}', "--url", server.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "O.k.\n", "")
    assert gom.words == ["hello"]


def test_quit_from_the_command_line() -> None:
    with serving(stop_request()) as server:
        done = gombus("send", "quit", "--url", server.url)
        assert (done.returncode, done.stdout) == (0, "bye\n")
        assert server.ended()


def test_an_error_answer_is_printed_with_exit_code_1() -> None:
    with serving(request()) as server:
        done = gombus("send", "{", "--url", server.url)
    assert (done.returncode, done.stdout) == (1, "Error: Malformed JSON message.\n")


def test_a_file_and_standard_input_are_sent(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"say": {"word": "Größe"}}\n', encoding="utf-8")
    gom = WatchingGom()
    with serving(request(), gom=gom) as server:
        assert gombus("send", "--file", str(file), "--url", server.url).stdout == "O.k.\n"
        for arguments in ([], ["-"]):
            done = gombus("send", *arguments, "--url", server.url, stdin='{"say": {"word": "piped"}}')
            assert done.stdout == "O.k.\n"
    assert gom.words == ["Größe", "piped", "piped"]


def test_json_for_scripts() -> None:
    with serving(request()) as server:
        good = json.loads(gombus("send", '{"say": {}}', "--url", server.url, "--json").stdout)
        bad = json.loads(gombus("send", "5", "--url", server.url, "--json").stdout)
    assert good.pop("seconds") >= 0
    assert good == {"url": server.url, "request": '{"say": {}}', "answer": "O.k.", "ok": True}
    assert (bad["ok"], bad["answer"]) == (False, "Error: Unknown request:\n5")


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"ws://127.0.0.1:{closed.getsockname()[1]}"


def test_no_server_is_exit_code_2(nobody: str) -> None:
    done = gombus("send", "quit", "--url", nobody)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: no gombus server at {nobody}: ")


def test_no_server_in_json(nobody: str) -> None:
    done = gombus("send", "quit", "--url", nobody, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"].startswith(f"no gombus server at {nobody}: ")


def test_no_answer_in_time_is_exit_code_2() -> None:
    gom = WatchingGom()
    gom.hold_word = "slow"
    with serving(request(), gom=gom) as server:
        done = gombus("send", '{"say": {"word": "slow"}}', "--url", server.url, "--timeout", "0.1")
        gom.go_on.set()
    assert done.returncode == 2
    assert done.stderr == (f"Error: no answer from {server.url} within 0.1 s; the request may still be carried out\n")


def test_message_and_file_together_are_a_usage_error(tmp_path: Path) -> None:
    done = gombus("send", "quit", "--file", str(tmp_path / "x"))
    assert done.returncode == 2
    assert "give either MESSAGE or --file, not both" in done.stderr


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    for name in ("missing", "bad"):
        done = gombus("send", "--file", str(tmp_path / name))
        assert done.returncode == 2
        assert f"--file {tmp_path / name}: " in done.stderr


def test_what_windows_editors_and_consoles_make_of_text_is_read_as_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    text = '{"say": {"word": "Größe"}}'
    file.write_text(text, encoding="utf-8-sig")
    console = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    gom = WatchingGom()
    with serving(request(), gom=gom) as server:
        assert gombus("send", "--file", str(file), "--url", server.url, **console).stdout == "O.k.\n"
        assert gombus("send", "--url", server.url, stdin=text, **console).stdout == "O.k.\n"
        shown = json.loads(gombus("send", text, "--url", server.url, "--json").stdout)
    assert gom.words == ["Größe"] * 3
    assert shown["request"] == text


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_that_is_none_is_a_usage_error(timeout: str) -> None:
    done = gombus("send", "quit", "--timeout", timeout)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--timeout" in done.stderr
