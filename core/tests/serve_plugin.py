"""A plugin for servers that tests start as programs of their own: a backend, and a command that waits for the test."""

from __future__ import annotations

import os
import socket
from typing import Any

from support import WatchingBackend, WatchingGom, plugin, request, stop_request


def hold(params: Any, context: Any) -> None:
    """Tell the test, on the port that it listens on, that the command runs; go on when it closes the connection."""
    with socket.create_connection(("127.0.0.1", int(os.environ["TEST_PORT"]))) as test:
        test.recv(1)
    context.gom.script.test.say(word="held")


_candidate = plugin(
    request(),
    request("hold", hold),
    stop_request(),
    backends={"watching": lambda call_each: WatchingBackend(WatchingGom())},
)
gombus_requests = _candidate.load().gombus_requests
gombus_backends = _candidate.load().gombus_backends
