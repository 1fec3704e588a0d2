"""Where INSPECT is: looked at before the gom client connects, because the client runs what it is sent (pickle)."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from ..errors import BackendUnavailable
from ..redaction import hide

ADDRESS = "TOM_PYTHON_API_URL"
"""The environment variable in which INSPECT, or the user, gives the address of INSPECT's API."""

_NETLOC = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{0,5})?", re.IGNORECASE)
_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
_KEYS = 4
_OTHERS = 8
"""How long a value of the address must be to be hidden. A shorter one may stand in any sentence by chance."""


def shown(address: str) -> str:
    """An address for people: without path, key and all else that may be secret; empty where it is none."""
    parts = _parts(address)
    return f"{parts.scheme}://{parts.netloc}" if parts else ""


def check(address: str, hosts: Collection[str]) -> None:
    """Refuse an INSPECT that is not on this computer. No name is looked up.

    :param hosts: names or addresses of further computers that are trusted.
    :raises BackendUnavailable: naming the host, and the setting that would allow it.
    """
    parts = _parts(address)
    if parts is None:
        raise BackendUnavailable(
            f"{ADDRESS} is no address of INSPECT; allowed: ws://host:port?apikey=…, with no user name before the host"
        )
    host = parts.hostname or ""
    if not _is_loopback(host) and host not in (name.strip("[]").lower() for name in hosts):
        raise BackendUnavailable(
            f"INSPECT at {host!r} is not used, because the gom client runs what it is sent from there; allowed: this "
            "computer (localhost), and the computers in the setting inspect_hosts"
        )


def hide_key(address: str) -> None:
    """Keep what is secret in an address out of logs and errors."""
    # All that could be one is taken, also out of an address that is refused.
    user = address.rpartition("@")[0].rpartition("/")[2]
    pairs = [f"key={user.partition(':')[2]}", *re.split("[?&#;]", address)[1:]]
    for pair in pairs:
        name, _, value = pair.partition("=")
        # As it stands there, and as a client decodes it.
        for form in (value, unquote(value), unquote_plus(value)):
            if len(form) >= (_KEYS if "key" in name.lower() else _OTHERS):
                hide(form)


@contextmanager
def only_for_gom(address: str) -> Iterator[None]:
    """Let the gom client see the address as it was checked, and nobody the key afterwards; `os.environ` is changed.

    The client would connect through a proxy, even to this computer, and hand it the key.
    """
    proxies = {name: os.environ.pop(name) for name in _PROXIES if name in os.environ}
    os.environ[ADDRESS] = address
    try:
        yield
    finally:
        os.environ.update(proxies)
        forget_key()


def forget_key() -> None:
    """Take INSPECT's key out of the environment that children inherit; the client keeps what it has read."""
    if ADDRESS in os.environ:
        os.environ[ADDRESS] = shown(os.environ[ADDRESS])


def _parts(address: str) -> SplitResult | None:
    # urllib drops line breaks and other readers do not; a host that is not ASCII means another one after its decoding.
    if not re.fullmatch(r"wss?://[!-~]+", address) or "\\" in address:
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    # With it no user name, and nothing between a bracket and the port.
    return parts if _NETLOC.fullmatch(parts.netloc) else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback if address.version == 4 else address == ipaddress.IPv6Address("::1")
