"""`gombus tls self-signed`: the files, and that server and client take them."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
from pathlib import Path

import pytest

from gombus.config import load
from programs import gombus, serve


def self_signed(folder: Path, *more: str, **environ: str) -> tuple[int, str, str]:
    done = gombus("tls", "self-signed", "--certificate", str(folder / "c.pem"), *more, **environ)
    return done.returncode, done.stdout, done.stderr


def test_what_it_prints_is_what_a_server_and_a_client_need(tmp_path: Path) -> None:
    code, printed, _ = self_signed(tmp_path)
    assert code == 0
    settings = tmp_path / "gombus.toml"
    settings.write_text(printed.partition("For gombus.toml:")[2], encoding="utf-8")
    assert load(file=str(settings), environ={}).tls_key == (tmp_path / "key.pem").as_posix()
    certificate = str(tmp_path / "c.pem")
    with serve("--config", str(settings)) as program:
        url = program.url
        assert url.startswith("wss://localhost:")
        untrusting = gombus("send", "say", "--url", url)
        assert untrusting.returncode == 2
        assert re.search("shows no certificate that this computer trusts: self.signed certificate", untrusting.stderr)
        assert "--ca or GOMBUS_CA" in untrusting.stderr
        assert gombus("send", "say", "--word", "x", "--url", url, "--ca", certificate).returncode == 0
        assert gombus("send", "say", f"--url={url}", f"--ca={certificate}").returncode == 0
        assert gombus("send", '{"say": {}}', "--url", url, GOMBUS_CA=certificate).stdout == "O.k.\n"
        missing = gombus("send", "say", "--url", url, "--ca", str(tmp_path / "none.pem"))
        assert missing.returncode == 2
        assert "none.pem cannot be used: No such file" in missing.stderr
        gombus("send", "quit", "--url", url, GOMBUS_CA=certificate)
        assert program.end()[0] == 0


def test_for_scripts(tmp_path: Path) -> None:
    code, printed, _ = self_signed(tmp_path, "--name", "inspect-pc", "--name", "192.168.0.10", "--days", "7", "--json")
    assert code == 0
    made = json.loads(printed)
    assert made["names"] == ["inspect-pc", "192.168.0.10"]
    assert made["certificate"] == (tmp_path / "c.pem").as_posix()
    assert made["key"] == (tmp_path / "key.pem").as_posix()
    assert re.fullmatch("([0-9A-F]{2}:){31}[0-9A-F]{2}", made["sha256"])
    assert made["expires"].endswith("+00:00")


def test_by_default_it_is_for_this_computer(tmp_path: Path) -> None:
    _, printed, _ = self_signed(tmp_path, "--json")
    assert json.loads(printed)["names"] == [socket.gethostname(), "localhost", "127.0.0.1", "::1"]


@pytest.mark.skipif(os.name != "posix", reason="on Windows the folder says who may read it")
def test_the_key_is_its_owner_s_alone_also_where_it_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("old")
    (tmp_path / "key.pem").chmod(0o666)
    assert self_signed(tmp_path, "--force")[0] == 0
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.pem", "key.pem"]


@pytest.mark.parametrize("there", ["c.pem", "key.pem"])
def test_what_is_there_is_not_replaced_unasked(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("old")
    code, _, said = self_signed(tmp_path)
    assert code == 1
    assert f"{there} is there already; --force replaces it" in said
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there, "old")]


def test_the_files_may_be_named_and_their_folders_are_made(tmp_path: Path) -> None:
    key = tmp_path / "secret" / "k.pem"
    assert self_signed(tmp_path / "public", "--key", str(key))[0] == 0
    assert key.is_file()
    assert (tmp_path / "public" / "c.pem").is_file()


def test_by_default_they_are_in_the_state_folder(tmp_path: Path) -> None:
    done = gombus("tls", "self-signed", "--json", XDG_STATE_HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path))
    assert done.returncode == 0
    made = json.loads(done.stdout)
    if os.name == "posix" and "Library" not in made["key"]:
        assert made["key"] == (tmp_path / "gombus" / "key.pem").as_posix()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--name", "a b"), 2, "'a b' is no host name"),
        (("--name", "größe"), 2, "is no host name"),
        (("--days", "0"), 2, "0 is not in the range"),
        (("--key", "c.pem", "--certificate", "c.pem"), 2, "--certificate and --key name the same file"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    more: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    done = gombus("tls", "self-signed", *more, cwd=tmp_path)
    assert done.returncode == code
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, _, said = self_signed(tmp_path / "file")
    assert code == 1
    assert "Error: cannot write " in said


def test_without_the_library_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "path" / "cryptography").mkdir(parents=True)
    (tmp_path / "path" / "cryptography" / "__init__.py").write_text("raise ImportError('none')\n")
    code, _, said = self_signed(tmp_path / "out", PYTHONPATH=str(tmp_path / "path"))
    assert code == 1
    assert "this needs the package cryptography (none): python -m pip install gombus[tls]" in said
    assert not (tmp_path / "out").exists()
