"""The real INSPECT as far as it goes without its client: what keeps it from being used, and what is put back."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from gombus import redaction
from gombus.errors import BackendUnavailable
from gombus.inspect.address import ADDRESS
from gombus.inspect.backend import InspectBackend

KEY = "Secr3tKey"
URL = f"ws://localhost:1?apikey={KEY}&interpreter_id=5"
BACKEND = {ADDRESS: URL}

REPLACES = """
import os, sys
class Other:
    pass
sys.stdout, sys.stderr = Other(), Other()
sys.exit = Other()
os.environ, os.putenv = Other(), Other()
"""
"""What importing gom does to its process."""


def _modules() -> list[str]:
    return [name for name in sys.modules if name == "gom" or name.startswith("gom.")]


@pytest.fixture(autouse=True)
def _gom_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Put back at the end, as it was before.
    monkeypatch.setenv(ADDRESS, "")
    monkeypatch.setattr(redaction, "_hidden", [])
    kept = {name: sys.modules.pop(name) for name in _modules()}
    yield
    for name in _modules():
        del sys.modules[name]
    sys.modules.update(kept)
    importlib.invalidate_caches()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a module of the name gom, with this text, before any other."""

    def write(text: str) -> None:
        (tmp_path / "gom.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

    return write


def _process() -> tuple[Any, ...]:
    return sys.stdout, sys.stderr, sys.exit, os.environ, os.putenv


def _refusal(backend: InspectBackend) -> BackendUnavailable:
    with pytest.raises(BackendUnavailable) as caught:
        backend.open()
    return caught.value


@pytest.mark.parametrize("environ", [{}, {ADDRESS: ""}, {"OTHER": "ws://localhost:1"}], ids=repr)
def test_without_an_address_gom_is_not_imported_and_the_way_out_is_said(
    environ: dict[str, str], client: Callable[[str], None]
) -> None:
    client("")
    backend = InspectBackend(environ)
    assert f"{ADDRESS} is not set: start gombus from inside INSPECT, or enable the API" in str(_refusal(backend))
    assert backend.title == "INSPECT at no address"
    assert "gom" not in sys.modules


def test_without_the_client_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own way to say that there is no such module, whatever is installed.
    monkeypatch.setitem(sys.modules, "gom", None)  # type: ignore[arg-type]
    before = _process()
    error = _refusal(InspectBackend(BACKEND))
    assert str(error) == "the gom client is not installed: python -m pip install gombus[inspect]"
    assert isinstance(error.__cause__, ModuleNotFoundError)
    assert _process() == before


def test_a_client_that_lacks_a_module_is_not_called_missing(client: Callable[[str], None]) -> None:
    client("import a_module_that_the_client_needs\n")
    message = str(_refusal(InspectBackend(BACKEND)))
    assert "a_module_that_the_client_needs" in message
    assert "the gom client is not installed" not in message


def test_gom_is_not_imported_off_the_main_thread(client: Callable[[str], None]) -> None:
    client("")
    caught: list[BaseException] = []

    def run() -> None:
        try:
            InspectBackend(BACKEND).open()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    (error,) = caught
    assert isinstance(error, BackendUnavailable)
    assert str(error) == "INSPECT can be used from the main thread only"
    assert "gom" not in sys.modules


def test_what_the_client_is_becomes_the_handlers_gom(client: Callable[[str], None]) -> None:
    client("VALUE = 5\n")
    backend = InspectBackend(BACKEND)
    gom = backend.open()
    assert gom.VALUE == 5
    assert gom is sys.modules["gom"]
    assert backend.name == "inspect"
    # gom itself lets go when the process ends.
    backend.close()
    assert sys.modules["gom"] is gom


@pytest.mark.parametrize(
    ("address", "title"),
    [
        (URL, "INSPECT at ws://localhost:1"),
        ("ws://localhost:44444/?apikey=" + KEY, "INSPECT at ws://localhost:44444"),
        ("ws://localhost:44444", "INSPECT at ws://localhost:44444"),
        ("?apikey=" + KEY, "INSPECT at no address"),
    ],
)
def test_the_title_has_the_address_without_the_key(address: str, title: str) -> None:
    assert InspectBackend({ADDRESS: address}).title == title


@pytest.mark.parametrize(
    "said",
    [
        "refused",
        f"no connection to {URL}",
        f"Handshake status 403 for /?apikey={KEY}&interpreter_id=5",
        f"GET /?interpreter_id=5&apikey={KEY} HTTP/1.1",
        f"the key {KEY} is wrong",
    ],
)
@pytest.mark.parametrize("kind", ["ConnectionRefusedError", "RuntimeError", "ImportError"])
def test_where_inspect_cannot_be_reached_it_is_said_without_the_key(
    kind: str, said: str, client: Callable[[str], None]
) -> None:
    client(f"{REPLACES}\nraise {kind}({said!r})\n")
    error = _refusal(InspectBackend(BACKEND))
    assert str(error).startswith(f"no INSPECT at ws://localhost:1: {kind}")
    assert KEY not in str(error)
    # Not even where somebody logs the error with all that led to it.
    assert KEY not in "".join(traceback.format_exception(type(error), error, error.__traceback__))


def test_the_reason_of_the_client_is_said(client: Callable[[str], None]) -> None:
    client("raise ConnectionRefusedError(111, 'Connection refused')\n")
    assert str(_refusal(InspectBackend(BACKEND))) == (
        "no INSPECT at ws://localhost:1: ConnectionRefusedError: [Errno 111] Connection refused"
    )


def test_the_reason_of_the_client_is_said_in_one_line(client: Callable[[str], None]) -> None:
    # As its RequestError writes what has no log.
    client("raise RuntimeError('TWIN-0007: not the key\\n\\n')\n")
    assert (
        str(_refusal(InspectBackend(BACKEND))) == "no INSPECT at ws://localhost:1: RuntimeError: TWIN-0007: not the key"
    )


@pytest.mark.parametrize(
    ("ending", "raised"),
    [
        ("", None),
        ("raise RuntimeError('no')", BackendUnavailable),
        ("import a_module_that_the_client_needs", BackendUnavailable),
        ("raise KeyboardInterrupt", KeyboardInterrupt),
    ],
    ids=["works", "fails", "lacks a module", "interrupted"],
)
def test_what_importing_gom_replaces_is_put_back(
    ending: str, raised: type[BaseException] | None, client: Callable[[str], None]
) -> None:
    client(f"{REPLACES}\nSEEN = sys.stdout, sys.stderr, sys.exit, os.environ, os.putenv\n{ending}\n")
    before = _process()
    backend = InspectBackend(BACKEND)
    if raised is None:
        replaced = backend.open().SEEN
        assert not [one for one, other in zip(replaced, before) if one is other]
    else:
        with pytest.raises(raised):
            backend.open()
    assert [after is kept for after, kept in zip(_process(), before)] == [True] * 5


SEES = f"""
import os
SEEN = dict(os.environ)
ADDRESS = os.environ.get({ADDRESS!r})
"""
"""A client that keeps the environment that it is imported with."""


def test_the_client_sees_the_address_that_was_checked_and_nobody_the_key_afterwards(
    client: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADDRESS, "ws://evil.example:1?apikey=other")
    client(SEES)
    assert InspectBackend(BACKEND).open().ADDRESS == URL
    assert os.environ[ADDRESS] == "ws://localhost:1"
    script = "import os; print(sorted(os.environ.values()))"
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "ws://localhost:1" in child.stdout
    assert KEY not in child.stdout


def test_the_key_is_taken_out_of_the_environment_where_inspect_cannot_be_reached_either(
    client: Callable[[str], None],
) -> None:
    client("raise ConnectionRefusedError(111, 'Connection refused')\n")
    _refusal(InspectBackend(BACKEND))
    assert os.environ[ADDRESS] == "ws://localhost:1"


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"])
def test_the_client_is_given_no_proxy_to_go_through(
    name: str, client: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hand the key to the proxy, and run what the proxy sends, even for an INSPECT on this computer."""
    monkeypatch.setenv(name, "http://proxy.example:3128")
    client(SEES)
    assert name not in InspectBackend(BACKEND).open().SEEN
    assert os.environ[name] == "http://proxy.example:3128"


@pytest.mark.parametrize("address", ["ws://10.0.0.5:1?apikey=" + KEY, "ws://u:" + KEY + "@localhost", "http://" + KEY])
def test_an_address_that_is_not_trusted_is_refused_before_the_client_is_imported(
    address: str, client: Callable[[str], None]
) -> None:
    client("")
    backend = InspectBackend({ADDRESS: address})
    error = _refusal(backend)
    assert "gom" not in sys.modules
    assert KEY not in str(error) + backend.title


def test_a_computer_that_the_setting_names_is_trusted(client: Callable[[str], None]) -> None:
    client("VALUE = 5\n")
    assert InspectBackend({ADDRESS: "ws://inspect-pc:1"}, ("Inspect-PC",), "same").open().VALUE == 5


def test_settings_that_do_nothing_in_the_same_process_are_said_to(
    client: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    client("VALUE = 5\n")
    backend = InspectBackend(BACKEND, process="same", hang_s=5.0)
    assert backend.open().VALUE == 5
    assert backend.in_process
    assert "inspect_start and inspect_hang_s do nothing here" in caplog.text
    backend.close()


@pytest.mark.parametrize(
    ("process", "address", "inside"),
    [
        ("auto", "ws://localhost:1?apikey=k", False),
        ("auto", URL, True),
        ("own", URL, False),
        ("same", "ws://localhost:1?apikey=k", True),
    ],
)
def test_which_process_has_gom(process: str, address: str, inside: bool) -> None:
    backend = InspectBackend({ADDRESS: address}, process=process)
    assert (backend.in_process, backend.presence.ready) == (inside, inside)
    backend.close()


def test_a_gom_that_is_imported_already_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gom", sys.modules[__name__])
    assert InspectBackend({ADDRESS: "ws://localhost:1?apikey=k"}).in_process


def test_beside_inspect_the_client_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gom", None)  # type: ignore[arg-type]
    backend = InspectBackend(BACKEND, process="own")
    assert str(_refusal(backend)) == "the gom client is not installed: python -m pip install gombus[inspect]"
    backend.close()
