"""What clients say and hear on the JSON-RPC wire, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gombus.client import OutcomeUnknown, Progress, RequestFailed, Unreachable
from gombus.client.messages import (
    Answer,
    Ask,
    Keys,
    Notification,
    ask_run,
    ask_task,
    ask_tasks,
    forgotten,
    keys_of,
    open_job,
    read,
    result_of,
    unended,
)

URL = "ws://somewhere"


def sent(ask: Ask, scope: str = "s") -> dict[str, Any]:
    value: dict[str, Any] = json.loads(ask.sending(Keys(scope, False)))
    assert (value.pop("jsonrpc"), value.pop("id")) == ("2.0", ask.number)
    return value


def refusal(code: str, **data: Any) -> RequestFailed:
    return RequestFailed({"code": -32803, "message": "No.", "data": {"code": code, **data}})


STOPPING = refusal("stopping")
PUT_BACK = refusal("stopping", job="1")


def test_a_request_with_all_that_can_be_said_of_it() -> None:
    ask = ask_run(
        "say", {"word": "a", "n": 1}, {"word": "b"}, lambda progress: None, key="k", schema_hash="0" * 64, task=True
    )
    meta = {"idempotencyKey": "k", "schemaHash": "0" * 64, "task": True, "progressToken": ask.number}
    assert sent(ask) == {"method": "say", "params": {"word": "b", "n": 1, "_meta": meta}}


def test_what_is_not_given_is_not_said() -> None:
    assert sent(ask_run("say", None, {}, key="")) == {"method": "say", "params": {}}
    assert sent(ask_task(None, "k")) == {"method": "tasks/get", "params": {"idempotencyKey": "k"}}
    assert sent(ask_tasks("failed", None, None)) == {"method": "tasks/list", "params": {"status": "failed"}}


def test_paths_are_sent_as_their_text() -> None:
    assert sent(ask_run("say", {"file": Path("a.jpg")}, {}))["params"] == {"file": "a.jpg"}


@pytest.mark.parametrize("value", [float("nan"), 2**53 + 1, "\ud800", "x" * 70_000])
def test_what_the_server_would_call_malformed_is_not_sent(value: Any) -> None:
    with pytest.raises(RequestFailed, match=r"^The request cannot be sent: ") as caught:
        ask_run("say", {"word": value}, {})
    assert (caught.value.code, caught.value.number) == ("malformed", -32700)


def test_an_error_answer() -> None:
    error = RequestFailed({"code": -32803, "message": "No.", "data": {"code": "busy", "job": "1", "queue": 2}})
    assert (str(error), error.code, error.number, error.message, error.job) == ("No.", "busy", -32803, "No.", "1")
    assert error.data["queue"] == 2
    assert error.object == {"code": -32803, "message": "No.", "data": error.data}


def test_an_error_that_is_not_of_gombus() -> None:
    error = RequestFailed({"code": -32000, "message": "No.", "data": "x"})
    assert (error.code, error.number, error.data, error.job) == ("-32000", -32000, {}, "")


# Sending again.


def test_a_request_with_a_key_is_sent_again_where_the_key_means_the_same() -> None:
    ask = ask_run("say", None, {}, key="k")
    assert ask.sending(Keys("s", False)) == ask.sending(Keys("s", False))


def test_a_request_is_not_sent_again_where_its_key_means_nothing() -> None:
    ask = ask_run("say", None, {}, key="k")
    ask.sending(Keys("s", False))
    with pytest.raises(OutcomeUnknown, match="restarted and keeps no journal") as caught:
        ask.sending(Keys("other", False))
    assert (caught.value.key, caught.value.key_holds) == ("k", False)


def test_what_only_asks_is_sent_to_any_server() -> None:
    for ask in (Ask("server/info"), ask_run("say", None, {}, plan=True)):
        assert ask.resumable
        ask.sending(Keys("s", False))
        ask.sending(Keys("other", False))
        assert ask.resumable


def test_a_request_without_a_key_is_sent_once() -> None:
    ask = ask_run("quit", None, {}, key="")
    assert ask.resumable
    ask.sending(Keys("s", False))
    assert not ask.resumable


def test_what_a_stopping_server_did_not_accept_may_go_to_another() -> None:
    ask = ask_run("say", None, {}, key="k")
    ask.sending(Keys("s", False))
    ask.stopped(STOPPING, forgets=False)
    assert ask.sending(Keys("other", False))


def test_what_may_have_been_accepted_before_the_server_stopped_goes_to_no_other() -> None:
    ask = ask_run("say", None, {}, key="k")
    ask.sending(Keys("s", False))
    ask.sending(Keys("s", False))
    ask.stopped(STOPPING, forgets=True)
    with pytest.raises(OutcomeUnknown):
        ask.sending(Keys("other", False))


@pytest.mark.parametrize("forgets", [True, False])
def test_what_was_accepted_and_not_begun_is_kept_in_a_journal_and_else_nowhere(forgets: bool) -> None:
    ask = ask_run("say", None, {}, key="k")
    ask.sending(Keys("s", False))
    ask.sending(Keys("s", False))
    ask.stopped(PUT_BACK, forgets)
    if forgets:
        assert ask.sending(Keys("other", False))
    else:
        with pytest.raises(OutcomeUnknown):
            ask.sending(Keys("other", False))


def test_giving_up() -> None:
    lost = Unreachable("gone")
    ask = ask_run("say", None, {}, key="k")
    assert ask.given_up(lost) is lost
    assert isinstance(ask.overdue(URL, 2.0), Unreachable)
    ask.sending(Keys("s", False))
    unknown = ask.given_up(lost)
    assert isinstance(unknown, OutcomeUnknown)
    text = "gone; whether the request was run is not known"
    assert (str(unknown), unknown.key, unknown.key_holds) == (text, "k", True)
    assert ask.given_up(STOPPING) is STOPPING
    late = ask.overdue(URL, 2.0)
    assert isinstance(late, OutcomeUnknown)
    assert str(late) == "no answer from ws://somewhere within 2 s; the request may still be carried out"
    assert late.key_holds


def test_a_key_that_may_be_forgotten_is_not_said_to_give_the_result() -> None:
    ask = ask_run("say", None, {}, key="k")
    ask.sending(Keys("s", True))
    for unknown in (ask.given_up(Unreachable("gone")), ask.overdue(URL, 2.0)):
        assert isinstance(unknown, OutcomeUnknown)
        assert (unknown.key, unknown.key_holds) == ("k", False)
    ask = ask_run("quit", None, {}, key="")
    ask.sending(Keys("s", False))
    unknown = ask.given_up(Unreachable("gone"))
    assert isinstance(unknown, OutcomeUnknown)
    assert not unknown.key_holds


# Reading.


def test_answers_and_notifications() -> None:
    assert read(URL, '{"jsonrpc":"2.0","id":3,"result":null}') == Answer(3, None, None)
    failed = read(URL, '{"jsonrpc":"2.0","id":4,"error":{"code":-32803,"message":"No.","data":{"code":"busy"}}}')
    assert isinstance(failed, Answer)
    assert failed.error is not None
    assert failed.error.code == "busy"
    said = read(URL, '{"jsonrpc":"2.0","method":"x","params":{"a":1}}')
    assert said == Notification("x", {"a": 1})
    assert isinstance(said, Notification)
    assert (said.progress_of, said.ended_job) == (None, "")


@pytest.mark.parametrize(
    "text",
    [
        "O.k.",
        b"\xff\xfe",
        "[]",
        "{}",
        '{"jsonrpc":"2.0"}',
        '{"jsonrpc":"2.0","id":1}',
        '{"jsonrpc":"1.0","id":1,"result":1}',
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"No."}}',
        '{"jsonrpc":"2.0","method":"x"}',
    ],
)
def test_what_no_gombus_server_says(text: str | bytes) -> None:
    with pytest.raises(Unreachable, match=r"^ws://somewhere is no gombus server; it said "):
        read(URL, text)


def test_what_notifications_are_about() -> None:
    progress = {"progressToken": 7, "progress": 1.0, "total": 2.0, "message": "m"}
    assert Notification("notifications/progress", progress).progress_of == 7
    assert Notification("notifications/progress", {"progressToken": [7]}).progress_of is None
    assert Progress.of(progress) == Progress(1.0, 2.0, "m")
    assert Notification("notifications/tasks/status", {"job": "1", "status": "failed"}).ended_job == "1"
    assert Notification("notifications/tasks/status", {"job": "1", "status": "working"}).ended_job == ""


def test_what_idempotency_keys_mean_to_a_server() -> None:
    assert keys_of(URL, {"idempotency": {"scope": "s", "kept": "memory"}}) == Keys("s", True)
    assert keys_of(URL, {"idempotency": {"scope": "s", "kept": "journal"}}) == Keys("s", False)
    for info in (None, {}, {"idempotency": 5}, {"idempotency": {}}):
        with pytest.raises(Unreachable):
            keys_of(URL, info)


def test_tasks() -> None:
    assert open_job({"job": "1", "status": "working"}) == "1"
    for ended in ({"job": "1", "status": "completed"}, None):
        assert open_job(ended) == ""
    assert result_of({"job": "1", "status": "completed", "result": {"value": 5}}) == {"value": 5}
    with pytest.raises(RequestFailed, match="No") as caught:
        result_of({"job": "1", "status": "failed", "error": {"code": -32803, "message": "No.", "data": {}}})
    assert caught.value.job == "1"
    assert (forgotten("1").job, unended("1", 2.0).job) == ("1", "1")
