"""All exceptions of gombus, and the one table that gives each refusal its code.

GombusError
├── Refusal                  a client is answered with it; a handler may raise it as it is
│   ├── MalformedMessage
│   ├── UnknownRequest
│   ├── InvalidParams
│   │   └── PathRefused
│   ├── FileUnreadable
│   ├── GomRefused
│   ├── ServerStopping
│   └── InternalError
├── CommandNotDeclared       a plugin's handler used gom beyond what its request type declares
├── PluginError              a plugin cannot be used; the others serve
├── SettingsError            a setting is unknown or ill-typed
├── BackendUnavailable       INSPECT, or what stands for it, cannot be used
└── CannotListen             the address is taken or not allowed
"""

from __future__ import annotations

from typing import NamedTuple


class GombusError(Exception):
    """Base of every exception that gombus raises on purpose."""


class Refusal(GombusError):
    """Base of what a client is answered with; ``str(error)`` is one plain sentence."""


class MalformedMessage(Refusal):
    """The message is no JSON, or JSON that different readers would understand differently.

    :param reason: one sentence.
    :param pointer: JSON Pointer (RFC 6901) to the value that is refused; empty where none can be named.
    """

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(reason)
        self.pointer = pointer


class UnknownRequest(Refusal):
    """No installed plugin serves this request type."""


class Problem(NamedTuple):
    """One thing that is wrong with the parameters of a request."""

    pointer: str
    """JSON Pointer (RFC 6901) to the value, such as ``/focal_length``."""
    keyword: str
    """The JSON Schema keyword that refuses it, or ``path``."""
    message: str
    """What was sent and what is allowed."""


class InvalidParams(Refusal):
    """The parameters are not what the request type's schema allows; nothing was run."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.message}" for p in problems))
        self.problems = problems


class PathRefused(InvalidParams):
    """A path is refused by its text alone; no file was touched."""


class FileUnreadable(Refusal):
    """A file that the request names is missing, is no file or cannot be opened; INSPECT was not called."""


class GomRefused(Refusal):
    """INSPECT refused a command.

    :param description: INSPECT's sentence.
    :param error_code: INSPECT's code, such as ``GAPP-0011``; empty where there is none.
    :param error_log: INSPECT's log, may have several lines.
    """

    def __init__(self, description: str, error_code: str = "", error_log: str = "") -> None:
        super().__init__(description)
        self.description = description
        self.error_code = error_code
        self.error_log = error_log


class ServerStopping(Refusal):
    """The server is stopping; the request was not started."""


class InternalError(Refusal):
    """A bug in a plugin or in gombus; the traceback stands in the server's log.

    :param request: name of the request type.
    """

    def __init__(self, request: str) -> None:
        super().__init__(f"Internal error in '{request}' request; see the server's log.")


class CommandNotDeclared(GombusError):
    """A handler called a gom command that its request type does not declare."""


class PluginError(GombusError):
    """A plugin cannot be used; the message is the reason that `gombus plugins` shows."""


class SettingsError(GombusError):
    """A setting is unknown or ill-typed; the message names where it stands, the key and what is allowed."""


class BackendUnavailable(GombusError):
    """The backend is not installed, or INSPECT cannot be reached."""


class CannotListen(GombusError):
    """The address is taken, does not exist here, or is not allowed."""


class ErrorRow(NamedTuple):
    """One row of the table of refusals."""

    error: type[Refusal]
    code: str
    when: str
    remedy: str


ERRORS: tuple[ErrorRow, ...] = (
    ErrorRow(
        Refusal,
        "refused",
        "a plugin refused the request for a reason of its own, which the sentence says",
        "do what the sentence says",
    ),
    ErrorRow(
        MalformedMessage,
        "malformed",
        "the message is no UTF-8, no JSON, or JSON with duplicate members, NaN, numbers out of range, "
        "lone surrogates or more than 16 levels",
        "mend the client's encoder",
    ),
    ErrorRow(
        UnknownRequest,
        "unknown_request",
        "no installed plugin serves a request type of this name",
        "see `gombus plugins` for what is served",
    ),
    ErrorRow(
        InvalidParams,
        "invalid_params",
        "a parameter is missing, or is not what the request type's schema allows",
        "correct what the message names",
    ),
    ErrorRow(
        PathRefused,
        "path_refused",
        "a path is a network or device path, climbs with '..', or is no portable Windows path",
        "send a plain path on a drive of the INSPECT computer",
    ),
    ErrorRow(
        FileUnreadable,
        "file_unreadable",
        "the file is missing, is no file or cannot be opened",
        "check that the file exists on the INSPECT computer, then send again",
    ),
    ErrorRow(
        GomRefused,
        "gom_refused",
        "INSPECT refused the command, or the user pressed Esc in INSPECT",
        "read INSPECT's reason in the server's log",
    ),
    ErrorRow(
        ServerStopping,
        "stopping",
        "the server was told to stop before the request's turn came; it was not started",
        "send it again after the restart",
    ),
    ErrorRow(
        InternalError,
        "internal",
        "a bug in a plugin or in gombus",
        "send the server's log to the plugin's authors",
    ),
)

_CODES = {row.error: row.code for row in ERRORS}


def code_of(error: Refusal) -> str:
    """The word for this refusal, from the table; a subclass that has no row takes its parent's."""
    return next(_CODES[cls] for cls in type(error).__mro__ if cls in _CODES)
