"""Plugins are taken one by one: what is wrong with one blocks that one alone, and says why."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Callable

import pytest

import gombus.hookspecs
from gombus import Legacy, PluginError, hookimpl, hookspec
from gombus.config import Settings
from gombus.discovery import Candidate
from gombus.registry import Plugin, Registry
from support import SCHEMA, request


def candidate(name: str, load: Callable[[], Any], distribution: str | None = None) -> Candidate:
    return Candidate(name, f"dist-{name}" if distribution is None else distribution, "1.0", f"module_{name}", load)


def offers(*requests: Any) -> Any:
    """The hook of a plugin that offers these request types."""
    return gives("gombus_requests", list(requests))


def gives(hook: str, value: Any) -> Any:
    """A hook that gives a value, or raises it."""

    def function() -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    function.__name__ = hook
    return hookimpl(function)


def plugin(name: str, *hooks: Any, **more: Any) -> Candidate:
    module = SimpleNamespace(**{hook.__name__: hook for hook in hooks}, **more)
    return candidate(name, lambda: module)


def specs(*functions: Any) -> ModuleType:
    """A module with hook specifications."""
    module = ModuleType("acme_hookspecs")
    for function in functions:
        setattr(module, function.__name__, hookspec(function))
    return module


def gombus_extra(value: int, other: int) -> Any:
    """A hook that a plugin adds."""


def raises(error: BaseException) -> Callable[[], Any]:
    def load() -> Any:
        raise error

    return load


@hookimpl
def misspelled() -> Any:
    return []


misspelled.__name__ = "gombus_request"


@hookimpl
def gombus_requests_with_wrong_argument(settings: Any) -> Any:
    return []


gombus_requests_with_wrong_argument.__name__ = "gombus_requests"


@hookimpl(wrapper=True)
def wrapping() -> Iterator[Any]:
    yield


wrapping.__name__ = "gombus_requests"


@hookimpl(hookwrapper=True)
def wrapping_as_before() -> Iterator[Any]:
    yield


wrapping_as_before.__name__ = "gombus_requests"


@hookimpl
def gombus_requests() -> Iterator[Any]:
    yield request("half")
    raise LookupError("the other half")


UNBOUNDED = {**SCHEMA, "properties": {"word": {"description": "d", "type": "string"}}}
BROKEN: dict[str, tuple[Candidate, str]] = {
    # the plugin `broken`, and a part of its reason
    "import error": (
        candidate("broken", raises(ImportError("no module named x"))),
        "importing module_broken raised ImportError: no module named x",
    ),
    "syntax error": (candidate("broken", raises(SyntaxError("no"))), "importing module_broken raised SyntaxError: no"),
    "exit at import": (candidate("broken", raises(SystemExit(3))), "importing module_broken raised SystemExit: 3"),
    "no module": (candidate("broken", lambda: None), "it has no hook; mark its functions with @gombus.hookimpl"),
    "no hook": (plugin("broken", other=lambda: []), "it has no hook; mark its functions with @gombus.hookimpl"),
    "misspelled hook": (plugin("broken", misspelled), "unknown hook 'gombus_request' in plugin"),
    "wrong argument": (plugin("broken", gombus_requests_with_wrong_argument), "{'settings'}"),
    "wrapper": (plugin("broken", wrapping), "gombus_requests is a hook wrapper; each plugin is called alone"),
    "older wrapper": (plugin("broken", wrapping_as_before), "gombus_requests is a hook wrapper"),
    "requests raise": (plugin("broken", gives("gombus_requests", OSError("disk"))), "raised OSError: disk"),
    "requests refuse": (plugin("broken", gives("gombus_requests", PluginError("no licence"))), "no licence"),
    "requests exit": (plugin("broken", gives("gombus_requests", SystemExit(3))), "raised SystemExit: 3"),
    "requests fail half-way": (plugin("broken", gombus_requests), "raised LookupError: the other half"),
    "requests give a number": (plugin("broken", gives("gombus_requests", 5)), "raised TypeError: 'int' object is not"),
    "requests give a text": (
        plugin("broken", gives("gombus_requests", "abc")),
        "gombus_requests gave 'a'; gombus.Request is allowed",
    ),
    "requests give None inside": (plugin("broken", offers(request("half"), None)), "gombus_requests gave None; "),
    "backends raise": (plugin("broken", gives("gombus_backends", OSError("disk"))), "raised OSError: disk"),
    "backends give a number": (plugin("broken", gives("gombus_backends", 5)), "raised TypeError: 'int' object is not"),
    "backend that cannot be called": (
        plugin("broken", gives("gombus_backends", {"acme": None})),
        "backend 'acme' cannot be called",
    ),
    "backend auto": (plugin("broken", gives("gombus_backends", {"auto": print})), "backend 'auto' is already there"),
    "backend inspect": (plugin("broken", gives("gombus_backends", {"inspect": print})), "backend 'inspect' is already"),
    "backend of another plugin": (plugin("broken", gives("gombus_backends", {"good": print})), "backend 'good' is alr"),
    "hookspecs raise": (plugin("broken", gives("gombus_hookspecs", OSError("disk"))), "raised OSError: disk"),
    "hookspecs refuse": (plugin("broken", gives("gombus_hookspecs", PluginError("no licence"))), "no licence"),
    "hookspecs exit": (plugin("broken", gives("gombus_hookspecs", SystemExit(3))), "raised SystemExit: 3"),
    "hookspecs give no module": (
        plugin("broken", gives("gombus_hookspecs", [5])),
        "gombus_hookspecs gave [5]; a module is allowed",
    ),
    "hookspecs without any": (plugin("broken", gives("gombus_hookspecs", specs())), "did not find any 'gombus' hooks"),
    "hookspecs of the core's": (
        plugin("broken", gives("gombus_hookspecs", gombus.hookspecs)),
        "Hook 'gombus_backends' is already registered",
    ),
    "hookspecs of another plugin's": (
        plugin("broken", gives("gombus_hookspecs", specs(gombus_extra))),
        "Hook 'gombus_extra' is already registered",
    ),
    "type of another plugin": (
        plugin("broken", offers(request("half"), request("first"))),
        "request type 'first' is already served by a_good (dist-a_good 1.0)",
    ),
    "type twice": (plugin("broken", offers(request("half"), request("half"))), "it offers request type 'half' twice"),
    "schema refused": (
        plugin("broken", offers(request("half", schema=UNBOUNDED))),
        "request type 'half': its schema is refused at /properties/word/maxLength (required): is missing",
    ),
    "schema is none": (plugin("broken", offers(request("half", schema=None))), "request type 'half': its schema is "),
    "name with a capital": (plugin("broken", offers(request("Half"))), "request type 'Half': a name is lower-case"),
    "name with a newline": (plugin("broken", offers(request("half\n"))), "a name is lower-case letters"),
    "name with a path": (plugin("broken", offers(request("../half"))), "a name is lower-case letters"),
    "name too long": (plugin("broken", offers(request("h" * 65))), "at most 64 characters"),
    "empty name": (plugin("broken", offers(request(""))), "request type '': a name is lower-case letters"),
    "name is no text": (plugin("broken", offers(request(None))), "request type None: a name is lower-case letters"),
    "handler": (plugin("broken", offers(request("half", "handle"))), "'half': its handler cannot be called"),
    "files": (
        plugin("broken", offers(request("half", files=("flie",)))),
        "files names 'flie'; a parameter of type string, or array of strings, is allowed",
    ),
    "legacy.precedence": (
        plugin("broken", offers(request("half", legacy=Legacy(precedence="high")))),  # type: ignore[arg-type]  # as is
        "legacy.precedence is 'high'; int is allowed",
    ),
    "legacy.ok": (
        plugin("broken", offers(request("half", legacy=Legacy(ok=5)))),  # type: ignore[arg-type]  # as is
        "legacy.ok is 5; str is allowed",
    ),
    "text that takes numbers only": (
        plugin("broken", offers(request("half", legacy=Legacy(("word",), texts={"internal": "{word:d}"})))),
        "Unknown format code 'd' for object of type 'str'",
    ),
    "legacy.required": (
        plugin("broken", offers(request("half", legacy=Legacy(required=("wrod",))))),
        "legacy.required names 'wrod', which is not in its schema",
    ),
    "command": (plugin("broken", offers(request("half", commands=("sys.x",)))), "'sys.x' is no gom command"),
    "command is a group": (plugin("broken", offers(request("half", commands=("gom.script",)))), "is no gom command"),
    "command is a property": (plugin("broken", offers(request("half", commands=("gom.app.x",)))), "is no gom command"),
    "commands beside the queue": (
        plugin("broken", offers(request("half", at_once=True, commands=("gom.script.sys.x",)))),
        "what runs at once can have neither commands nor files",
    ),
    "files beside the queue": (
        plugin("broken", offers(request("half", at_once=True, files=("file",)))),
        "what runs at once can have neither commands nor files",
    ),
    "text of an unknown code": (
        plugin("broken", offers(request("half", legacy=Legacy(texts={"gom_refuesd": "no"})))),
        "legacy.texts has the unknown code 'gom_refuesd'; allowed: busy, cancelled, conflict, file_unreadable, ",
    ),
    "text with an unknown parameter": (
        plugin("broken", offers(request("half", legacy=Legacy(texts={"gom_refused": "no {word}"})))),
        "legacy.texts['gom_refused'] uses {word}, which is not in legacy.required",
    ),
    "text that reaches into a parameter": (
        plugin("broken", offers(request("half", legacy=Legacy(("word",), texts={"internal": "{word.__class__}"})))),
        "uses {word.__class__}, which is not in legacy.required",
    ),
    "text that is no format": (
        plugin("broken", offers(request("half", legacy=Legacy(("word",), texts={"internal": "a } b"})))),
        "Single '}' encountered in format string",
    ),
}


@pytest.mark.parametrize(("broken", "reason"), list(BROKEN.values()), ids=list(BROKEN))
def test_a_broken_plugin_is_blocked_alone_with_its_reason(
    broken: Candidate, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = plugin(
        "a_good",
        offers(request("first")),
        gives("gombus_backends", {"good": print}),
        gives("gombus_hookspecs", specs(gombus_extra)),
    )
    registry = Registry(Settings(), [before, broken, plugin("z_good", offers(request("last")))])
    assert [used.name for used in registry.plugins] == ["a_good", "z_good"]
    assert list(registry.types) == ["first", "last"]
    assert list(registry.backends) == ["good"]
    (failed,) = registry.failed
    assert (failed.name, failed.distribution, failed.version) == ("broken", "dist-broken", "1.0")
    assert failed.requests == ()
    assert reason in failed.reason
    (error,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert error.getMessage() == f"plugin broken (dist-broken 1.0) is not used: {failed.reason}"
    # A broken plugin's hooks are not called any more.
    assert registry.call_each("gombus_extra", value=1, other=2) == []
    assert len(registry.failed) == 1


def test_a_good_plugin_is_used_with_all_that_it_offers(caplog: pytest.LogCaptureFixture) -> None:
    one, two = request("one"), request("t2_", at_once=True)
    names = ("h" * 64, "a")
    candidates = [
        plugin("acme", offers(one, two), gives("gombus_backends", {"acme": print})),
        plugin("more", offers(*(request(name) for name in names))),
        plugin("silent", gives("gombus_requests", None), gives("gombus_backends", None)),
    ]
    registry = Registry(Settings(), candidates)
    assert registry.failed == ()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert registry.plugins == (
        Plugin("acme", "dist-acme", "1.0", "module_acme", ("one", "t2_")),
        Plugin("more", "dist-more", "1.0", "module_more", names),
        Plugin("silent", "dist-silent", "1.0", "module_silent"),
    )
    assert list(registry.types) == ["one", "t2_", *names]
    kind = registry.types["one"]
    assert (kind.request, kind.plugin) == (one, registry.plugins[0])
    assert kind.validate({"word": "a"}) == ()
    assert [problem.pointer for problem in kind.validate({"word": 5})] == ["/word"]
    assert registry.backends == {"acme": print}
    with pytest.raises(dataclasses.FrozenInstanceError):
        registry.plugins[0].reason = "x"  # type: ignore[misc]


def test_texts_may_use_what_is_required_and_braces(caplog: pytest.LogCaptureFixture) -> None:
    legacy = Legacy(required=("word",), texts={"gom_refused": "{{no}} {word}", "internal": "plain"})
    commands = ("gom.script.sys.x", "gom.interactive.sys.y", "gom.api.module.function")
    registry = Registry(Settings(), [plugin("a", offers(request("a", legacy=legacy, commands=commands)))])
    assert registry.failed == ()


def test_hooks_get_the_settings() -> None:
    got: list[Any] = []

    @hookimpl
    def gombus_requests(config: Any) -> None:
        got.append(config)

    @hookimpl
    def gombus_backends(config: Any) -> None:
        got.append(config)

    settings = Settings()
    Registry(settings, [plugin("a", gombus_requests, gombus_backends)])
    assert [config is settings for config in got] == [True, True]


def test_a_plugin_that_is_already_there_by_name_is_blocked_and_the_first_one_goes_on() -> None:
    first = plugin("twin", offers(request("one")), gives("gombus_commands", "first"))
    second = Candidate("twin", "dist-other", "2.0", "module_other", plugin("twin", offers(request("two"))).load)
    registry = Registry(Settings(), [first, second])
    assert registry.plugins == (Plugin("twin", "dist-twin", "1.0", "module_twin", ("one",)),)
    reason = "its name is taken by twin (dist-twin 1.0)"
    assert registry.failed == (Plugin("twin", "dist-other", "2.0", "module_other", (), reason),)
    assert list(registry.types) == ["one"]
    assert registry.call_each("gombus_commands", cli=None) == ["first"]


def test_one_module_under_two_names_is_used_once() -> None:
    module = SimpleNamespace(gombus_requests=offers(request("one")), gombus_commands=gives("gombus_commands", "x"))
    registry = Registry(Settings(), [candidate("a", lambda: module), candidate("b", lambda: module)])
    assert [used.name for used in registry.plugins] == ["a"]
    assert [(failed.name, "'one'" in failed.reason or "already" in failed.reason) for failed in registry.failed] == [
        ("b", True)
    ]
    assert registry.call_each("gombus_commands", cli=None) == ["x"]


def test_a_plugin_that_the_settings_name_has_no_distribution() -> None:
    named = candidate("named", plugin("named", offers(request("one"))).load, distribution="")
    registry = Registry(Settings(), [named, plugin("other", offers(request("one")))])
    assert registry.failed[0].reason == "request type 'one' is already served by named (named in the settings)"


def test_importing_a_plugin_can_be_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt):
        Registry(Settings(), [candidate("a", raises(KeyboardInterrupt()))])


def test_hooks_are_called_in_the_order_of_the_plugins_and_none_is_left_out() -> None:
    @hookimpl
    def gombus_commands(cli: Any) -> Any:
        return f"c of {cli}"

    registry = Registry(
        Settings(),
        [
            plugin("a", gives("gombus_commands", "a")),
            plugin("b", gives("gombus_commands", None)),
            plugin("c", gombus_commands),
            plugin("d", offers()),
        ],
    )
    assert registry.call_each("gombus_commands", cli="x") == ["a", "c of x"]
    assert registry.failed == ()


def test_a_plugin_may_add_a_hook_that_others_implement() -> None:
    @hookimpl(optionalhook=True)
    def takes_less(value: int) -> Any:
        return value + 1

    takes_less.__name__ = "gombus_extra"

    @hookimpl
    def takes_all(value: int, other: int) -> Any:
        return value + other

    takes_all.__name__ = "gombus_extra"

    @hookimpl(optionalhook=True)
    def takes_more(value: int, wrong: int) -> Any:
        return None

    takes_more.__name__ = "gombus_extra"
    # The one that adds the hook comes neither first nor last.
    adds = plugin("c", gives("gombus_hookspecs", specs(gombus_extra)))
    registry = Registry(
        Settings(),
        [plugin("b", takes_less), adds, plugin("d", takes_all), plugin("e", takes_more), plugin("f", offers())],
    )
    assert [used.name for used in registry.plugins] == ["b", "c", "d", "f"]
    assert [failed.name for failed in registry.failed] == ["e"]
    assert "{'wrong'}" in registry.failed[0].reason
    assert registry.call_each("gombus_extra", value=1, other=5) == [2, 6]


def test_a_hook_of_a_plugin_that_is_not_there_must_be_optional() -> None:
    @hookimpl(optionalhook=True)
    def optional(value: int) -> Any:
        return value

    @hookimpl
    def needed(value: int) -> Any:
        return value

    optional.__name__ = needed.__name__ = "gombus_extra"
    registry = Registry(Settings(), [plugin("a", optional, offers(request("one"))), plugin("b", needed)])
    assert [used.name for used in registry.plugins] == ["a"]
    assert "unknown hook 'gombus_extra'" in registry.failed[0].reason


def test_a_plugin_that_adds_hooks_and_is_blocked_for_another_reason_does_not_take_others_with_it() -> None:
    adds = plugin("a", gives("gombus_hookspecs", specs(gombus_extra)), offers(None))

    @hookimpl(optionalhook=True)
    def extra(value: int) -> Any:
        return value

    extra.__name__ = "gombus_extra"
    registry = Registry(Settings(), [adds, plugin("b", extra, offers(request("one")))])
    assert [used.name for used in registry.plugins] == ["b"]
    assert list(registry.types) == ["one"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("later"), "gombus_commands raised ValueError: later"),
        (PluginError("no screen"), "no screen"),
        (SystemExit(3), "gombus_commands raised SystemExit: 3"),
    ],
    ids=repr,
)
def test_a_plugin_that_fails_later_is_blocked_then(
    error: BaseException, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    @hookimpl
    def gombus_commands() -> Any:
        calls.append("called")
        raise error

    registry = Registry(
        Settings(),
        [
            plugin("a", offers(request("first")), gives("gombus_commands", "a")),
            plugin(
                "b",
                offers(request("second"), request("third")),
                gombus_commands,
                gives("gombus_backends", {"theirs": print}),
            ),
            plugin("c", offers(request("fourth")), gives("gombus_commands", "c")),
        ],
    )
    types = registry.types
    assert list(types) == ["first", "second", "third", "fourth"]
    assert registry.call_each("gombus_commands", cli=None) == ["a", "c"]
    assert [used.name for used in registry.plugins] == ["a", "c"]
    assert registry.failed == (Plugin("b", "dist-b", "1.0", "module_b", (), reason),)
    # Who holds the table of types sees them go.
    assert list(types) == ["first", "fourth"]
    assert registry.backends == {}
    assert f"plugin b (dist-b 1.0) is not used: {reason}" in caplog.text
    assert registry.call_each("gombus_commands", cli=None) == ["a", "c"]
    assert calls == ["called"]


def test_a_hook_that_nobody_knows_blocks_nobody() -> None:
    registry = Registry(Settings(), [plugin("a", offers(request("one")))])
    assert registry.call_each("gombus_unheard_of", value=1) == []
    assert registry.failed == ()
    assert list(registry.types) == ["one"]


ABC = [plugin(name, offers(request(name))) for name in ("a", "b", "c")]


@pytest.mark.parametrize(
    ("settings", "used"),
    [
        (Settings(), ["a", "b", "c"]),
        (Settings(plugins_enabled=("c", "a")), ["a", "c"]),
        (Settings(plugins_disabled=("a",)), ["b", "c"]),
        (Settings(plugins_enabled=("a", "b"), plugins_disabled=("b",)), ["a"]),
        (Settings(plugins_disabled=("a", "b", "c")), []),
    ],
)
def test_the_settings_switch_plugins_off(settings: Settings, used: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    registry = Registry(settings, ABC)
    assert [plugin.name for plugin in registry.plugins] == used
    assert list(registry.types) == used
    assert registry.failed == ()
    off = [record.getMessage() for record in caplog.records if "switched off" in record.getMessage()]
    assert off == [f"plugin {name} is switched off in the settings" for name in "abc" if name not in used]


def test_a_plugin_that_is_switched_off_is_not_imported() -> None:
    broken = candidate("broken", raises(AssertionError("imported")))
    assert Registry(Settings(plugins_disabled=("broken",)), [broken]).failed == ()


def test_a_switch_for_a_plugin_that_is_not_there_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    Registry(Settings(plugins_enabled=("a", "imgae"), plugins_disabled=("qiut",)), ABC)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [f"the settings name plugin {name!r}; installed are: a, b, c" for name in ("imgae", "qiut")]


def test_installed_plugins_are_found_where_none_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import gombus\n\n@gombus.hookimpl\ndef gombus_backends():\n    return {'found': print}\n"
    (tmp_path / "acme_found_by_itself.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    names = ("acme_found_by_itself",)
    registry = Registry(Settings(plugin_modules=names, plugins_enabled=names))
    assert registry.plugins == (Plugin(names[0], "", "", names[0]),)
    assert registry.backends == {"found": print}
