"""What the tests of the journal share: records, endings, and a journal whose answers are waited for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

from gombus.ids import JobIds
from gombus.journal import Ending
from gombus.journal.sqlite import SqliteJournal
from gombus.model import COMPLETED, QUEUED, Record
from gombus.receipt import Receipt
from support import WAIT_S

_ids = JobIds()


def record(state: str = QUEUED, key: str | None = None, **members: Any) -> Record:
    """A new job."""
    members = {"backend": "twin", "accepted": time.time(), "params": '{"word": "x"}', **members}
    return Record(_ids.new(), "say", client="127.0.0.1:5", state=state, key=key, digest=key and "d", **members)


def receipt(id: str, state: str = COMPLETED, **members: Any) -> Receipt:
    """What came of a job."""
    return Receipt.kept(json.dumps({"job": id, "request": "say", "state": state, **members}))


def ending(id: str, state: str = COMPLETED, ran: bool = True, finished: float = 0.0, **members: Any) -> Ending:
    """The end of a job."""
    finished = finished or time.time()
    return Ending(id, state, finished - 1.0, finished, receipt(id, state, **members), ran)


def interrupted(job: Record) -> str:
    """The receipt of a job that ran when the last server ended."""
    error = {"code": -32803, "message": "interrupted", "data": {"code": "interrupted"}}
    return json.dumps({"job": job.id, "state": job.state, "finished": job.finished, "error": error})


class Asked:
    """Calls methods of a journal, and waits for their answers on the thread of the test."""

    def __init__(self, open_it: Callable[[Callable[[], None]], SqliteJournal]) -> None:
        self.wakes = 0
        self._woken = threading.Semaphore(0)
        self.journal = open_it(self._wake)

    def _wake(self) -> None:
        self.wakes += 1
        self._woken.release()

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call one method and give what its `done` got."""
        answers: list[Any] = []
        getattr(self.journal, method)(*arguments, lambda *answer: answers.append(answer[0] if answer else None))
        self.wait(lambda: bool(answers))
        return answers[0]

    def wait(self, reached: Callable[[], bool]) -> None:
        """Deliver until something is so."""
        while not reached():
            assert self._woken.acquire(timeout=WAIT_S)
            self.journal.deliver()

    def accept(self, *records: Record) -> list[Any]:
        """Accept all at once, and give the answers."""
        answers: list[Any] = []
        for job in records:
            self.journal.accept(job, answers.append)
        self.wait(lambda: len(answers) == len(records))
        return answers


@contextmanager
def opened(folder: Path, receipts: bool = True, days: int = 0, jobs: int = 0) -> Iterator[Asked]:
    """The journal of a folder, closed at the end."""
    log = folder / "receipts.jsonl" if receipts else None
    asked = Asked(lambda wake: SqliteJournal(folder / "journal.sqlite3", log, days, jobs, wake, interrupted))
    try:
        yield asked
    finally:
        asked.journal.close()
