"""`gombus config`: the settings in force."""

from __future__ import annotations

import json
from pathlib import Path

from programs import gombus


def test_it_prints_each_value_and_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "gombus.toml").write_text('port = 1\nhosts = ["a", "b"]\n[plugin.acme]\nspeed = 3\n', encoding="utf-8")
    done = gombus("config", cwd=tmp_path, GOMBUS_PORT="2")
    assert done.returncode == 0
    rows = {line.split(" = ")[0]: line.split(maxsplit=2)[2] for line in done.stdout.splitlines() if " = " in line}
    assert rows["port"].split("  ")[0] == "2"
    assert "environment GOMBUS_PORT" in rows["port"]
    assert rows["hosts"].startswith('["a", "b"]')
    assert "gombus.toml" in rows["hosts"]
    assert rows["host"].split()[:2] == ['"localhost"', "default"]
    assert done.stdout.endswith("\n[plugin.acme]\nspeed = 3\n")


def test_json_for_scripts(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 7\n[plugin.acme]\nspeed = 3\n", encoding="utf-8")
    done = gombus("config", "--json", "--config", str(other), cwd=tmp_path)
    shown = json.loads(done.stdout)
    assert shown["settings"]["port"] == {
        "value": 7,
        "source": str(other),
        "allowed": "a whole number from 0 to 65535",
        "help": "TCP port to listen on; 0 takes a free one",
    }
    assert shown["plugin"] == {"acme": {"speed": 3}}


def test_a_wrong_setting_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "gombus.toml").write_text("prot = 1\n", encoding="utf-8")
    done = gombus("config", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: gombus.toml: prot: is no setting; allowed: host, port, ")


def test_json_of_values_that_json_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "gombus.toml").write_text("[plugin.acme]\nsince = 2026-11-22\nlimit = nan\n", encoding="utf-8-sig")
    done = gombus("config", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["plugin"] == {"acme": {"since": "2026-11-22", "limit": "NaN"}}
