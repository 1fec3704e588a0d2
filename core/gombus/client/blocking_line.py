"""The connection of a blocking client, which is resumed where it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from .messages import UNMET, Answer, Ask, Notification, Progress, RequestFailed, Unreachable, keys_of, open_job, read
from .opening import FAILURES, Lost, Outage, TimeUp, Until, check_subprotocol, check_trust, ended, options

SLICE_S = 0.5
"""Longest wait at a stretch, in seconds: on Windows a thread that waits does not notice Ctrl-C."""


class BlockingLine:
    """One connection at a time to one server, for one thread at a time. The parameters are those of `Client`."""

    def __init__(
        self,
        url: str,
        reconnect_s: float | None,
        open_timeout_s: float,
        token: str | None = None,
        ca: str | None = None,
    ) -> None:
        self._url = url
        self._ca = ca
        self._reconnect_s = reconnect_s
        self._open_timeout_s = open_timeout_s
        self._token = token
        self._connection: Connection | None = None
        self._stack = ExitStack()
        self._opened = 0.0
        self._keys = UNMET
        self._first_scope = ""
        self._told: set[str] = set()
        self._lock = threading.Lock()

    @property
    def restarted(self) -> bool:
        """Whether the server has become one to which earlier jobs and keys mean nothing."""
        return self._keys.scope != self._first_scope

    @property
    def forgets(self) -> bool:
        """Whether idempotency keys mean nothing to a server that is started in place of this one."""
        return self._keys.forgets

    def tells(self, job: str) -> bool:
        """Whether the server will say over this connection when the job has ended."""
        return job in self._told

    def open(self) -> None:
        """Connect, if it is not.

        :raises Unreachable: there is no gombus server.
        """
        with self._turn():
            self._connected(Until(None))

    def close(self) -> None:
        """Close the connection, if there is one."""
        self._connection = None
        # A server tells only the connection that asked.
        self._told.clear()
        self._stack.close()

    def ask(self, ask: Ask, until: Until) -> Any:
        """Send, and wait for the answer; where the connection is lost, resume it and send again.

        :returns: the result.
        :raises RequestFailed: the answer is an error.
        :raises OutcomeUnknown: what was sent may have been run, and no answer can be had.
        :raises Unreachable: there is no answer, and nothing was run.
        """
        outage = Outage(self._reconnect_s)
        patience: Until | None = None
        pause: float | None = 0.0
        with self._turn():
            while pause is not None:
                reason: Exception
                lived_s = 0.0
                try:
                    time.sleep(until.cut(pause))
                    return self._exchange(self._connected(until), ask, until)
                except TimeUp:
                    raise ask.overdue(self._url, until.limit_s) from None
                except Lost as lost:
                    if self._keys is UNMET or not ask.resumable:
                        raise ask.given_up(lost) from lost.__cause__
                    reason = lost
                    if self._connection is not None:
                        lived_s = time.monotonic() - self._opened
                except Unreachable as odd:
                    self.close()
                    raise ask.given_up(odd) from None
                except RequestFailed as failed:
                    if failed.code != "stopping" or not ask.resumable:
                        raise
                    ask.stopped(failed, self._keys.forgets)
                    patience = patience or until.sooner(self._reconnect_s)
                    if not self._ends(patience):
                        raise
                    reason = failed
                pause = outage.pause(time.monotonic(), lived_s)
        raise ask.given_up(reason)

    def watch(self, job: str, until: Until) -> None:
        """Wait until the server says that the job has ended, until the connection is lost, or until the time is up."""
        ended = ""
        with self._turn(), suppress(TimeUp):
            try:
                while self._connection is not None and ended != job:
                    message = self._read(self._connection, until)
                    ended = message.ended_job if isinstance(message, Notification) else ""
            except Lost:
                time.sleep(until.left_s or 0.0)

    def _ends(self, until: Until) -> bool:
        """Wait for the connection's end: what is sent to a server that stops may get lost."""
        try:
            while self._connection is not None:
                self._read(self._connection, until)
        except TimeUp:
            return False
        except Lost:
            pass
        return True

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this Client is in use, by another thread or by the call whose progress this is")
        try:
            yield
        finally:
            self._lock.release()

    def _connected(self, until: Until) -> Connection:
        """The open connection, or a new one to a server that speaks JSON-RPC."""
        if self._connection is not None and self._connection.state is State.OPEN:
            return self._connection
        self.close()
        until = until.sooner(self._open_timeout_s)
        reach = options(self._url, self._token, self._ca)
        with ExitStack() as stack:
            try:
                connection: Connection = stack.enter_context(connect(self._url, open_timeout=until.left_s, **reach))
            except FAILURES as error:
                check_trust(self._url, self._ca, error)
                raise Lost(f"no gombus server at {self._url}: {error}") from error
            check_subprotocol(self._url, connection.subprotocol)
            try:
                keys = keys_of(self._url, self._exchange(connection, Ask("server/info"), until))
            except (TimeUp, RequestFailed) as error:
                reason = str(error) or "it accepts, and does not answer"
                raise Lost(f"no gombus server at {self._url}: {reason}") from None
            self._stack = stack.pop_all()
        self._keys, self._first_scope = keys, self._first_scope or keys.scope
        self._connection, self._opened = connection, time.monotonic()
        return connection

    def _exchange(self, connection: Connection, ask: Ask, until: Until) -> Any:
        """Send, and read until it is answered."""
        text = ask.sending(self._keys)
        try:
            connection.send(text)
        except ConnectionClosed as error:
            raise ended(self._url, error) from error
        while True:
            message = self._read(connection, until)
            if isinstance(message, Notification):
                if ask.on_progress is not None and message.progress_of == ask.number:
                    ask.on_progress(Progress.of(message.params))
            elif message.number == ask.number:
                if message.error is not None:
                    raise message.error
                if ask.task:
                    self._told |= {open_job(message.result)} - {""}
                return message.result

    def _read(self, connection: Connection, until: Until) -> Answer | Notification:
        while True:
            try:
                message = read(self._url, connection.recv(until.cut(SLICE_S)))
            except TimeoutError:
                continue
            except ConnectionClosed as error:
                raise ended(self._url, error) from error
            if isinstance(message, Notification):
                self._told.discard(message.ended_job)
            return message
