"""How connections are opened, and how long a lost one is missed."""

from __future__ import annotations

import gc
from itertools import islice
from pathlib import Path
from typing import Callable

import pytest

from certificates import made, write
from clients import run
from gombus.client import AsyncClient, Client, Unreachable, request
from gombus.client.opening import Outage, TimeUp, Until, check_subprotocol, credentials, pauses
from support import WatchingGom, serving
from support import request as support_request


def test_pauses_double_up_to_a_second() -> None:
    assert list(islice(pauses(), 7)) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_an_outage_is_borne_for_its_limit() -> None:
    outage = Outage(0.2)
    assert outage.pause(100.0) == 0.05
    assert outage.pause(100.05) == 0.1
    assert outage.pause(100.15) == pytest.approx(0.05)
    assert outage.pause(100.2) is None


def test_an_outage_that_is_not_borne_at_all() -> None:
    assert Outage(0.0).pause(100.0) is None


def test_an_outage_that_is_borne_for_ever() -> None:
    outage = Outage(None)
    assert outage.pause(0.0) == 0.05
    assert outage.pause(1e9) == 0.1


def test_a_connection_that_lived_ends_an_outage_and_one_that_did_not_goes_on_with_it() -> None:
    outage = Outage(10.0)
    outage.pause(100.0)
    assert outage.pause(110.0, lived_s=0.9) is None
    assert outage.pause(110.0, lived_s=1.0) == 0.05


def test_a_server_must_take_up_json_rpc() -> None:
    check_subprotocol("ws://x", "gombus.v1.json")
    with pytest.raises(Unreachable, match=r"ws://x does not speak JSON-RPC \(gombus.v1.json\)"):
        check_subprotocol("ws://x", None)


def test_time_without_an_end() -> None:
    until = Until(None)
    assert (until.left_s, until.passed, until.cut(5.0)) == (None, False, 5.0)
    assert until.sooner(3.0).limit_s == 3.0


def test_time_with_an_end() -> None:
    assert not Until(1000.0).passed
    assert Until(1000.0).cut(5.0) == 5.0
    assert 0 < Until(2.0).cut(5.0) <= 2.0
    assert Until(1000.0).sooner(3.0).limit_s == 3.0
    over = Until(0.0)
    assert over.passed
    assert over.left_s == 0.0
    with pytest.raises(TimeUp):
        over.cut(5.0)


# TLS.


def test_only_addresses_with_tls_need_it() -> None:
    assert credentials("ws://x", None, "/none.pem") == {}
    assert set(credentials("WSS://x", None, None)) == {"ssl"}


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "cannot be used: No such file"), (b"", "it holds no certificates"), (b"x", "it holds no certificates")],
)
def test_a_file_that_holds_no_certificates_is_named(content: bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Unreachable, match=rf"^the certificates in .*ca\.pem cannot be used: .*{why}|{why}"):
        credentials("wss://x", None, str(file))


def _say(url: str, ca: str | None) -> object:
    return request(url, '{"say": {}}', ca=ca)


def _call(url: str, ca: str | None) -> object:
    with Client(url, ca=ca) as client:
        return client.call("say")["state"]


def _await(url: str, ca: str | None) -> object:
    async def main() -> object:
        async with AsyncClient(url, ca=ca) as client:
            return (await client.call("say"))["state"]

    return run(main())


# asyncio of Python 3.9 and 3.10 leaves something behind where it does not agree on TLS with a server.
@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")
@pytest.mark.parametrize(("ask", "answer"), [(_say, "O.k."), (_call, "completed"), (_await, "completed")])
def test_each_client_speaks_tls_and_trusts_only_what_it_is_to_trust(
    ask: Callable[[str, str | None], object], answer: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    settings, others = write(tmp_path), write(other, made(2))
    gom = WatchingGom()
    with serving(support_request(), gom=gom, **settings) as server:
        assert ask(server.url, settings["tls_certificate"]) == answer
        with pytest.raises(
            Unreachable, match=r"shows no certificate that this computer trusts: .*; name a file"
        ) as one:
            ask(server.url, None)
        assert "self-signed" in str(one.value) or "self signed" in str(one.value)
        with pytest.raises(Unreachable, match=r"shows no certificate that the certificates in .*pem vouch for: "):
            ask(server.url, others["tls_certificate"])
        with pytest.raises(Unreachable, match="no gombus server at "):
            ask(server.url.replace("wss:", "ws:"), None)
    with serving(support_request(), gom=gom) as server, pytest.raises(Unreachable, match="no gombus server at "):
        ask(server.url.replace("ws:", "wss:"), None)
    settings = write(tmp_path, made(names=("inspect-pc",)))
    why = r"vouch for: Hostname mismatch, certificate is not valid for 'localhost'"
    with serving(support_request(), gom=gom, **settings) as server, pytest.raises(Unreachable, match=why):
        ask(server.url, settings["tls_certificate"])
    gc.collect()
    assert gom.words == ["none"]


def test_the_server_s_certificate_may_be_renewed_under_a_client(tmp_path: Path) -> None:
    settings = write(tmp_path)
    with serving(support_request(), **settings) as server, Client(server.url, ca=settings["tls_certificate"]) as client:
        client.call("say")
        client.close()
        write(tmp_path, made(2))
        assert client.call("say")["state"] == "completed"
