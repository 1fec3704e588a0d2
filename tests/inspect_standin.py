"""The application side of the gom wire: tests run the real `gom` client against it, without ZEISS INSPECT.

First the codec, `encode` and `decode`: one value to the bytes of one message and back. Below it the server,
`InspectStandIn`, which answers the client and keeps what reached it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import socket
import struct
import threading
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve


@dataclass(frozen=True)
class Item:
    """A node of INSPECT's project tree. Stage -1 is the current stage."""

    id: str
    category: int = 0
    stage: int = -1


@dataclass(frozen=True)
class Command:
    """A command, or a group of commands, by its full dotted name."""

    name: str


@dataclass(frozen=True)
class Function:
    """A function of the client's, by the id that the client gave it."""

    id: str
    text: str


@dataclass(frozen=True)
class File:
    """A `gom.File`, the one registered type: on the wire a trait whose only argument is the path."""

    path: str


FILE_TYPE = "Tom::File"

# Type byte: Python type, and one letter for each part of its payload. ? q d are those of struct (bool, int64,
# double); s is a text, x bytes, l a list, m a map, v any value.
_FORMS: dict[int, tuple[type, str]] = {
    0: (type(None), ""), 1: (bool, "?"), 2: (int, "q"), 3: (float, "d"), 4: (str, "s"), 5: (list, "l"),
    6: (dict, "m"), 7: (slice, "vv"), 8: (Item, "sqq"), 10: (Command, "s"), 11: (Function, "ss"),
    13: (File, "svv"), 20: (bytes, "x"),
}  # fmt: skip
_NUMBERS = {kind: number for number, (kind, _) in _FORMS.items()}


def encode(value: object) -> bytes:
    """Return the bytes of `value`. The step of a slice has no place on the wire.

    :raises ValueError: the wire has no form for this type, or an int needs more than 64 bits.
    """
    if type(value) not in _NUMBERS:
        raise ValueError(f"no form on the wire for {value!r}")
    number = _NUMBERS[type(value)]
    parts: list[object] = [value]
    if isinstance(value, slice):
        parts = [value.start, value.stop]
    elif isinstance(value, File):
        parts = [FILE_TYPE, [value.path], {}]
    elif isinstance(value, (Item, Command, Function)):
        parts = list(vars(value).values())
    try:
        return bytes([number]) + b"".join(map(_write, _FORMS[number][1], parts))
    except struct.error as error:
        raise ValueError(f"{value!r}: {error}") from error


def decode(data: bytes) -> object:
    """Return the value whose bytes are `data`.

    :raises ValueError: `data` is not exactly one value, or a trait in it is no File.
    """
    stream = io.BytesIO(data)
    value = _read("v", stream)
    if stream.read():
        raise ValueError("bytes are left after the value")
    return value


def _write(form: str, part: Any) -> bytes:
    if form == "v":
        return encode(part)
    if form in "?qd":
        return struct.pack("<" + form, part)
    if form in "sx":
        data: bytes = part.encode() if form == "s" else part
        return struct.pack("<q", len(data)) + data
    entries = map(encode, part) if form == "l" else (_write("s", k) + encode(v) for k, v in part.items())
    return struct.pack("<q", len(part)) + b"".join(entries)


def _read(form: str, stream: io.BytesIO) -> Any:
    if form == "v":
        return _read_value(stream)
    if form in "?qd":
        return struct.unpack("<" + form, _take(struct.calcsize("<" + form), stream))[0]
    count = _read("q", stream)
    if form == "l":
        return [_read_value(stream) for _ in range(count)]
    if form == "m":
        return {_read("s", stream): _read_value(stream) for _ in range(count)}
    return _take(count, stream).decode() if form == "s" else _take(count, stream)


def _read_value(stream: io.BytesIO) -> object:
    number = _take(1, stream)[0]
    if number not in _FORMS:
        raise ValueError(f"unknown type byte {number}")
    kind, form = _FORMS[number]
    parts = [_read(letter, stream) for letter in form]
    if kind is not File:
        return kind(*parts)
    if not _is_file(*parts):
        raise ValueError(f"no File: {parts}")
    return File(parts[1][0])


def _is_file(type_id: str, args: list[Any], kwargs: dict[str, Any]) -> bool:
    return type_id == FILE_TYPE and len(args) == 1 and isinstance(args[0], str) and not kwargs


def _take(count: int, stream: io.BytesIO) -> bytes:
    data = stream.read(count)
    if len(data) != count:  # also for a negative count, with which all is read
        raise ValueError(f"{count} bytes wanted, {len(data)} left")
    return data


class Request(IntEnum):
    """The numbers of the requests that are answered."""

    API, COMMAND, CONSOLE, DOC, EXCEPTION, EXIT, GETATTR = 1, 2, 4, 9, 11, 12, 14
    IMPORT, KEY, LOG, OBJECTTYPES, REGISTER, REPR, SETENV = 16, 18, 22, 23, 25, 27, 34
    TYPE_CONSTRUCT, TYPE_GETATTR, TYPE_REPR, TYPE_STR = 39, 42, 46, 49


_FIXED_ANSWERS: dict[int, object] = {
    Request.CONSOLE: None, Request.DOC: "", Request.EXCEPTION: None, Request.EXIT: None, Request.IMPORT: None,
    Request.LOG: None, Request.OBJECTTYPES: {FILE_TYPE: "File"}, Request.REGISTER: {}, Request.SETENV: None,
}  # fmt: skip

CREATE_SERIES = "gom.script.sys.create_measurement_series_for_other_images"
IMPORT_IMAGES = "gom.script.sys.import_other_images"
IMPORT_ELEMENTS = "gom.script.sys.import_gom_inspection_exchange"
_PARAMETERS = {
    CREATE_SERIES: {"camera_focal_length", "name"},
    IMPORT_IMAGES: {"image_files", "measurement_series"},
    IMPORT_ELEMENTS: {"files", "import_mode"},
}

PROJECT = Item("gom.app.project", 1)
ALL_SERIES = Item("gom.app.project.measurement_series", 2)


def series_item(name: str) -> Item:
    """Return the item of the measurement series `name`."""
    return Item(f"{ALL_SERIES.id}[{name!r}]", 3)


@dataclass(frozen=True)
class Refusal:
    """What INSPECT says where it does not do as asked: by its `error` the client chooses the exception.

    The default is unknown to it and raises `gom.RequestError`; `Tom::GScript::BreakException` raises
    `gom.BreakError`.
    """

    description: str
    code: str = "STANDIN"
    log: str = ""
    error: str = "Tom::GScript::StandInException"


@dataclass
class Hold:
    """Keeps a command waiting: `entered` is set when it arrives, and it goes on when `release` is set.

    After `timeout` seconds it is refused, so that a test which never releases it ends.
    """

    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    timeout: float = 60.0


class InspectStandIn:
    """ZEISS INSPECT as the `gom` client sees it, on a free port of this computer while the context is open.

    Commands go by their full names, such as `IMPORT_IMAGES`. A command is written to `commands`, then held,
    then dropped, refused or carried out. The end of the context cuts all connections and drops what is held.
    """

    def __init__(self, port: int = 0, apikey: str = "") -> None:
        self.port = port
        self.url: str = ""  #: the value for TOM_PYTHON_API_URL, once the context is open
        self.commands: list[tuple[str, dict[str, object]]] = []  #: commands and their arguments, as received
        self.series: dict[str, object] = {}  #: measurement series: camera_focal_length, as received
        self.images: dict[str, list[str]] = {}  #: measurement series: the paths imported into it
        self.elements: list[tuple[list[str], str]] = []  #: files and import_mode
        self.refuse: dict[str, Refusal] = {}  #: commands that are not carried out
        self.hold: dict[str, Hold] = {}  #: commands that wait
        self.drop: set[str] = set()  #: commands that cut the connection, as if INSPECT had died
        self._apikey = apikey or secrets.token_hex(16)
        self._stopping = threading.Event()
        self._clients: list[tuple[threading.Thread, socket.socket]] = []

    def __enter__(self) -> InspectStandIn:
        # No keepalive: the client answers pings only while it waits for an answer.
        self._server = serve(self._talk, "127.0.0.1", self.port, compression=None, ping_interval=None)
        self._handle = self._server.handler
        self._server.handler = self._accept
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}?apikey={self._apikey}"
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopping.set()
        for hold in self.hold.values():
            hold.release.set()
        for thread, client in self._clients:
            _cut(client)
            thread.join()
        self._server.shutdown()
        self._thread.join()
        for thread, _ in self._clients:
            thread.join()
        for name in ("shutdown_watcher", "shutdown_notifier"):
            pipe_end = getattr(self._server, name, None)
            if isinstance(pipe_end, int):  # websockets 15 leaves its pipe open
                os.close(pipe_end)

    def _accept(self, client: socket.socket, address: Any) -> None:
        self._clients.append((threading.current_thread(), client))
        if self._stopping.is_set():  # __exit__ may have read the list before this client was in it
            _cut(client)
        self._handle(client, address)

    def _talk(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            for message in connection:
                request: Any = decode(message if isinstance(message, bytes) else message.encode())
                try:
                    answer = self._answer(request)
                except ConnectionAbortedError:
                    return _cut(connection.socket)
                reply = {"type": "reply", "id": request["id"], "value": answer}
                if isinstance(answer, Refusal):
                    reply.update(vars(answer), type="error", value=None)
                connection.send(encode(reply))

    def _answer(self, request: dict[str, Any]) -> object:
        number, params = request["value"], request["params"]
        if request["apikey"] != self._apikey:
            return Refusal("the apikey is not the one in the url")
        if number == Request.COMMAND:
            return self._command(params["command"], params["parameters"])
        # A list is searched, because a slice may be asked for, and has no hash.
        if number == Request.KEY and params["item"] == ALL_SERIES and params["name"] in list(self.series):
            return series_item(params["name"])
        if number in _FIXED_ANSWERS:
            return _FIXED_ANSWERS[number]
        if number == Request.API:
            call = json.loads(params["json"])
            known = (call.get("module"), call.get("call")) == ("introspection", "modules")
            return json.dumps({"result": []} if known else {"error": f"the stand-in has no {call}"})
        if number == Request.GETATTR:
            path = f"{params['item'].id}.{params['name']}"
            if path.startswith("gom.script."):
                return Command(path)
            if path in (PROJECT.id, ALL_SERIES.id):
                return PROJECT if path == PROJECT.id else ALL_SERIES
        if number == Request.REPR:
            return params["item"].id
        if number == Request.TYPE_STR:
            return params["args"][0]
        if number == Request.TYPE_REPR:
            return f"gom.File ({params['args'][0]!r})"
        if number == Request.TYPE_CONSTRUCT and _is_file(params["type"], params["args"], params["kwargs"]):
            return {"args": params["args"], "kwargs": {}}
        refusal = Refusal(f"no answer to request {number} with {params}")
        if number in (Request.GETATTR, Request.TYPE_GETATTR):
            # The client raises AttributeError for this, which hasattr() needs.
            return replace(refusal, error="Tom::GScript::AttributeException")
        return refusal

    def _command(self, name: str, arguments: dict[str, Any]) -> object:
        self.commands.append((name, arguments))
        hold = self.hold.get(name)
        if hold is not None:
            hold.entered.set()
            if not hold.release.wait(hold.timeout):
                return Refusal(f"{name} was held for {hold.timeout} s and never released")
        if name in self.drop or self._stopping.is_set():
            raise ConnectionAbortedError(name)
        if name in self.refuse:
            return self.refuse[name]
        if _PARAMETERS.get(name) != set(arguments) or not self._carry_out(name, arguments):
            return Refusal(f"{name} cannot be carried out with {arguments}")
        return [None, ""]  # no result, so that nothing can come to rely on one, and no warning

    def _carry_out(self, name: str, arguments: dict[str, Any]) -> bool:
        if name == CREATE_SERIES:
            series = arguments["name"]
            if not isinstance(series, str) or series in self.series:
                return False
            self.series[series] = arguments["camera_focal_length"]
        if name == IMPORT_IMAGES:
            files, item = arguments["image_files"], arguments["measurement_series"]
            known = [series for series in self.series if series_item(series) == item]
            if not known or not all(isinstance(file, File) for file in files):
                return False
            self.images.setdefault(known[0], []).extend(file.path for file in files)
        if name == IMPORT_ELEMENTS:
            self.elements.append((arguments["files"], arguments["import_mode"]))
        return True


def _cut(client: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may be closed already
        client.shutdown(socket.SHUT_RDWR)
