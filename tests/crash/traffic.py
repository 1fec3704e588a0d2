"""What the clients do while the server waits to be killed: each coroutine here is one client's way.

What it sends again it sends on its own connection or on another.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from functools import partial

from effects_plugin import LONG, LONG_MS
from ledger import Entry, Ledger
from wire import OTHER, TASK, WAIT, Ask, Client, Lost

IN_FLIGHT = 64
"""How many requests of one connection the server takes before it answers one."""


def sending(ledger: Ledger, entry: Entry, task: bool) -> Ask:
    """The request for a job, for the first time or again."""
    return Ask(
        TASK if task else WAIT,
        entry.request,
        entry.params(task),
        partial(ledger.answered, entry, entry.end is not None),
    )


def asking(ledger: Ledger, entry: Entry, by_key: bool = False) -> Ask:
    """The question after a job, by its id or by its key."""
    params = {"idempotencyKey": entry.key} if by_key else {"job": entry.job}
    return Ask(OTHER, "tasks/get", params, partial(ledger.looked_up, entry, entry.end is not None))


async def wave(clients: Sequence[Client], ledger: Ledger, rng: random.Random) -> None:
    """All clients are busy for a while.

    :raises Lost: the server was killed meanwhile.
    """
    ways = rng.choices(_WAYS, (3, 2, 5))[0].copy()
    if rng.random() < 0.5:
        ways.append(bursting)
    if rng.random() < 0.4:
        ways.append(importing)
    other = clients[-1]
    begun = [way(client, other, ledger, random.Random(rng.random())) for way, client in zip(ways, clients)]
    failures = [result for result in await asyncio.gather(*begun, return_exceptions=True) if result is not None]
    # A bug of the harness's own must not pass for a killed server.
    for failure in sorted(failures, key=lambda failure: isinstance(failure, Lost)):
        raise failure


async def tasks(client: Client, other: Client, ledger: Ledger, rng: random.Random) -> None:
    """Jobs that are acknowledged; some are sent again while they wait or run, and of some the state is asked."""
    for _ in range(rng.randint(2, 5)):
        entry = ledger.new(client, keyed=rng.random() < 0.7, work_ms=rng.randint(0, 4), refuse=rng.random() < 0.15)
        await client.ask(sending(ledger, entry, task=True))
        if entry.key and rng.random() < 0.6:
            await rng.choice((client, other)).ask(sending(ledger, entry, task=rng.random() < 0.5))
        else:
            await client.ask(asking(ledger, entry))


async def waiting(client: Client, other: Client, ledger: Ledger, rng: random.Random) -> None:
    """Jobs whose results are waited for; some are sent again when they have ended."""
    for _ in range(rng.randint(2, 5)):
        entry = ledger.new(client, keyed=rng.random() < 0.8, work_ms=rng.randint(0, 2), refuse=rng.random() < 0.15)
        await client.ask(sending(ledger, entry, task=False))
        if entry.key and rng.random() < 0.4:
            await client.ask(sending(ledger, entry, task=rng.random() < 0.5))


async def repeating(client: Client, other: Client, ledger: Ledger, rng: random.Random) -> None:
    """Each job is sent three times before the first answer, on one connection or on two."""
    for _ in range(rng.randint(1, 3)):
        second = rng.choice((client, other))
        entry = ledger.new(client if second is client else None, work_ms=rng.randint(0, 3))
        first, *again = (sending(ledger, entry, task) for task in rng.sample([True, False, True], 3))
        for answers in await asyncio.gather(client.ask_all([first]), second.ask_all(again), return_exceptions=True):
            if isinstance(answers, BaseException):
                raise answers


async def clashing(client: Client, other: Client, ledger: Ledger, rng: random.Random) -> None:
    """Keys are used for another payload, while their job waits or runs and when it has ended."""
    for _ in range(rng.randint(1, 2)):
        entry = ledger.new(client, work_ms=rng.randint(0, 3))
        both = [sending(ledger, entry, False), sending(ledger, ledger.other(entry), rng.random() < 0.5)]
        await client.ask_all(both)
        await client.ask(sending(ledger, ledger.other(entry), rng.random() < 0.5))


async def cancelling(client: Client, other: Client, ledger: Ledger, rng: random.Random) -> None:
    """A job that takes long, and behind it some that are cancelled."""
    first = ledger.new(client, work_ms=rng.randint(5, 15))
    keyed = [rng.random() < 0.7 for _ in range(rng.randint(1, 4))]
    behind = [ledger.new(client, each, work_ms=1, cancelling=True) for each in keyed]
    await client.ask_all(sending(ledger, entry, True) for entry in [first, *behind])
    await client.ask_all(
        Ask(OTHER, "tasks/cancel", {"job": entry.job}, partial(ledger.cancelled, entry)) for entry in behind
    )
    await client.ask(sending(ledger, first, False))


async def bursting(client: Client, other: Client, ledger: Ledger, rng: random.Random) -> None:
    """Many short jobs at once, so that they are marked as running together."""
    kinds = [(rng.random() < 0.5, rng.random() < 0.6) for _ in range(rng.randint(16, IN_FLIGHT))]
    asks = [sending(ledger, ledger.new(client, keyed), task) for task, keyed in kinds]
    await client.ask_all(asks, batch=rng.random() < 0.2)


async def importing(client: Client, other: Client, ledger: Ledger, rng: random.Random) -> None:
    """Jobs that are refused at once, because their files are missing, and then some that take long."""
    missing = [ledger.new(client, False, request=LONG, missing=True) for _ in range(rng.randint(24, 48))]
    await client.ask_all(sending(ledger, entry, False) for entry in missing)
    keyed = [rng.random() < 0.7 for _ in range(rng.randint(3, 5))]
    long = [ledger.new(client, each, request=LONG, work_ms=LONG_MS + rng.randint(0, 20)) for each in keyed]
    await client.ask_all(sending(ledger, entry, True) for entry in long)
    await client.ask_all(asking(ledger, entry) for entry in long)


_WAYS = [
    [bursting, bursting, waiting],
    [importing, importing],
    [tasks, waiting, repeating, clashing, cancelling],
]
"""What clients do at the same time."""
