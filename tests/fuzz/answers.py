"""What one connection still has to be answered, and whether what comes is that."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from calls import Calls
from documented import BUG_ERROR, ERRORS
from expected import OK, Expected, Verdict
from matching import Group
from tally import ANSWERS, BUG, Tally

STOPPING, BUSY = "stopping", "busy"
_STATUS, _PROGRESS = "notifications/tasks/status", "notifications/progress"
_SENTENCES = {
    "O.k.": OK,
    "bye": OK,
    "Error: Malformed JSON message.": "malformed",
    "Error: Unknown request:\n": "unknown_request",
    "Error: Missing parameter '": "invalid_params",
    "Error: Invalid parameter '": "invalid_params",
    "Error: Could not say ": "gom_refused",
    "Error: File ": "file_unreadable",
    "Error: The server is stopping; ": STOPPING,
    "Error: The queue is full: ": BUSY,
    "Error: Internal error in ": BUG_ERROR,
}
"""How answers of the plain wire begin -> code."""


class Answers:
    """The account of one connection."""

    def __init__(self, calls: Calls, tally: Tally) -> None:
        self._calls = calls
        self._tally = tally
        self._sentences: deque[Expected] = deque()
        self._groups: dict[tuple[bool, str], Group] = {}
        self.stopping = False
        """Whether the server may have been told to stop: then it may answer anything with that."""

    @property
    def open(self) -> int:
        """How many messages are not answered."""
        return len(self._sentences) + sum(group.open for group in self._groups.values())

    def sent(self, expected: Expected) -> None:
        """A message is about to be sent."""
        for verdict in expected.verdicts:
            self._calls.sent(verdict)
        if expected.legacy:
            self._sentences.append(expected)
        elif expected.due:
            key = _key(expected.batch, [verdict.id for verdict in expected.due])
            self._groups.setdefault(key, Group(self._is_for)).sent.append(expected)

    def received(self, text: str) -> None:
        """A message of the server's was received.

        :raises Broken: it is none that had to come.
        """
        if not text.startswith(("{", "[")):
            self._sentence(text)
            return
        try:
            value = json.loads(text)
        except ValueError:
            self._broken("is no JSON", text)
        if isinstance(value, dict) and "method" in value:
            self._notified(value)
        else:
            self._message(value, text)

    def _broken(self, what: str, text: str) -> Any:
        waiting = [*self._sentences][:3], [group.sent for group in self._groups.values()][:3]
        return self._tally.broken(ANSWERS, f"what was received {what}: {text[:300]!r}; expected: {waiting}")

    def _sentence(self, text: str) -> None:
        code = next((code for begin, code in _SENTENCES.items() if text.startswith(begin)), "")
        if not self._sentences:
            self._broken("answers nothing", text)
        expected = self._sentences.popleft()
        (verdict,) = expected.verdicts
        if not self._fits(verdict, code):
            self._broken(f"does not answer {expected}", text)
        if expected.text not in (None, text) and code != STOPPING:
            self._broken(f"is not {expected.text!r}", text)
        self._count(verdict, code, {})

    def _message(self, value: Any, text: str) -> None:
        batch = isinstance(value, list)
        given = value if batch else [value]
        for answer in given:
            if not _is_answer(answer):
                self._broken("is no JSON-RPC answer", text)
        key = _key(batch, [answer["id"] for answer in given])
        group = self._groups.get(key)
        if group is None or not group.open or not group.take(given):
            self._broken("answers nothing", text)
        for expected, answers in group.settled():
            for verdict, answer in zip(expected.due, answers):
                self._count(verdict, _code(answer), answer)
        if not group.open:
            del self._groups[key]

    def _is_for(self, expected: Expected, given: Sequence[Any]) -> bool:
        failed = False
        for verdict, answer in zip(expected.due, given):
            code = _code(answer)
            cancelled = expected.halts and code == "cancelled"
            fits = not failed and self._fits(verdict, code) and _is_about(verdict, code, answer)
            if not (cancelled or fits):
                return False
            failed = expected.halts and code != OK
        return True

    def _fits(self, verdict: Verdict, code: str) -> bool:
        if code == BUG_ERROR:
            self._tally.broken(BUG, f"a request was answered with an internal error: {verdict}")
        if code == BUSY:
            return verdict.word is not None and self._calls.may_be_busy
        return code in verdict.codes or (self.stopping and code == STOPPING)

    def _count(self, verdict: Verdict, code: str, answer: Any) -> None:
        self._tally.answers[code] += 1
        job = answer["result"]["job"] if verdict.task and code == OK else ""
        self._calls.answered(verdict, code, job)

    def _notified(self, value: Any) -> None:
        method, params = value["method"], value.get("params")
        if method not in (_STATUS, _PROGRESS) or "id" in value or not isinstance(params, dict):
            self._broken("is no notification", str(value))
        self._tally.notifications[method] += 1
        if method == _STATUS and params["status"] != "working":
            self._calls.task_ended(params["job"], params["error"]["data"]["code"] if "error" in params else OK)


def _is_answer(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0" or "id" not in value:
        return False
    if value.keys() == {"jsonrpc", "id", "result"}:
        return True
    error = value.get("error")
    if value.keys() != {"jsonrpc", "id", "error"} or not isinstance(error, dict):
        return False
    return isinstance(error.get("message"), str) and ERRORS.get(error["data"]["code"]) == error["code"]


def _key(batch: bool, ids: Iterable[Any]) -> tuple[bool, str]:
    # repr, because 1, 1.0 and True are equal.
    return batch, repr([*ids])


def _is_about(verdict: Verdict, code: str, answer: Any) -> bool:
    """Whether it speaks of the word that was sent, where it speaks of one, or of a job, where that was asked for."""
    result = answer.get("result")
    result = result if isinstance(result, dict) else {}
    if verdict.task:
        return code != OK or {"job", "status"} <= result.keys()
    if verdict.word is None:
        return True
    if code == OK:
        return bool(result.get("value") == {"word": verdict.word})
    return code != "gom_refused" or answer["error"]["data"]["log"] == f"log of {verdict.word}"


def _code(answer: Any) -> str:
    return OK if "result" in answer else str(answer["error"]["data"]["code"])
