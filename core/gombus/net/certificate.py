"""The server's certificate and key: read at start, and again whenever their files change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from ..errors import CannotListen

log = logging.getLogger(__name__)

_REASONS = {
    "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
    "EE_KEY_TOO_SMALL": "the certificate's key is too short to be safe",
    "CA_MD_TOO_WEAK": "the certificate is signed with a digest that is not safe",
}
"""What OpenSSL's words mean; where there are none for it, the files hold no PEM of the kind that is needed."""


class _Encrypted(Exception):
    """The key asks for a password."""


class Certificate:
    """A certificate with its key, as files in PEM.

    :raises CannotListen: they cannot be used; the message says which file, and why.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._certificate = certificate
        self._key = key
        self._stamps = self._look()
        self._context = _read(certificate, key)

    def context(self) -> ssl.SSLContext:
        """What the next client is served with. Where the files changed they are read again; a pair that cannot be used
        is logged once, and the one before it stays in force."""
        stamps = self._look()
        if stamps != self._stamps:
            # Kept before reading: what changes meanwhile is seen next time.
            self._stamps = stamps
            try:
                self._context = _read(self._certificate, self._key)
            except CannotListen as error:
                log.error("the certificate stays as it was: %s", error)
            else:
                log.info("read the certificate again: %s", self._certificate)
        return self._context

    def _look(self) -> tuple[object, ...]:
        return _stamp(self._certificate), _stamp(self._key)


def _stamp(path: str) -> object:
    try:
        seen = Path(path).stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _read(certificate: str, key: str) -> ssl.SSLContext:
    for name, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            # ssl does not say which of the two it could not read.
            raise CannotListen(f"{name}: {path} cannot be read: {error.strerror}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client could have the server compute for nothing.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # Tickets come after the handshake, while a client writes its first bytes. One that reads on another thread, as
    # websockets' blocking one does, then breaks its connection now and then on older Pythons (seen on 3.9).
    context.num_tickets = 0
    try:
        # Without a function OpenSSL asks for the password on the terminal, and waits.
        context.load_cert_chain(certificate, key, _refuse)
    except _Encrypted:
        raise CannotListen(f"tls_key: {key} is encrypted; allowed: a key without password") from None
    except ssl.SSLError as error:
        reason = _REASONS.get(error.reason or "", "they hold no certificate and no private key in PEM")
        raise CannotListen(f"tls_certificate {certificate}, tls_key {key}: {reason}") from error
    except OSError as error:
        raise CannotListen(f"tls_certificate {certificate}, tls_key {key}: {error.strerror}") from error
    return context


def _refuse() -> str:
    raise _Encrypted
