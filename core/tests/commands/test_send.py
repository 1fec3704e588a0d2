"""`gombus send`: one request from the command line to a running server."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clients import bad, good, held, made_up, only_info
from programs import environ, gombus
from support import SCHEMA, WAIT_S, Request, WatchingGom, request, serving, stop_request

posix = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C and terminals are made otherwise on Windows")


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"ws://127.0.0.1:{closed.getsockname()[1]}"


def with_parameters(**properties: Any) -> Request:
    """The request type `say` with these parameters besides."""
    return request(schema={**SCHEMA, "properties": {**SCHEMA["properties"], **properties}, "required": ["word"]})


# A request type by its name.


def test_what_was_carried_out_is_printed_with_exit_code_0(tmp_path: Path) -> None:
    def keep(params: Any, context: Any) -> str:
        context.created("measurement series", params["word"])
        return "done"

    file = tmp_path / "a.txt"
    file.write_bytes(b"12345")
    with serving(request(handler=keep, files=("file",))) as server:
        done = gombus("send", "say", "--word", "Größe", "--file", str(file), "--url", server.url)
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = done.stdout.splitlines()
    assert first.startswith("completed in ")
    assert others == [
        "created measurement series Größe",
        f"file {file}, 5 bytes, sha256 5994471abb01…",
        'value "done"',
    ]


def test_options_are_typed_as_the_schema_says() -> None:
    found: list[Any] = []
    length = {"description": "mm", "type": ["number", "string"], "maxLength": 9}
    kind = with_parameters(focal_length=length, keep={"description": "k", "type": "boolean"})
    kind = request(schema=kind.schema, handler=lambda params, context: found.append(dict(params)))
    with serving(kind) as server:
        for arguments in (["--word", "5", "--focal-length", "5", "--keep"], ["--param", "word=5", "--files", "a"]):
            assert gombus("send", "say", *arguments, "--url", server.url).returncode == 0
    assert found == [{"word": "5", "focal_length": 5, "keep": True}, {"word": "5", "files": ["a"]}]


def test_the_server_may_be_named_in_the_environment_or_before_the_request() -> None:
    with serving(request()) as server:
        assert gombus("send", "say", GOMBUS_URL=server.url).returncode == 0
        done = gombus("send", "--json", "--timeout", "20", f"--url={server.url}", "say", GOMBUS_URL="ws://nowhere")
    assert json.loads(done.stdout)["ok"] is True


def test_quit_from_the_command_line() -> None:
    with serving(stop_request()) as server:
        done = gombus("send", "quit", "--url", server.url)
        assert (done.returncode, done.stdout, done.stderr) == (0, "O.k.\n", "")
        assert server.ended()


def test_an_error_is_printed_with_exit_code_1() -> None:
    gom = WatchingGom()
    gom.errors["bad"] = gom.RequestError("no such thing", "GAPP-1")
    with serving(request(), gom=gom) as server:
        done = gombus("send", "say", "--word", "bad", "--key", "k", "--url", server.url)
        told = json.loads(gombus("send", "say", "--word", "bad", "--key", "k", "--url", server.url, "--json").stdout)
    job = told["error"]["data"]["job"]
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: no such thing (gom_refused)\njob {job}, key k\n"
    assert told["error"]["data"]["key"] == "k"


def test_each_parameter_that_is_not_allowed_is_named_by_its_option() -> None:
    url = {"description": "an address", "type": "string", "maxLength": 3}
    with serving(with_parameters(url=url)) as server:
        done = gombus("send", "say", "--param", "url=long", "--url", server.url)
    assert (done.returncode, done.stdout) == (1, "")
    head, *problems = done.stderr.splitlines()
    assert head == "Error: some parameters are not allowed (invalid_params)"
    assert sorted(problems) == [
        "  --param url: 'long' is not allowed; allowed: an address",
        "  --word: is missing",
    ]


def test_json_for_scripts() -> None:
    with serving(request()) as server:
        good = json.loads(gombus("send", "say", "--word", "a", "--url", server.url, "--json").stdout)
        bad = gombus("send", "say", "--word", "x" * 33, "--url", server.url, "--json")
    assert good.pop("seconds") >= 0
    assert good.pop("result")["value"] == "A"
    assert good == {"url": server.url, "request": "say", "ok": True}
    assert (bad.returncode, bad.stderr) == (1, "")
    told = json.loads(bad.stdout)
    assert (told["ok"], told["error"]["code"], told["error"]["data"]["code"]) == (False, -32602, "invalid_params")


def test_a_plan_runs_nothing() -> None:
    gom = WatchingGom()
    with serving(request(files=("file",)), gom=gom) as server:
        good = gombus("send", "say", "--word", "a", "--plan", "--url", server.url)
        bad = gombus("send", "say", "--file", "nowhere", "--plan", "--url", server.url)
        both = gombus("send", "say", "--plan", "--key", "k", "--url", server.url)
    assert (good.returncode, good.stdout) == (0, 'would call gom.script.test.say(word="a")\nnothing was run\n')
    assert bad.returncode == 1
    assert "would fail: File nowhere could not be read" in bad.stdout
    assert both.returncode == 2
    assert "--plan runs nothing" in both.stderr
    assert gom.words == []


def test_a_task_is_not_waited_for_and_its_key_gives_the_result() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:
        arguments = ("send", "say", "--word", "slow", "--key", "k", "--url", server.url)
        done = gombus(*arguments, "--task")
        assert done.returncode == 0
        job = done.stdout.partition(":")[0]
        gom.go_on.set()
        assert job in gombus(*arguments).stdout
        assert gombus(*arguments, "--task").stdout == f"{job}: completed\n"
    assert gom.words == ["slow"]


def test_no_answer_in_time_is_exit_code_2(tmp_path: Path) -> None:
    gom = held()
    with serving(request(), gom=gom, journal=str(tmp_path / "journal.sqlite3")) as server:
        done = gombus("send", "say", "--word", "slow", "--key", "k", "--url", server.url, "--timeout", "0.1")
        gom.go_on.set()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: no answer from {server.url} within 0.1 s; the request may still be carried out\n"
        "The same command with --key k gives its result.\n"
    )


@posix
def test_ctrl_c_while_waiting_says_how_to_go_on(tmp_path: Path) -> None:
    gom = held()
    with serving(request(), gom=gom, journal=str(tmp_path / "journal.sqlite3")) as server:
        arguments = ["send", "say", "--word", "slow", "--key", "k", "--url", server.url]
        program = [sys.executable, "-m", "gombus", *arguments]
        with subprocess.Popen(program, stderr=subprocess.PIPE, encoding="utf-8", env=environ()) as process:
            assert gom.entered.wait(WAIT_S)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=WAIT_S)
        gom.go_on.set()
    assert process.returncode == 130
    assert said == (
        "Error: interrupted; a request that was sent goes on in the server\n"
        "The same command with --key k gives its result.\n"
    )
    assert gom.words == ["slow"]


def test_a_server_that_was_restarted_without_a_journal_is_not_asked_to_run_it_twice() -> None:
    words = list[str]()

    def lose(message: dict[str, Any]) -> str | None:
        """The first of three servers says what it serves; the next dies of the request, and another takes its place."""
        if message["method"] == "rpc.discover":
            return good(message, {"methods": [{"name": "say", "summary": "s", "params": []}]})
        if message["method"] == "server/info":
            return good(message, {"idempotency": {"scope": f"s{len(words)}", "kept": "memory"}})
        words.append(message["method"])
        return None

    with made_up(lose) as url:
        done = gombus("send", "say", "--key", "k", "--url", url)
        told = json.loads(gombus("send", "say", "--key", "k", "--url", url, "--json").stdout)
    assert (done.returncode, done.stdout, words) == (2, "", ["say", "say"])
    reason = "the server was restarted and keeps no journal, or has another; whether the request was run is not known"
    assert done.stderr == (f"Error: {reason}\nLook into INSPECT's project before you send it again; its key was k.\n")
    assert told["error"] == {"message": reason, "data": {"key": "k", "keyHolds": False}}


def test_how_long_a_lost_server_is_waited_for_is_an_option() -> None:
    asked = list[str]()

    def lose(message: dict[str, Any]) -> str | None:
        """Every server dies of the request, but keeps a journal."""
        if message["method"] == "rpc.discover":
            return good(message, {"methods": [{"name": "say", "summary": "s", "params": []}]})
        if message["method"] == "server/info":
            return good(message, {"idempotency": {"scope": "s", "kept": "journal"}})
        asked.append(message["method"])
        return None

    with made_up(lose) as url:
        done = gombus("send", "say", "--key", "k", "--url", url, "--reconnect", "0")
    assert (done.returncode, asked) == (2, ["say"])
    assert done.stderr.endswith("\nThe same command with --key k gives its result.\n")


# What there is to send.


def test_send_alone_lists_the_servers_request_types() -> None:
    with serving(request(), stop_request()) as server:
        for arguments in ([], ["--help"]):
            done = gombus("send", *arguments, "--url", server.url)
            assert (done.returncode, done.stderr) == (0, "")
            assert f"Requests (of {server.url}):\n  quit  A test's request\n  say   A test's request\n" in done.stdout


def test_the_help_of_a_request_type(nobody: str) -> None:
    with serving(with_parameters(url={"description": "u", "type": "string", "maxLength": 3})) as server:
        there = gombus("send", "say", "--help", "--url", server.url)
    assert there.returncode == 0
    assert "a short word [required]" in there.stdout
    assert "Only with --param NAME=VALUE: url." in there.stdout
    away = gombus("send", "say", "--help", "--url", nobody)
    assert away.returncode == 0
    assert "a short word\n" in away.stdout
    assert "of the plugins installed here; no server answers" in gombus("send", "--help", "--url", nobody).stdout


def test_a_request_type_that_the_server_does_not_have() -> None:
    with serving(request()) as server:
        done = gombus("send", "nope", "--url", server.url)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Error: the server at {server.url} has no request type 'nope'; it has: say" in done.stderr


@pytest.mark.parametrize("name", ["quit", "nope"])
def test_no_server_is_exit_code_2(nobody: str, name: str) -> None:
    done = gombus("send", name, "--url", nobody)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: no gombus server at {nobody}: ")


def test_no_server_in_json(nobody: str) -> None:
    done = gombus("send", "quit", "--url", nobody, "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert told["error"]["message"].startswith(f"no gombus server at {nobody}: ")


def test_a_server_without_json_rpc() -> None:
    with made_up(lambda message: None, json_rpc=False) as url:
        done = gombus("send", "say", "--url", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not speak JSON-RPC" in done.stderr


def test_a_server_that_does_not_say_what_it_serves() -> None:
    with made_up(lambda message: only_info(message, bad(message, "internal"))) as url:
        done = gombus("send", "say", "--url", url)
    assert (done.returncode, done.stderr) == (1, "Error: No. (internal)\n")


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_timeout_that_is_none_is_a_usage_error(timeout: str, nobody: str) -> None:
    for arguments in (["say", "--timeout", timeout], ["--timeout", timeout, "--message-file", "x"]):
        done = gombus("send", *arguments, "--url", nobody)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--timeout" in done.stderr


# A message as it is.


def test_a_message_is_sent_as_it_is_and_its_answer_printed() -> None:
    gom = WatchingGom()
    with serving(request(), gom=gom) as server:
        for arguments in (['{"say": {"word": "hello"}}', "--url", server.url], ["--url", server.url, '{"say": {}}']):
            done = gombus("send", *arguments)
            assert (done.returncode, done.stdout, done.stderr) == (0, "O.k.\n", "")
        refused = gombus("send", "{", "--url", server.url)
    assert (refused.returncode, refused.stdout) == (1, "Error: Malformed JSON message.\n")
    assert gom.words == ["hello", "none"]


def test_a_message_of_json_rpc() -> None:
    good = '{"jsonrpc": "2.0", "id": 1, "method": "say"}'
    bad = '{"jsonrpc": "2.0", "id": 2, "method": "nope"}'
    with serving(request()) as server:
        codes = [gombus("send", text, "--url", server.url).returncode for text in (good, bad, f"[{good}, {bad}]")]
    assert codes == [0, 1, 1]


def test_a_file_and_standard_input_are_sent(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    file.write_text('{"say": {"word": "Größe"}}\n', encoding="utf-8")
    gom = WatchingGom()
    with serving(request(), gom=gom) as server:
        assert gombus("send", "--message-file", str(file), "--url", server.url).stdout == "O.k.\n"
        assert gombus("send", "-", "--url", server.url, stdin='{"say": {"word": "piped"}}').stdout == "O.k.\n"
    assert gom.words == ["Größe", "piped"]


def test_a_message_in_json_for_scripts() -> None:
    with serving(request()) as server:
        good = json.loads(gombus("send", '{"say": {}}', "--url", server.url, "--json").stdout)
        bad = json.loads(gombus("send", "--json", "[5]", "--url", server.url).stdout)
    assert good.pop("seconds") >= 0
    assert good == {"url": server.url, "request": '{"say": {}}', "answer": "O.k.", "ok": True}
    assert (bad["ok"], bad["answer"]) == (False, "Error: Unknown request:\n[5]")


def test_a_message_without_an_answer(nobody: str) -> None:
    done = gombus("send", "{}", "--url", nobody)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: no gombus server at {nobody}: ")
    done = gombus("send", "{}", "--url", nobody, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"].startswith(f"no gombus server at {nobody}: ")


def test_a_message_that_is_not_answered_in_time() -> None:
    gom = held()
    with serving(request(), gom=gom) as server:
        done = gombus("send", '{"say": {"word": "slow"}}', "--url", server.url, "--timeout", "0.1")
        gom.go_on.set()
    assert done.returncode == 2
    assert done.stderr == f"Error: no answer from {server.url} within 0.1 s; the request may still be carried out\n"


def test_a_request_and_a_file_together_are_a_usage_error(tmp_path: Path) -> None:
    done = gombus("send", "--message-file", str(tmp_path / "x"), "{}")
    assert done.returncode == 2
    assert "give either a request or --message-file, not both" in done.stderr


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    for name in ("missing", "bad"):
        done = gombus("send", "--message-file", str(tmp_path / name))
        assert done.returncode == 2
        assert f"--message-file {tmp_path / name}: " in done.stderr


def test_what_windows_editors_and_consoles_make_of_text_is_read_as_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    text = '{"say": {"word": "Größe"}}'
    file.write_text(text, encoding="utf-8-sig")
    console = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    gom = WatchingGom()
    with serving(request(), gom=gom) as server:
        assert gombus("send", "--message-file", str(file), "--url", server.url, **console).stdout == "O.k.\n"
        assert gombus("send", "-", "--url", server.url, stdin=text, **console).stdout == "O.k.\n"
        shown = json.loads(gombus("send", text, "--url", server.url, "--json").stdout)
    assert gom.words == ["Größe"] * 3
    assert shown["request"] == text
