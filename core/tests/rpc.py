"""What the tests of the structured wire share: a client that sends JSON-RPC messages and sorts what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Protocol

import pytest
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gombus.wire.jsonrpc import SUBPROTOCOL
from support import WAIT_S

PROGRESS = "notifications/progress"
STATUS = "notifications/tasks/status"

_WORDS = st.sampled_from(["jsonrpc", "2.0", "method", "say", "quit", "params", "id", "_meta", "task", "haltOnFailure"])
_TEXTS = _WORDS | st.text(max_size=5)
_NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXTS
VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4), max_leaves=12
)
"""JSON values as the strict reader gives them."""

_MEMBERS = {"jsonrpc": st.just("2.0"), "method": _TEXTS, "id": _SCALARS, "params": VALUES}
REQUESTS = st.fixed_dictionaries({}, optional=_MEMBERS) | st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.sampled_from(["say", "quit"])}, optional={"id": _SCALARS, "params": VALUES}
)
"""What looks like a request, or nearly."""


class Served(Protocol):
    """A server that runs."""

    @property
    def url(self) -> str:
        """Where it listens."""


def message(method: str, params: Any = None, id: Any = None, **meta: Any) -> dict[str, Any]:
    """A request, or, without an id, a notification. What is named beyond `id` is its ``_meta``."""
    value: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None or meta:
        value["params"] = {**(params or {}), "_meta": meta} if meta else params
    return value if id is None else {**value, "id": id}


class Rpc:
    """One connection. Answers are found by their id, notifications are kept in their order."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.notified: list[tuple[str, dict[str, Any]]] = []
        """Method and parameters of each notification that was read."""
        self._answers: dict[Any, dict[str, Any]] = {}
        self._last = 0

    def send(self, method: str, params: Any = None, **meta: Any) -> int:
        """Send a request, and give its id."""
        self._last += 1
        self.put(message(method, params, self._last, **meta))
        return self._last

    def put(self, value: Any) -> None:
        """Send any JSON value."""
        self.connection.send(json.dumps(value))

    def read(self) -> Any:
        """The next message, whatever it is."""
        return json.loads(self.connection.recv(WAIT_S))

    def answer(self, id: Any) -> dict[str, Any]:
        """The answer to a request; what comes before it is kept."""
        self.until(lambda: id in self._answers)
        return self._answers.pop(id)

    def result(self, id: Any) -> Any:
        """The result of a request that must have succeeded."""
        answer = self.answer(id)
        assert "result" in answer, answer
        return answer["result"]

    def error(self, id: Any) -> dict[str, Any]:
        """The error object of a request that must have failed."""
        answer = self.answer(id)
        assert "error" in answer, answer
        error: dict[str, Any] = answer["error"]
        return error

    def call(self, method: str, params: Any = None, **meta: Any) -> Any:
        """Send a request and give its result."""
        return self.result(self.send(method, params, **meta))

    def refused(self, method: str, params: Any = None, **meta: Any) -> dict[str, Any]:
        """Send a request and give its error object."""
        return self.error(self.send(method, params, **meta))

    def notifications(self, method: str, count: int) -> list[dict[str, Any]]:
        """Wait for so many notifications, and give the parameters of all that came by this name."""
        self.until(lambda: sum(1 for name, _ in self.notified if name == method) >= count)
        return [params for name, params in self.notified if name == method]

    def ended(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many tasks have ended, and give them in that order."""

        def told() -> list[dict[str, Any]]:
            return [task for name, task in self.notified if name == STATUS and task["status"] != "working"]

        self.until(lambda: len(told()) >= count)
        return told()

    def until_closed(self) -> None:
        """Read until the server has closed the connection."""
        with pytest.raises(ConnectionClosed):
            self.until(lambda: False)

    def until(self, reached: Callable[[], bool]) -> None:
        """Read until something is so."""
        while not reached():
            value = self.read()
            if "method" in value:
                self.notified.append((value["method"], value["params"]))
            else:
                self._answers.update(
                    (answer["id"], answer) for answer in (value if isinstance(value, list) else [value])
                )


@contextmanager
def rpc(server: Served, structured: bool = True) -> Iterator[Rpc]:
    """A client of a server.

    :param structured: whether it negotiates the subprotocol.
    """
    subprotocols: Any = [SUBPROTOCOL] if structured else None
    with connect(server.url, proxy=None, subprotocols=subprotocols) as connection:
        assert connection.subprotocol == (SUBPROTOCOL if structured else None)
        yield Rpc(connection)
