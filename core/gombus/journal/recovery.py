"""What becomes, at the start of a server, of the jobs that were open when the last one ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Callable

from ..model import ENDED, INTERRUPTED, RUNNING, Record
from ..receipt import Receipt
from . import Ending


def left_over(
    jobs: Iterable[Record], logged: Iterable[Mapping[str, Any]], interrupted: Callable[[Record], str], now: float
) -> tuple[list[Ending], list[tuple[str, Receipt]]]:
    """How jobs ended that the journal has as open.

    A receipt that reached the receipt log, but not the journal, says how its job ended. What else ran is interrupted.

    :param jobs: those that the journal has as queued or running.
    :param logged: the receipts that stand in the receipt log beyond what the journal knows.
    :param interrupted: makes the receipt (JSON text) of a job; its record has state and end already.
    :param now: seconds since 1970 (UTC).
    :returns: the endings, and late receipts, each with the id of its job.
    """
    left = {record.id: record for record in jobs}
    endings: list[Ending] = []
    late: list[tuple[str, Receipt]] = []
    for members in logged:
        id, state, receipt = str(members.get("job")), members.get("state"), Receipt.kept(json.dumps(members))
        if state not in ENDED:
            continue
        record = left.pop(id, None)
        if record is None:
            late.append((id, receipt))
        else:
            finished = _seconds(members.get("finished"), now)
            endings.append(Ending(id, str(state), record.started, finished, receipt, ran=False))
    for record in left.values():
        if record.state == RUNNING:
            text = interrupted(record._replace(state=INTERRUPTED, finished=now))
            endings.append(Ending(record.id, INTERRUPTED, record.started, now, Receipt.kept(text), ran=True))
    return endings, late


def _seconds(text: Any, otherwise: float) -> float:
    with suppress(ValueError):
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    return otherwise
