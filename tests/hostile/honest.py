"""The honest client: status calls all the time, now and then an import over a new connection; each must be answered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

STATUS, PING, CONNECT, TASK, IMPORT = "status", "ping", "connect", "task", "import"
TRIPS = {
    STATUS: "`server/info`, `server/stats`",
    PING: "ping",
    CONNECT: "connecting, with its handshake",
    TASK: "`tasks/get` of an import of its own",
    IMPORT: "import of an image or elements",
}
JUDGED = (STATUS, PING, CONNECT)
"""What nobody may delay. Others wait in the queue for imports, or in that of the journal."""
EVERY_S = 0.02
"""Time between two status calls, in s."""
IMPORT_EVERY_S = 1.0
"""Time between an import's answer and the next import, in s."""
_CALLS = ("server/info", "server/stats", "", "server/info", "tasks/get")
"""What is asked in turn; an empty one is a ping."""
_ROUNDS = 5
"""After so many times of that it connects anew."""
WAIT_S = 30.0
"""How long an answer is waited for, in s."""
_STILL_S = 0.05
"""From this length on, in s, it is noted that this process itself was kept from running."""


class Trip(NamedTuple):
    """One round trip; times in s."""

    what: str
    begin: float
    took: float

    @property
    def end(self) -> float:
        """When the answer was there."""
        return self.begin + self.took


class Clock(threading.Thread):
    """Notes when this process is kept from running, by waking up again and again."""

    def __init__(self) -> None:
        super().__init__(name="clock", daemon=True)
        self.worst = 0.0
        self._over = threading.Event()
        self._stills: list[tuple[float, float]] = []

    def run(self) -> None:
        tick = 0.01
        before = time.monotonic()
        while not self._over.wait(tick):
            now = time.monotonic()
            late = now - before - tick
            self.worst = max(self.worst, late)
            if late > _STILL_S:
                self._stills.append((before + tick, now))
            before = now

    def still(self, begin: float, end: float) -> float:
        """For how long of this time it was, in s."""
        return sum(max(0.0, min(end, until) - max(begin, since)) for since, until in self._stills)

    def stop(self) -> None:
        """Stop noting."""
        self._over.set()
        self.join()


class Honest:
    """The client, with two threads.

    :param files: an image and elements that it imports.
    """

    def __init__(self, url: str, files: Sequence[Path]) -> None:
        self.trips: list[Trip] = []
        self.wrong: list[str] = []
        """Answers that were none or not right, and connections that were refused."""
        self.busy = 0
        """Imports that were told to come again later."""
        self.clock = Clock()
        self._url = url
        self._image, self._elements = map(str, files)
        self._job = ""
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._while(self._status), name="status"),
            threading.Thread(target=self._while(self._imports), name="imports"),
        ]

    def start(self) -> None:
        """Begin."""
        self.clock.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after the answers that are waited for."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.clock.stop()

    def _while(self, work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            while not self._over.is_set():
                try:
                    work()
                except (OSError, WebSocketException, TimeoutError) as error:
                    self.wrong.append(f"{type(error).__name__}: {error}")
                    self._over.wait(1.0)

        return run

    def _status(self) -> None:
        with self._open(structured=True) as connection:
            for number, method in enumerate(_CALLS * _ROUNDS):
                begin = time.monotonic()
                if not method:
                    right, answer = connection.ping().wait(WAIT_S), None
                    self._note(PING, begin)
                elif method != "tasks/get" or self._job:
                    connection.send(_request(number, method, {"job": self._job} if method == "tasks/get" else {}))
                    answer = json.loads(connection.recv(WAIT_S))
                    self._note(TASK if method == "tasks/get" else STATUS, begin)
                    right = answer["id"] == number and _is_right(method, answer.get("result", {}))
                if not right:
                    self.wrong.append(f"{method or 'a ping'} was answered {answer}")
                if self._over.wait(EVERY_S):
                    return

    def _imports(self) -> None:
        for structured in (True, False):
            with self._open(structured) as connection:
                for name, params in (
                    ("image", {"file": self._image, "name": "honest", "focal_length": "50"}),
                    ("elements", {"file": self._elements, "import_mode": "clipboard"}),
                ):
                    begin = time.monotonic()
                    connection.send(_request(1, name, params) if structured else json.dumps({name: params}))
                    answer = str(connection.recv(WAIT_S))
                    self._note(IMPORT, begin)
                    self._judge(answer, structured)
                    if self._over.wait(IMPORT_EVERY_S):
                        return

    def _judge(self, answer: str, structured: bool) -> None:
        if structured:
            read = json.loads(answer)
            done = read.get("result", {}).get("state") == "completed"
            if done:
                self._job = read["result"]["job"]
            busy = read.get("error", {}).get("data", {}).get("code") == "busy"
        else:
            done, busy = answer == "O.k.", answer.startswith("Error: The queue is full")
        self.busy += busy
        if not (done or busy):
            self.wrong.append(f"an import was answered {answer}")

    def _open(self, structured: bool) -> ClientConnection:
        begin = time.monotonic()
        connection = connect(
            self._url,
            subprotocols=["gombus.v1.json"] if structured else None,  # type: ignore[list-item]  # a plain string is one
            compression=None,
            proxy=None,
            ping_interval=None,
            max_size=None,
            open_timeout=WAIT_S,
        )
        self._note(CONNECT, begin)
        return connection

    def _note(self, what: str, begin: float) -> None:
        self.trips.append(Trip(what, begin, time.monotonic() - begin))


def _request(id: int, method: str, params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


def _is_right(method: str, result: dict[str, Any]) -> bool:
    if method == "tasks/get":
        return result.get("status") == "completed"
    return result.get("state") == "ready" or "queue" in result
