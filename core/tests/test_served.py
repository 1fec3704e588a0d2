"""What there is to send: asked of a server, or of the plugins installed here."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from clients import made_up
from gombus.served import Served
from programs import ENVIRON
from support import request, serving


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"ws://127.0.0.1:{closed.getsockname()[1]}"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Only the plugin of these tests is installed."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    yield monkeypatch


def test_the_server_says_what_it_serves() -> None:
    with serving(request("b"), request("a")) as server:
        served = Served(server.url, ("--url",))
        assert list(served.forms) == ["a", "b"]
    assert served.away is None
    assert served.forms["a"].title == "A test's request"


@pytest.mark.parametrize(
    ("arguments", "environ", "url", "ca"),
    [
        ([], {}, "ws://localhost:40010", None),
        ([], {"GOMBUS_URL": "wss://a", "GOMBUS_CA": "a.pem"}, "wss://a", "a.pem"),
        (["--url", "wss://b", "--ca", "b.pem"], {"GOMBUS_URL": "wss://a", "GOMBUS_CA": "a.pem"}, "wss://b", "b.pem"),
        (["say", "--ca=c.pem", "--url=wss://c"], {}, "wss://c", "c.pem"),
        (["--ca"], {"GOMBUS_CA": "a.pem"}, "ws://localhost:40010", None),
    ],
)
def test_the_command_line_names_the_server_or_else_the_environment(
    arguments: list[str], environ: dict[str, str], url: str, ca: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOMBUS_URL", "GOMBUS_CA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    served = Served.named_by(arguments, ())
    assert (served.url, served.ca) == (url, ca)


def test_without_a_server_the_plugins_installed_here_say_it(installed: pytest.MonkeyPatch, nobody: str) -> None:
    installed.setenv("GOMBUS_URL", nobody)
    served = Served(nobody, ())
    assert list(served.forms) == ["hold", "quit", "say"]
    assert str(served.away).startswith(f"no gombus server at {nobody}: ")


def test_settings_that_cannot_be_read(
    installed: pytest.MonkeyPatch, nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.setenv("GOMBUS_PORT", "x")
    assert Served(nobody, ()).forms == {}
    assert "Error: environment: GOMBUS_PORT" in capsys.readouterr().err


def test_a_server_that_is_no_gombus(installed: pytest.MonkeyPatch) -> None:
    with made_up(lambda message: "hello") as url:
        served = Served(url, ())
        assert "say" in served.forms
    assert "is no gombus server" in str(served.away)
