"""What gombus promises to who relies on it, shown plainly; the crash harness tries the same at every instant."""

from __future__ import annotations

import json
import re
import socket
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from programs import holding, serve
from rpc import Rpc, message, rpc
from support import WAIT_S, WatchingGom, frame, raw_client, request, serving

DROPS = 100


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def drop(raw: socket.socket, how: int) -> None:
    """Lose a connection: cut off, closed without a word, or closed as the protocol has it."""
    if how == 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how == 2:
        raw.sendall(b"\x88\x80" + bytes(4))
    raw.close()


def answered_job(raw: socket.socket) -> str:
    """The id of the job in the first answer."""
    data = b""
    while not (found := re.search(rb'"job": "([0-9a-f-]{36})"', data)):
        more = raw.recv(4096)
        assert more
        data += more
    return found[1].decode()


@pytest.mark.parametrize("journal", ["off", "file"])
def test_100_dropped_connections_during_running_jobs_and_100_results_fetched_later(
    journal: str, tmp_path: Path
) -> None:
    gom = WatchingGom()
    asked: list[dict[str, str]] = []
    path = journal if journal == "off" else str(tmp_path / "journal.sqlite3")
    with serving(request(), gom=gom, journal=path) as server:
        for number in range(DROPS):
            gom.hold_word = str(number)
            gom.entered.clear()
            gom.go_on.clear()
            with raw_client(server) as raw:
                key = f"k{number}"
                meta: dict[str, Any] = {"task": True} if number % 2 else {"idempotencyKey": key}
                raw.sendall(frame(compact(message("say", {"word": str(number)}, 1, **meta))))
                asked.append({"job": answered_job(raw)} if number % 2 else {"idempotencyKey": key})
                assert gom.entered.wait(WAIT_S)
                drop(raw, number % 3)
            gom.go_on.set()
        with rpc(server) as client:
            # Jobs end in their order, so that all have when this one has.
            client.call("say", {"word": "the end"})
            for number, params in enumerate(asked):
                task = client.call("tasks/get", params)
                assert (task["status"], task["result"]["value"]) == ("completed", str(number))
                assert task["result"]["calls"] == [
                    {"command": "gom.script.test.say", "arguments": {"word": str(number)}}
                ]
    assert gom.words == [*map(str, range(DROPS)), "the end"]


def test_100_connections_dropped_at_once_while_their_requests_wait(tmp_path: Path) -> None:
    gom = WatchingGom()
    gom.hold_word = "0"
    journal = str(tmp_path / "journal.sqlite3")
    with serving(request(), gom=gom, journal=journal, max_connections=2 * DROPS) as server:
        raws = []
        for number in range(DROPS):
            with raw_client(server) as raw:
                raws.append(raw.dup())
            raws[-1].settimeout(WAIT_S)
            raws[-1].sendall(
                frame(compact(message("say", {"word": str(number)}, 1, task=True, idempotencyKey=f"k{number}")))
            )
        jobs = [answered_job(raw) for raw in raws]
        assert gom.entered.wait(WAIT_S)
        for number, raw in enumerate(raws):
            drop(raw, number % 3)
        gom.go_on.set()
        with rpc(server) as client:
            client.call("say", {"word": "the end"})
            for number, job in enumerate(jobs):
                by_id = client.call("tasks/get", {"job": job})
                assert by_id == client.call("tasks/get", {"idempotencyKey": f"k{number}"})
                assert by_id["result"]["value"] == str(number)
    assert Counter(gom.words) == Counter([*map(str, range(DROPS)), "the end"])


def test_a_command_is_started_once_however_often_its_request_is_sent_again(tmp_path: Path) -> None:
    gom = WatchingGom()
    gom.hold_word = "once"
    gom.errors["bad"] = gom.RequestError("no")
    path = str(tmp_path / "journal.sqlite3")
    sent = compact(message("say", {"word": "once"}, 1, idempotencyKey="k"))
    with serving(request(), gom=gom, journal=path) as server:
        for how in range(9):
            with raw_client(server) as raw:
                raw.sendall(frame(sent))
                if how == 0:
                    assert gom.entered.wait(WAIT_S)
                drop(raw, how % 3)
        with rpc(server) as client:
            waiting = [client.send("say", {"word": "once"}, idempotencyKey="k") for _ in range(20)]
            client.call("server/info")
            gom.go_on.set()
            receipts = [client.result(id) for id in waiting]
            assert receipts == [receipts[0]] * 20
            errors = [client.refused("say", {"word": "bad"}, idempotencyKey="b") for _ in range(5)]
            assert errors == [errors[0]] * 5
            assert errors[0]["data"]["code"] == "gom_refused"
            other = client.refused("say", {"word": "other"}, idempotencyKey="k")
            assert (other["data"]["code"], other["data"]["job"]) == ("conflict", receipts[0]["job"])
    # And after a restart.
    with serving(request(), gom=gom, journal=path) as server, rpc(server) as client:
        assert client.call("say", {"word": "once"}, idempotencyKey="k") == receipts[0]
        assert client.refused("say", {"word": "bad"}, idempotencyKey="b") == errors[0]
        assert client.refused("say", {"word": "other"}, idempotencyKey="k")["data"]["code"] == "conflict"
    assert gom.words == ["once", "bad"]


QUEUED = 5


def test_a_server_that_is_killed_in_the_middle_of_an_import(tmp_path: Path) -> None:
    with holding() as test:
        more = {"TEST_PORT": str(test.getsockname()[1]), "GOMBUS_JOURNAL": str(tmp_path / "journal.sqlite3")}
        with serve(**more) as program, rpc(program) as client:
            done = client.call("say", {"word": "done"}, idempotencyKey="done")
            running = client.call("hold", {}, task=True, idempotencyKey="running")["job"]
            command, _ = test.accept()
            queued = [
                client.call("say", {"word": str(number)}, task=True, idempotencyKey=f"k{number}")["job"]
                for number in range(QUEUED)
            ]
            scope = client.call("server/info")["idempotency"]["scope"]
            program.process.kill()
            client.until_closed()
            program.process.wait(WAIT_S)
            command.close()
        for _ in range(2):
            with serve(**more) as program, rpc(program) as client:
                assert client.call("server/info")["idempotency"]["scope"] == scope
                after_the_kill(client, done, running, queued)
                client.call("quit")
                client.until_closed()
                program.end()
        # The command did not begin again.
        test.setblocking(False)
        with pytest.raises(BlockingIOError):
            test.accept()
    lines = (tmp_path / "receipts.jsonl").read_text(encoding="utf-8").splitlines()
    logged = Counter(re.findall(r'"job": ?"([0-9a-f-]{36})"', "\n".join(lines)))
    assert logged == Counter([done["job"], running, *queued])


def after_the_kill(client: Rpc, done: dict[str, Any], running: str, queued: list[str]) -> None:
    """What a client learns of each of its requests, by id, by key, and by sending it again."""
    assert client.call("say", {"word": "done"}, idempotencyKey="done") == done
    by_id = client.call("tasks/get", {"job": running})
    assert by_id == client.call("tasks/get", {"idempotencyKey": "running"})
    assert (by_id["status"], by_id["error"]["data"]["code"]) == ("interrupted", "interrupted")
    again = client.refused("hold", {}, idempotencyKey="running")
    assert again == by_id["error"]
    assert (again["code"], again["data"]["job"]) == (-32803, running)
    receipts = [client.call("say", {"word": str(number)}, idempotencyKey=f"k{number}") for number in range(QUEUED)]
    assert [receipt["job"] for receipt in receipts] == queued
    assert [receipt["value"] for receipt in receipts] == [str(number) for number in range(QUEUED)]
    started = [receipt["started"] for receipt in receipts]
    assert started == sorted(started)
    assert client.call("tasks/cancel", {"job": running})["reason"] == "it was interrupted already"
    assert [task["job"] for task in client.call("tasks/list")["tasks"]] == [*queued[::-1], running, done["job"]]
    assert [task["job"] for task in client.call("tasks/list", {"status": "interrupted"})["tasks"]] == [running]
