"""Certificates that vouch for themselves."""

from __future__ import annotations

import hashlib
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509

from certificates import der, write
from gombus.net.selfsigned import SelfSigned, is_name, make


@pytest.mark.parametrize(
    "name",
    ["inspect-pc", "INSPECT_PC", "a.example.org", "*.example.org", "1", "127.0.0.1", "::1", "fe80::1", "a" * 63],
)
def test_these_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "a..b", "a.", "-\n", "größe", "a b", "a/b", "a:b", "1.2.3.4:5", "*", "a.*.b", "a" * 64, "a." * 127],
)
def test_these_are_none(name: str) -> None:
    assert not is_name(name)


def test_what_it_says() -> None:
    made = make(("inspect-pc", "192.168.0.10", "::1"), 30)
    certificate = x509.load_pem_x509_certificate(made.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["inspect-pc"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["192.168.0.10", "::1"]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.issuer == certificate.subject
    assert made.expires - datetime.now(timezone.utc) < timedelta(days=30)
    assert made.sha256.replace(":", "").lower() == hashlib.sha256(der(made)).hexdigest()
    assert b"ENCRYPTED" not in made.key


def test_every_key_is_its_own() -> None:
    one, other = make(("a",), 1), make(("a",), 1)
    assert one.key != other.key
    assert one.sha256 != other.sha256


@pytest.mark.parametrize(
    ("names", "asked", "trusted"),
    [
        (("inspect-pc",), "inspect-pc", True),
        (("inspect-pc",), "INSPECT-PC", True),
        (("inspect-pc",), "other-pc", False),
        (("*.example.org",), "a.example.org", True),
        (("127.0.0.1", "localhost"), "127.0.0.1", True),
        (("localhost",), "127.0.0.1", False),
        (("x" * 63 + "." + "y" * 63,), "x" * 63 + "." + "y" * 63, True),
    ],
)
def test_a_client_that_has_it_trusts_it_for_its_names_alone(
    names: tuple[str, ...], asked: str, trusted: bool, tmp_path: Path
) -> None:
    made = make(names, 30)
    # The strictest that OpenSSL has, as Python 3.13 sets it.
    context = ssl.create_default_context(cadata=made.certificate.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert _agrees(context, made, asked, tmp_path) is trusted
    another = ssl.create_default_context(cadata=make(names, 30).certificate.decode())
    assert not _agrees(another, made, asked, tmp_path)


def _agrees(context: ssl.SSLContext, made: SelfSigned, asked: str, folder: Path) -> bool:
    """Whether a client with this context agrees on TLS with a server that has the certificate."""
    settings = write(folder, made)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(settings["tls_certificate"], settings["tls_key"])
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname=asked)
    server = serving.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
    return True
