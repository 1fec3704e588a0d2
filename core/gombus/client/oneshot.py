"""A client for the legacy wire: one text out, one text back."""

from __future__ import annotations

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from .messages import Unreachable
from .opening import FAILURES, MAX_SIZE, check_trust, credentials, ended

URL = "ws://localhost:40010"


def request(
    url: str, message: str, timeout: float | None = None, token: str | None = None, ca: str | None = None
) -> str:
    """Send one message over a connection of its own and wait for the answer.

    :param url: such as ``ws://localhost:40010``.
    :param timeout: longest wait for the answer in seconds; None waits as long as the connection lives.
    :param token: says who the client is, where the server asks for it.
    :param ca: PEM file with the certificates to trust at ``wss://`` addresses; None trusts what this computer trusts.
    :raises Unreachable: no answer came; the message says why.
    """
    reach = credentials(url, token, ca)
    try:
        # A proxy of the environment would be asked for localhost, too.
        with connect(url, compression=None, proxy=None, ping_interval=None, max_size=MAX_SIZE, **reach) as connection:
            connection.send(message)
            answer = connection.recv(timeout)
    except TimeoutError as error:
        if timeout is None:
            raise Unreachable(f"no gombus server at {url}: {error}") from error
        raise Unreachable(f"no answer from {url} within {timeout:g} s; the request may still be carried out") from None
    except ConnectionClosed as error:
        raise ended(url, error) from error
    except FAILURES as error:
        check_trust(url, ca, error)
        raise Unreachable(f"no gombus server at {url}: {error}") from error
    return answer if isinstance(answer, str) else answer.decode("utf-8", "replace")
