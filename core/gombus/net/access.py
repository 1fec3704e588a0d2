"""Who a client is: its token is looked up, wrong ones are counted, and revoked ones are noticed."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections import OrderedDict
from pathlib import Path

from ..config import Settings
from ..errors import TokenError
from ..model import ANYBODY, Identity
from . import tokens
from .tokens import Token

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often, in s, the file of tokens is looked at while clients are connected."""
MAX_WRONG = 10
WRONG_S = 60.0
"""So many wrong tokens from one address within so long, in s, and no more are looked at for as long."""
_MAX_COUNTED = 10_000
_NOTHING = (0, 0, 0)


class Access:
    """The tokens that a server knows. Belongs to the network thread.

    :param beyond_loopback: whether other computers can connect; then everybody needs a token.
    :raises TokenError: the file of tokens cannot be used, or the settings ask for tokens and there is none.
    """

    def __init__(self, settings: Settings, beyond_loopback: bool = False) -> None:
        self._path = tokens.tokens_path(settings)
        self._seen = _state(self._path)
        self._tokens: tuple[Token, ...] = () if self._path is None else tokens.read(self._path)
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._always = settings.auth == "required" or beyond_loopback
        self._ever = bool(self._tokens)
        if settings.auth == "required" and not self._tokens:
            where = "the setting tokens is off" if self._path is None else f"{self._path}: has no token"
            raise TokenError(f"{where}, and every client needs one: gombus token new --role admin")

    @property
    def has_tokens(self) -> bool:
        """Whether there is one."""
        return bool(self._tokens)

    @property
    def required(self) -> bool:
        """Whether every client needs a token: also after the last one was revoked, as long as the server runs."""
        return self._always or self._ever

    def identify(self, text: str | None, address: str) -> Identity | str:
        """Who shows this token.

        :param text: None where the client shows none.
        :param address: the client's IP address.
        :returns: who it is, or why it is not let in, as one sentence.
        """
        self.look()
        if text is None:
            return "A token is needed." if self.required else ANYBODY
        id = tokens.id_of(text)
        # Counted for each token by itself, so that nobody can keep others out who come from the same address; and
        # together for all that there are not, so that nobody can begin anew with another id.
        known = any(token.id == id for token in self._tokens)
        source = f"{_network(address)} {id if known else ''}"
        if self._held_off(source):
            return "Too many wrong tokens; try again later."
        token = tokens.find(self._tokens, text)
        if token is None:
            self._count(source)
            return "The token is wrong."
        self._wrong.pop(source, None)
        return token.identity

    def holds(self, identity: Identity) -> bool:
        """Whether this client may stay connected: its token is still there, and none is needed where it has none."""
        if not identity.token:
            return not self.required
        return any(token.identity == identity for token in self._tokens)

    def look(self) -> bool:
        """Read the tokens anew where their file was changed.

        :returns: whether they are others now. A file that cannot be used changes nothing, and is logged.
        """
        state = _state(self._path)
        if state == self._seen or self._path is None:
            return False
        self._seen = state
        before = self._tokens
        try:
            self._tokens = tokens.read(self._path)
        except TokenError as error:
            log.error("%s; the tokens that were known before stay in force", error)
            return False
        self._ever = self._ever or bool(self._tokens)
        log.info("the tokens were changed; there are %d now", len(self._tokens))
        return self._tokens != before

    def _held_off(self, source: str) -> bool:
        count, since = self._wrong.get(source, (0, 0.0))
        return count >= MAX_WRONG and time.monotonic() - since < WRONG_S

    def _count(self, source: str) -> None:
        now = time.monotonic()
        count, since = self._wrong.pop(source, (0, now))
        if now - since >= WRONG_S:
            count, since = 0, now
        count += 1
        if count >= MAX_WRONG:
            since = now
            log.warning("%d wrong tokens from %s; more are not looked at for %g s", count, source.split()[0], WRONG_S)
        self._wrong[source] = (count, since)
        while len(self._wrong) > _MAX_COUNTED:
            self._wrong.popitem(last=False)


def _state(path: Path | None) -> tuple[int, int, int]:
    """What changes when a file does."""
    if path is None:
        return _NOTHING
    try:
        status = path.stat()
    except OSError:
        return _NOTHING
    return status.st_mtime_ns, status.st_size, status.st_ino


def _network(address: str) -> str:
    """The address, or for IPv6 the network that one computer has to itself (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
