"""`gombus token`, as a program of its own; and how `gombus send` shows a token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gombus.net import tokens
from programs import gombus, serve


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of tokens, not there yet."""
    return tmp_path / "tokens.json"


def test_a_token_is_shown_once_listed_and_revoked(file: Path) -> None:
    here = ("--tokens", str(file))
    made = gombus("token", "new", "--role", "operator", "--name", "cell 3", "--request", "say", *here)
    assert made.returncode == 0
    (kept,) = tokens.read(file)
    assert tokens.find([kept], made.stdout.strip()) == kept
    assert made.stderr.strip() == f"cell 3, role operator; kept as a hash in {file}"
    listed = gombus("token", "list", *here)
    assert listed.stdout.splitlines()[0].split() == ["ID", "NAME", "ROLE", "REQUEST", "TYPES", "CREATED"]
    assert listed.stdout.splitlines()[1].split() == [kept.id, "cell", "3", "operator", "say", kept.created]
    revoked = gombus("token", "revoke", "cell 3", *here)
    assert revoked.stdout.strip() == f"Revoked: cell 3 ({kept.id}), role operator."
    assert gombus("token", "list", *here).stdout.strip() == f"There are no tokens in {file}."


def test_the_same_as_json(file: Path) -> None:
    made = json.loads(gombus("token", "new", "--role", "admin", "--json", GOMBUS_TOKENS=str(file)).stdout)
    (kept,) = tokens.read(file)
    plain = {"id": kept.id, "name": kept.name, "role": "admin", "requests": None, "created": kept.created}
    assert {**plain, "token": made["token"], "file": str(file)} == made
    assert tokens.find([kept], made["token"]) == kept
    listed = gombus("token", "list", "--json", GOMBUS_TOKENS=str(file))
    assert json.loads(listed.stdout) == {"file": str(file), "tokens": [plain]}
    revoked = gombus("token", "revoke", kept.id, "--json", GOMBUS_TOKENS=str(file))
    assert json.loads(revoked.stdout) == {"file": str(file), "revoked": plain}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("new",), 2, "Missing option '--role'"),
        (("new", "--role", "boss"), 2, "is not one of 'viewer', 'operator', 'admin'"),
        (("new", "--role", "admin", "--request", "say"), 1, "can be chosen for the role operator alone"),
        (("revoke", "nobody"), 1, "there is no token with the id or name 'nobody'; see: gombus token list"),
        (("list", "--tokens", "off"), 1, "the setting tokens is off: choose a file with --tokens"),
    ],
)
def test_what_is_wrong_is_one_sentence(file: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = gombus("token", *arguments, GOMBUS_TOKENS=str(file))
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_needs_tokens_does_not_start_without_one(file: Path) -> None:
    done = gombus("serve", "--port", "0", "--auth", "required", "--tokens", str(file))
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"Error: {file}: has no token, and every client needs one: gombus token new --role admin"
    )


def test_send_shows_the_token_of_the_environment_or_of_a_file(file: Path, tmp_path: Path) -> None:
    text, _ = tokens.new(file, "admin")
    kept = tmp_path / "token.txt"
    kept.write_text(text + "\n", encoding="utf-8")
    with serve(GOMBUS_TOKENS=str(file)) as server:
        stranger = gombus("send", "--url", server.url, "say", "--word", "a")
        assert (stranger.returncode, stranger.stdout) == (2, "")
        assert "does not let this client in: A token is needed." in stranger.stderr
        for more in ({"GOMBUS_TOKEN": text}, {}):
            option = [] if more else ["--token-file", str(kept)]
            assert gombus("send", "say", "--word", "a", *option, GOMBUS_URL=server.url, **more).returncode == 0
            raw = gombus("send", *option, '{"say": {"word": "a"}}', GOMBUS_URL=server.url, **more)
            assert (raw.returncode, raw.stdout.strip()) == (0, "O.k.")


@pytest.mark.parametrize("content", [b"two tokens", b"\xff", "µ".encode()])
def test_a_file_with_something_else_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "token.txt"
    kept.write_bytes(content)
    done = gombus("send", "say", "--token-file", str(kept))
    assert done.returncode == 2
    assert f"--token-file {kept}" in done.stderr
    missing = gombus("send", "say", "--token-file", str(tmp_path / "none"))
    assert missing.returncode == 2
    assert "--token-file" in missing.stderr
