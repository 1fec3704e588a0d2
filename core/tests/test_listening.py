"""Where the server may listen, and the sockets for it."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certificates import write
from gombus.config import load
from gombus.errors import CannotListen
from gombus.net.listening import LOCALHOST, Place, choose_place, open_sockets


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this computer has no IPv6")


def place(host: str, **more: Any) -> Place:
    """Where a server with these settings may listen."""
    return choose_place(load({"host": host, **more}, environ={}), has_tokens=True)


@contextlib.contextmanager
def opened(host: str, port: int = 0) -> Iterator[list[socket.socket]]:
    sockets = open_sockets(place(host), port)
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
def test_loopback_needs_nothing_and_no_look_up(
    host: str, addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_may_be_asked(monkeypatch)
    chosen = choose_place(load({"host": host}, environ={}), has_tokens=False)
    assert chosen.addresses == addresses
    assert chosen.certificate is None


def nothing_may_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any, **__: Any) -> Any:
        raise AssertionError("a name was looked up, or a socket was made")

    for name in ("getaddrinfo", "gethostbyname", "create_server", "socket"):
        monkeypatch.setattr(socket, name, asked)


@pytest.mark.parametrize(
    "host",
    [
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
def test_everything_else_needs_all_three_and_without_them_nothing_is_looked_up(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing_may_be_asked(monkeypatch)
    with pytest.raises(CannotListen) as caught:
        choose_place(load({"host": host}, environ={}), has_tokens=False)
    assert str(caught.value) == (
        f"host {host!r} is not loopback, and other computers are served with TLS, a token and allowed_roots only; "
        "missing: tls_certificate and tls_key (gombus tls self-signed makes them for a test bench); "
        "a token (gombus token new); allowed_roots (name the folders that files may lie in)"
    )


@pytest.mark.parametrize("missing", ["tls_certificate and tls_key", "a token", "allowed_roots"])
def test_what_is_missing_is_named_alone(missing: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"host": "0.0.0.0"}
    if missing != "tls_certificate and tls_key":
        settings |= write(tmp_path)
    if missing != "allowed_roots":
        settings["allowed_roots"] = ("D:/exchange",)
    with pytest.raises(CannotListen, match=rf"; missing: {missing} \([^;]*\)$"):
        choose_place(load(settings, environ={}), has_tokens=missing != "a token")


def everything(folder: Path) -> dict[str, Any]:
    """The settings that allow other computers."""
    return {**write(folder), "allowed_roots": ("D:/exchange",)}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "2001:db8::1"])
def test_with_all_three_any_address_is_allowed(host: str, tmp_path: Path) -> None:
    chosen = place(host, **everything(tmp_path))
    assert chosen.addresses == (host,)
    assert chosen.certificate is not None


def test_a_name_means_all_its_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other computers' look-ups, not this one's.
    entries = [(0, 0, 0, "", (address, 0)) for address in ("192.168.0.1", "fe80::1", "192.168.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    assert place("inspect-pc", **everything(tmp_path)).addresses == ("192.168.0.1", "fe80::1")


@pytest.mark.parametrize("host", ["*", "no such name", "[::1]", "a" * 300, "host.invalid"])
def test_a_name_that_means_nothing_is_refused(host: str, tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match="is not known here: "):
        place(host, **everything(tmp_path))


def test_an_address_of_another_computer_is_refused(tmp_path: Path) -> None:
    # TEST-NET-1, which nobody has (RFC 5737).
    with pytest.raises(CannotListen, match=r"cannot listen on 192\.0\.2\.1 port 0: "):
        open_sockets(place("192.0.2.1", **everything(tmp_path)), 0)


@pytest.mark.parametrize("host", ["0.0.0.0", pytest.param("::", marks=needs_ipv6)])
def test_all_addresses_of_one_family(host: str, tmp_path: Path) -> None:
    (listening,) = open_sockets(place(host, **everything(tmp_path)), 0)
    with listening:
        socket.create_connection(("::1" if ":" in host else "127.0.0.1", listening.getsockname()[1])).close()


@pytest.mark.parametrize("lone", ["tls_certificate", "tls_key"])
@pytest.mark.parametrize("host", ["localhost", "0.0.0.0"])
def test_certificate_and_key_belong_together(host: str, lone: str, tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match=r"^tls_certificate and tls_key belong together: set both, or neither$"):
        place(host, **{lone: write(tmp_path)[lone]})


def test_a_certificate_that_cannot_be_used_is_refused_on_loopback_too(tmp_path: Path) -> None:
    settings = write(tmp_path)
    (tmp_path / "key.pem").unlink()
    with pytest.raises(CannotListen, match=r"^tls_key: .*key\.pem cannot be read: "):
        place("localhost", **settings)


@pytest.mark.parametrize(
    ("host", "secure", "url"),
    [
        ("localhost", False, "ws://localhost:5"),
        ("::1", False, "ws://[::1]:5"),
        ("localhost", True, "wss://localhost:5"),
        ("192.168.0.1", True, "wss://192.168.0.1:5"),
        ("2001:db8::1", True, "wss://[2001:db8::1]:5"),
        ("0.0.0.0", True, f"wss://{socket.gethostname()}:5"),
        ("::", True, f"wss://{socket.gethostname()}:5"),
    ],
)
def test_the_url_is_one_that_clients_can_use(host: str, secure: bool, url: str, tmp_path: Path) -> None:
    assert place(host, **everything(tmp_path) if secure else {}).url(5) == url


@pytest.mark.parametrize(("platform", "allowed"), [("win32", False), ("linux", True)])
def test_on_windows_no_more_connections_are_promised_than_it_can_serve(
    platform: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert place("localhost", max_connections=400).addresses == LOCALHOST
    with contextlib.nullcontext() if allowed else pytest.raises(CannotListen, match="on Windows: up to 400"):
        place("localhost", max_connections=401)


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
            open_sockets(place("127.0.0.1"), port)
    assert str(caught.value) == (
        f"port {port} on 127.0.0.1 is taken: stop the other server or choose another with --port"
    )


@needs_ipv6
def test_a_port_that_is_taken_in_one_family_is_refused_and_the_other_is_let_go() -> None:
    with opened("::1") as (listening,):
        port = listening.getsockname()[1]
        with pytest.raises(CannotListen, match=f"port {port} on localhost is taken"):
            open_sockets(place("localhost"), port)
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
        open_sockets(place("localhost"), 0)


@pytest.mark.parametrize("port", [0, 40010])
def test_any_other_error_is_said_and_nothing_stays_open(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    families = Families(monkeypatch, v4=(errno.EACCES, 1))
    with pytest.raises(CannotListen, match=f"cannot listen on localhost port {port}: as on another computer"):
        open_sockets(place("localhost"), port)
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
        open_sockets(place("localhost"), 0)
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
            open_sockets(place("127.0.0.1"), port)
    with opened("127.0.0.1", port) as (again,):
        assert again.getsockname()[1] == port
