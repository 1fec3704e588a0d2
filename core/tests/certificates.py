"""Certificates for tests: of this computer, and made once for all of them."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

from gombus.net.selfsigned import SelfSigned, make

NAMES = ("localhost", "127.0.0.1", "::1")


@cache
def made(number: int = 1, names: tuple[str, ...] = NAMES) -> SelfSigned:
    """The same for the same number."""
    return make(names, 30)


def write(folder: Path, pair: SelfSigned | None = None) -> dict[str, str]:
    """Write certificate and key into a folder; gives the settings that name them."""
    pair = pair or made()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    return {"tls_certificate": str(certificate), "tls_key": str(key)}


def trusting(certificate: str) -> ssl.SSLContext:
    """What a client needs that trusts this file and nothing else."""
    return ssl.create_default_context(cafile=certificate)


def der(pair: SelfSigned) -> bytes:
    """The certificate as clients see it."""
    return ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
