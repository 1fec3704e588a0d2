"""Where the journal and the receipt log are, as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import platformdirs
import pytest

from gombus.config import load
from gombus.errors import JournalError, SettingsError
from gombus.journal.location import journal_path, open_journal, receipts_path
from gombus.journal.memory import MemoryJournal
from gombus.journal.sqlite import SqliteJournal
from journals import interrupted


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's state folder."""

    def user_state_path(appname: str, appauthor: object) -> Path:
        assert appauthor is False
        return tmp_path / "state" / appname

    monkeypatch.setattr(platformdirs, "user_state_path", user_state_path)
    return tmp_path / "state" / "gombus"


def wake() -> None:
    """Nobody waits."""


def test_everything_is_in_the_users_state_folder(state: Path) -> None:
    settings = load(environ={})
    assert journal_path(settings) == state / "journal.sqlite3"
    assert receipts_path(settings) == state / "receipts.jsonl"
    assert not state.exists()
    journal = open_journal(settings, wake, interrupted)
    journal.close()
    assert isinstance(journal, SqliteJournal)
    assert sorted(file.name for file in state.iterdir()) == [
        "journal.sqlite3",
        "journal.sqlite3-lock",
        "receipts.jsonl",
        "receipts.jsonl-lock",
    ]


def test_the_state_folder_is_an_absolute_path_on_this_system() -> None:
    path = journal_path(load(environ={}))
    assert path
    assert path.is_absolute()


@pytest.mark.parametrize(
    ("journal", "receipts", "expected"),
    [
        ("here/j.db", "auto", ("here/j.db", "here/j.receipts.jsonl")),
        ("here/j.db", "off", ("here/j.db", None)),
        ("here/j.db", "there/r.jsonl", ("here/j.db", "there/r.jsonl")),
        ("off", "auto", (None, None)),
        ("off", "off", (None, None)),
    ],
)
def test_each_may_be_elsewhere_or_off(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    journal: str,
    receipts: str,
    expected: tuple[str | None, str | None],
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load({"journal": journal, "receipts": receipts}, environ={})
    paths = tuple(path and Path(path) for path in expected)
    assert (journal_path(settings), receipts_path(settings)) == paths
    opened = open_journal(settings, wake, interrupted)
    opened.close()
    assert isinstance(opened, MemoryJournal if journal == "off" else SqliteJournal)
    files = {file for file in tmp_path.rglob("*") if file.is_file() and "-lock" not in file.name}
    assert files == {tmp_path / path for path in paths if path}


def test_a_receipt_log_needs_a_journal() -> None:
    options: dict[str, Any] = {"journal": "off", "receipts": "r.jsonl"}
    with pytest.raises(
        SettingsError,
        match=r"option --receipts: receipts: 'r\.jsonl' is not allowed without a journal; allowed: auto, off",
    ):
        open_journal(load(options, environ={}), wake, interrupted)


def test_how_much_is_kept_is_a_setting(tmp_path: Path) -> None:
    settings = load({"journal": str(tmp_path / "j"), "journal_days": 3, "journal_jobs": 5}, environ={})
    opened = open_journal(settings, wake, interrupted)
    assert isinstance(opened, SqliteJournal)
    assert (opened._writer._days, opened._writer._jobs) == (3, 5)
    opened.close()


def test_what_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="choose another with --journal"):
        open_journal(load({"journal": str(tmp_path)}, environ={}), wake, interrupted)


def test_journals_in_one_folder_have_a_log_each_and_one_that_is_shared_is_refused(tmp_path: Path) -> None:
    logs = [receipts_path(load({"journal": str(tmp_path / name)}, environ={})) for name in ("a.sqlite3", "b.sqlite3")]
    assert logs == [tmp_path / "a.receipts.jsonl", tmp_path / "b.receipts.jsonl"]
    shared = {"receipts": str(tmp_path / "r.jsonl")}
    first = open_journal(load({"journal": str(tmp_path / "a"), **shared}, environ={}), wake, interrupted)
    second = load({"journal": str(tmp_path / "b"), **shared}, environ={})
    with pytest.raises(JournalError, match="is in use by another gombus: stop it, or choose another with --receipts"):
        open_journal(second, wake, interrupted)
    first.close()
    open_journal(second, wake, interrupted).close()
