"""What both JSON-RPC clients agree on about connections: how they are opened, and how long a lost one is missed."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException

from ..wire.jsonrpc import SUBPROTOCOL
from .messages import Unreachable

MAX_SIZE = 16 * 1024 * 1024
"""Longest message that a client takes, in bytes."""
_OPTIONS: dict[str, Any] = {
    "subprotocols": [SUBPROTOCOL],
    "compression": None,
    # A proxy of the environment would be asked for localhost, too.
    "proxy": None,
    "ping_interval": None,
    # In seconds: a server that is gone does not answer a close frame.
    "close_timeout": 2.0,
    "max_size": MAX_SIZE,
    # The server cuts clients that do not read; what a client has no time for yet waits here.
    "max_queue": None,
}
FAILURES = (OSError, ValueError, WebSocketException)
"""What `connect` raises where no server can be reached."""

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0


TOO_LONG = 1009
"""Close code of whoever was sent more than it takes (RFC 6455 section 7.4.1)."""
REFUSED = 1008
"""Close code of a server that does not let a client in."""


def _tls(url: str, ca: str | None) -> dict[str, Any]:
    if not url.lower().startswith("wss:"):
        return {}
    try:
        return {"ssl": ssl.create_default_context(cafile=ca)}
    except OSError as error:
        # ssl's own errors name no file, and say little of it.
        reason = "it holds no certificates in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise Unreachable(f"the certificates in {ca} cannot be used: {reason}") from error


def check_trust(url: str, ca: str | None, error: Exception) -> None:
    """Refuse a server whose certificate is not trusted; another attempt would find the same.

    :raises Unreachable: the error is about that; the message says why, and what to do.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        trusted = "this computer trusts" if ca is None else f"the certificates in {ca} vouch for"
        raise Unreachable(
            f"the server at {url} shows no certificate that {trusted}: {error.verify_message}; "
            "name a file with the right one: ca, --ca or GOMBUS_CA"
        ) from error


class Lost(Unreachable):
    """There is no connection now; another attempt may find one."""


def options(url: str, token: str | None, ca: str | None) -> dict[str, Any]:
    """For `connect` of websockets, blocking or not; the parameters are those of `credentials`."""
    return {**_OPTIONS, **credentials(url, token, ca)}


def credentials(url: str, token: str | None, ca: str | None) -> dict[str, Any]:
    """The part of it that says who the client is, and whom it trusts.

    :param token: says who the client is; None where the server needs none.
    :param ca: PEM file with the certificates that are trusted; None trusts those that this computer trusts.
    :raises Unreachable: the file cannot be used.
    """
    headers = {"additional_headers": {"Authorization": f"Bearer {token}"}} if token else {}
    return {**headers, **_tls(url, ca)}


def ended(url: str, error: ConnectionClosed) -> Unreachable:
    """What the end of a connection means: it is lost, the server does not let this client in, or what was said is too
    long for one of both ends.

    The latter two are for good, because the same would be said again.
    """
    if error.rcvd is not None and error.rcvd.code == REFUSED:
        return Unreachable(f"the server at {url} does not let this client in: {error.rcvd.reason}")
    if error.sent is not None and error.sent.code == TOO_LONG and not error.rcvd_then_sent:
        return TooLong(f"an answer of {url} is longer than a client takes ({MAX_SIZE // 2**20} MiB)")
    if error.rcvd is not None and error.rcvd.code == TOO_LONG:
        return TooLong(f"a request is longer than {url} takes")
    return Lost(f"the connection to {url} ended before the answer: {error}")


class TooLong(Unreachable):
    """Client and server cannot exchange this request and its answer, because one of both is too long."""

    final = True


def check_subprotocol(url: str, agreed: str | None) -> None:
    """Refuse a server that did not take up JSON-RPC in the handshake.

    :raises Unreachable: saying so.
    """
    if agreed != SUBPROTOCOL:
        raise Unreachable(
            f"the server at {url} does not speak JSON-RPC ({SUBPROTOCOL}): it is an older gombus, the example App, "
            "or something else"
        )


def pauses() -> Iterator[float]:
    """Seconds to wait before each next attempt, doubling up to a second."""
    pause = FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_S)


class Outage:
    """How long the server has been away.

    :param limit_s: longest that is borne, in seconds; None means any time.
    """

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._since: float | None = None
        self._pauses: Iterator[float]

    def pause(self, now: float, lived_s: float = 0.0) -> float | None:
        """Seconds to wait before the next attempt; None where it has lasted too long.

        :param now: seconds on any clock that does not jump.
        :param lived_s: how long the connection that was lost had lived. One that did not live for long does not end
            an outage, so that a server which dies of a request is not asked for ever.
        """
        if self._since is None or lived_s >= LONGEST_PAUSE_S:
            self._since, self._pauses = now, pauses()
        pause = next(self._pauses)
        if self._limit_s is None:
            return pause
        left = self._since + self._limit_s - now
        return min(pause, left) if left > 0 else None


class TimeUp(Exception):
    """The time that a caller allows has passed."""


class Until:
    """The end of the time that a caller allows.

    :param limit_s: seconds from now; None means for ever.
    """

    def __init__(self, limit_s: float | None) -> None:
        self.limit_s = limit_s
        self._end = None if limit_s is None else time.monotonic() + limit_s

    @property
    def left_s(self) -> float | None:
        """Seconds that are left, none of them below 0; None where there is no end."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether none is left."""
        return self.left_s == 0

    def cut(self, seconds: float) -> float:
        """So many seconds, or those that are left.

        :raises TimeUp: none are.
        """
        if self.passed:
            raise TimeUp
        return self.sooner(seconds).limit_s or 0.0

    def sooner(self, seconds: float | None) -> Until:
        """This, or so many seconds from now if that is not None, whichever comes first."""
        left = self.left_s
        return Until(left if seconds is None else seconds if left is None else min(seconds, left))
