"""The messages of docs/json-rpc.md are really sent, in their order, over one connection, and answered as it says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from gombus_kit import samples
from programs import serve
from support import WAIT_S

PAGE = Path(__file__).resolve().parents[1] / "docs" / "json-rpc.md"
ANY = "…"
FOLDER = "C:/temp"


def exchanges() -> list[tuple[str, list[Any]]]:
    """What is sent, and the messages that follow it."""
    found: list[tuple[str, list[Any]]] = []
    for block in re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("> "):
                found.append((line[2:], []))
            else:
                assert line.startswith("< "), line
                found[-1][1].append(json.loads(line[2:]))
    return found


class Page:
    """Holds what the page says against what is answered; the page's job ids are learnt when they are first answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.as_posix()
        self._ids: dict[str, str] = {}

    def sent(self, text: str) -> str:
        for shown, real in self._ids.items():
            text = text.replace(shown, real)
        return text.replace(FOLDER, self._folder)

    def check(self, shown: Any, answered: Any, place: str) -> None:
        if shown == ANY:
            return
        if isinstance(shown, dict):
            assert isinstance(answered, dict) and shown.keys() == answered.keys(), (place, answered)
            for name, value in shown.items():
                if name == "job" and value != ANY:
                    self._ids.setdefault(value, answered[name])
                self.check(value, answered[name], f"{place}/{name}")
        elif isinstance(shown, list):
            assert isinstance(answered, list) and len(shown) == len(answered), (place, answered)
            for index, value in enumerate(shown):
                self.check(value, answered[index], f"{place}/{index}")
        elif isinstance(shown, str):
            assert answered == self.sent(shown), place
        else:
            assert answered == shown, place


def test_the_messages_of_the_page(tmp_path: Path) -> None:
    shutil.copy(samples.ELEMENTS, tmp_path / "Points.gxml")
    page = Page(tmp_path)
    said = exchanges()
    assert len(said) > 10
    more = {
        "GOMBUS_PLUGIN_MODULES": "",
        "GOMBUS_PLUGINS_ENABLED": "elements_import,kit",
        "GOMBUS_BACKEND": "twin",
        "GOMBUS_JOURNAL": str(tmp_path / "journal.sqlite3"),
    }
    with serve(**more) as program, connect(program.url, proxy=None) as connection:
        for message, answers in said:
            connection.send(page.sent(message))
            for shown in answers:
                page.check(shown, json.loads(connection.recv(WAIT_S)), message)


CLIENT_PAGE = PAGE.with_name("python-client.md")


@pytest.mark.parametrize("number", range(3))
def test_the_programs_of_the_client_s_page(number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = re.findall(r"```python\n(.*?)```", CLIENT_PAGE.read_text(encoding="utf-8"), re.DOTALL)[number]
    shutil.copy(samples.ELEMENTS, tmp_path / "Points.gxml")
    shutil.copy(samples.IMAGE, tmp_path / "example.jpg")
    more = {"GOMBUS_PLUGIN_MODULES": "", "GOMBUS_PLUGINS_ENABLED": "elements_import,image_import,kit"}
    with serve(GOMBUS_BACKEND="twin", **more) as server:
        text = program.replace("ws://localhost:40010", server.url).replace(FOLDER, tmp_path.as_posix())
        exec(compile(text, CLIENT_PAGE.name, "exec"), {"__name__": "page"})
    said = capsys.readouterr().out
    assert said.count("\n") >= 1
    assert not re.search("refused|unreadable|cannot", said), said
