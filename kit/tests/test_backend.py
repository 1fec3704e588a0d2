"""The backend `twin`, reached as the core reaches it: through the kit's hooks and a registry."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, Callable

import pytest

import gombus_kit
from gombus import Backend, BackendUnavailable, hookimpl
from gombus.config import Settings
from gombus.discovery import Candidate
from gombus.registry import Registry
from gombus_kit.twin import Faults, Twin

ACT = "gom.script.site.act"


def candidate(name: str, module: Any) -> Candidate:
    """A plugin as discovery finds it."""
    return Candidate(name, f"dist-{name}", "1.0", f"module_{name}", lambda: module)


KIT = candidate("kit", gombus_kit)


def site_plugin(simulate: Callable[[Twin], None], name: str = "site") -> Candidate:
    """A site's plugin that teaches the twin something."""

    @hookimpl(optionalhook=True)
    def gombus_simulate(twin: Twin) -> None:
        simulate(twin)

    return candidate(name, SimpleNamespace(gombus_simulate=gombus_simulate))


def teach_act(twin: Twin) -> None:
    twin.command(ACT)(lambda: "acted")


def settings(**table: Any) -> Settings:
    """Settings with this table [plugin.kit]."""
    return Settings(plugin_settings={"kit": table})


def backend_of(registry: Registry) -> Backend:
    return registry.backends["twin"](registry.call_each)


def test_the_kit_serves_the_backend_twin_and_no_request_type() -> None:
    registry = Registry(Settings(), [KIT])
    assert registry.failed == ()
    assert list(registry.backends) == ["twin"]
    assert registry.types == {}


def test_the_backend_says_that_it_is_simulated() -> None:
    backend = backend_of(Registry(Settings(), [KIT]))
    assert backend.name == "twin"
    assert "simulated" in backend.title


def test_opening_makes_a_twin_that_every_plugin_has_taught() -> None:
    def teach_more(twin: Twin) -> None:
        twin.command("gom.api.more.act")(lambda: "more")

    plugins = [KIT, site_plugin(teach_act), site_plugin(teach_more, "more")]
    twin = backend_of(Registry(Settings(), plugins)).open()
    assert isinstance(twin, Twin)
    assert set(twin.commands) == {ACT, "gom.api.more.act"}
    assert twin.script.site.act() == "acted"


def test_without_other_plugins_the_twin_opens_and_knows_no_command() -> None:
    assert backend_of(Registry(Settings(), [KIT])).open().commands == ()


def test_a_plugin_that_fails_to_teach_is_blocked_and_the_others_serve(caplog: pytest.LogCaptureFixture) -> None:
    def fail(twin: Twin) -> None:
        raise KeyError("no such thing")

    registry = Registry(Settings(), [KIT, site_plugin(fail, "bad"), site_plugin(teach_act, "good")])
    with caplog.at_level(logging.ERROR, "gombus"):
        twin = backend_of(registry).open()
    assert twin.commands == (ACT,)
    assert [plugin.name for plugin in registry.plugins] == ["kit", "good"]
    assert [plugin.name for plugin in registry.failed] == ["bad"]
    assert "gombus_simulate raised KeyError" in caplog.text


def test_the_twin_opens_anew_with_an_empty_project() -> None:
    backend = backend_of(Registry(Settings(), [KIT, site_plugin(teach_act)]))
    first = backend.open()
    first.project.create_series("one", 50)
    backend.close()
    second = backend.open()
    assert second is not first
    assert len(second.project.measurement_series) == 0
    assert second.commands == (ACT,)


def test_after_closing_the_project_can_still_be_shown() -> None:
    backend = backend_of(Registry(Settings(), [KIT]))
    twin = backend.open()
    twin.project.create_series("one", 50)
    backend.close()
    assert [series.name for series in twin.project.measurement_series] == ["one"]


def test_the_settings_of_the_kit_reach_the_twin() -> None:
    registry = Registry(settings(delays_s={ACT: 2}, faults={ACT: "refuse"}), [KIT, site_plugin(teach_act)])
    twin = backend_of(registry).open()
    assert twin.faults == Faults(0.0, {ACT: 2}, {ACT: "refuse"})
    with pytest.raises(twin.RequestError, match="told to"):
        # Not waited for: the delay comes first, so it is taken back.
        twin.faults.delays_s.clear()
        twin.script.site.act()


@pytest.mark.parametrize("table", [{"delays_s": {"gom.script.site.acct": 1}}, {"faults": {"site.act": "refuse"}}])
def test_settings_that_name_a_command_nobody_taught_are_refused_and_the_taught_ones_named(table: Any) -> None:
    registry = Registry(settings(**table), [KIT, site_plugin(teach_act)])
    (named,) = next(iter(table.values()))
    with pytest.raises(BackendUnavailable) as caught:
        backend_of(registry).open()
    assert str(caught.value) == f"[plugin.kit] names the command {named!r}; allowed: {ACT}"


def test_wrong_settings_block_the_kit_and_say_why() -> None:
    registry = Registry(settings(delay=1), [KIT])
    assert registry.backends == {}
    assert [(plugin.name, plugin.reason) for plugin in registry.failed] == [
        ("kit", "[plugin.kit] delay: is no setting; allowed: delay_s, delays_s, faults")
    ]


def test_the_commands_of_the_kit_are_added_to_the_command_line() -> None:
    added: list[Any] = []
    cli = SimpleNamespace(add_command=added.append)
    Registry(Settings(), [KIT]).call_each("gombus_commands", cli=cli)
    assert [command.name for command in added] == ["demo", "twin"]
