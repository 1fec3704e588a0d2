"""What came of a request, in lines for people."""

from __future__ import annotations

from typing import Any

from gombus.reports import error_lines, plan_lines, receipt_lines, task_line, unanswered_lines


def flag_of(pointer: str) -> str:
    return f"--{pointer[1:]}"


def test_a_receipt() -> None:
    receipt = {
        "job": "0193",
        "state": "completed",
        "created": [{"kind": "measurement series", "name": "Größe"}],
        "files": [
            {"path": "a.jpg", "size": 5, "sha256": "0123456789abcdef", "changed": False},
            {"path": "b.jpg", "size": 6, "sha256": "fedcba9876543210", "changed": True},
            {"path": "D:/c.jpg", "sent": "Z:/c.jpg", "size": 7, "sha256": "00112233445566", "changed": False},
        ],
        "value": {"n": "ä"},
    }
    assert list(receipt_lines(receipt, 1.24)) == [
        "completed in 1.2 s, job 0193",
        "created measurement series Größe",
        "file a.jpg, 5 bytes, sha256 0123456789ab…",
        "file b.jpg, 6 bytes, sha256 fedcba987654…, changed meanwhile",
        "file Z:/c.jpg (D:/c.jpg), 7 bytes, sha256 001122334455…",
        'value {"n": "ä"}',
    ]
    assert list(receipt_lines({"job": "1", "state": "completed", "value": None}, 0.0)) == ["completed in 0.0 s, job 1"]


def test_a_result_that_is_no_receipt() -> None:
    assert list(receipt_lines(None, 1.0)) == ["O.k."]
    assert list(receipt_lines({"a": 1}, 1.0)) == ['{"a": 1}']


def test_a_plan() -> None:
    plan = {
        "ok": True,
        "calls": [{"command": "gom.script.sys.x", "arguments": {"file": "a.jpg", "n": 1.5}}],
        "files": [{"path": "a.jpg", "size": 5}],
        "failing": [],
    }
    assert list(plan_lines(plan, flag_of)) == [
        'would call gom.script.sys.x(file="a.jpg", n=1.5)',
        "would read a.jpg, 5 bytes",
        "nothing was run",
    ]


def test_a_plan_that_would_fail() -> None:
    plan: dict[str, Any] = {
        "ok": False,
        "calls": [],
        "files": [{"path": "a.jpg", "size": None}],
        "failing": [
            {"code": "file_unreadable", "message": "There is no such file."},
            {
                "code": "invalid_params",
                "message": "/a: is missing",
                "errors": [{"pointer": "/a", "message": "is missing"}],
            },
        ],
        "stops": True,
    }
    assert list(plan_lines(plan, flag_of)) == [
        "would fail: There is no such file. (file_unreadable)",
        "would fail: --a: is missing (invalid_params)",
        "would stop the server",
        "nothing was run",
    ]


def test_a_task() -> None:
    assert (
        task_line({"job": "1", "status": "working", "phase": "queued", "position": 2}) == "job 1: queued, 2 before it"
    )
    assert task_line({"job": "1", "status": "working", "phase": "running"}) == "job 1: running"
    assert task_line({"job": "1", "status": "completed"}) == "job 1: completed"


def test_an_error() -> None:
    error = {"code": -32803, "message": "The queue is full.", "data": {"code": "busy"}}
    assert list(error_lines(error, flag_of)) == ["Error: The queue is full. (busy)"]
    assert list(error_lines({"code": -1, "message": "No."}, flag_of, "k")) == ["Error: No. (-1)"]
    error = {"code": -32803, "message": "It ran.", "data": {"code": "interrupted", "job": "0193"}}
    assert list(error_lines(error, flag_of)) == ["Error: It ran. (interrupted)", "job 0193"]
    assert list(error_lines(error, flag_of, "k")) == ["Error: It ran. (interrupted)", "job 0193, key k"]


def test_parameters_that_are_not_allowed_stand_on_lines_of_their_own() -> None:
    problems = [{"pointer": "/a", "keyword": "type", "message": "5 is not allowed; allowed: text"}]
    error = {"code": -32602, "message": "/a: 5", "data": {"code": "invalid_params", "errors": problems}}
    assert list(error_lines(error, flag_of)) == [
        "Error: some parameters are not allowed (invalid_params)",
        "  --a: 5 is not allowed; allowed: text",
    ]


def test_no_answer() -> None:
    assert list(unanswered_lines("gone", "", False)) == ["Error: gone"]
    result = "The same command with --key k gives its result."
    assert list(unanswered_lines("gone", "k", True)) == ["Error: gone", result]
    look = "Look into INSPECT's project before you send it again; its key was k."
    assert list(unanswered_lines("gone", "k", False)) == ["Error: gone", look]
