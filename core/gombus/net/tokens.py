"""The file of tokens: who may connect, and in which role. It keeps hashes alone, and is for its owner alone."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..config import OFF, Settings
from ..errors import TokenError
from ..evidence import iso
from ..model import OPERATOR, ROLES, Identity

MAX_TOKENS = 1000
_TOKEN = re.compile(r"gombus_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")
_VERSION = 1


class Token(NamedTuple):
    """One token, without its secret."""

    id: str
    """Eight hexadecimal digits, which are a part of the token itself."""
    name: str
    role: str
    requests: tuple[str, ...] | None
    """The request types that it is for; None means all."""
    created: str
    """ISO 8601, UTC."""
    sha256: str
    """Of the token's text. It is 256 bits of chance, so a slow hash would protect no better."""

    @property
    def identity(self) -> Identity:
        """Who shows it."""
        requests = None if self.requests is None else frozenset(self.requests)
        return Identity(self.name, self.role, requests, self.id)


def tokens_path(settings: Settings) -> Path | None:
    """Where the tokens are kept; None where there are to be none."""
    if settings.tokens == OFF:
        return None
    if settings.tokens != "auto":
        return Path(settings.tokens)
    import platformdirs

    return platformdirs.user_state_path("gombus", appauthor=False) / "tokens.json"


def id_of(text: str) -> str:
    """The id in a token's text; empty where it is none."""
    match = _TOKEN.fullmatch(text)
    return match[1] if match else ""


def find(tokens: Sequence[Token], text: str) -> Token | None:
    """The token of this text. It takes as long for a wrong one as for a right one."""
    digest = _digest(text)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, digest):
            found = token
    return found


def read(path: Path) -> tuple[Token, ...]:
    """All tokens; none where there is no file.

    :raises TokenError: the file is none of tokens, cannot be read, or others than its owner can read it.
    """
    try:
        with open(path, encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            # Windows has no such mode; there the folder of the user's own keeps others out.
            if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
                raise TokenError(f"{path}: others than its owner can read it: chmod 600 {path}")
            return tuple(_token(members) for members in _members(json.load(file)))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise TokenError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TokenError(
            f"{path}: is no file of tokens: {error}: move it away, or choose another with --tokens"
        ) from error


def new(path: Path, role: str, name: str = "", requests: Sequence[str] | None = None) -> tuple[str, Token]:
    """Make a token.

    :param name: of who will show it; empty makes one of the role and the id.
    :param requests: the request types that it is for; None means all that its role allows.
    :returns: its text, which is kept nowhere, and what is kept.
    :raises TokenError: the file cannot be used, or the name is taken or not allowed.
    """
    if role not in ROLES:
        raise TokenError(f"role {role!r} is not allowed; allowed: {', '.join(ROLES)}")
    if requests is not None and role != OPERATOR:
        raise TokenError(f"request types can be chosen for the role {OPERATOR} alone")
    with _changing(path) as tokens:
        id = secrets.token_hex(4)
        name = name or f"{role}-{id}"
        if not _NAME.fullmatch(name):
            raise TokenError(
                f"name {name!r} is not allowed; allowed: letters, digits, '.', '_', '-' and spaces, up to 64"
            )
        if any(token.name == name or token.id == id for token in tokens):
            raise TokenError(f"there is a token named {name!r} already; choose another name, or revoke it")
        if len(tokens) >= MAX_TOKENS:
            raise TokenError(f"{path}: has {MAX_TOKENS} tokens, which is the most: revoke some")
        text = f"gombus_{id}_{secrets.token_urlsafe(32)}"
        kept = None if requests is None else tuple(requests)
        token = Token(id, name, role, kept, iso(time.time()), _digest(text))
        tokens.append(token)
    return text, token


def revoke(path: Path, which: str) -> Token:
    """Take a token back; clients that show it are cut off within seconds.

    :param which: its id or its name.
    :raises TokenError: there is none, or the file cannot be used.
    """
    with _changing(path) as tokens:
        for token in tokens:
            if which in (token.id, token.name):
                tokens.remove(token)
                return token
        raise TokenError(f"there is no token with the id or name {which!r}; see: gombus token list")


@contextmanager
def _changing(path: Path) -> Iterator[list[Token]]:
    """The tokens, to be changed. The file is replaced as a whole; where the block fails, it stays as it was."""
    beside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made anew, so two programs cannot change the tokens at the same time.
        opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise TokenError(f"{beside}: is there already: another gombus changes the tokens, or delete it") from None
    except OSError as error:
        raise TokenError(f"{beside}: cannot be written: {error.strerror}") from error
    try:
        with open(opened, "w", encoding="utf-8") as file:
            tokens = list(read(path))
            yield tokens
            rows = [token._asdict() for token in tokens]
            json.dump({"version": _VERSION, "tokens": rows}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException as error:
        beside.unlink()
        if isinstance(error, OSError):
            raise TokenError(f"{path}: cannot be written: {error.strerror}") from error
        raise


def _members(value: Any) -> list[Any]:
    if value["version"] != _VERSION:
        raise ValueError(f"its version is {value['version']!r}; allowed: {_VERSION}")
    members: list[Any] = value["tokens"]
    return members


def _token(members: Mapping[str, Any]) -> Token:
    token = Token(**members)
    requests = token.requests
    if token.role not in ROLES or not re.fullmatch("[0-9a-f]{64}", token.sha256) or not isinstance(token.name, str):
        raise ValueError(f"token {token.id!r} is not as gombus writes it")
    return token if requests is None else token._replace(requests=tuple(str(name) for name in requests))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
