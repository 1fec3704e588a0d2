"""Which gom commands have to be called, which may be, and which were, for one server."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

from expected import Verdict
from tally import ANSWERS, GOM, Tally

CALLED = frozenset({"ok", "gom_refused"})
"""Answers to requests whose command was called."""
KEPT = 1000
"""How many jobs a server without a journal keeps, and with them their keys (docs/json-rpc.md)."""
MAX_QUEUED = 256
"""How many requests may wait or run (docs/integrators.md)."""


class Calls:
    """The account of the words that were said.

    :param file: where the server writes its calls.
    :param begin: from which byte on they are this server's.
    """

    def __init__(self, file: Path, begin: int, tally: Tally) -> None:
        self._file = file
        self._place = begin
        self._tally = tally
        self._called: Counter[str] = Counter()
        self._must: Counter[str] = Counter()
        self._may: Counter[str] = Counter()
        # With a key a request is one job, however often it is sent, as long as that is kept.
        self._keyed: Counter[str] = Counter()
        self._keyed_since: dict[tuple[str, str], int] = {}
        self._keyed_must: defaultdict[str, set[str]] = defaultdict(set)
        self._payloads: defaultdict[str, set[str]] = defaultdict(set)
        self._tasks: dict[str, Verdict] = {}
        self._changed: set[str] = set()
        self._sent = 0
        self._open = 0
        self._most_open = 0

    @property
    def end(self) -> int:
        """To which byte the file was read."""
        return self._place

    @property
    def may_be_busy(self) -> bool:
        """Whether so much was open since the last `check` that the queue may have been full."""
        return self._most_open > MAX_QUEUED

    def sent(self, verdict: Verdict) -> None:
        """A request is about to be sent."""
        if verdict.key:
            self._payloads[verdict.key].add(verdict.payload)
        if verdict.word is None:
            return
        self._changed.add(verdict.word)
        self._open += 1
        self._sent += 1
        self._most_open = max(self._most_open, self._open)
        if verdict.key:
            since = self._keyed_since.get((verdict.word, verdict.key))
            if since is None or self._sent - since > KEPT:
                self._keyed[verdict.word] += 1
                self._keyed_since[verdict.word, verdict.key] = self._sent
        else:
            self._may[verdict.word] += 1

    def answered(self, verdict: Verdict, code: str, job: str) -> None:
        """Its answer was received.

        :param job: the id of a task; else empty.
        """
        if code == "conflict" and len(self._payloads[verdict.key]) < 2:
            self._tally.broken(ANSWERS, f"a conflict for a key that was never used for anything else: {verdict}")
        if verdict.word is None:
            return
        if verdict.task and code == "ok":
            self._tasks[job] = verdict
        else:
            self._ended(verdict, code in CALLED)

    def task_ended(self, job: str, code: str) -> None:
        """A notification said how a task ended."""
        verdict = self._tasks.pop(job, None)
        if verdict is not None:
            self._ended(verdict, code in CALLED)

    def check(self) -> None:
        """Read what was called since, and compare. What an answer says was written down before that was sent.

        :raises Broken: a command was called that must not be, or not called that must be.
        """
        with open(self._file, "rb") as file:
            file.seek(self._place)
            for line in file:
                word = json.loads(line)
                self._called[word] += 1
                self._changed.add(word)
                self._place += len(line)
                self._tally.calls += 1
        for word in self._changed:
            least = self._must[word] + len(self._keyed_must[word])
            most = self._must[word] + self._may[word] + self._keyed[word]
            if not least <= self._called[word] <= most:
                expected = f"{least}" if least == most else f"{least} to {most}"
                self._tally.broken(GOM, f"gom was told to say {word!r} {self._called[word]} times, not {expected}")
        self._changed.clear()
        self._most_open = self._open

    def _ended(self, verdict: Verdict, called: bool) -> None:
        assert verdict.word is not None
        self._open -= 1
        self._changed.add(verdict.word)
        if verdict.key:
            if called:
                self._keyed_must[verdict.word].add(verdict.key)
            return
        self._may[verdict.word] -= 1
        if called:
            self._must[verdict.word] += 1
