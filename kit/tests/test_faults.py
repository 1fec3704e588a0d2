"""The table [plugin.kit] of gombus.toml: what it allows, and how it says what it does not."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from gombus import PluginError
from gombus_kit.twin import Faults

IMPORT, CREATE = "gom.script.sys.import_other_images", "gom.script.sys.create_series"


def test_without_settings_nothing_is_slow_and_nothing_fails() -> None:
    assert Faults.from_settings({}) == Faults(delay_s=0.0, delays_s={}, faults={})
    assert Faults().commands == set()


def test_all_settings_are_read() -> None:
    table = {"delay_s": 0.5, "delays_s": {IMPORT: 2}, "faults": {CREATE: "refuse", IMPORT: "break"}}
    faults = Faults.from_settings(table)
    assert faults == Faults(0.5, {IMPORT: 2}, {CREATE: "refuse", IMPORT: "break"})
    assert faults.commands == {IMPORT, CREATE}


@pytest.mark.parametrize("kind", ["refuse", "break", "error"])
def test_every_kind_of_fault_is_allowed(kind: str) -> None:
    assert Faults.from_settings({"faults": {IMPORT: kind}}).faults == {IMPORT: kind}


@pytest.mark.parametrize("delay", [0, 0.0, 1, 0.001, 3600, 3600.0])
def test_every_delay_up_to_an_hour_is_allowed(delay: float) -> None:
    faults = Faults.from_settings({"delay_s": delay, "delays_s": {IMPORT: delay}})
    assert (faults.delay_s, faults.delays_s) == (delay, {IMPORT: delay})


NO_DELAYS = [-1, -0.001, 3600.001, float("inf"), float("nan"), True, False, "1", None, [1], {}]


@pytest.mark.parametrize("delay", NO_DELAYS, ids=repr)
def test_what_is_no_delay_is_refused(delay: object) -> None:
    with pytest.raises(PluginError) as caught:
        Faults.from_settings({"delay_s": delay})
    assert str(caught.value) == f"[plugin.kit] delay_s: {delay!r} is not allowed; allowed: 0 to 3600 (s)"


@pytest.mark.parametrize("delay", NO_DELAYS, ids=repr)
def test_what_is_no_delay_of_a_command_is_refused_and_the_command_named(delay: object) -> None:
    with pytest.raises(PluginError) as caught:
        Faults.from_settings({"delays_s": {CREATE: 1, IMPORT: delay}})
    assert str(caught.value) == f"[plugin.kit] delays_s.{IMPORT}: {delay!r} is not allowed; allowed: 0 to 3600 (s)"


@pytest.mark.parametrize("kind", ["", "Refuse", "crash", True, None, 1, ["refuse"], {}], ids=repr)
def test_what_is_no_kind_of_fault_is_refused_and_the_command_named(kind: object) -> None:
    with pytest.raises(PluginError) as caught:
        Faults.from_settings({"faults": {CREATE: "break", IMPORT: kind}})
    assert str(caught.value) == (
        f"[plugin.kit] faults.{IMPORT}: {kind!r} is not allowed; allowed: refuse, break, error"
    )


@pytest.mark.parametrize("key", ["delay", "Delay_s", "fault", "", "gom.script.sys.import_other_images"])
def test_an_unknown_key_is_refused_and_the_known_ones_named(key: str) -> None:
    with pytest.raises(PluginError) as caught:
        Faults.from_settings({"delay_s": 1, key: 1})
    assert str(caught.value) == f"[plugin.kit] {key}: is no setting; allowed: delay_s, delays_s, faults"


@pytest.mark.parametrize("key", ["delays_s", "faults"])
@pytest.mark.parametrize("value", [1, "refuse", None, [], [["a", 1]]], ids=repr)
def test_what_should_be_a_table_of_commands_and_is_none_is_refused(key: str, value: object) -> None:
    with pytest.raises(PluginError) as caught:
        Faults.from_settings({key: value})
    assert str(caught.value) == f"[plugin.kit] {key}: a table of commands is allowed"


def test_later_changes_do_not_reach_back_into_the_settings() -> None:
    delays: dict[str, Any] = {IMPORT: 1}
    faults = Faults.from_settings(MappingProxyType({"delays_s": delays}))
    faults.delays_s[IMPORT] = 5
    assert delays == {IMPORT: 1}
