"""A certificate that vouches for itself, for a test bench: who is given it trusts it, and nobody else does."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cryptography import x509

_NAME = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_SKEW = timedelta(days=1)
"""The certificate is valid from this long ago, because clients' clocks may be slow."""


class SelfSigned(NamedTuple):
    """What was made."""

    certificate: bytes
    """PEM."""
    key: bytes
    """PEM (PKCS #8), without a password."""
    expires: datetime
    sha256: str
    """Fingerprint of the certificate, as browsers show it."""


def is_name(text: str) -> bool:
    """Whether a certificate may be made for this: an IP address, or a name of ASCII letters, digits and ``-_``."""
    return _address(text) is not None or (len(text) <= 253 and _NAME.fullmatch(text) is not None)


def make(names: Sequence[str], days: int) -> SelfSigned:
    """Make a key (NIST P-256) and a certificate for it.

    :param names: names and IP addresses of the server, at least one; each must be one that `is_name` takes.
    :param days: for how many days it is valid.
    :raises ImportError: the package cryptography is not installed.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    # Clients look at the names below. A common name may be no longer than this.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = datetime.now(timezone.utc)
    expires = (now + timedelta(days=days)).replace(microsecond=0)
    usages = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(expires)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usages), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    return SelfSigned(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        expires,
        certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
    )


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509

    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
