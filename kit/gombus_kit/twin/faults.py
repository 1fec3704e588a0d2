"""Delays and faults that the twin is to show, for tests and demonstrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gombus import PluginError

KINDS = ("refuse", "break", "error")
"""refuse: `RequestError`; break: `BreakError`, as if the user pressed Esc; error: `RuntimeError`, a broken client."""
_KEYS = ("delay_s", "delays_s", "faults")


@dataclass
class Faults:
    """What goes slow or wrong. May be changed while the twin runs."""

    delay_s: float = 0.0
    """How long every command takes, in seconds."""
    delays_s: dict[str, float] = field(default_factory=dict)
    """Command -> how long it takes, in seconds, in place of `delay_s`."""
    faults: dict[str, str] = field(default_factory=dict)
    """Command -> one of `KINDS`."""

    @classmethod
    def from_settings(cls, table: Mapping[str, Any], where: str = "[plugin.kit]") -> Faults:
        """Read the table [plugin.kit] of gombus.toml.

        :param where: where the table stands, for errors.
        :raises PluginError: a key is unknown or ill-typed.
        """
        for key in table:
            if key not in _KEYS:
                raise PluginError(f"{where} {key}: is no setting; allowed: {', '.join(_KEYS)}")
        delay_s = table.get("delay_s", 0.0)
        delays_s = dict(table_of(table, "delays_s", where))
        faults = dict(table_of(table, "faults", where))
        for key, value in [("delay_s", delay_s), *((f"delays_s.{name}", value) for name, value in delays_s.items())]:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 3600:
                raise PluginError(f"{where} {key}: {value!r} is not allowed; allowed: 0 to 3600 (s)")
        for name, kind in faults.items():
            if kind not in KINDS:
                raise PluginError(f"{where} faults.{name}: {kind!r} is not allowed; allowed: {', '.join(KINDS)}")
        return cls(delay_s, delays_s, faults)

    @property
    def commands(self) -> set[str]:
        """The commands that are named."""
        return {*self.delays_s, *self.faults}


def table_of(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """A table of commands.

    :raises PluginError: it is none.
    """
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise PluginError(f"{where} {key}: a table of commands is allowed")
    return value
