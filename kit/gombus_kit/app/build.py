"""Builds Apps: gombus's own, and those of a site that add plugins to it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Callable

from gombus import GombusError

from . import archive, metainfo
from .closure import Constraints, fetch, missing, unfit
from .icon import icon
from .sources import wheel_of
from .target import Target
from .wheels import Wheel

CORE = "gombus"
PLUGINS = ("gombus-image-import", "gombus-elements-import", "gombus-quit")
"""What is in gombus's App where nobody says otherwise."""
MODULES = "scripts/modules"
START = "gombus_start"
_OURS = {CORE, *PLUGINS}


class BuildError(GombusError):
    """The App cannot be built from what was named."""


@dataclass(frozen=True)
class Order:
    """What is to be built, and from where."""

    target: Target
    version: str = ""
    """The App's; empty means that of gombus, or of the plugin."""
    constraints: str = ""
    """The text of a constraints file."""
    isolated: bool = True
    """Whether pip fetches what building a folder needs."""
    say: Callable[[str], None] = lambda text: None
    """Is told what goes on."""


def build_server(order: Order, core: str, plugins: Sequence[str], output: Path | None) -> Path:
    """Build gombus's App.

    :param core: folder, wheel or name of gombus.
    :param plugins: folders, wheels or names of its plugins.
    :param output: the file; None makes `gombus-VERSION-PLATFORM-PYTHON.addon` in the current folder.
    :returns: the file.
    :raises GombusError: something cannot be built, fetched or put together.
    """
    with tempfile.TemporaryDirectory() as name:
        own = _made([core, *plugins], order, Path(name))
        wheels = _fetched(own, order, Path(name))
        modules = _plugin_modules(own[1:])
        version = order.version or str(own[0].version)
        entries = {
            f"scripts/{START}.py": _start(modules, order.target),
            f"scripts/{START}.metainfo": metainfo.as_json(metainfo.script(START, "Start gombus")),
            "scripts/gombus.toml": _file("gombus.toml"),
            metainfo.OWN: metainfo.as_json(metainfo.own("server", order.target, modules)),
            "metainfo.json": metainfo.as_json(
                metainfo.app(
                    "gombus",
                    metainfo.APP_UUID,
                    version,
                    metainfo.AUTHOR,
                    "Puts ZEISS INSPECT on the network: checked JSON requests over WebSocket, run as gom commands",
                    order.target,
                )
            ),
            **_documents(wheels, order.target, version),
            **_contents(wheels),
        }
        return _written(entries, output, f"gombus-{version}", order)


def build_plugin(order: Order, plugin: str, beside: Iterable[Wheel] | None, output: Path | None) -> Path:
    """Build an App that adds one plugin to gombus's App: it has only what that one has not.

    :param plugin: folder, wheel or name.
    :param beside: wheels of gombus's App; None means those that it would have if it were built now.
    :raises GombusError: something cannot be built, fetched or put together.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (own,) = _made([plugin], order, folder)
        if not own.plugins:
            raise BuildError(f"{own.name}: has no entry point of the group gombus, so it is no plugin of gombus")
        if beside is None:
            order.say("fetching what gombus's App has, to leave it out; --beside FILE is faster")
            (folder / "beside").mkdir()
            base = Order(order.target, constraints=order.constraints, isolated=order.isolated)
            beside = _fetched(_made([CORE, *PLUGINS], base, folder / "beside"), base, folder / "beside")
        there = {wheel.name: wheel for wheel in beside}
        if own.name in there:
            raise BuildError(f"{own.name} {there[own.name].version} is in gombus's App; build that one anew")
        wheels = [wheel for wheel in _fetched([own], order, folder, there) if wheel.name not in there]
        problems = missing(wheels, order.target, there)
        if problems:
            raise BuildError(f"{own.name} does not go together with gombus's App: " + "; ".join(problems))
        version = order.version or str(own.version)
        title = f"gombus plugin {own.name}"
        text = f"# {title}\n\nAdds request types to gombus's App, whose Python environment it shares. Restart gombus.\n"
        entries = {
            metainfo.OWN: metainfo.as_json(metainfo.own("plugin", order.target, own.plugins)),
            "metainfo.json": metainfo.as_json(
                metainfo.app(
                    title,
                    metainfo.uuid_of(f"plugin {own.name}"),
                    version,
                    own.author or own.name,
                    f"Adds the plugin {own.name} to gombus",
                    order.target,
                )
            ),
            "doc/README.md": text.encode(),
            "doc/Releasenotes.md": _filled("Releasenotes.md", VERSION=version, TARGET=str(order.target)),
            **_contents(wheels),
        }
        return _written(entries, output, f"{own.name}-{version}", order)


def _made(named: Sequence[str], order: Order, folder: Path) -> list[Wheel]:
    wheels: dict[str, Wheel] = {}
    for what in named:
        order.say(f"building {what}")
        wheel = wheel_of(what, order.target, folder, order.isolated)
        reason = unfit(wheel, order.target)
        if reason:
            raise BuildError(f"{what}: its wheel {wheel.path.name} {reason}")
        if wheel.name in wheels:
            raise BuildError(f"{what}: {wheel.name} is named twice")
        wheels[wheel.name] = wheel
    return list(wheels.values())


def _fetched(own: list[Wheel], order: Order, folder: Path, there: dict[str, Wheel] | None = None) -> list[Wheel]:
    there = {name: wheel for name, wheel in (there or {}).items() if name not in {wheel.name for wheel in own}}
    constraints = Constraints(order.constraints, order.target)
    return fetch([*own, *there.values()], order.target, constraints, folder, order.say)


def _plugin_modules(wheels: Iterable[Wheel]) -> tuple[str, ...]:
    for wheel in wheels:
        if not wheel.plugins:
            raise BuildError(f"{wheel.name}: has no entry point of the group gombus, so it is no plugin of gombus")
    return tuple(sorted(module for wheel in wheels for module in wheel.plugins))


# The entries.


def _file(name: str) -> bytes:
    return resources.files(__package__).joinpath("files").joinpath(name).read_bytes().replace(b"\r\n", b"\n")


def _filled(name: str, **words: str) -> bytes:
    text = _file(name).decode()
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text.encode()


def _start(modules: tuple[str, ...], target: Target) -> bytes:
    text = _filled("gombus_start.txt", PYTHON=str(target)).decode()
    # An object within a module cannot be named in the settings.
    named = [module for module in modules if ":" not in module]
    return text.replace("PLUGINS = ()", f"PLUGINS = {named!r}").encode()


def _documents(wheels: list[Wheel], target: Target, version: str) -> dict[str, bytes]:
    contents = "\n".join(f"* {wheel.name} {wheel.version}" for wheel in wheels)
    words = {"CONTENTS": contents, "ENVIRONMENT": metainfo.ENVIRONMENT, "TARGET": str(target), "VERSION": version}
    names = ("README.md", "Documentation.md", "Releasenotes.md")
    return {f"doc/{name}": _filled(name, **words) for name in names}


def _contents(wheels: list[Wheel]) -> dict[str, bytes]:
    entries = {f"{MODULES}/{wheel.path.name}": wheel.path.read_bytes() for wheel in wheels}
    for wheel in wheels:
        text = wheel.licence
        if wheel.name in _OURS:
            text = f"{text}\n{_file('LICENSE.txt').decode()}"
        entries[f"license/license_{wheel.name}.txt"] = text.encode()
    return {**entries, "icon.png": icon()}


def _written(entries: dict[str, bytes], output: Path | None, name: str, order: Order) -> Path:
    platform = order.target.platform
    path = output or Path(f"{name}-{platform}-py{order.target.python}.addon")
    order.say(f"writing {path}")
    try:
        archive.write(path, entries)
    except OSError as error:
        raise BuildError(f"{path}: cannot be written: {error.strerror}") from error
    return path
