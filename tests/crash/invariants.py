"""Compares what clients were told with what the journal, the receipt log and the effects say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from effects_plugin import BEGIN, END, LONG
from ledger import (
    AHEAD,
    CONFLICT,
    EFFECTS,
    LOST,
    NO_EFFECT,
    ORDER,
    RECEIPTS,
    SERVER,
    TWICE,
    UNTOLD,
    Entry,
    Ledger,
    Violation,
)

from gombus import receiptlog
from gombus.ahead import MAX_AHEAD
from gombus.journal.reading import reading
from gombus.model import CANCELLED, COMPLETED, ENDED, FAILED, INTERRUPTED, QUEUED, RUNNING, Record

_EFFECTS = {COMPLETED: ((1, 1),), FAILED: ((1, 0), (0, 0)), CANCELLED: ((0, 0),), INTERRUPTED: ((0, 0), (1, 0), (1, 1))}
"""State -> how often the effect may have been begun and finished."""


class Found(NamedTuple):
    """What a server left in its folder; read while it has nothing to do."""

    records: dict[int, list[Record]]
    """Number of the job -> its records, all in the order of acceptance."""
    begun: list[int]
    """Numbers of the jobs whose effects were begun, in their order."""
    finished: Counter[int]
    receipts: dict[str, list[dict[str, Any]]]
    """Id of the job -> its lines in the receipt log."""
    problems: list[str]
    """What the journal and the receipt log say is wrong with themselves."""


def read(folder: Path) -> Found:
    """Read everything."""
    journal, log = folder / "journal.sqlite3", folder / "receipts.jsonl"
    records: dict[int, list[Record]] = {}
    with reading(journal) as reader:
        for record in reader.all_jobs():
            records.setdefault(json.loads(record.params)["number"], []).append(record)
        problems = list(reader.problems())
        verdict = receiptlog.verify(log, reader.head)
    if verdict.what:
        problems.append(f"receipt log: line {verdict.line} {verdict.what}")
    receipts: dict[str, list[dict[str, Any]]] = {}
    for receipt in receiptlog.read(log):
        receipts.setdefault(receipt["job"], []).append(receipt)
    effects = [line.split() for line in (folder / "effects.txt").read_text(encoding="ascii").splitlines()]
    begun = [int(number) for word, number in effects if word == BEGIN]
    return Found(records, begun, Counter(int(number) for word, number in effects if word == END), receipts, problems)


def check(ledger: Ledger, found: Found) -> Iterator[Violation]:
    """All promises, for all jobs of a journal.

    :param ledger: brought up to date: every job has ended.
    """
    for problem in found.problems:
        yield Violation(RECEIPTS, problem)
    begun = Counter(found.begun)
    for entry in ledger.entries:
        effects = begun[entry.number], found.finished[entry.number]
        if max(effects) > 1:
            yield Violation(TWICE, f"the command of {entry} was begun {effects[0]} times, finished {effects[1]} times")
        records = found.records.get(entry.number, [])
        if len(records) > 1:
            yield Violation(TWICE, f"{entry} has {len(records)} jobs: {', '.join(record.id for record in records)}")
        if records:
            yield from _kept(entry, records[0], effects, found.receipts)
        else:
            yield from _not_kept(entry, effects)
    for number in found.records.keys() - {entry.number for entry in ledger.entries}:
        yield Violation(UNTOLD, f"the journal has a job {number} that nobody sent")
    yield from _in_order(ledger, found)
    for entries in _interrupted(ledger, found):
        if len(entries) > MAX_AHEAD or (len(entries) > 1 and any(entry.request == LONG for entry in entries)):
            yield Violation(AHEAD, f"one kill interrupted {len(entries)} jobs: {', '.join(map(str, entries))}")


def most_not_begun(ledger: Ledger, found: Found) -> tuple[int, int]:
    """Of the jobs that one kill interrupted: how many had not come to their effect, and how long those would have
    taken together, in ms; of each the most that any kill has to show for itself."""
    begun = set(found.begun)
    left = [[entry for entry in entries if entry.number not in begun] for entries in _interrupted(ledger, found)]
    times_ms = (sum(entry.work_ms for entry in entries) for entries in left)
    return max(map(len, left), default=0), max(times_ms, default=0)


def open_jobs(folder: Path) -> tuple[int, int]:
    """How many jobs are queued, and how many run, as a journal says that no server has open."""
    with reading(folder / "journal.sqlite3") as reader:
        counts = reader.counts()
    return counts[QUEUED], counts[RUNNING]


def _not_kept(entry: Entry, effects: tuple[int, int]) -> Iterator[Violation]:
    if entry.acknowledged:
        yield Violation(LOST, f"{entry} was acknowledged, and the journal does not have it")
    if effects != (0, 0):
        which = CONFLICT if entry.conflicts else UNTOLD
        yield Violation(which, f"the journal does not have {entry}, and its effect was begun")


def _kept(
    entry: Entry, record: Record, effects: tuple[int, int], receipts: Mapping[str, list[dict[str, Any]]]
) -> Iterator[Violation]:
    if entry.conflicts:
        yield Violation(CONFLICT, f"the journal has {entry}, another payload of a used key")
    if entry.unknown:
        yield Violation(UNTOLD, f"{entry} was said not to be there, and the journal has it")
    if record.state not in ENDED:
        yield Violation(LOST, f"{entry} has not ended: it is {record.state}")
        return
    if entry.job not in ("", record.id):
        yield Violation(TWICE, f"{entry} has a second id {record.id}")
    if effects not in _EFFECTS[record.state]:
        which = EFFECTS if record.state == COMPLETED else NO_EFFECT
        text = f"{entry} is {record.state}; its effect was begun {effects[0]} times and finished {effects[1]} times"
        yield Violation(which, text)
    receipt = json.loads(record.receipt or "{}")
    code = receipt.get("error", {}).get("data", {}).get("code")
    expected = {FAILED: _failure(entry, effects), CANCELLED: "cancelled" if entry.cancelling else None}
    if code != expected.get(record.state, code):
        yield Violation(SERVER, f"{entry} is {record.state}, which nobody asked for: {receipt}")
    lines = receipts.get(record.id, [])
    if len(lines) != (record.state != CANCELLED) or any(line != receipt for line in lines):
        yield Violation(RECEIPTS, f"{entry}, {record.state}: the journal has {receipt}, the receipt log {lines}")
    if entry.end is not None:
        status, facts = entry.end
        if status != record.state or (facts != receipt if status == COMPLETED else facts["data"]["code"] != code):
            yield Violation(LOST, f"{entry} was told to be {entry.end}, and the journal has {receipt}")


def _interrupted(ledger: Ledger, found: Found) -> Iterator[list[Entry]]:
    """The jobs that each kill interrupted."""
    by_end: dict[float | None, list[Entry]] = {}
    for entry in ledger.entries:
        for record in found.records.get(entry.number, []):
            # All that one restart finds running end at the same instant.
            if record.state == INTERRUPTED:
                by_end.setdefault(record.finished, []).append(entry)
    yield from by_end.values()


def _failure(entry: Entry, effects: tuple[int, int]) -> str | None:
    """The code with which a job fails as it was told to."""
    if entry.missing:
        return "file_unreadable" if effects == (0, 0) else None
    return "gom_refused" if entry.refuse and effects == (1, 0) else None


def _in_order(ledger: Ledger, found: Found) -> Iterator[Violation]:
    places = {number: place for place, number in enumerate(found.records)}
    last_begun = -1
    for number in found.begun:
        place = places.get(number, last_begun)
        if place < last_begun:
            yield Violation(ORDER, f"job {number} was accepted before the one after which it was begun")
        last_begun = max(place, last_begun)
    last: dict[object, int] = {}
    for entry in ledger.entries:
        place = places.get(entry.number, -1)
        if place >= 0 and entry.source is not None:
            if place < last.get(entry.source, -1):
                yield Violation(ORDER, f"{entry} was accepted before one that its connection had sent earlier")
            last[entry.source] = place
