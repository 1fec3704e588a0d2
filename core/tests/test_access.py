"""Who a client is, and what its role allows: tokens over real connections."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from desk import Clock
from gombus import Refusal
from gombus.client import Client, Unreachable, request
from gombus.config import Settings
from gombus.errors import TokenError
from gombus.journal.store import Store
from gombus.model import ADMIN, ANYBODY, OPERATOR, VIEWER, Identity
from gombus.net import access, tokens
from gombus.net.access import MAX_WRONG, WRONG_S, Access
from gombus.wire.jsonrpc import SUBPROTOCOL
from rpc import Rpc
from support import WAIT_S, Serving, WatchingGom, serving, stop_request
from support import request as request_type

WRONG = "gombus_00000000_" + "x" * 43
NEEDED, IS_WRONG, TOO_MANY = "A token is needed.", "The token is wrong.", "Too many wrong tokens; try again later."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of tokens, not there yet."""
    return tmp_path / "tokens.json"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gombus.net.server.LOOK_S", 0.01)


def settings(file: Path, **more: Any) -> Settings:
    return Settings(tokens=str(file), **more)


def refused(url: str, token: str | None = None, **options: Any) -> tuple[int, str]:
    """How the server closes the connection of a client that it does not let in."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    opened = connect(url, proxy=None, additional_headers=headers, **options)
    with opened as connection, pytest.raises(ConnectionClosedError) as closed:
        connection.send('{"say": {"word": "in"}}')
        connection.recv(WAIT_S)
    assert closed.value.rcvd
    return closed.value.rcvd.code, closed.value.rcvd.reason


# Who it is.


def test_without_tokens_everybody_may_do_everything(file: Path) -> None:
    found = Access(settings(file))
    assert found.identify(None, "127.0.0.1") == ANYBODY
    assert not found.required


def test_a_token_says_who_it_is(file: Path) -> None:
    text, token = tokens.new(file, OPERATOR, "cell", ["say"])
    found = Access(settings(file))
    assert found.identify(text, "127.0.0.1") == Identity("cell", OPERATOR, frozenset({"say"}), token.id)
    assert found.identify(None, "127.0.0.1") == NEEDED
    assert found.identify(WRONG, "127.0.0.1") == IS_WRONG
    assert found.identify("", "127.0.0.1") == IS_WRONG


@pytest.mark.parametrize("beyond", [False, True])
def test_where_tokens_are_needed_nobody_comes_in_without(file: Path, beyond: bool) -> None:
    options = {} if beyond else {"auth": "required"}
    text, _ = tokens.new(file, VIEWER)
    found = Access(settings(file, **options), beyond_loopback=beyond)
    assert found.has_tokens
    tokens.revoke(file, VIEWER + "-" + tokens.id_of(text))
    for shown in (None, text):
        assert isinstance(found.identify(shown, "127.0.0.1"), str)


def test_where_the_settings_ask_for_tokens_there_must_be_one(file: Path) -> None:
    with pytest.raises(TokenError, match="has no token, and every client needs one: gombus token new --role admin"):
        Access(settings(file, auth="required"))
    with pytest.raises(TokenError, match="the setting tokens is off, and every client needs one"):
        Access(Settings(tokens="off", auth="required"))
    assert Access(Settings(tokens="off"), beyond_loopback=True).required


def test_changes_count_from_the_next_connection_on(file: Path) -> None:
    found = Access(settings(file))
    text, token = tokens.new(file, ADMIN)
    assert found.identify(None, "127.0.0.1") == NEEDED
    assert not found.holds(ANYBODY)
    identity = found.identify(text, "127.0.0.1")
    assert isinstance(identity, Identity)
    assert found.holds(identity)
    tokens.revoke(file, token.id)
    assert found.identify(text, "127.0.0.1") == IS_WRONG
    assert not found.holds(identity)
    # Whoever takes back the last one does not want everybody in.
    assert found.identify(None, "127.0.0.1") == NEEDED
    file.unlink()
    assert found.identify(None, "127.0.0.1") == NEEDED


def test_a_file_that_was_broken_changes_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    text, _ = tokens.new(file, ADMIN)
    found = Access(settings(file))
    file.write_text("{", encoding="utf-8")
    assert isinstance(found.identify(text, "127.0.0.1"), Identity)
    assert not found.look()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "the tokens that were known before stay in force" in caplog.text


# Wrong ones.


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What `access` takes for the time."""
    clock = Clock()
    monkeypatch.setattr(access, "time", clock)
    return clock


def test_wrong_ones_are_not_looked_at_for_a_while(file: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    text, token = tokens.new(file, ADMIN)
    found = Access(settings(file))
    guess = f"gombus_{token.id}_" + "x" * 43
    for _ in range(MAX_WRONG):
        assert found.identify(guess, "192.0.2.7") == IS_WRONG
    assert found.identify(guess, "192.0.2.7") == TOO_MANY
    # Not even the right one: the next guess could be it.
    assert found.identify(text, "192.0.2.7") == TOO_MANY
    assert isinstance(found.identify(text, "192.0.2.8"), Identity)
    assert f"{MAX_WRONG} wrong tokens from 192.0.2.7" in caplog.text
    assert token.id not in caplog.text
    clock.now_s += WRONG_S
    assert isinstance(found.identify(text, "192.0.2.7"), Identity)
    assert found.identify(guess, "192.0.2.7") == IS_WRONG


def test_nobody_keeps_others_out_who_come_from_the_same_address(file: Path) -> None:
    text, _ = tokens.new(file, ADMIN)
    found = Access(settings(file))
    for number in range(MAX_WRONG):
        assert found.identify(f"gombus_{number:08x}_" + "x" * 43, "127.0.0.1") == IS_WRONG
    assert found.identify(WRONG, "127.0.0.1") == TOO_MANY
    assert isinstance(found.identify(text, "127.0.0.1"), Identity)


def test_wrong_ones_now_and_then_are_looked_at(file: Path, clock: Clock) -> None:
    tokens.new(file, ADMIN)
    found = Access(settings(file))
    for _ in range(3):
        for _ in range(MAX_WRONG - 1):
            assert found.identify(WRONG, "127.0.0.1") == IS_WRONG
        clock.now_s += WRONG_S


def test_a_network_of_one_computer_counts_as_one(file: Path) -> None:
    tokens.new(file, ADMIN)
    found = Access(settings(file))
    for number in range(MAX_WRONG):
        assert found.identify(WRONG, f"2001:db8:1:2::{number}") == IS_WRONG
    assert found.identify(WRONG, "2001:db8:1:2:ffff::") == TOO_MANY
    assert found.identify(WRONG, "2001:db8:1:3::") == IS_WRONG
    assert found.identify(WRONG, "gone") == IS_WRONG


def test_counting_has_an_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_MAX_COUNTED", 3)
    tokens.new(file, ADMIN)
    found = Access(settings(file))
    for number in range(10):
        found.identify(WRONG, f"192.0.2.{number}")
    assert len(found._wrong) == 3


# Over the wire.


class Scene:
    """A server with a token of each role."""

    def __init__(self, server: Serving, gom: WatchingGom, file: Path) -> None:
        self.server = server
        self.gom = gom
        self.file = file
        self.texts = {role: tokens.new(file, role, role)[0] for role in (VIEWER, OPERATOR, ADMIN)}
        self.texts["say alone"] = tokens.new(file, OPERATOR, "say alone", ["say"])[0]


TYPES = (request_type("say"), request_type("shout"), stop_request(), request_type("boss", role=ADMIN))


@pytest.fixture
def scene(file: Path, tmp_path: Path) -> Iterator[Scene]:
    """It keeps a journal."""
    gom = WatchingGom()
    journal = str(tmp_path / "journal.sqlite3")
    with serving(*TYPES, gom=gom, tokens=str(file), journal=journal) as server:
        yield Scene(server, gom, file)


def allowed(scene: Scene, who: str, method: str, **params: Any) -> bool:
    with connect(
        scene.server.url,
        proxy=None,
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a str is one
        additional_headers={"Authorization": f"Bearer {scene.texts[who]}"},
    ) as connection:
        client = Rpc(connection)
        answer = client.answer(client.send(method, params))
    code = answer.get("error", {}).get("data", {}).get("code")
    if code != "forbidden":
        return True
    needed = answer["error"]["data"]["needed"]
    assert f"does not allow the '{method}'" in answer["error"]["message"]
    assert answer["error"]["data"]["role"] in (VIEWER, OPERATOR)
    assert needed in (OPERATOR, ADMIN)
    return False


RIGHTS = {
    "server/info": {VIEWER, OPERATOR, ADMIN, "say alone"},
    "server/stats": {VIEWER, OPERATOR, ADMIN, "say alone"},
    "rpc.discover": {VIEWER, OPERATOR, ADMIN, "say alone"},
    "tasks/get": {VIEWER, OPERATOR, ADMIN, "say alone"},
    "tasks/list": {OPERATOR, ADMIN, "say alone"},
    "tasks/cancel": {OPERATOR, ADMIN, "say alone"},
    "say": {OPERATOR, ADMIN, "say alone"},
    "shout": {OPERATOR, ADMIN},
    "boss": {ADMIN},
}


@pytest.mark.parametrize("method", RIGHTS)
def test_a_role_allows_what_it_is_for(scene: Scene, method: str) -> None:
    params = {"job": "none"} if method in ("tasks/get", "tasks/cancel") else {}
    may = {who for who in scene.texts if allowed(scene, who, method, **params)}
    assert may == RIGHTS[method]
    runs = method in ("say", "shout", "boss")
    assert scene.gom.words == ["none"] * (len(may) if runs else 0)


@pytest.mark.parametrize("who", [VIEWER, OPERATOR])
def test_the_plain_wire_says_it_in_one_sentence(scene: Scene, who: str) -> None:
    needed = {VIEWER: OPERATOR, OPERATOR: ADMIN}[who]
    name = {VIEWER: "say", OPERATOR: "boss"}[who]
    answer = request(scene.server.url, f'{{"{name}": {{}}}}', WAIT_S, scene.texts[who])
    why = f"does not allow the '{name}' request: this needs the role {needed}."
    assert answer == f"Error: The client's token, of role {who}, {why}"
    assert scene.gom.words == []


def test_only_some_may_stop_the_server(file: Path) -> None:
    quit_of_admins = request_type(
        "quit", lambda _, context: context.stop(), at_once=True, legacy=stop_request().legacy, role=ADMIN
    )
    operator, admin = (tokens.new(file, role)[0] for role in (OPERATOR, ADMIN))
    with serving(request_type(), quit_of_admins, tokens=str(file)) as server:
        assert request(server.url, "quit", WAIT_S, operator).startswith("Error: The client's token, of role operator,")
        assert request(server.url, '{"say": {}}', WAIT_S, operator) == "O.k."
        assert request(server.url, "quit", WAIT_S, admin) == "bye"
        assert server.ended()


def test_a_job_of_another_request_type_is_not_cancelled(scene: Scene) -> None:
    scene.gom.hold_word = "hold"
    with Client(scene.server.url, token=scene.texts[ADMIN]) as admin:
        first, second = (admin.submit(name, word=word) for name, word in (("say", "hold"), ("shout", "b")))
        with Client(scene.server.url, token=scene.texts["say alone"]) as other, pytest.raises(Exception) as failed:
            other.cancel(second["job"])
        assert failed.value.code == "forbidden"  # type: ignore[attr-defined]  # RequestFailed
        scene.gom.go_on.set()
        for job in (first, second):
            admin.fetch(job["job"], timeout=WAIT_S)
    assert scene.gom.words == ["hold", "b"]


def test_who_asked_stands_in_info_receipt_and_journal_and_is_told_to_handlers(file: Path, tmp_path: Path) -> None:
    told: list[str] = []
    text, _ = tokens.new(file, OPERATOR, "cell 3", ["say"])

    def handler(params: Any, context: Any) -> None:
        told.append(context.user)
        if params.get("word") == "no":
            raise Refusal("No.")

    journal = tmp_path / "journal.sqlite3"
    options = {"tokens": str(file), "journal": str(journal)}
    with serving(request_type("say", handler), **options) as server, Client(server.url, token=text) as client:
        assert client.info()["you"] == {"user": "cell 3", "role": OPERATOR, "requests": ["say"]}
        receipt = client.call("say")
        assert receipt["user"] == "cell 3"
    assert told == ["cell 3"]
    store = Store(journal)
    record = store.find(receipt["job"])
    store.close()
    assert record is not None
    assert record.user == "cell 3"
    assert '"user": "cell 3"' in (tmp_path / "receipts.jsonl").read_text(encoding="utf-8")


def test_without_tokens_nobody_is_named() -> None:
    with serving(request_type()) as server, Client(server.url) as client:
        assert client.info()["you"] == {"user": None, "role": ADMIN, "requests": None}
        assert client.call("say")["user"] is None


@pytest.mark.parametrize(("token", "reason"), [(None, NEEDED), ("", IS_WRONG), (WRONG, IS_WRONG)])
def test_a_stranger_is_closed_with_1008_and_asks_nothing(scene: Scene, token: str | None, reason: str) -> None:
    assert refused(scene.server.url, token) == (1008, reason)
    assert refused(scene.server.url, token, subprotocols=[SUBPROTOCOL]) == (1008, reason)
    assert scene.gom.words == []


def test_a_browser_shows_its_token_as_a_subprotocol(scene: Scene) -> None:
    protocols: Any = [SUBPROTOCOL, f"gombus.token.{scene.texts[OPERATOR]}"]
    with connect(scene.server.url, proxy=None, subprotocols=protocols) as connection:
        # Never the token itself: the answer's headers are logged here and there.
        assert connection.subprotocol == SUBPROTOCOL
        assert Rpc(connection).call("say", {"word": "a"})["user"] == OPERATOR
    protocols[1] = f"gombus.token.{WRONG}"
    assert refused(scene.server.url, subprotocols=protocols) == (1008, IS_WRONG)


def test_two_tokens_are_none(scene: Scene) -> None:
    protocols: Any = [SUBPROTOCOL, f"gombus.token.{scene.texts[ADMIN]}"]
    assert refused(scene.server.url, scene.texts[OPERATOR], subprotocols=protocols) == (1008, IS_WRONG)


@pytest.mark.parametrize("header", ["Basic x", "Bearer", "bearer  ", "Token {}", "{}"])
def test_another_scheme_is_no_token(scene: Scene, header: str) -> None:
    value = header.format(scene.texts[ADMIN])
    headers = {"Authorization": value}
    opened = connect(scene.server.url, proxy=None, additional_headers=headers)
    with opened as connection, pytest.raises(ConnectionClosedError, match=IS_WRONG):
        connection.recv(WAIT_S)


def test_a_token_in_the_address_is_none(scene: Scene) -> None:
    assert refused(f"{scene.server.url}/?token={scene.texts[ADMIN]}") == (1008, NEEDED)


def test_a_revoked_one_is_cut_off(scene: Scene) -> None:
    headers = {"Authorization": f"Bearer {scene.texts[VIEWER]}"}
    opened = connect(scene.server.url, proxy=None, additional_headers=headers)
    with opened as connection, Client(scene.server.url, token=scene.texts[ADMIN]) as admin:
        admin.info()
        tokens.revoke(scene.file, VIEWER)
        with pytest.raises(ConnectionClosedError, match=r"1008 .*The token is no longer valid\."):
            connection.recv(WAIT_S)
        assert admin.info()["you"]["user"] == ADMIN


def test_the_first_token_cuts_off_who_has_none(file: Path) -> None:
    with serving(request_type(), tokens=str(file)) as server, connect(server.url, proxy=None) as connection:
        connection.send('{"say": {}}')
        assert connection.recv(WAIT_S) == "O.k."
        tokens.new(file, ADMIN)
        with pytest.raises(ConnectionClosedError, match=r"1008"):
            connection.recv(WAIT_S)


def test_a_client_of_ours_says_that_it_is_not_let_in_and_does_not_try_again(scene: Scene) -> None:
    begin = time.monotonic()
    with pytest.raises(Unreachable, match=r"does not let this client in: The token is wrong\."):
        Client(scene.server.url, token=WRONG, reconnect_s=None).call("say")
    with pytest.raises(Unreachable, match=r"does not let this client in: A token is needed\."):
        request(scene.server.url, '{"say": {}}', WAIT_S)
    assert time.monotonic() - begin < WAIT_S
    assert scene.gom.words == []


@pytest.mark.parametrize("as_header", [True, False])
def test_no_log_line_has_a_token(scene: Scene, as_header: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    # Those of the client would have it.
    logging.getLogger("websockets.client").setLevel(logging.CRITICAL)
    for text in (scene.texts[ADMIN], WRONG):
        headers = {"Authorization": f"Bearer {text}"} if as_header else {}
        protocols: Any = [SUBPROTOCOL] if as_header else [SUBPROTOCOL, f"gombus.token.{text}"]
        with connect(scene.server.url, proxy=None, additional_headers=headers, subprotocols=protocols) as connection:
            if text == WRONG:
                with pytest.raises(ConnectionClosedError):
                    connection.recv(WAIT_S)
            else:
                Rpc(connection).call("say")
    logging.getLogger("websockets.client").setLevel(logging.NOTSET)
    assert "turned away: The token is wrong." in caplog.text
    for text in (scene.texts[ADMIN], WRONG):
        assert text.split("_", 2)[2] not in caplog.text


def test_the_file_is_looked_at_where_the_clock_of_its_disk_is_coarse(file: Path) -> None:
    text, _ = tokens.new(file, ADMIN, "a")
    found = Access(settings(file))
    status = file.stat()
    other = file.with_name("other.json")
    tokens.new(other, ADMIN, "b")
    other.replace(file)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert found.identify(text, "127.0.0.1") == IS_WRONG


def test_a_plan_is_made_for_who_asks(file: Path) -> None:
    told: list[str] = []
    text, _ = tokens.new(file, OPERATOR, "cell 3")
    asked = request_type("say", lambda _, context: told.append(context.user))
    with serving(asked, tokens=str(file)) as server, Client(server.url, token=text) as client:
        client.plan("say")
    assert told == ["cell 3"]
