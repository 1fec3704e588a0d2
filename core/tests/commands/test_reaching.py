"""The options that say which server is asked, and as whom."""

from __future__ import annotations

import pytest

from gombus.commands.reaching import server_of


@pytest.mark.parametrize(
    ("arguments", "environ", "url", "ca"),
    [
        ([], {}, "ws://localhost:40010", None),
        ([], {"GOMBUS_URL": "wss://a", "GOMBUS_CA": "a.pem"}, "wss://a", "a.pem"),
        (["--url", "wss://b", "--ca", "b.pem"], {"GOMBUS_URL": "wss://a", "GOMBUS_CA": "a.pem"}, "wss://b", "b.pem"),
        (["say", "--ca=c.pem", "--url=wss://c"], {}, "wss://c", "c.pem"),
        (["--ca"], {"GOMBUS_CA": "a.pem"}, "ws://localhost:40010", "a.pem"),
    ],
)
def test_the_command_line_names_the_server_or_else_the_environment(
    arguments: list[str], environ: dict[str, str], url: str, ca: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOMBUS_URL", "GOMBUS_CA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    served = server_of(arguments, ())
    assert (served.url, served.ca) == (url, ca)
