"""`gombus schemas`: the schemas of request types as files."""

from __future__ import annotations

import json
from pathlib import Path

from programs import gombus, serve
from rpc import rpc
from support import SCHEMA


def test_without_a_folder_it_prints_them() -> None:
    assert json.loads(gombus("schemas").stdout) == {"hold": SCHEMA, "quit": SCHEMA, "say": SCHEMA}


def test_it_writes_one_file_a_request_type(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "schemas"
    assert gombus("schemas", "--to", str(folder)).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "hold.json",
        "quit.json",
        "rpc.discover.json",
        "say.json",
    ]
    assert json.loads((folder / "say.json").read_text(encoding="utf-8")) == SCHEMA
    assert b"\r" not in (folder / "say.json").read_bytes()


def test_beside_them_stands_what_a_server_says_of_itself(tmp_path: Path) -> None:
    gombus("schemas", "--to", str(tmp_path))
    text = (tmp_path / "rpc.discover.json").read_text(encoding="utf-8")
    with serve() as program, rpc(program) as client:
        assert client.call("rpc.discover") == json.loads(text)
        client.call("quit")
        program.end()


def test_check_names_what_is_missing_different_or_left_over(tmp_path: Path) -> None:
    gombus("schemas", "--to", str(tmp_path))
    assert gombus("schemas", "--to", str(tmp_path), "--check").returncode == 0
    (tmp_path / "hold.json").unlink()
    (tmp_path / "say.json").write_text("{}", encoding="utf-8")
    (tmp_path / "rpc.discover.json").unlink()
    (tmp_path / "old.json").write_text("{}", encoding="utf-8")
    done = gombus("schemas", "--to", str(tmp_path), "--check")
    assert done.returncode == 1
    named = [line.split(";")[0] for line in done.stderr.splitlines()]
    assert named == [
        f"not up to date: {tmp_path / name}" for name in ("hold.json", "say.json", "rpc.discover.json", "old.json")
    ]
    assert (tmp_path / "say.json").read_text(encoding="utf-8") == "{}"


def test_check_needs_a_folder() -> None:
    done = gombus("schemas", "--check")
    assert done.returncode == 2
    assert "--check needs --to" in done.stderr
