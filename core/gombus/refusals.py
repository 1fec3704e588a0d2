"""The one table of what a client is told of each refusal: its word, its JSON-RPC number, when, and what to do."""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

from .errors import (
    Busy,
    Cancelled,
    Conflict,
    FileUnreadable,
    FileUnsettled,
    Forbidden,
    GomRefused,
    InternalError,
    Interrupted,
    InvalidParams,
    InvalidRequest,
    MalformedMessage,
    NotReady,
    PathRefused,
    RecordedRefusal,
    Refusal,
    SchemaMismatch,
    ServerStopping,
    SpoolFailed,
    TimedOut,
    UnknownJob,
    UnknownRequest,
)
from .redaction import redacted

log = logging.getLogger(__name__)

MAX_DETAILS = 256 * 1024
"""How long an error's details may be, in characters of JSON text: every client is to be able to take them."""
MAX_WORDS = 16 * 1024
"""How long its message may be, and each of its details where they are too long together, in characters."""


class ErrorRow(NamedTuple):
    """One row of the table of refusals."""

    error: type[Refusal]
    code: str
    number: int
    """On the JSON-RPC wire; those from -32803 to -32800 are the Language Server Protocol's, with its meaning."""
    when: str
    remedy: str


ERRORS: tuple[ErrorRow, ...] = (
    ErrorRow(
        MalformedMessage,
        "malformed",
        -32700,
        "the message is no UTF-8, no JSON, or JSON with duplicate members, NaN, lone surrogates, or numbers or "
        "nesting beyond the limit",
        "mend the client's encoder",
    ),
    ErrorRow(
        InvalidRequest,
        "invalid_request",
        -32600,
        "the message is no JSON-RPC 2.0 request, its `_meta` is not what is allowed, or its batch is empty or too long",
        "mend the client as the sentence says",
    ),
    ErrorRow(
        UnknownRequest,
        "unknown_request",
        -32601,
        "no installed plugin serves a request type of this name",
        "see `gombus plugins` for what is served",
    ),
    ErrorRow(
        InvalidParams,
        "invalid_params",
        -32602,
        "a parameter is missing, or is not what the request type's schema allows",
        "correct what the message names",
    ),
    ErrorRow(
        PathRefused,
        "path_refused",
        -32602,
        "a path is a network or device path, climbs with '..', is no portable Windows path, "
        "or leads out of the folders in which files may lie",
        "send a plain path of the INSPECT computer, in a folder that the sentence names",
    ),
    ErrorRow(
        UnknownJob,
        "unknown_job",
        -32602,
        "no job has this id or this idempotency key, or the journal no longer keeps it",
        "check the id; if the request may have got lost, send it again with the same key",
    ),
    ErrorRow(
        SchemaMismatch,
        "schema_mismatch",
        -32803,
        "the request type's schema is not the one that the client was built for; nothing was run",
        "look at the difference, and build the client against the new schema",
    ),
    ErrorRow(
        Forbidden,
        "forbidden",
        -32803,
        "the client's token does not allow this method or request type; nothing was run",
        "use a token of the role that the message names",
    ),
    ErrorRow(
        Conflict,
        "conflict",
        -32803,
        "the idempotency key was used for another payload; nothing was run",
        "use a new key for a new request",
    ),
    ErrorRow(
        Busy,
        "busy",
        -32803,
        "as many requests wait or run as the limit allows; this one was not accepted",
        "wait, then send it again with the same key",
    ),
    ErrorRow(
        NotReady,
        "not_ready",
        -32803,
        "the journal cannot be written, or INSPECT is not there and the request has neither a task nor a key: it was "
        "not accepted; or the journal's record of the job is damaged",
        "tell whoever keeps the INSPECT computer; then send it again with the same key",
    ),
    ErrorRow(
        Refusal,
        "refused",
        -32803,
        "a plugin refused the request for a reason of its own, which the sentence says",
        "do what the sentence says",
    ),
    ErrorRow(
        FileUnreadable,
        "file_unreadable",
        -32803,
        "the file is missing, is no file or cannot be opened",
        "check that the file exists on the INSPECT computer, then send again",
    ),
    ErrorRow(
        FileUnsettled,
        "file_unsettled",
        -32803,
        "the file was still being written when the request's turn came, for longer than the server waits for it",
        "send it again when the file is complete",
    ),
    ErrorRow(
        SpoolFailed,
        "spool_failed",
        -32803,
        "the file could not be copied into the server's spool folder, for example because its disk is full",
        "tell whoever keeps the INSPECT computer; then send it again",
    ),
    ErrorRow(
        GomRefused,
        "gom_refused",
        -32803,
        "INSPECT refused the command, or the user pressed Esc in INSPECT",
        "read INSPECT's reason in the error's data or in the server's log",
    ),
    ErrorRow(
        TimedOut,
        "timeout",
        -32803,
        "the request overran its request type's time; its command may still be running, no other is begun meanwhile",
        "ask with `tasks/get` later: `late` says how it ended",
    ),
    ErrorRow(
        Interrupted,
        "interrupted",
        -32803,
        "the server was ended, or INSPECT was lost, while the request ran; whether it took effect is not known, and it "
        "is not run again",
        "look into INSPECT's project, then send it with a new key if it is missing",
    ),
    ErrorRow(
        Cancelled,
        "cancelled",
        -32800,
        "the request was cancelled before it was started, or an earlier one of its batch failed",
        "none",
    ),
    ErrorRow(
        ServerStopping,
        "stopping",
        -32802,
        "the server was told to stop before the request's turn came; it was not started",
        "where the data has `kept`, it runs after the restart: send it again with the same key to hear of it; "
        "else it was not accepted: send it again",
    ),
    ErrorRow(
        InternalError,
        "internal",
        -32603,
        "a bug in a plugin or in gombus",
        "send the server's log to the plugin's authors",
    ),
)

NUMBERS = {row.code: row.number for row in ERRORS}
_CODES = {row.error: row.code for row in ERRORS}


def code_of(error: Refusal) -> str:
    """The word for this refusal, from the table; a subclass that has no row takes its parent's."""
    if isinstance(error, RecordedRefusal):
        return error.code
    return next(_CODES[cls] for cls in type(error).__mro__ if cls in _CODES)


def error_object(error: Refusal) -> dict[str, Any]:
    """The refusal as a JSON-RPC error object; ``data.code`` is its word, beside its details."""
    code = code_of(error)
    return {"code": NUMBERS.get(code, -32803), "message": _cut(str(error)), "data": {"code": code, **_details(error)}}


def _details(error: Refusal) -> dict[str, Any]:
    # A plugin may have refusals of its own, and with them any details; a bug there must not keep it from being told.
    try:
        text = redacted(json.dumps(dict(error.details()), allow_nan=False))
        details: dict[str, Any] = json.loads(text)
    except Exception:
        log.exception("bug in the details of %s", type(error).__name__)
        return {}
    if len(text) > MAX_DETAILS:
        log.error("the details of %s are too long: cut, or left out", type(error).__name__)
        details = {name: _cut(value) if isinstance(value, str) else value for name, value in details.items()}
        details = {name: value for name, value in details.items() if len(json.dumps(value)) <= 8 * MAX_WORDS}
    # The word is the table's.
    details.pop("code", None)
    return details


def _cut(text: str) -> str:
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"


def recorded(value: dict[str, Any]) -> RecordedRefusal:
    """The refusal that `error_object` made this of."""
    details = dict(value["data"])
    return RecordedRefusal(details.pop("code"), value["message"], details)
