"""All exceptions of gombus. What a client is told of each refusal stands in `gombus.refusals`.

GombusError
├── Refusal                  a client is answered with it; a handler may raise it as it is
│   ├── MalformedMessage
│   ├── InvalidRequest
│   ├── UnknownRequest
│   ├── InvalidParams
│   │   └── PathRefused
│   ├── UnknownJob
│   ├── SchemaMismatch
│   ├── Forbidden
│   ├── Conflict
│   ├── Busy
│   ├── NotReady
│   ├── FileUnreadable
│   ├── FileUnsettled
│   ├── SpoolFailed
│   ├── GomRefused
│   ├── TimedOut
│   ├── Interrupted
│   ├── Cancelled
│   ├── ServerStopping
│   ├── InternalError
│   └── RecordedRefusal      one of them, as the journal kept it
├── CommandNotDeclared       a plugin's handler used gom beyond what its request type declares
├── PluginError              a plugin cannot be used; the others serve
├── SettingsError            a setting is unknown or ill-typed
├── TokenError               the tokens' file cannot be used, or a token not be made
├── BackendUnavailable       INSPECT, or what stands for it, cannot be used
│   └── BackendLost          it was lost for good while the server ran
├── JournalError             the journal or the receipt log cannot be used
└── CannotListen             the address is taken or not allowed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .redaction import redacted


class GombusError(Exception):
    """Base of every exception that gombus raises on purpose."""

    exit_code = 1


class Refusal(GombusError):
    """Base of what a client is answered with; ``str(error)`` is one plain sentence."""

    _details: Mapping[str, Any] = MappingProxyType({})

    def __str__(self) -> str:
        # A plugin may quote what a library said.
        return redacted(super().__str__())

    def details(self) -> dict[str, Any]:
        """What a client's program is told beyond the sentence and its code: a JSON object."""
        return dict(self._details)


class MalformedMessage(Refusal):
    """The message is no JSON, or JSON that different readers would understand differently.

    :param reason: one sentence.
    :param pointer: JSON Pointer (RFC 6901) to the value that is refused; empty where none can be named.
    """

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(reason)
        self.pointer = pointer


class InvalidRequest(Refusal):
    """The message is JSON, but no JSON-RPC 2.0 request that gombus takes."""


class UnknownRequest(Refusal):
    """No installed plugin serves this request type, and it is no method of the server's own."""


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

    def details(self) -> dict[str, Any]:
        """Every problem."""
        return {"errors": [problem._asdict() for problem in self.problems]}


class PathRefused(InvalidParams):
    """A path is refused by its text alone, and no file was touched, or it leads out of where files may lie."""


class UnknownJob(Refusal):
    """There is no job with this id or this idempotency key."""


class SchemaMismatch(Refusal):
    """The request type's schema is not the one that the client was built for.

    :param difference: what was added, removed or changed since, as `gombus.schemahash` gives it; None where the server
        never had the client's schema.
    """

    def __init__(self, request: str, sent: str, here: str, difference: Sequence[Mapping[str, Any]] | None) -> None:
        count = "an unknown number of" if difference is None else len(difference)
        super().__init__(
            f"The schema of '{request}' is not the one that the client was built for: {count} differences."
        )
        self._details = {"sent": sent, "schemaHash": here, "difference": difference}


class Forbidden(Refusal):
    """The client's token does not allow this; nothing was run.

    :param what: what it asked for, such as ``'image' request``.
    :param role: of its token.
    :param needed: the least role that may; the same as `role` where its token is for other request types only.
    """

    def __init__(self, what: str, role: str, needed: str) -> None:
        why = "its token is for other request types" if role == needed else f"this needs the role {needed}"
        super().__init__(f"The client's token, of role {role}, does not allow the {what}: {why}.")
        self._details = {"role": role, "needed": needed}


class Conflict(Refusal):
    """The idempotency key was used for another payload.

    :param job: the job that was accepted with it.
    """

    def __init__(self, job: str) -> None:
        super().__init__(f"The idempotency key was used for another payload, that of job {job}.")
        self.job = job

    def details(self) -> dict[str, Any]:
        """The job that has the key."""
        return {"job": self.job}


class Busy(Refusal):
    """The queue is full; the request was not accepted."""

    def __init__(self, queue: int, limit: int) -> None:
        super().__init__(f"The queue is full: {queue} requests wait or run, {limit} are allowed; send it again later.")
        self._details = {"queue": queue, "limit": limit}


class NotReady(Refusal):
    """The server cannot accept a request now; it was not accepted."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The server cannot accept requests now: {reason}")
        self.reason = reason


class TimedOut(Refusal):
    """The request overran its time; its command may still be running.

    :param limit_s: what its request type allows, in seconds.
    """

    def __init__(self, request: str, limit_s: float) -> None:
        super().__init__(f"The '{request}' request overran its {limit_s:g} s; the command may still be running.")
        self._details = {"limit_s": limit_s}


class Interrupted(Refusal):
    """The server or INSPECT was lost while the request ran; its effect is unknown, and it is not run again by itself.

    :param what: happened.
    """

    def __init__(self, what: str = "The server was ended") -> None:
        super().__init__(f"{what} while the request ran: its effect is unknown, and it is not run again.")


class Cancelled(Refusal):
    """The request was cancelled before it was started."""


class FileUnreadable(Refusal):
    """A file that the request names is missing, is no file or cannot be opened; INSPECT was not called."""


class FileUnsettled(Refusal):
    """A file that the request names was still being written; INSPECT was not called."""


class SpoolFailed(Refusal):
    """A file that the request names could not be copied into the spool folder; INSPECT was not called."""


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

    def details(self) -> dict[str, Any]:
        """What INSPECT said."""
        return {"error_code": self.error_code, "description": self.description, "log": self.error_log}


class ServerStopping(Refusal):
    """The server is stopping; the request was not started.

    :param kept: whether the journal keeps it, and the next server runs it.
    """

    def __init__(self, message: str, kept: bool = False) -> None:
        super().__init__(message)
        self.kept = kept

    def details(self) -> dict[str, Any]:
        """That it is kept, where it is."""
        return {"kept": True} if self.kept else {}


class InternalError(Refusal):
    """A bug in a plugin or in gombus; the traceback stands in the server's log.

    :param request: name of the request type.
    """

    def __init__(self, request: str) -> None:
        super().__init__(f"Internal error in '{request}' request; see the server's log.")


class RecordedRefusal(Refusal):
    """A refusal that the journal kept.

    :param code: its word in the table.
    """

    def __init__(self, code: str, message: str, details: dict[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self._details = details


class CommandNotDeclared(GombusError):
    """A handler called a gom command that its request type does not declare."""


class PluginError(GombusError):
    """A plugin cannot be used; the message is the reason that `gombus plugins` shows."""


class SettingsError(GombusError):
    """A setting is unknown or ill-typed; the message names where it stands, the key and what is allowed."""


class TokenError(GombusError):
    """The tokens' file cannot be used, or a token cannot be made or revoked; the message names it and the remedy."""


class BackendUnavailable(GombusError):
    """The backend is not installed, or INSPECT cannot be reached."""


class BackendLost(BackendUnavailable):
    """INSPECT was lost, and the server cannot reach it again by itself."""

    exit_code = 3


class JournalError(GombusError):
    """The journal or the receipt log cannot be opened, read or written; the message names the file and the remedy."""


class CannotListen(GombusError):
    """The address is taken, does not exist here, or is not allowed."""
