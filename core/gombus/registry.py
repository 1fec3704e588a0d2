"""Which plugins there are, what they serve, and which of them cannot be used and why.

Plugins are taken one by one: what is wrong with one blocks that one alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, NamedTuple

import pluggy

from . import hookspecs
from .config import Settings
from .discovery import Candidate, find_candidates
from .errors import PluginError
from .model import BackendFactory, Request
from .offers import check_request
from .schemahash import hash_of
from .validation import Validator, compile_parameters

log = logging.getLogger(__name__)


class RequestType(NamedTuple):
    """A request type that is served."""

    request: Request
    plugin: Plugin
    validate: Validator
    schema_hash: str


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found. `reason` says why it is not used; it is empty where it is."""

    name: str
    distribution: str
    version: str
    module: str
    requests: tuple[str, ...] = ()
    reason: str = ""


class Registry:
    """Loads the candidates that the settings switch on. Everything happens on the calling thread, the owner thread.

    :param candidates: in the order in which they are to be taken; None finds the installed ones.
    """

    def __init__(self, settings: Settings, candidates: Iterable[Candidate] | None = None) -> None:
        self.types: dict[str, RequestType] = {}
        """Request types by name."""
        self.backends: dict[str, BackendFactory] = {}
        """Backends by name, without `inspect`, which is the core's own."""
        self._plugins: dict[str, Plugin] = {}
        self._backends_of: dict[str, tuple[str, ...]] = {}
        self._failed: list[Plugin] = []
        self._settings = settings
        self._specs: list[Any] = [hookspecs]
        self._manager: pluggy.PluginManager
        self._load(find_candidates(settings) if candidates is None else list(candidates))

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins that are used."""
        return tuple(self._plugins.values())

    @property
    def failed(self) -> tuple[Plugin, ...]:
        """The plugins that are not used, with the reason. Those that the settings switch off are not among them."""
        return tuple(self._failed)

    def call_each(self, hook: str, **arguments: Any) -> list[Any]:
        """Call one hook of every plugin, each by itself, in the order of their names; None results are left out."""
        results = []
        for plugin in self.plugins:
            try:
                result = self._call(hook, plugin.name, arguments)
            except (Exception, SystemExit) as error:
                self._block(plugin, _reason(hook, error))
            else:
                if result is not None:
                    results.append(result)
        return results

    def _call(self, hook: str, plugin: str, arguments: Mapping[str, Any]) -> Any:
        """Call one plugin's implementation of a hook; None where it has none."""
        caller = getattr(self._manager.hook, hook, None)
        for impl in caller.get_hookimpls() if caller else ():
            if impl.plugin_name == plugin:
                return impl.function(*(arguments[name] for name in impl.argnames))
        return None

    def _load(self, candidates: list[Candidate]) -> None:
        loaded: list[tuple[Candidate, Any]] = []
        for candidate in self._switched_on(candidates):
            try:
                loaded.append((candidate, _loaded(candidate)))
            except PluginError as error:
                self._fail(_plugin(candidate), str(error))
        sound = [(candidate, module) for candidate, module in loaded if self._take_specs(candidate, module)]
        self._manager = _manager(self._specs)
        for candidate, module in sound:
            self._take(candidate, module)

    def _switched_on(self, candidates: list[Candidate]) -> Iterable[Candidate]:
        enabled, disabled = set(self._settings.plugins_enabled), set(self._settings.plugins_disabled)
        found = {candidate.name for candidate in candidates}
        for name in sorted((enabled | disabled) - found):
            log.warning("the settings name plugin %r; installed are: %s", name, ", ".join(sorted(found)))
        for candidate in candidates:
            if candidate.name in disabled or (enabled and candidate.name not in enabled):
                log.info("plugin %s is switched off in the settings", candidate.name)
            else:
                yield candidate

    def _take_specs(self, candidate: Candidate, module: Any) -> bool:
        """Ask one plugin for hook specifications, before any plugin's hooks are held against all of them.

        :returns: whether the plugin can still be used.
        """
        trial = _manager([hookspecs])
        try:
            trial.register(module, candidate.name)
            for spec in trial.hook.gombus_hookspecs():
                if not isinstance(spec, ModuleType):
                    raise PluginError(f"gombus_hookspecs gave {spec!r}; a module is allowed")
                # Together with those of the plugins before: two may not specify the same hook.
                _manager([*self._specs, spec])
                self._specs.append(spec)
        except (Exception, SystemExit) as error:
            self._fail(_plugin(candidate), _reason("gombus_hookspecs", error))
            return False
        return True

    def _take(self, candidate: Candidate, module: Any) -> None:
        plugin = _plugin(candidate)
        if candidate.name in self._plugins:
            self._fail(plugin, f"its name is taken by {_described(self._plugins[candidate.name])}")
            return
        try:
            self._try_hooks(candidate, module)
            self._manager.register(module, candidate.name)
            config = {"config": self._settings}
            offered = self._call("gombus_requests", candidate.name, config)
            types = [self._checked(request, plugin) for request in offered or ()]
            backends = dict(self._call("gombus_backends", candidate.name, config) or {})
            self._refuse_duplicates([kind.request.name for kind in types], backends)
        except (Exception, SystemExit) as error:
            self._fail(plugin, _reason("loading", error))
            if self._manager.has_plugin(candidate.name):
                self._manager.unregister(name=candidate.name)
            return
        plugin = replace(plugin, requests=tuple(kind.request.name for kind in types))
        self._plugins[plugin.name] = plugin
        self._backends_of[plugin.name] = tuple(backends)
        self.types.update((kind.request.name, kind._replace(plugin=plugin)) for kind in types)
        self.backends.update(backends)

    def _try_hooks(self, candidate: Candidate, module: Any) -> None:
        """Hold one plugin's hooks against all specifications, in a manager that is thrown away."""
        trial = _manager(self._specs)
        trial.register(module, candidate.name)
        trial.check_pending()
        callers = trial.get_hookcallers(module) or []
        if not callers:
            raise PluginError("it has no hook; mark its functions with @gombus.hookimpl")
        for impl in (impl for caller in callers for impl in caller.get_hookimpls()):
            if impl.hookwrapper or impl.wrapper:
                raise PluginError(f"{impl.function.__name__} is a hook wrapper; each plugin is called alone")

    def _checked(self, request: Any, plugin: Plugin) -> RequestType:
        if not isinstance(request, Request):
            raise PluginError(f"gombus_requests gave {request!r}; gombus.Request is allowed")
        try:
            check_request(request)
        except PluginError as error:
            raise PluginError(f"request type {request.name!r}: {error}") from error
        return RequestType(request, plugin, compile_parameters(request.schema), hash_of(request.schema))

    def _refuse_duplicates(self, names: list[str], backends: Mapping[str, Any]) -> None:
        for name in names:
            if name in self.types:
                raise PluginError(f"request type {name!r} is already served by {_described(self.types[name].plugin)}")
            if names.count(name) > 1:
                raise PluginError(f"it offers request type {name!r} twice")
        for name, factory in backends.items():
            if not callable(factory):
                raise PluginError(f"backend {name!r} cannot be called")
            if name in self.backends or name in ("auto", "inspect"):
                raise PluginError(f"backend {name!r} is already there")

    def _fail(self, plugin: Plugin, reason: str) -> None:
        self._failed.append(replace(plugin, requests=(), reason=reason))
        log.error("plugin %s is not used: %s", _described(plugin), reason)

    def _block(self, plugin: Plugin, reason: str) -> None:
        """Take a plugin out again that failed after it was taken."""
        del self._plugins[plugin.name]
        for name in plugin.requests:
            del self.types[name]
        for name in self._backends_of[plugin.name]:
            del self.backends[name]
        self._manager.unregister(name=plugin.name)
        self._fail(plugin, reason)


def _manager(specs: Iterable[Any]) -> pluggy.PluginManager:
    """A manager that knows these hook specifications and no plugin.

    :raises ValueError: two of them specify the same hook.
    """
    manager = pluggy.PluginManager("gombus")
    for spec in specs:
        manager.add_hookspecs(spec)
    return manager


def _loaded(candidate: Candidate) -> Any:
    """:raises PluginError: importing the plugin raised something."""
    try:
        return candidate.load()
    except (Exception, SystemExit) as error:
        log.debug("importing %s", candidate.module, exc_info=True)
        raise PluginError(f"importing {candidate.module} raised {type(error).__name__}: {error}") from error


def _reason(hook: str, error: BaseException) -> str:
    if isinstance(error, PluginError):
        return str(error)
    log.debug("%s failed", hook, exc_info=error)
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(str(error).split())
    return f"{hook} raised {type(error).__name__}: {error}"


def _plugin(candidate: Candidate) -> Plugin:
    return Plugin(candidate.name, candidate.distribution, candidate.version, candidate.module)


def _described(plugin: Plugin) -> str:
    where = f"{plugin.distribution} {plugin.version}" if plugin.distribution else "named in the settings"
    return f"{plugin.name} ({where})"
