"""The journal in memory."""

from __future__ import annotations

from typing import Any

from gombus.journal.memory import KEPT, MemoryJournal
from gombus.model import CANCELLED, COMPLETED, FAILED, QUEUED, RUNNING
from gombus.receipt import Receipt
from journals import ending, receipt, record


class Memory:
    """A journal whose methods give what their `done` got."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()

    def __getattr__(self, method: str) -> Any:
        def ask(*arguments: Any) -> Any:
            answers: list[Any] = []
            getattr(self.journal, method)(*arguments, lambda *answer: answers.append(answer[0] if answer else None))
            assert len(answers) == 1, "done is called from inside the call"
            return answers[0]

        return ask


def test_each_has_a_scope_of_its_own_and_promises_nothing() -> None:
    one, other = MemoryJournal(), MemoryJournal()
    assert one.scope != other.scope
    assert (one.batched, one.reason, one.unfinished, one.queued) == (False, "", 0, [])


def test_the_life_of_a_job() -> None:
    memory, job = Memory(), record()
    assert memory.find(job.id, "") is None
    assert memory.accept(job) is None
    assert memory.find(job.id, "") == job
    assert memory.start([job.id]) is None
    assert memory.find(job.id, "").state == RUNNING
    assert memory.find(job.id, "").started >= job.accepted
    memory.requeue([job.id])
    assert memory.find(job.id, "") == job
    end = ending(job.id, FAILED)
    memory.finish(end)
    memory.journal.late(job.id, receipt(job.id, late=True))
    kept = memory.find(job.id, "")
    assert (kept.state, kept.started, kept.finished) == (FAILED, end.started, end.finished)
    assert kept.receipt == end.receipt.text
    assert kept.late == receipt(job.id, late=True).text
    assert memory.journal.unfinished == 0


def test_a_key_finds_its_job_and_keeps_another_from_being_accepted() -> None:
    memory, job = Memory(), record(key="k")
    assert memory.accept(job) is None
    assert memory.find("", "k") == job
    assert memory.find("", "other") is None
    memory.finish(ending(job.id))
    other = record(key="k")
    known = memory.accept(other)
    assert (known.id, known.state) == (job.id, COMPLETED)
    assert memory.find(other.id, "") is None


def test_the_newest_come_first_and_states_and_places_choose() -> None:
    memory = Memory()
    jobs = [record() for _ in range(6)]
    for job in jobs:
        memory.accept(job)
    for job in jobs[::2]:
        memory.finish(ending(job.id))
    newest = [job.id for job in reversed(jobs)]
    assert [job.id for job in memory.list("", "", 100)] == newest
    assert [job.id for job in memory.list("", "", 2)] == newest[:2]
    assert [job.id for job in memory.list("", newest[1], 2)] == newest[2:4]
    assert [job.id for job in memory.list(COMPLETED, "", 2)] == newest[1:4:2]
    assert [job.id for job in memory.list(QUEUED, newest[1], 100)] == newest[2::2]
    assert memory.list(CANCELLED, "", 100) == []
    assert memory.list("", "unknown", 100) == []


def test_the_first_that_ended_make_room_and_open_ones_stay() -> None:
    memory, waiting = Memory(), record(key="open")
    memory.accept(waiting)
    jobs = [record(key=str(number)) for number in range(KEPT + 2)]
    for job in jobs:
        memory.accept(job)
        memory.finish(ending(job.id))
        memory.journal.late(job.id, receipt(job.id))
    assert [job.id for job in memory.list("", "", 2 * KEPT)] == [*(j.id for j in reversed(jobs[2:])), waiting.id]
    assert memory.find("", "1") is None
    assert memory.find("", "open") == waiting
    assert memory.accept(record(key="1")) is None


def test_what_is_not_there_changes_nothing() -> None:
    memory = Memory()
    assert memory.start(["x"]) is None
    memory.requeue(["x"])
    memory.finish(ending("x"))
    memory.journal.late("x", receipt("x"))
    assert memory.list("", "", 100) == []


def test_a_second_end_changes_nothing() -> None:
    memory, job = Memory(), record()
    memory.accept(job)
    memory.finish(ending(job.id))
    memory.finish(ending(job.id, FAILED))
    assert memory.find(job.id, "").state == COMPLETED


def test_a_receipt_is_made_into_text_only_where_somebody_asks() -> None:
    memory, job = Memory(), record()
    asked: list[int] = []
    memory.accept(job)
    lazy = Receipt(lambda: {"asked": asked.append(1)})
    memory.finish(ending(job.id)._replace(receipt=lazy))
    assert asked == []
    assert memory.find(job.id, "").receipt == '{"asked": null}'


def test_schemas_are_known_by_their_hash() -> None:
    memory = Memory()
    memory.journal.remember_schemas([("h", "say", "{}", "1.0")])
    assert memory.schema_seen("h") == "{}"
    assert memory.schema_seen("other") is None


def test_there_is_nothing_to_deliver_or_to_close() -> None:
    journal = MemoryJournal()
    journal.deliver()
    journal.close()
