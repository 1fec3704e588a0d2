"""Files as a site's settings want them, from a client to the twin: what reaches INSPECT, and what clients are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from websockets.sync.client import connect

from rpc import rpc
from support import WAIT_S

IMPORT_IMAGES = "gom.script.sys.import_other_images"


def ask(server: Any, *messages: str) -> list[str]:
    """The answers of the plain wire."""
    with connect(server.url, proxy=None) as connection:
        answers = []
        for message in messages:
            connection.send(message)
            answers.append(str(connection.recv(WAIT_S)))
    return answers


def image(file: str) -> str:
    return f'{{"image": {{"file": "{file}", "name": "a", "focal_length": "2.0"}}}}'


def elements(file: str) -> str:
    return f'{{"elements": {{"file": "{file}", "import_mode": "clipboard"}}}}'


@pytest.fixture
def mapped(tmp_path: Path, paths: dict[str, str], twin_server: Callable[..., Any]) -> Any:
    """A server whose clients call the folder of the reference's files ``Z:/cell``."""
    return twin_server(paths={"Z:/cell": tmp_path.as_posix()})


def test_inspect_gets_the_local_path_and_the_plain_wire_says_what_was_sent(mapped: Any, paths: dict[str, str]) -> None:
    names = {key: f"Z:/cell/{Path(path).name}" for key, path in paths.items()}
    assert ask(
        mapped,
        image(names["IMAGE"]),
        image(names["MISSING"]),
        image(names["BROKEN_IMAGE"]),
        elements(names["MISSING"]),
        elements(names["BROKEN_ELEMENTS"]),
    ) == [
        "O.k.",
        f"Error: Image file {names['MISSING']} could not be read.",
        f"Error: Image could not be imported from file {names['BROKEN_IMAGE']}.",
        f"Error: Elements file {names['MISSING']} could not be read.",
        f"Error: Elements could not be imported from file {names['BROKEN_ELEMENTS']} with import mode clipboard.",
    ]
    _, arguments = next(call for call in mapped.twin.calls if call[0] == IMPORT_IMAGES)
    assert arguments["image_files"] == [mapped.twin.File(Path(paths["IMAGE"]).as_posix())]


def test_a_file_outside_is_refused_on_both_wires_and_inspect_is_not_called(
    tmp_path: Path, paths: dict[str, str], twin_server: Callable[..., Any]
) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    server = twin_server(allowed_roots=(str(inside),), paths={"Z:/cell": str(inside)})
    message = "'C:/x.jpg' is no whole path, so it means another folder on every start"
    if Path("C:/x.jpg").is_absolute():
        message = "'C:/x.jpg' lies in none of the folders in which files may lie"
    message += "; allowed: a whole path in Z:/cell"
    assert ask(server, image("C:/x.jpg")) == [f"Error: Invalid parameter 'file' in 'image' request: {message}"]
    with rpc(server) as client:
        error = client.refused("image", {"file": "C:/x.jpg", "name": "a", "focal_length": 2})
        assert error["data"] == {
            "code": "path_refused",
            "errors": [{"pointer": "/file", "keyword": "path", "message": message}],
        }
    assert list(server.twin.calls) == []


def test_inspect_gets_a_copy_that_is_gone_afterwards(
    tmp_path: Path, paths: dict[str, str], twin_server: Callable[..., Any]
) -> None:
    spool = tmp_path / "spool"
    server = twin_server(spool=str(spool))
    with rpc(server) as client:
        receipt = client.call("image", {"file": paths["IMAGE"], "name": "a", "focal_length": 2})
    (file,) = receipt["files"]
    assert (file["source"], file["sent"], file["size"]) == (
        paths["IMAGE"],
        paths["IMAGE"],
        Path(paths["IMAGE"]).stat().st_size,
    )
    _, arguments = next(call for call in server.twin.calls if call[0] == IMPORT_IMAGES)
    assert arguments["image_files"] == [server.twin.File(file["path"])]
    assert Path(file["path"]).name == Path(paths["IMAGE"]).name
    assert [path for path in spool.iterdir() if path.is_dir()] == []
