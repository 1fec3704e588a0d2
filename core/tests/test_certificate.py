"""The server's certificate: what is wrong with one, and taking a new one while clients are served."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from websockets.sync.client import connect

from certificates import der, made, write
from gombus.errors import CannotListen
from gombus.net.certificate import Certificate
from support import WAIT_S, Serving, dial, request, serving

OLD, NEW = made(1), made(2)


def load(settings: dict[str, str]) -> Certificate:
    return Certificate(settings["tls_certificate"], settings["tls_key"])


def test_old_versions_of_tls_are_not_spoken(tmp_path: Path) -> None:
    context = load(write(tmp_path)).context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.num_tickets == 0
    # Clients show no certificate.
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_a_file_that_is_missing_is_named(missing: str, tmp_path: Path) -> None:
    settings = write(tmp_path)
    path = tmp_path / f"{missing}.pem"
    path.unlink()
    with pytest.raises(CannotListen) as caught:
        load(settings)
    assert str(caught.value).startswith(f"tls_{missing}: {path} cannot be read: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    settings = write(tmp_path)
    with pytest.raises(CannotListen, match=r"^tls_key: .* cannot be read: "):
        load({**settings, "tls_key": str(tmp_path)})


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    settings = write(tmp_path)
    (tmp_path / "key.pem").write_bytes(NEW.key)
    with pytest.raises(CannotListen, match=r"the key does not belong to the certificate$"):
        load(settings)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    settings = write(tmp_path)
    key = serialization.load_pem_private_key(OLD.key, None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "key.pem").write_bytes(encrypted)
    with pytest.raises(CannotListen, match=r"^tls_key: .*key\.pem is encrypted; allowed: a key without password$"):
        load(settings)


@pytest.mark.parametrize("content", [b"", b"\x30\x82\x00", b"-----BEGIN CERTIFICATE-----\nx\n", OLD.key])
def test_what_holds_no_certificate_is_refused(content: bytes, tmp_path: Path) -> None:
    settings = write(tmp_path)
    (tmp_path / "certificate.pem").write_bytes(content)
    with pytest.raises(CannotListen, match=r"they hold no certificate and no private key in PEM$"):
        load(settings)


def test_a_file_that_vanishes_while_it_is_read_is_an_error_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def vanished(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    settings = write(tmp_path)
    certificate = load(settings)
    before = certificate.context()
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", vanished)
    put(tmp_path / "key.pem", NEW.key)
    assert certificate.context() is before
    assert "the certificate stays as it was: " in caplog.text


def put(path: Path, data: bytes) -> None:
    """Replace a file as `gombus tls self-signed --force` does."""
    written = path.with_suffix(".new")
    written.write_bytes(data)
    written.replace(path)


def shown(server: Serving) -> bytes | None:
    """The certificate that a new client sees."""
    trusting_all = ssl.create_default_context()
    trusting_all.check_hostname, trusting_all.verify_mode = False, ssl.CERT_NONE
    with connect(server.url, proxy=None, ssl=trusting_all) as client:
        client.send('{"say": {}}')
        assert client.recv(WAIT_S) == "O.k."
        seen: bytes | None = client.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]  # it has TLS
        return seen


def test_new_files_are_taken_by_the_next_client_and_the_others_go_on(tmp_path: Path) -> None:
    with serving(request(), **write(tmp_path, OLD)) as server, connect(server.url, proxy=None, **server.tls) as before:
        assert shown(server) == der(OLD)
        put(tmp_path / "certificate.pem", NEW.certificate)
        put(tmp_path / "key.pem", NEW.key)
        assert shown(server) == der(NEW)
        before.send('{"say": {}}')
        assert before.recv(WAIT_S) == "O.k."
        with dial(server) as trusting_the_new_one:
            assert trusting_the_new_one.getpeercert()  # type: ignore[attr-defined]  # it has TLS


def test_new_files_that_do_not_fit_are_logged_once_and_the_old_ones_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(request(), **write(tmp_path, OLD)) as server:
        # As it is between the writing of the one and the other.
        put(tmp_path / "certificate.pem", NEW.certificate)
        assert shown(server) == shown(server) == der(OLD)
        assert caplog.text.count("the certificate stays as it was: ") == 1
        assert "the key does not belong to the certificate" in caplog.text
        (tmp_path / "key.pem").unlink()
        assert shown(server) == shown(server) == der(OLD)
        assert caplog.text.count("the certificate stays as it was: ") == 2
        put(tmp_path / "key.pem", NEW.key)
        assert shown(server) == der(NEW)


def test_files_that_stay_are_read_once(tmp_path: Path) -> None:
    certificate = load(write(tmp_path))
    assert certificate.context() is certificate.context()
