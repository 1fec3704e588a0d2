"""Inside the server: bugs that the harness must find. They are planted in this process alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

from ledger import AHEAD, EFFECTS, LOST, START, TWICE

from gombus.ahead import Ahead
from gombus.job import Job
from gombus.jobs import Jobs
from gombus.journal import Accepted, Ending
from gombus.journal.sqlite import SqliteJournal
from gombus.journal.store import Store
from gombus.journal.writer import Op, Writer
from gombus.model import COMPLETED, RUNNING, Outcome, Record
from gombus.net.server import Server


def ack_before_commit() -> None:
    """A task is answered first, and given to the journal in the next turn of the event loop."""
    accept, keep, make = Jobs._accept, SqliteJournal.accept, Store.__init__
    keys: set[str] = set()

    def make_and_look(self: Store, path: Path) -> None:
        make(self, path)
        keys.update(key for (key,) in self._db.execute("SELECT key FROM job WHERE key IS NOT NULL"))

    def accept_and_answer(self: Jobs, job: Job) -> None:
        accept(self, job)
        # A key that was used before is still answered right, so that only a kill shows the bug.
        key = job.call.meta.key
        if not key or key not in keys:
            keys.add(key)
            job.answer_tasks()

    def keep_later(self: SqliteJournal, record: Record, done: Accepted) -> None:
        asyncio.get_running_loop().call_later(0.0, keep, self, record, done)

    Store.__init__ = make_and_look  # type: ignore[method-assign]  # that is what this module is for
    Jobs._accept = accept_and_answer  # type: ignore[method-assign]  # as above
    SqliteJournal.accept = keep_later  # type: ignore[method-assign]  # as above


def rerun_running() -> None:
    """What ran when the last server ended is queued again."""
    recover = Writer._recover

    def wrapped(self: Writer, interrupted: Callable[[Any], str]) -> None:
        with self._store.transaction():
            self._store.requeue([record.id for record in self._store.open_jobs(RUNNING)])
        recover(self, interrupted)

    Writer._recover = wrapped  # type: ignore[method-assign]  # as above


def done_before_effect() -> None:
    """The ending is kept before the handler runs."""
    begin = Jobs._begin

    def wrapped(self: Jobs, job: Job) -> None:
        now = time.time()
        ending = Ending(job.id, COMPLETED, now, now, job.receipt(Outcome(), COMPLETED), False)
        self._journal.finish(ending, lambda: begin(self, job))

    Jobs._begin = wrapped  # type: ignore[method-assign]  # as above


def forget_keys() -> None:
    """Idempotency keys are kept, and never looked up when a request comes."""
    submit, make = Jobs.submit, Store.__init__

    def submit_anew(self: Jobs, job: Job, done: Any, asker: Any) -> None:
        self._keys.clear()
        submit(self, job, done, asker)

    def accept_all(self: Writer, ops: Sequence[Op]) -> None:
        self._store.add([op.argument for op in ops])
        for op in ops:
            op.answer = (None,)

    def make_open(self: Store, path: Path) -> None:
        make(self, path)
        # The table itself would refuse the second job of a key.
        self._db.execute("DROP INDEX IF EXISTS job_key")

    Jobs.submit = submit_anew  # type: ignore[method-assign]  # as above
    Writer._accept = accept_all  # type: ignore[method-assign]  # as above
    Store.__init__ = make_open  # type: ignore[method-assign]  # as above


def begin_before_listening() -> None:
    """What was queued is begun before it is known whether the port can be had, and nobody takes that back."""
    start = Server.start

    async def recover_and_start(self: Server, recover: Callable[[], None]) -> int:
        recover()
        return await start(self, lambda: None)

    async def leave_it(self: Server) -> None:
        self._bus.stop()

    Server.start = recover_and_start  # type: ignore[method-assign]  # as above
    Server.finish = leave_it  # type: ignore[method-assign]  # as above


def one_pace_for_all() -> None:
    """All jobs count together for how long the next one will take, also those that were refused at once."""
    took, has_room, add, remove = Ahead.took, Ahead.has_room, Ahead.add, Ahead.remove
    Ahead.took = lambda self, request, seconds, whole: took(self, "", seconds, True)  # type: ignore[method-assign]  # as above
    Ahead.has_room = lambda self, request: has_room(self, "")  # type: ignore[method-assign]  # as above
    Ahead.add = lambda self, request: add(self, "")  # type: ignore[method-assign]  # as above
    Ahead.remove = lambda self, request: remove(self, "")  # type: ignore[method-assign]  # as above


BUGS: dict[str, tuple[Callable[[], None], str]] = {
    "ack-before-commit": (ack_before_commit, LOST),
    "rerun-running": (rerun_running, TWICE),
    "done-before-effect": (done_before_effect, EFFECTS),
    "forget-keys": (forget_keys, TWICE),
    "begin-before-listening": (begin_before_listening, START),
    "one-pace-for-all": (one_pace_for_all, AHEAD),
}
"""By name: what plants it, called once before the server is made, and the promise that it breaks."""
