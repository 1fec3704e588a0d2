"""The file of tokens."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from gombus.config import Settings
from gombus.errors import TokenError
from gombus.model import ADMIN, OPERATOR, ROLES, VIEWER, Identity
from gombus.net import tokens

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no mode of files")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is not there yet, in a folder that is not there yet."""
    return tmp_path / "state" / "tokens.json"


def test_without_a_file_there_are_none(file: Path) -> None:
    assert tokens.read(file) == ()


def test_what_is_kept_is_not_the_token(file: Path) -> None:
    text, token = tokens.new(file, OPERATOR, "robot cell 3", ["image", "elements"])
    assert tokens.read(file) == (token,)
    assert tokens.id_of(text) == token.id
    assert text.split("_", 2)[2] not in file.read_text(encoding="utf-8")
    assert token.identity == Identity("robot cell 3", OPERATOR, frozenset({"image", "elements"}), token.id)
    assert tokens.find([token], text) == token


@pytest.mark.parametrize("role", ROLES)
def test_without_a_name_it_is_named_after_its_role(file: Path, role: str) -> None:
    _, token = tokens.new(file, role)
    assert token.name == f"{role}-{token.id}"
    assert token.identity == Identity(token.name, role, None, token.id)


@posix
def test_the_file_is_for_its_owner_alone(file: Path) -> None:
    old = os.umask(0)
    try:
        tokens.new(file, VIEWER)
        tokens.new(file, VIEWER)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    tokens.new(file, ADMIN)
    file.chmod(mode)
    with pytest.raises(TokenError, match="others than its owner can read it: chmod 600"):
        tokens.read(file)
    with pytest.raises(TokenError, match="others than its owner can read it"):
        tokens.new(file, ADMIN)
    assert not file.with_name("tokens.json.new").exists()


def test_only_the_whole_text_finds_it(file: Path) -> None:
    text, token = tokens.new(file, ADMIN)
    other, _ = tokens.new(file, ADMIN)
    kept = tokens.read(file)
    assert tokens.find(kept, text) == token
    for wrong in (
        "",
        text[:-1],
        text + "x",
        text.upper(),
        " " + text,
        token.sha256,
        token.id,
        f"gombus_{token.id}_{other[16:]}",
        "\ud800",
    ):
        assert tokens.find(kept, wrong) is None


@pytest.mark.parametrize(
    "text", ["", "gombus_", "gombus_0123abcd_", "x", "gombus_0123ABCD_" + "a" * 43, "gombus_0123abcd_" + "a" * 44]
)
def test_what_is_no_token_has_no_id(text: str) -> None:
    assert tokens.id_of(text) == ""


@pytest.mark.parametrize("which", ["id", "name"])
def test_a_revoked_one_is_gone_and_the_others_stay(file: Path, which: str) -> None:
    kept = [tokens.new(file, OPERATOR, name)[1] for name in ("a", "b", "c")]
    assert tokens.revoke(file, getattr(kept[1], which)) == kept[1]
    assert tokens.read(file) == (kept[0], kept[2])


def test_one_that_is_not_there_cannot_be_revoked(file: Path) -> None:
    _, token = tokens.new(file, OPERATOR, "a")
    with pytest.raises(TokenError, match="there is no token with the id or name 'b'; see: gombus token list"):
        tokens.revoke(file, "b")
    assert tokens.read(file) == (token,)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("boss",), "role 'boss' is not allowed; allowed: viewer, operator, admin"),
        ((OPERATOR, "a"), "there is a token named 'a' already"),
        ((OPERATOR, "-x"), "name '-x' is not allowed; allowed: letters"),
        ((OPERATOR, "a\nb"), "is not allowed; allowed: letters"),
        ((OPERATOR, "n" * 65), "is not allowed; allowed: letters"),
        ((ADMIN, "b", ["image"]), "request types can be chosen for the role operator alone"),
    ],
)
def test_what_is_not_allowed_is_named_and_nothing_is_lost(file: Path, arguments: tuple[str, ...], reason: str) -> None:
    _, first = tokens.new(file, OPERATOR, "a")
    with pytest.raises(TokenError, match=reason):
        tokens.new(file, *arguments)  # type: ignore[arg-type]  # on purpose
    assert tokens.read(file) == (first,)


def test_there_is_an_end_to_how_many(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 2)
    for _ in range(2):
        tokens.new(file, VIEWER)
    with pytest.raises(TokenError, match="has 2 tokens, which is the most: revoke some"):
        tokens.new(file, VIEWER)
    assert len(tokens.read(file)) == 2


def test_two_programs_do_not_change_it_at_once(file: Path) -> None:
    _, first = tokens.new(file, VIEWER)
    beside = file.with_name("tokens.json.new")
    beside.touch()
    with pytest.raises(TokenError, match="is there already: another gombus changes the tokens, or delete it"):
        tokens.new(file, VIEWER)
    assert tokens.read(file) == (first,)
    assert beside.exists()


TOKEN = {"id": "0123abcd", "name": "a", "role": "viewer", "requests": None, "created": "", "sha256": "0" * 64}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "tokens": []}',
        '{"version": 1}',
        '{"version": 1, "tokens": [5]}',
        json.dumps({"version": 1, "tokens": [{**TOKEN, "role": "boss"}]}),
        json.dumps({"version": 1, "tokens": [{**TOKEN, "sha256": "short"}]}),
        json.dumps({"version": 1, "tokens": [{**TOKEN, "name": 5}]}),
        json.dumps({"version": 1, "tokens": [{**TOKEN, "more": 5}]}),
        "[" * 100_000,
    ],
    ids=lambda content: content[:40],
)
def test_what_is_no_file_of_tokens_is_refused_by_name(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(TokenError, match=r"tokens\.json: is no file of tokens: .*choose another with --tokens"):
        tokens.read(file)


def test_where_they_are_is_a_setting(tmp_path: Path) -> None:
    assert tokens.tokens_path(Settings(tokens=str(tmp_path / "t"))) == tmp_path / "t"
    assert tokens.tokens_path(Settings(tokens="off")) is None
    auto = tokens.tokens_path(Settings())
    assert auto is not None
    assert (auto.parent.name, auto.name) == ("gombus", "tokens.json")
