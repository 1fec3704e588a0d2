"""What `gombus twin` asks of a twin that runs: over the same connection and with the same key as scripts."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Callable

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from gombus import GombusError

from ..show import project_as_json
from .dialogs import Dialog
from .requests import Refusal, Refused
from .values import decode, encode

if TYPE_CHECKING:
    from .server import WireTwin

TIMEOUT_S = 10.0
"""Until a twin that does not answer is given up, in seconds, beside the time that it is told to wait."""


def ask(url: str, what: str, timeout_s: float = TIMEOUT_S, **params: object) -> Any:
    """Ask a twin that runs, and give its answer.

    :param url: as in TOM_PYTHON_API_URL.
    :param what: close-dialog, release or show.
    :raises GombusError: no twin there, or it refuses; a parameter has no form on the wire.
    """
    address, _, query = url.partition("?")
    message = {"type": "twin", "apikey": query.partition("apikey=")[2].partition("&")[0], "id": str(uuid.uuid4())}
    try:
        question = encode({**message, "value": what, "params": params})
    except ValueError as error:
        raise GombusError(str(error)) from error
    try:
        # What a twin received in weeks may be long.
        with connect(url, compression=None, ping_interval=None, proxy=None, max_size=None) as connection:
            connection.send(question)
            reply = decode(connection.recv(timeout=timeout_s, decode=False))
    except (OSError, WebSocketException, ValueError) as error:
        # An address that is none is quoted, with its key.
        why = str(error).replace(url, address) or type(error).__name__
        raise GombusError(f"no twin at {address}: {why}") from error
    if not isinstance(reply, dict) or reply.get("type") != "reply":
        raise GombusError(str(reply.get("description")) if isinstance(reply, dict) else "what answers is no twin")
    return reply["value"]


def obey(twin: WireTwin, what: str, params: dict[str, Any], gone: Callable[[], bool]) -> object:
    """Do what was asked.

    :param gone: whether who asked has left, or the twin is closed.
    :raises Refused: it cannot be done.
    """
    if what == "close-dialog":
        return _close_dialog(twin, params, gone)
    if what == "release":
        return _release(twin, params["command"])
    if what == "show":
        return _state(twin)
    raise Refused(Refusal(f"the twin cannot {what!r}; it can close-dialog, release and show"))


def _close_dialog(twin: WireTwin, params: dict[str, Any], gone: Callable[[], bool]) -> object:
    closed: list[Dialog] = []

    # Under the lock of wait_until, so that two who wait do not close the same dialog.
    def close() -> bool:
        if gone():
            return True
        waiting = [dialog for dialog in twin.dialogs if dialog.state in ("shown", "open")]
        # One that a script waits for goes before one that is only open.
        for dialog in sorted(waiting, key=lambda dialog: dialog.state != "shown")[:1]:
            _close(dialog, params)
            closed.append(dialog)
        return bool(closed)

    twin.wait_until(close, params["wait_s"])
    if not closed:
        raise Refused(Refusal("no dialog is shown"))
    twin.changed()
    return {"number": closed[0].number, "title": closed[0].title}


def _close(dialog: Dialog, params: dict[str, Any]) -> None:
    unknown = set(params["values"]) - set(dialog.values)
    if unknown and dialog.definition:
        known = ", ".join(dialog.values) or "none"
        raise Refused(Refusal(f"the dialog has no widget {sorted(unknown)[0]!r}; it has: {known}"))
    dialog.values.update(params["values"])
    dialog.close(params["result"], params["cancel"])


def _release(twin: WireTwin, command: str) -> object:
    holds = dict(twin.hold)
    if command not in holds:
        raise Refused(Refusal(f"{command} does not hang; what hangs: {', '.join(holds) or 'nothing'}"))
    waited = holds[command].entered.is_set()
    holds[command].release.set()
    return {"command": command, "waited": waited}


def _state(twin: WireTwin) -> object:
    dialogs = [
        {"number": dialog.number, "title": dialog.title, "text": dialog.text, "state": dialog.state}
        for dialog in twin.dialogs
    ]
    return {
        "commands": [name for name, _ in twin.commands],
        "dialogs": dialogs,
        "held": [name for name, hold in twin.hold.items() if hold.entered.is_set() and not hold.release.is_set()],
        "log": list(twin.log),
        "progress": list(twin.progress),
        "exits": list(twin.exits),
        "project": project_as_json(twin.project),
    }
