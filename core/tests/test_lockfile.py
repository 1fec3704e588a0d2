"""A lock that ends with who holds it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gombus.errors import JournalError
from gombus.lockfile import hold, hold_beside

HOLD = "import sys; from pathlib import Path; from gombus.lockfile import hold; held = hold(Path(sys.argv[1])); "


def test_it_is_held_until_it_is_closed(tmp_path: Path) -> None:
    first = hold(tmp_path / "lock")
    with pytest.raises(sqlite3.Error, match="locked"):
        hold(tmp_path / "lock")
    first.close()
    hold(tmp_path / "lock").close()


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    lock = str(tmp_path / "lock")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD + "print(flush=True); sys.stdin.read()", lock],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(sqlite3.Error, match="locked"):
            hold(Path(lock))
        other.kill()
    hold(Path(lock)).close()


def test_what_cannot_be_made_is_said_in_another_way(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error, match="unable to open"):
        hold(tmp_path / "nowhere" / "lock")


def test_the_lock_of_a_file_stands_beside_it_and_says_how_another_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with closing(hold_beside(tmp_path / "file", "--journal")):
        with pytest.raises(
            JournalError, match=r"link: is in use by another gombus: stop it, or .* --journal PATH\|off"
        ):
            hold_beside(tmp_path / "link", "--journal")
        assert [path.name for path in tmp_path.glob("*-lock")] == ["file-lock"]
    with pytest.raises(JournalError, match=r"cannot be locked: .*x-lock: unable to open"):
        hold_beside(tmp_path / "nowhere" / "x", "--journal")
