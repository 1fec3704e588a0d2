"""The process of the hostile clients, a thread each.

    python attackers.py PORT SECONDS SEED IMAGE ELEMENTS KIND...

It ends after that time, or when its standard input ends, and prints what became of each kind as one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from contextlib import suppress

import psutil
from kinds import KINDS, Attacker
from link import Gone, Over, Tally


def _attack(kind: str, me: Attacker) -> None:
    with suppress(Over):
        while not me.over.is_set():
            try:
                link = me.link(KINDS[kind].deaf)
                try:
                    KINDS[kind].run(me, link)
                finally:
                    # What it sent and the server has not read would go on without it.
                    link.close(reset=me.over.is_set())
            except Gone:
                me.pause(0.01)


def main() -> None:
    """Attack."""
    port, seconds, seed, image, elements, *kinds = sys.argv[1:]
    # Whoever measures is on the same core, and is not to wait for these.
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), name="orders", daemon=True).start()
    clients = []
    for number, kind in enumerate(kinds):
        me = Attacker(int(port), Tally(), over, random.Random(f"{seed}/{number}"), image, elements)
        thread = threading.Thread(target=_attack, args=(kind, me), name=f"{kind}-{number}")
        clients.append((kind, me.tally, thread))
        thread.start()
    over.wait(float(seconds))
    over.set()
    tallies: dict[str, Tally] = {}
    for kind, tally, thread in clients:
        thread.join()
        tallies.setdefault(kind, Tally()).add(tally)
    print(json.dumps({kind: tally.plain() for kind, tally in tallies.items()}), flush=True)
    # The thread that waits for orders would keep the interpreter from ending cleanly.
    os._exit(0)


if __name__ == "__main__":
    main()
