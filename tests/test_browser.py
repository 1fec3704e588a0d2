"""A web page in a real browser cannot talk to a server that was not told to let it.

One visit tries everything: a page and two more that it holds in frames, against three servers. What came of it is then
looked at by one test for each protection. Each has its counterpart that is let in, so that a page, a browser or a test
that does not work cannot pass for a protection.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.sync.client import connect

from browser import CHROMIUM, Attempt, Page, Pages
from gombus.wire.jsonrpc import SUBPROTOCOL
from gombus_kit import samples
from support import WAIT_S
from twins import TwinServer, twin_serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

EVIL = "evil.example"
"""A name that the browser is made to take for this computer, as an attacker's own name server can (DNS rebinding)."""
IMAGE = {"file": str(samples.IMAGE), "name": "s", "focal_length": 50}
MESSAGE = json.dumps({"image": IMAGE})
CALL = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "image", "params": IMAGE})
COMMANDS = 2
"""How many gom commands the first import makes; a further one into the same series makes one."""


@dataclass
class Visit:
    """What came of a visit."""

    foreign: dict[str, str]
    """Of the page that was opened: attempt -> outcome."""
    rebound: dict[str, str]
    """Of the page that came from the attacker's own name."""
    opaque: dict[str, str]
    """Of the page in a sandbox, whose origin is "null"."""
    taken: list[Any]
    """What a server got that takes everything."""
    log: list[str]
    """What the servers logged of it."""
    origins: tuple[str, str]
    """The first two pages' origins."""
    default: TwinServer
    """A server with no settings."""
    allowing: TwinServer
    """One that allows the pages' origins."""
    named: TwinServer
    """One that allows them and is reached by the attacker's name, too."""


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    """One visit for all tests, while the servers still run."""
    kept, log = Kept(), logging.getLogger("gombus.net.handshake")
    with ExitStack() as stack:
        pages = stack.enter_context(Pages().serving())
        origins = f"http://127.0.0.1:{pages.port}", f"http://{EVIL}:{pages.port}"
        default = stack.enter_context(twin_serving())
        allowing = stack.enter_context(twin_serving(origins=origins))
        named = stack.enter_context(twin_serving(origins=origins, hosts=(EVIL,)))
        log.addHandler(kept)
        stack.callback(log.removeHandler, kept)
        foreign = Page(
            [
                _socket("localhost", default),
                _socket("127.0.0.1", default),
                _socket("[::1]", default),
                _socket("localhost", default, "subprotocol"),
                *(_http(way, default) for way in ("get", "read", "post", "form")),
                _socket("localhost", allowing, "allowed"),
                _socket("127.0.0.1", allowing, "allowed, subprotocol"),
                *({**_http(way, allowing), "name": f"{way}, allowed"} for way in ("post", "form")),
                *(
                    {"name": f"{way}, careless", "way": way, "url": f"{origins[1]}/careless", "message": MESSAGE}
                    for way in ("post", "form")
                ),
            ],
            frames=[(f"{origins[1]}/rebound", False), ("/opaque", True)],
        )
        rebound = Page(
            [
                _socket(EVIL, default),
                _socket("localhost", default),
                _http("read", default, EVIL),
                _socket(EVIL, allowing, "allowed"),
                _socket("localhost", allowing, "allowed"),
                _socket(EVIL, named, "allowed and named"),
            ]
        )
        opaque = Page([_socket("localhost", default), _socket("localhost", allowing, "allowed")])
        pages.visit(
            {"/": foreign, "/rebound": rebound, "/opaque": opaque},
            tmp_path_factory.mktemp("chromium"),
            f"--host-resolver-rules=MAP {EVIL} 127.0.0.1",
        )
        yield Visit(
            foreign.outcomes,
            rebound.outcomes,
            opaque.outcomes,
            pages.taken,
            kept.lines,
            origins,
            default,
            allowing,
            named,
        )


def _socket(host: str, server: TwinServer, what: str = "") -> Attempt:
    structured = "subprotocol" in what
    return {
        "name": f"{host}, {what}" if what else host,
        "way": "socket",
        "url": f"ws://{host}:{server.port}/",
        "protocols": [SUBPROTOCOL] if structured else [],
        "message": CALL if structured else MESSAGE,
    }


def _http(way: str, server: TwinServer, host: str = "localhost") -> Attempt:
    return {"name": way, "way": way, "url": f"http://{host}:{server.port}/", "message": MESSAGE}


def _calls(server: TwinServer) -> int:
    return len(list(server.twin.calls))


def test_a_page_from_a_foreign_origin_cannot_talk_to_a_default_server(visit: Visit) -> None:
    for attempt in ("localhost", "127.0.0.1", "[::1]", "localhost, subprotocol"):
        assert visit.foreign[attempt] == "refused", attempt
    assert _calls(visit.default) == 0
    assert f"refused a connection from origin ['{visit.origins[0]}']" in visit.log


def test_neither_requests_nor_forms_reach_a_server(visit: Visit) -> None:
    """Not even one that lets the page in over WebSocket."""
    assert visit.foreign["read"] == "failed"
    assert _calls(visit.default) == 0
    assert _calls(visit.allowing) == COMMANDS + 2, "more than the page and its frame asked over WebSocket"
    assert [message["image"] for message in visit.taken] == [IMAGE, IMAGE], "the page does not send what it should"


def test_a_page_is_let_in_where_the_settings_name_its_origin(visit: Visit) -> None:
    """So what keeps others out is the server, not the browser."""
    assert visit.foreign["localhost, allowed"] == "O.k."
    assert json.loads(visit.foreign["127.0.0.1, allowed, subprotocol"])["result"]
    assert visit.rebound["localhost, allowed"] == "O.k."


def test_a_name_that_was_made_to_mean_this_computer_is_refused(visit: Visit) -> None:
    """Even where the page's origin is allowed."""
    assert visit.rebound[EVIL] == "refused"
    assert visit.rebound[f"{EVIL}, allowed"] == "refused"
    assert f"refused a connection for host ['{EVIL}:{visit.allowing.port}']" in visit.log
    assert visit.rebound["read"] == "failed"
    assert visit.rebound[f"{EVIL}, allowed and named"] == "O.k."
    assert _calls(visit.named) == COMMANDS


def test_a_page_without_an_origin_of_its_own_is_refused(visit: Visit) -> None:
    assert visit.opaque == {"localhost": "refused", "localhost, allowed": "refused"}
    assert visit.log.count("refused a connection from origin ['null']") == 2


def test_after_the_visit_a_program_is_served(visit: Visit) -> None:
    for server in (visit.default, visit.allowing, visit.named):
        with connect(server.url, proxy=None) as connection:
            connection.send('{"image": 1}')
            assert str(connection.recv(WAIT_S)).startswith("Error: ")
