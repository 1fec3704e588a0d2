"""The values that travel through gombus. All are frozen, and none knows a socket or a thread."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, NamedTuple, Protocol

from .errors import Refusal
from .receipt import Receipt

QUEUED, RUNNING = "queued", "running"
COMPLETED, FAILED, CANCELLED, INTERRUPTED = "completed", "failed", "cancelled", "interrupted"
OPEN = (QUEUED, RUNNING)
"""States of a job that has not ended."""
ENDED = (COMPLETED, FAILED, CANCELLED, INTERRUPTED)
TIMEOUT_S = 3600.0
VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
ROLES = (VIEWER, OPERATOR, ADMIN)
"""Who may do what, from least to most: look; have requests run; everything, stopping the server among it."""

JsonObject = Mapping[str, Any]
"""A decoded JSON object, as `strict.loads` gives it."""


@dataclass(frozen=True)
class Legacy:
    """How a request type is spoken on the legacy wire, where every answer is one plain text.

    There a request is ``{"<name>": {<parameters>}}``, or, where `plain` is set, any text that starts with the name.
    """

    required: tuple[str, ...] = ()
    """Parameters whose absence is reported first, in this order."""
    ok: str = "O.k."
    """The answer where the request was carried out."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Error code (see `gombus.errors.ERRORS`) -> sentence; ``{parameter}`` stands for what was sent."""
    plain: bool = False
    """Whether plain text that starts with the name is this request. The JSON form is then answered, not run."""
    precedence: int = 0
    """Where one message names several request types the highest is run, the others are ignored."""


@dataclass(frozen=True)
class Request:
    """One request type, as a plugin offers it.

    The handler is a plain function ``handler(params, context) -> JSON value or None``. It runs on the one thread that
    owns gom, one request at a time, with parameters that its schema allows and files that can be read. An exception
    of gom's that it lets pass is answered as `GomRefused`, any other as `InternalError`.
    """

    name: str
    """Lower-case letters, digits and ``_``, starting with a letter; at most 64 characters."""
    schema: JsonObject
    """JSON Schema (draft 2020-12) of the parameters; what it may say stands in `gombus/metaschema.json`."""
    handler: Callable[[JsonObject, Context], Any]
    commands: tuple[str, ...] = ()
    """The gom commands that the handler may call, such as ``gom.script.sys.import_other_images``."""
    files: tuple[str, ...] = ()
    """Parameters that are paths of files to be read: a string, or an array of strings. The path is refused by its
    text where it is dangerous, and the file is opened once before the handler runs. The handler gets the path on this
    computer, which may be another one than the client sent, and may be that of a copy."""
    legacy: Legacy = field(default_factory=Legacy)
    timeout_s: float = TIMEOUT_S
    """How long it may run, in s. What overruns is reported as failed; its command cannot be cut short, and the next
    request begins when it has ended."""
    result: JsonObject | None = None
    """JSON Schema of what the handler returns, for the documents; None where it returns nothing. Its references lead to
    its own ``#/$defs/`` only."""
    at_once: bool = False
    """Whether it runs beside the queue, on the network thread: for types that never touch gom and return in well
    under a millisecond."""
    role: str = OPERATOR
    """The least of `ROLES` that may ask for it, where clients need a token."""


class Identity(NamedTuple):
    """Who a client is."""

    user: str = ""
    """Name of its token; empty where it needs none."""
    role: str = ADMIN
    """One of `ROLES`."""
    requests: frozenset[str] | None = None
    """The request types that it may ask for, where its role may; None means all."""
    token: str = ""
    """Id of its token."""

    def may(self, role: str, request: str = "") -> bool:
        """Whether it may do what needs this role.

        :param request: name of the request type, where it is about one.
        """
        if self.role != ADMIN and ROLES.index(self.role) < ROLES.index(role):
            return False
        return self.requests is None or not request or request in self.requests


ANYBODY = Identity()
"""Who connects where nobody needs a token: may do everything."""


class Meta(NamedTuple):
    """How a client wants its request to be treated: `_meta` of the JSON-RPC wire."""

    progress_token: str | int | None = None
    """Comes back with every progress notification; None where the client wants none."""
    key: str = ""
    """Idempotency key: the same key and payload mean the same job."""
    task: bool = False
    """Whether the client is answered as soon as the job is accepted."""
    plan: bool = False
    """Whether the client wants to know what would be done, and nothing is to be run."""
    schema_hash: str = ""
    """Of the schema that the client was built for."""
    halt: bool = False
    """On the first member of a batch: whether the first failure cancels the rest."""


NO_META = Meta()


class Call(NamedTuple):
    """What a client asks for, freed of the wire it came by."""

    name: str
    params: JsonObject
    ignored: tuple[str, ...] = ()
    """JSON Pointers of members that the wire lets pass unread."""
    meta: Meta = NO_META


class Answer(NamedTuple):
    """What a codec answers by itself, with no call."""

    text: str
    code: str = ""
    """Why it is refused (see `gombus.errors.ERRORS`); empty where it is not."""


class Record(NamedTuple):
    """One job as the journal keeps it. Times are seconds since 1970 (UTC)."""

    id: str
    request: str
    params: str
    """JSON text."""
    client: str
    """The asking client's address."""
    backend: str
    """Name of the backend that it was accepted for."""
    state: str
    """One of `OPEN` and `ENDED`."""
    accepted: float
    started: float | None = None
    finished: float | None = None
    key: str | None = None
    """Idempotency key."""
    digest: str | None = None
    """SHA-256 of request type and parameters, as hexadecimal digits."""
    receipt: str | None = None
    """JSON text: what came of it; None while it has not ended."""
    late: str | None = None
    """JSON text: the receipt of a command that ended after its request was reported as overrun."""
    user: str | None = None
    """Name of the token that the client showed; None where it needed none."""


class Outcome(NamedTuple):
    """How a call ended."""

    result: Any = None
    """What the handler returned."""
    error: Refusal | None = None
    stop: bool = False
    """Whether the server is to stop once this outcome is answered."""
    job: str = ""
    """The job's id; empty for what is none."""
    receipt: Receipt | None = None
    """What came of the job; None where it has not ended."""


class Context:
    """What a handler has at hand besides its parameters.

    `gom` lets through the commands that the request type declares and all reading of ``gom.app``; `client` is the
    asking client's address and `user` the name of its token, empty where it needed none; `log` writes to the server's
    log; `planning` says whether the client only wants to know what would be done: then `gom` notes the commands and
    runs none.
    """

    __slots__ = ("_made", "_report", "client", "gom", "log", "planning", "request", "stopping", "user")

    def __init__(
        self,
        request: str,
        gom: Any,
        client: str,
        log: logging.Logger,
        report: Callable[[float, float, str], None] | None = None,
        planning: bool = False,
        user: str = "",
    ) -> None:
        self.request = request
        self.gom = gom
        self.client = client
        self.user = user
        self.log = log
        self.planning = planning
        self.stopping = False
        self._report = report
        self._made: list[dict[str, str]] = []

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Say how far the work is, for example ``progress(3, 12, "images")``.

        It goes to the client, where that asked for it, at most some ten times a second, and to the log at level debug.
        """
        self.log.debug("%s: %g of %g %s", self.request, done, total, text)
        # JSON has no NaN, so nobody could be told.
        if self._report is not None and math.isfinite(done) and math.isfinite(total):
            self._report(float(done), float(total), str(text))

    def created(self, kind: str, name: str) -> None:
        """Say what was made in INSPECT, for the receipt: ``created("measurement series", "Microscopy")``."""
        self._made.append({"kind": str(kind), "name": str(name)})

    @property
    def made(self) -> list[dict[str, str]]:
        """What `created` was told, in its order."""
        return self._made

    def stop(self) -> None:
        """Stop the server once this request is answered."""
        self.stopping = True


class Backend(Protocol):
    """INSPECT, or what stands for it. Every method is called on the thread that owns gom.

    One that can be lost while the server runs has an attribute `presence`, a `gombus.presence.Presence`.
    """

    name: str
    """As in the setting `backend`."""
    title: str
    """For people, such as ``INSPECT at ws://localhost:44444``."""
    version: str
    """Of what runs the commands, for receipts."""

    def open(self) -> Any:
        """Connect, and give what handlers know as ``gom``: `script`, `app`, `File`, `RequestError`, `BreakError`.

        :raises BackendUnavailable: it cannot be reached or is not installed.
        """

    def close(self) -> None:
        """Let go of everything that `open` took."""


class CallEach(Protocol):
    """Calls one hook of every plugin, each by itself: one that fails is blocked, the others go on."""

    def __call__(self, hook: str, **arguments: Any) -> list[Any]:
        """Give the results that are not None, in the order of the plugins' names."""


BackendFactory = Callable[[CallEach], Backend]
"""What `gombus_backends` gives for each name; called once, on the owner thread, when all plugins are there."""
