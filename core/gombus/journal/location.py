"""Where the journal and the receipt log are, as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Union

from ..config import Settings
from ..errors import SettingsError
from ..model import Record
from .memory import MemoryJournal
from .sqlite import SqliteJournal

_JOURNAL, _RECEIPTS = "journal.sqlite3", "receipts.jsonl"
AnyJournal = Union[MemoryJournal, SqliteJournal]
"""Both also give the jobs that were `queued` when the last server ended, and have `remember_schemas`."""


def journal_path(settings: Settings) -> Path | None:
    """The journal's file; None where it is kept in memory only."""
    if settings.journal == "off":
        return None
    if settings.journal != "auto":
        return Path(settings.journal)
    # Only needed here, and not by a server that is told where its journal is.
    import platformdirs

    return platformdirs.user_state_path("gombus", appauthor=False) / _JOURNAL


def receipts_path(settings: Settings) -> Path | None:
    """The receipt log; None where there is none.

    :raises SettingsError: a receipt log without a journal.
    """
    journal = journal_path(settings)
    if settings.receipts == "off" or (settings.receipts == "auto" and journal is None):
        return None
    if journal is None:
        raise SettingsError(
            f"{settings.source('receipts')}: receipts: {settings.receipts!r} is not allowed without a journal; "
            "allowed: auto, off"
        )
    if settings.receipts != "auto":
        return Path(settings.receipts)
    # Several journals in one folder must not share a log.
    return journal.with_name(_RECEIPTS if journal.name == _JOURNAL else f"{journal.stem}.{_RECEIPTS}")


def open_journal(settings: Settings, wake: Callable[[], None], interrupted: Callable[[Record], str]) -> AnyJournal:
    """Open the journal that the settings choose, and recover what the last server left.

    :param wake: may be called on any thread, and must lead to a call of `deliver` on the network thread.
    :param interrupted: makes the receipt (JSON text) of a job that ran when the last server ended; its record has the
        state interrupted and its end already.
    :raises JournalError: the journal or the receipt log cannot be used.
    :raises SettingsError: a receipt log without a journal.
    """
    path, receipts = journal_path(settings), receipts_path(settings)
    if path is None:
        return MemoryJournal()
    return SqliteJournal(path, receipts, settings.journal_days, settings.journal_jobs, wake, interrupted)
