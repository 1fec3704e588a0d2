"""Looks whether an App is whole and can run: each problem says what is wrong and what is allowed."""

from __future__ import annotations

import ast
import sys
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import metainfo
from .appfile import App, AppError
from .archive import ArchiveError
from .build import CORE, MODULES, START
from .closure import BROUGHT, missing, unfit
from .target import Target
from .trial import TrialError, can_try, try_out
from .wheels import Wheel, sources

_PNG = b"\x89PNG\r\n\x1a\n"
_SERVER, _PLUGIN = "server", "plugin"


@dataclass
class Report:
    """What was found."""

    target: Target
    kind: str
    """`server`, gombus's own App, or `plugin`, one that joins it."""
    problems: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    """What is as it must be."""
    unchecked: list[str] = field(default_factory=list)
    """What was not looked at, and why."""


def check(app: App, target: Target, beside: App | None = None, interpreter: str = "") -> Report:
    """Check an App.

    :param target: what it must run on.
    :param beside: gombus's App, which a plugin's joins.
    :param interpreter: the Python to start it with; empty means the running one, where it is the App's.
    """
    report = Report(target, _kind(app))
    there = {wheel.name: wheel for wheel in beside.wheels} if beside and report.kind == _PLUGIN else {}
    _note(report, "every entry can be read", app.problems)
    _note(report, "metainfo.json has what INSPECT asks for", _metainfo(app))
    _note(report, "each script has its .metainfo, and they are sound", _scripts(app, report.kind))
    _note(report, "documents, icon and licences are there", _papers(app))
    _note(report, f"the modules fit {target}", _modules(app, target))
    written = f"gombus, its plugins and the scripts are written for Python {target.python}"
    if target.version > sys.version_info[:2]:
        report.unchecked.append(f"whether {written}: this Python is older, and cannot read it")
    else:
        _note(report, written, _written(app, target))
    _note(report, "plugins can be found (entry points of the group gombus)", _plugins(app))
    if report.kind == _PLUGIN and beside is None:
        report.unchecked.append("whether all that the modules need is there: name gombus's App with --beside")
    else:
        _note(report, "all that the modules need is there", [*_twice(app, there), *missing(app.wheels, target, there)])
    _try(app, report, there, beside, interpreter)
    return report


def _note(report: Report, what: str, problems: Any) -> None:
    found = list(problems)
    report.problems += found
    if not found:
        report.checked.append(what)


def _kind(app: App) -> str:
    try:
        own = app.read_json(metainfo.OWN)
    except AppError:
        own = None
    if isinstance(own, dict) and own.get("kind") in (_SERVER, _PLUGIN):
        return str(own["kind"])
    return _SERVER if any(wheel.name == CORE for wheel in app.wheels) else _PLUGIN


def _metainfo(app: App) -> Iterator[str]:
    try:
        meta = app.read_json("metainfo.json")
    except AppError as error:
        yield str(error)
        return
    if not isinstance(meta, dict):
        yield "metainfo.json: is no JSON object"
        return
    for name in metainfo.MANDATORY:
        if name not in meta:
            yield f"metainfo.json: {name} is missing; mandatory: {', '.join(metainfo.MANDATORY)}"
        elif name != "licensing" and (not isinstance(meta[name], str) or not meta[name]):
            yield f"metainfo.json: {name} is {meta[name]!r}; allowed: a text that is not empty"
    licensing = meta.get("licensing", {})
    for name in metainfo.LICENSING:
        if not isinstance(licensing, dict) or not isinstance(licensing.get(name), list):
            yield f"metainfo.json: licensing.{name} is missing; allowed: a list, which may be empty"
    if "uuid" in meta and not _is_uuid(meta["uuid"]):
        yield f"metainfo.json: uuid is {meta['uuid']!r}; allowed: one such as {metainfo.APP_UUID}"
    if meta.get("environment") != metainfo.ENVIRONMENT:
        yield (
            f"metainfo.json: environment is {meta.get('environment')!r}; allowed: {metainfo.ENVIRONMENT!r}, in which "
            "gombus and its plugins see each other"
        )
    built, python = app.target(), meta.get("python-version")
    if built and python not in (None, metainfo.python_version(built)):
        yield f"metainfo.json: python-version is {python!r}; allowed: {metainfo.python_version(built)!r}"


def _is_uuid(text: object) -> bool:
    try:
        return str(uuid.UUID(str(text))) == str(text).lower()
    except ValueError:
        return False


def _scripts(app: App, kind: str) -> Iterator[str]:
    scripts = [name for name in app.entries if name.startswith("scripts/") and name.endswith(".py")]
    if kind == _SERVER and f"scripts/{START}.py" not in scripts:
        yield f"scripts/{START}.py: is not there, so nothing starts gombus"
    for name in scripts:
        beside = name[: -len(".py")] + ".metainfo"
        try:
            meta = app.read_json(beside)
        except AppError as error:
            yield str(error)
            continue
        wanted = "userscript." + name[len("scripts/") : -len(".py")].replace("/", "__")
        if not isinstance(meta, dict) or not _is_uuid(meta.get("uuid")):
            yield f"{beside}: has no uuid"
        elif name == f"scripts/{START}.py" and _menu(meta) != (True, wanted):
            yield f"{beside}: gives no entry in the menu; allowed: show_in_menu true, main_menu_path.script {wanted!r}"


def _menu(meta: Mapping[str, Any]) -> tuple[object, object]:
    path = meta.get("main_menu_path")
    return meta.get("show_in_menu"), path.get("script") if isinstance(path, dict) else None


def _papers(app: App) -> Iterator[str]:
    for name in ("doc/README.md", "doc/Releasenotes.md", "icon.png"):
        if not app.entries.get(name):
            yield f"{name}: is not there, or empty"
    if not app.texts.get("icon.png", _PNG).startswith(_PNG):
        yield "icon.png: is no PNG file"
    for wheel in app.wheels:
        if not app.entries.get(f"license/license_{wheel.name}.txt"):
            yield f"license/license_{wheel.name}.txt: is not there, or empty; each module inside needs its licence"


def _modules(app: App, target: Target) -> Iterator[str]:
    seen: dict[str, Wheel] = {}
    for wheel in app.wheels:
        name = f"{MODULES}/{wheel.path.name}"
        if wheel.name in seen:
            yield f"{name}: {seen[wheel.name].path.name} is there, too; allowed: one of them"
        seen[wheel.name] = wheel
        if wheel.name in BROUGHT:
            yield f"{name}: INSPECT brings it itself, and ZEISS's own must not be handed on"
        reason = unfit(wheel, target)
        if reason:
            yield f"{name}: {reason}"


def _written(app: App, target: Target) -> Iterator[str]:
    # Others' files may be for other Pythons on purpose; these are built here, and nothing else has looked at them.
    yield from _parsed(((name, text) for name, text in app.texts.items() if name.endswith(".py")), target)
    for wheel in app.wheels:
        if wheel.plugins or wheel.name == CORE:
            try:
                yield from (f"{wheel.path.name}: {problem}" for problem in _parsed(sources(wheel), target))
            except ArchiveError as error:
                yield f"{wheel.path.name}: {error}"


def _parsed(texts: Iterable[tuple[str, bytes]], target: Target) -> Iterator[str]:
    for name, text in texts:
        try:
            with warnings.catch_warnings():
                # That an escape is odd is no matter here.
                warnings.simplefilter("ignore")
                ast.parse(text, name, feature_version=target.version)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield f"{name}: is no Python {target.python}: {error}"


def _plugins(app: App) -> Iterator[str]:
    found = {module for wheel in app.wheels for module in wheel.plugins}
    if not found:
        yield "no module has an entry point of the group gombus: the App serves no request type"
    try:
        own = app.read_json(metainfo.OWN)
    except AppError:
        return
    named = own.get("plugins", []) if isinstance(own, dict) else []
    if not isinstance(named, list):
        named = [named]
    for module in named:
        if not isinstance(module, str) or module not in found:
            yield f"{metainfo.OWN}: names the plugin {module!r}, which is not among the modules"


def _twice(app: App, there: Mapping[str, Wheel]) -> Iterator[str]:
    for wheel in app.wheels:
        other = there.get(wheel.name, wheel)
        if other.version != wheel.version:
            yield (
                f"{MODULES}/{wheel.path.name}: gombus's App has {other.name} {other.version}, and they share one "
                "environment; allowed: the same version, or none, as gombus app build --plugin-only makes it"
            )


def _try(app: App, report: Report, there: Mapping[str, Wheel], beside: App | None, interpreter: str) -> None:
    reason, target = "", report.target
    scripts = beside.texts if report.kind == _PLUGIN and beside else app.texts
    if report.problems:
        reason = "there are problems"
    elif report.kind == _PLUGIN and beside is None:
        reason = "a plugin's App is started with gombus's: name it with --beside"
    elif not target.runs_here:
        reason = f"the App is for {target.platform}, and this computer is another platform"
    elif not interpreter and not target.is_this_python:
        reason = f"the App is for Python {target.python}, and this is another; name one with --interpreter"
    elif not can_try():
        reason = "the client gom is not installed here: python -m pip install gombus[inspect]"
    if reason:
        report.unchecked.append(f"whether it starts, against the wire twin: {reason}")
        return
    wheels = {**there, **{wheel.name: wheel for wheel in app.wheels}}
    parts = {name: text for name, text in scripts.items() if name.startswith("scripts/")}
    try:
        line = try_out(parts, wheels.values(), interpreter or sys.executable)
        report.checked.append(f"it starts and stops, against the wire twin: {line}")
    except TrialError as error:
        report.problems.append(f"scripts/{START}.py: {error}")
