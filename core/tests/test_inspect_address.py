"""Which addresses of INSPECT are trusted, by their text alone."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from gombus import redaction
from gombus.errors import BackendUnavailable
from gombus.inspect.address import ADDRESS, check, forget_key, hide_key, only_for_gom, shown
from gombus.redaction import redacted

NO_ADDRESS = "is no address of INSPECT; allowed: ws://host:port?apikey=…"
FOREIGN = " is not used, because the gom client runs what it is sent from there; allowed: this computer (localhost)"


@pytest.fixture(autouse=True)
def _no_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is looked up is a question to a server that may be anybody's."""

    def look_up(*_: Any) -> Any:
        raise AssertionError("a name was looked up")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getfqdn"):
        monkeypatch.setattr(socket, name, look_up)
    monkeypatch.setattr(redaction, "_hidden", [])


@pytest.mark.parametrize(
    "address",
    [
        "ws://localhost:44444?apikey=abc",
        "ws://localhost:44444/?apikey=abc&interpreter_id=5",
        "ws://LOCALHOST:1",
        "ws://localhost",
        "wss://localhost:1",
        "ws://127.0.0.1:44444",
        "ws://127.1.2.3:44444",
        "ws://[::1]:44444?apikey=abc",
        "ws://[0:0:0:0:0:0:0:1]",
        "ws://localhost:1/@evil.example?apikey=@evil.example",
    ],
)
def test_this_computer_is_trusted(address: str) -> None:
    check(address, ())


HOSTILE = [
    # address, the host that is named; empty where it is no address at all
    ("ws://192.168.0.5:44444?apikey=abc", "192.168.0.5"),
    ("ws://inspect-pc:44444", "inspect-pc"),
    ("ws://127.0.0.1.evil.example", "127.0.0.1.evil.example"),
    ("ws://localhost.evil.example:1", "localhost.evil.example"),
    ("ws://localhost.:1", "localhost."),
    ("ws://localhost.localdomain", "localhost.localdomain"),
    ("ws://evil.example/localhost", "evil.example"),
    ("ws://evil.example?localhost", "evil.example"),
    ("ws://evil.example#@localhost", "evil.example"),
    ("ws://evil.example:80#localhost", "evil.example"),
    ("ws://0.0.0.0:1", "0.0.0.0"),
    ("ws://128.0.0.1", "128.0.0.1"),
    # Other spellings of 127.0.0.1: what they mean depends on who reads them.
    ("ws://127.1:1", "127.1"),
    ("ws://2130706433", "2130706433"),
    ("ws://0x7f.0.0.1", "0x7f.0.0.1"),
    ("ws://0177.0.0.1", "0177.0.0.1"),
    ("ws://[::]:1", "::"),
    ("ws://[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1"),
    ("ws://[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1"),
    ("ws://[fe80::1]:1", "fe80::1"),
    ("ws://user@localhost:1", ""),
    ("ws://localhost@evil.example:1", ""),
    ("ws://localhost:80@evil.example", ""),
    ("ws://user:password@localhost", ""),
    ("ws://@localhost", ""),
    ("ws://localhost\\@evil.example", ""),
    ("ws://evil.example\\.localhost", ""),
    ("ws://[::1]evil.example", ""),
    ("ws://[::1].evil.example:1", ""),
    ("ws://[::1%25eth0]:1", ""),
    ("ws://[::1", ""),
    ("ws://::1", ""),
    ("ws://localhost:port", ""),
    ("ws://localhost:99999", ""),
    ("ws://localhost:1:2", ""),
    ("ws://:44444", ""),
    ("ws:///", ""),
    ("ws://", ""),
    ("ws:///localhost", ""),
    ("ws:localhost:1", ""),
    ("WS://localhost:1", ""),
    ("http://localhost:1", ""),
    ("file:///localhost", ""),
    ("//localhost:1", ""),
    ("localhost:44444", ""),
    ("?apikey=abc", ""),
    (" ws://localhost:1", ""),
    ("ws://localhost:1\n", ""),
    ("ws://local\nhost:1", ""),
    ("ws://local\thost:1", ""),
    ("ws://localhost:1 ", ""),
    ("ws://local\x00host", ""),
    ("ws://%6cocalhost", ""),
    # Dots and letters that are others than they look.
    ("ws://127\u30020\u30020\u30021:1", ""),
    ("ws://127\uff0e0\uff0e0\uff0e1", ""),
    ("ws://\uff4cocalhost", ""),
    ("ws://l\u043ecalhost", ""),
    ("ws://\u0661\u0662\u0667.0.0.1", ""),
]


@pytest.mark.parametrize(("address", "host"), HOSTILE, ids=lambda value: ascii(value)[1:45])
def test_all_else_is_refused_with_what_is_allowed(address: str, host: str) -> None:
    with pytest.raises(BackendUnavailable) as caught:
        check(address, ())
    said = str(caught.value)
    if host:
        assert said.startswith(f"INSPECT at {host!r}{FOREIGN}")
        assert "the setting inspect_hosts" in said
        # The setting that it names allows it.
        check(address, [host.upper()])
    else:
        assert f"{ADDRESS} {NO_ADDRESS}" in said
        with pytest.raises(BackendUnavailable):
            check(address, ["evil.example", "::1", "localhost", ""])


@pytest.mark.parametrize(
    ("hosts", "address"),
    [
        (("Inspect-PC",), "ws://inspect-pc:1"),
        (("10.0.0.5", "10.0.0.6"), "ws://10.0.0.6"),
        (("[fd00::5]",), "ws://[FD00::5]:1"),
        (("fd00::5",), "ws://[fd00::5]"),
    ],
)
def test_a_computer_that_is_named_is_trusted_and_no_other(hosts: tuple[str, ...], address: str) -> None:
    check(address, hosts)
    for other in ("ws://inspect-pc.evil.example", "ws://xinspect-pc", "ws://10.0.0.55"):
        with pytest.raises(BackendUnavailable):
            check(other, hosts)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ws://localhost:44444?apikey=abcdefgh", "ws://localhost:44444"),
        ("ws://localhost:44444/abcdefgh#abcdefgh", "ws://localhost:44444"),
        ("wss://[::1]:5", "wss://[::1]:5"),
        ("ws://user:abcdefgh@localhost", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(address: str, said: str) -> None:
    assert shown(address) == said


def test_what_is_secret_in_an_address_is_hidden_in_each_of_its_forms() -> None:
    query = "interpreter_id=5&apikey=ke%2By&session=longer+one&strip_tracebacks=1#last=12345678"
    hide_key(f"ws://u:pass%20word@localhost?{query}")
    for text in ("ke%2By", "ke+y", "pass%20word", "pass word", "longer+one", "longer one", "12345678"):
        assert redacted(f"({text})") == "(…)"
    # Too short to be taken out of sentences.
    assert redacted("5 1 u localhost last") == "5 1 u localhost last"


def test_the_key_is_in_the_environment_only_while_gom_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, "ws://localhost:1?apikey=abcdefgh")
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    with pytest.raises(KeyboardInterrupt), only_for_gom("ws://localhost:2?apikey=abcdefgh"):
        assert os.environ[ADDRESS] == "ws://localhost:2?apikey=abcdefgh"
        assert "http_proxy" not in os.environ
        raise KeyboardInterrupt
    assert os.environ[ADDRESS] == "ws://localhost:2"
    assert os.environ["http_proxy"] == "http://proxy.example"
    monkeypatch.delenv(ADDRESS)
    forget_key()
    assert ADDRESS not in os.environ
