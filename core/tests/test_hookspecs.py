"""The hooks: what they are called, what they take, and that their texts say what a plugin's author must know."""

from __future__ import annotations

import inspect
from types import ModuleType, SimpleNamespace
from typing import Any

import pluggy
import pytest

import gombus
from gombus import hookspecs

HOOKS = {
    "gombus_hookspecs": (),
    "gombus_requests": ("config",),
    "gombus_backends": ("config",),
    "gombus_commands": ("cli",),
}


def _manager(*modules: Any) -> pluggy.PluginManager:
    manager = pluggy.PluginManager("gombus")
    for module in modules:
        manager.add_hookspecs(module)
    return manager


def _specified() -> dict[str, Any]:
    hook = _manager(hookspecs).hook
    return {name: caller for name, caller in vars(hook).items() if not name.startswith("_")}


def test_these_are_the_hooks_and_their_arguments() -> None:
    assert {name: caller.spec.argnames for name, caller in _specified().items()} == HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_says_when_it_is_called_and_on_which_thread(name: str) -> None:
    text = inspect.getdoc(getattr(hookspecs, name)) or ""
    assert "Called " in text
    assert "thread" in text


@pytest.mark.parametrize("name", [name for name in HOOKS if name != "gombus_commands"])
def test_each_hook_that_gives_something_says_what_none_means(name: str) -> None:
    assert "None means " in (inspect.getdoc(getattr(hookspecs, name)) or "")


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_is_called_for_every_plugin_and_not_only_until_one_answers(name: str) -> None:
    assert not _specified()[name].spec.opts["firstresult"]
    assert not _specified()[name].spec.opts["historic"]


def test_plugins_get_the_markers_from_gombus() -> None:
    assert gombus.hookimpl is hookspecs.hookimpl
    assert gombus.hookspec is hookspecs.hookspec


@pytest.mark.parametrize("name", HOOKS)
def test_an_implementation_may_take_fewer_arguments(name: str) -> None:
    def without() -> Any:
        return "given"

    without.__name__ = name
    manager = _manager(hookspecs)
    manager.register(SimpleNamespace(**{name: gombus.hookimpl(without)}))
    manager.check_pending()
    assert getattr(manager.hook, name)(**dict.fromkeys(HOOKS[name])) == ["given"]


def test_a_plugin_s_own_hooks_are_specified_with_the_same_marker() -> None:
    module = ModuleType("acme_hookspecs")

    @gombus.hookspec
    def gombus_acme(value: int) -> None:
        """A hook that a plugin adds."""

    @gombus.hookimpl(optionalhook=True, specname="gombus_acme")
    def implemented(value: int) -> int:
        return value + 1

    vars(module)["gombus_acme"] = gombus_acme
    manager = _manager(hookspecs, module)
    manager.register(SimpleNamespace(implemented=implemented))
    manager.check_pending()
    assert manager.hook.gombus_acme(value=1) == [2]
