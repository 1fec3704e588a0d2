"""Where the server may listen, and the sockets for it."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gombus.errors import CannotListen
from gombus.listening import LOCALHOST, loopback_addresses, open_sockets


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this computer has no IPv6")


@contextlib.contextmanager
def opened(host: str, port: int = 0) -> Iterator[list[socket.socket]]:
    sockets = open_sockets(host, port)
    try:
        yield sockets
    finally:
        for listening in sockets:
            listening.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("localhost", LOCALHOST),
        ("LocalHost", LOCALHOST),
        ("127.0.0.1", ("127.0.0.1",)),
        ("127.1.2.3", ("127.1.2.3",)),
        ("::1", ("::1",)),
        ("0:0:0:0:0:0:0:1", ("0:0:0:0:0:0:0:1",)),
    ],
)
def test_loopback_is_allowed(host: str, addresses: tuple[str, ...]) -> None:
    assert loopback_addresses(host) == addresses


@pytest.mark.parametrize(
    "host",
    [
        "",
        "0.0.0.0",
        "::",
        "*",
        "192.168.0.1",
        "10.0.0.1",
        "169.254.1.1",
        "8.8.8.8",
        "fe80::1",
        "2001:db8::1",
        "::ffff:192.168.0.1",
        "localhost.",
        "localhost.example",
        "my-pc",
        "example.com",
        "127.0.0.1.example.com",
        "127.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.1:40010",
        "[::1]",
        " localhost",
    ],
)
def test_everything_else_is_refused_without_a_look_up(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any, **__: Any) -> Any:
        raise AssertionError("a name was looked up, or a socket was made")

    for name in ("getaddrinfo", "gethostbyname", "create_server", "socket"):
        monkeypatch.setattr(socket, name, asked)
    for refuse in (loopback_addresses, lambda name: open_sockets(name, 0)):
        with pytest.raises(CannotListen, match=r"is not loopback: .* allowed: localhost, ") as caught:
            refuse(host)
        assert f"host {host!r} is not loopback" in str(caught.value)


@needs_ipv6
def test_localhost_listens_in_both_families_on_one_port() -> None:
    with opened("localhost") as sockets:
        names = [listening.getsockname() for listening in sockets]
        assert [name[0] for name in names] == list(LOCALHOST)
        assert names[0][1] == names[1][1] > 0
        for address in LOCALHOST:
            socket.create_connection((address, names[0][1])).close()


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_an_address_listens_in_its_family_alone(host: str) -> None:
    with opened(host) as (listening,):
        assert listening.getsockname()[0] == host
        socket.create_connection(listening.getsockname()[:2]).close()


def test_the_port_that_was_asked_for_is_taken() -> None:
    port = free_port()
    with opened("127.0.0.1", port) as (listening,):
        assert listening.getsockname()[1] == port


def test_a_port_that_is_taken_is_refused_and_the_way_out_is_said() -> None:
    with opened("127.0.0.1") as (listening,):
        port = listening.getsockname()[1]
        with pytest.raises(CannotListen) as caught:
            open_sockets("127.0.0.1", port)
    assert str(caught.value) == (
        f"port {port} on 127.0.0.1 is taken: stop the other server or choose another with --port"
    )


@needs_ipv6
def test_a_port_that_is_taken_in_one_family_is_refused_and_the_other_is_let_go() -> None:
    with opened("::1") as (listening,):
        port = listening.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} on localhost is taken"):
            open_sockets("localhost", port)
        with opened("127.0.0.1", port) as (other,):
            assert other.getsockname()[1] == port


class Families:
    """`socket.create_server` that fails for some addresses, as computers do that tests do not run on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **failures: tuple[int, int]) -> None:
        self.tried: list[tuple[str, int]] = []
        # Family -> errno, and how often.
        self.failures = {socket.AF_INET: failures.get("v4", (0, 0)), socket.AF_INET6: failures.get("v6", (0, 0))}
        self.real = socket.create_server
        monkeypatch.setattr(socket, "create_server", self)

    def __call__(self, address: tuple[str, int], *, family: Any = socket.AF_INET) -> socket.socket:
        self.tried.append(address)
        code, times = self.failures[family]
        if times:
            self.failures[family] = code, times - 1
            raise OSError(code, "as on another computer")
        return self.real(address, family=family)


@pytest.mark.parametrize("code", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
@pytest.mark.parametrize(("missing", "there"), [("v6", "127.0.0.1"), pytest.param("v4", "::1", marks=needs_ipv6)])
def test_a_family_that_this_computer_does_not_have_is_left_out(
    code: int, missing: str, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = Families(monkeypatch, **{missing: (code, 99)})
    with opened("localhost") as (listening,):
        assert listening.getsockname()[0] == there
    assert [address for address, _ in families.tried] == list(LOCALHOST)


def test_without_any_family_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    Families(monkeypatch, v4=(errno.EADDRNOTAVAIL, 99), v6=(errno.EAFNOSUPPORT, 99))
    with pytest.raises(CannotListen, match="cannot listen on localhost port 0: as on another computer"):
        open_sockets("localhost", 0)


@pytest.mark.parametrize("port", [0, 40010])
def test_any_other_error_is_said_and_nothing_stays_open(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    families = Families(monkeypatch, v4=(errno.EACCES, 1))
    with pytest.raises(CannotListen, match=f"cannot listen on localhost port {port}: as on another computer"):
        open_sockets("localhost", port)
    # It is not tried again.
    assert families.tried == [("127.0.0.1", port)]


@needs_ipv6
def test_a_free_port_of_one_family_that_is_taken_in_the_other_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    families = Families(monkeypatch, v6=(errno.EADDRINUSE, 2))
    with opened("localhost") as sockets:
        assert len({listening.getsockname()[1] for listening in sockets}) == 1
    assert [address for address, _ in families.tried] == list(LOCALHOST) * 3
    # The second family is asked for the port that the first one gave.
    assert [port for _, port in families.tried][::2] == [0, 0, 0]
    assert 0 not in [port for _, port in families.tried][1::2]


def test_where_no_port_is_free_in_every_family_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    families = Families(monkeypatch, v6=(errno.EADDRINUSE, 1000))
    with pytest.raises(CannotListen, match="port 0 on localhost is taken"):
        open_sockets("localhost", 0)
    assert len(families.tried) < 100


@pytest.fixture
def as_on_windows(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Windows' option for a port of one's own; gives the options that are set."""
    options: list[tuple[Any, ...]] = []
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
        return options

    class Watched(socket.socket):
        def setsockopt(self, *arguments: Any) -> None:
            options.append(arguments)
            super().setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", -5, raising=False)
    monkeypatch.setattr(socket, "socket", Watched)
    return options


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_on_windows_the_port_is_taken_for_itself(as_on_windows: list[tuple[Any, ...]], host: str) -> None:
    with opened(host) as (listening,):
        socket.create_connection(listening.getsockname()[:2]).close()
        assert as_on_windows[:1] in ([], [(socket.SOL_SOCKET, -5, 1)])


def test_on_windows_a_port_that_is_taken_is_refused_and_nothing_stays_open(
    as_on_windows: list[tuple[Any, ...]],
) -> None:
    with opened("127.0.0.1") as (listening,):
        port = listening.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} on 127.0.0.1 is taken"):
            open_sockets("127.0.0.1", port)
    with opened("127.0.0.1", port) as (again,):
        assert again.getsockname()[1] == port
