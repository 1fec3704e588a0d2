"""What the clients do after a restart: ask after their jobs, send them again, and wait until none is left."""

from __future__ import annotations

import random

from ledger import Entry, Ledger
from traffic import asking, sending
from wire import Client

_OLDER = 4
"""How many jobs that a client knows to have ended are looked at anew."""
_CLASHES = 2
"""How many used keys are tried with another payload."""


async def catch_up(client: Client, ledger: Ledger, rng: random.Random) -> None:
    """Bring the ledger up to date. Afterwards no job is left that has not ended.

    :raises Lost: the server was killed meanwhile.
    """
    left = [entry for entry in ledger.entries if not entry.settled]
    await _ask_after(client, ledger, left, rng)
    # In the order in which they were first sent, on one connection, so that their order is still the one to hold.
    again = [entry for entry in left if entry.key and not entry.unknown and rng.random() < 0.8]
    for entry in set(left).difference(again):
        # Where it is sent again after a further restart, its place is behind others.
        entry.source = None
    await client.ask_all(sending(ledger, entry, rng.random() < 0.4) for entry in again)
    # Jobs are run in the order of their acceptance: when this one has ended, all have.
    await client.ask(sending(ledger, ledger.new(client, False), task=False))
    await client.ask_all(asking(ledger, entry) for entry in left if entry.job)
    await _look_back(client, ledger, rng)
    for entry in ledger.entries:
        entry.settled = True


async def _ask_after(client: Client, ledger: Ledger, left: list[Entry], rng: random.Random) -> None:
    """Known jobs by their ids and keys, and some by keys of which nobody knows whether they were accepted."""
    asks = [asking(ledger, entry) for entry in left if entry.job]
    asked = [entry for entry in left if entry.key and (entry.job or rng.random() < 0.4)]
    await client.ask_all([*asks, *(asking(ledger, entry, by_key=True) for entry in asked)])
    for entry in asked:
        if entry.unknown and rng.random() < 0.7:
            # It is sent again after all.
            entry.unknown = False


async def _look_back(client: Client, ledger: Ledger, rng: random.Random) -> None:
    """What ended long ago has not changed, and its key is still taken."""
    ended = [entry for entry in ledger.entries if entry.end is not None and entry.key and not entry.conflicts]
    asks = []
    for entry in rng.sample(ended, min(_OLDER, len(ended))):
        asks += [asking(ledger, entry), asking(ledger, entry, by_key=True), sending(ledger, entry, rng.random() < 0.5)]
    for entry in rng.sample(ended, min(_CLASHES, len(ended))):
        asks.append(sending(ledger, ledger.other(entry), rng.random() < 0.5))
    await client.ask_all(asks)
