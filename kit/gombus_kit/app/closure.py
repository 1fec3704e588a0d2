"""All that an App needs: from what it is made of, through what that needs, to nothing more.

The markers of requirements are evaluated for the target, not for the Python that builds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Callable, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from gombus import GombusError

from . import pip
from .target import Target
from .wheels import Wheel, read

BROUGHT = ("websocket-client", "zeiss-inspect-api")
"""What INSPECT brings itself: its client `gom`, and what that needs. An App must not hold ZEISS's own."""


class ClosureError(GombusError):
    """What is needed cannot be had together."""


class Need(NamedTuple):
    """One requirement, and who has it."""

    requirement: Requirement
    by: str

    @property
    def name(self) -> str:
        """As indexes spell it."""
        return canonicalize_name(self.requirement.name)


def needs(wheels: Iterable[Wheel], target: Target) -> Iterator[Need]:
    """What these wheels require on the target, extras included."""
    wheels = list(wheels)
    extras: dict[str, set[str]] = {}
    while True:
        found = [
            Need(requirement, wheel.name)
            for wheel in wheels
            for requirement in wheel.requires
            if any(target.applies(requirement.marker, extra) for extra in ("", *extras.get(wheel.name, ())))
        ]
        asked: dict[str, set[str]] = {}
        for need in found:
            asked.setdefault(need.name, set()).update(need.requirement.extras)
        if asked == extras:
            yield from found
            return
        extras = asked


def unfit(wheel: Wheel, target: Target) -> str:
    """Why a wheel cannot run on the target; empty where it can."""
    if not wheel.tags & target.tags:
        return f"is for {', '.join(sorted(map(str, wheel.tags)))}; allowed: what fits {target}"
    if not any(wheel.python.contains(f"{target.python}.{patch}") for patch in (0, 99)):
        return f"is for Python {wheel.python}; allowed: what fits {target}"
    return ""


def missing(wheels: Iterable[Wheel], target: Target, there: Mapping[str, Wheel] | None = None) -> list[str]:
    """What of the closure is not there, or not in a version that fits: a sentence each.

    :param there: wheels of another App that shares the environment.
    """
    wheels = list(wheels)
    have = {**(there or {}), **{wheel.name: wheel for wheel in wheels}}
    problems = []
    # Of all, because one may ask for an extra of another, or replace it.
    for need in needs(have.values(), target):
        if need.name in BROUGHT:
            continue
        wheel, wanted = have.get(need.name), f"{need.requirement.name}{need.requirement.specifier}"
        if wheel is None:
            problems.append(f"{need.by} needs {wanted}, which is not there")
        elif not need.requirement.specifier.contains(wheel.version, prereleases=True):
            problems.append(f"{need.by} needs {wanted}, and {wheel.name} {wheel.version} is there")
    return problems


class Constraints:
    """The lines of a constraints file that hold on the target.

    :raises ClosureError: a line is none.
    """

    def __init__(self, text: str, target: Target) -> None:
        self._allowed: dict[str, SpecifierSet] = {}
        for line in text.splitlines():
            line = line.partition("#")[0].strip()
            if not line:
                continue
            try:
                requirement = Requirement(line)
            except InvalidRequirement as error:
                raise ClosureError(f"constraints: {line!r} is no requirement: {error}") from error
            if target.applies(requirement.marker):
                name = canonicalize_name(requirement.name)
                self._allowed[name] = self._allowed.get(name, SpecifierSet()) & requirement.specifier

    def of(self, name: str) -> SpecifierSet:
        """What is allowed of this one."""
        return self._allowed.get(name, SpecifierSet())


def fetch(
    wheels: Iterable[Wheel], target: Target, constraints: Constraints, folder: Path, say: Callable[[str], None]
) -> list[Wheel]:
    """Fetch what is missing until nothing is.

    :param wheels: what the App is made of.
    :param folder: where wheels are put.
    :param say: is told what goes on.
    :returns: all wheels, by name.
    :raises ClosureError: two want versions that exclude each other.
    :raises PipError: pip found nothing that fits.
    """
    have = {wheel.name: wheel for wheel in wheels}
    given = frozenset(have)
    fetched: dict[str, SpecifierSet] = {}
    while True:
        wanted = _wanted(have.values(), target, constraints)
        wrong = [name for name in given if name in wanted and not wanted[name].contains(have[name].version, True)]
        for name in wrong:
            raise ClosureError(f"{name} {have[name].version} is there, and {name}{wanted[name]} is needed")
        todo = {
            name: specifier
            for name, specifier in wanted.items()
            if name not in have or not specifier.contains(have[name].version, prereleases=True)
        }
        if not todo:
            # What only a version needed that was replaced is left out.
            return [have[name] for name in sorted(have) if name in given or name in wanted]
        for name, specifier in todo.items():
            if fetched.get(name) == specifier:
                raise ClosureError(f"{name}: no version fits {specifier}")
            fetched[name] = specifier
            if name in have:
                have.pop(name).path.unlink()
        say(f"fetching {', '.join(sorted(todo))}")
        before = set(folder.glob("*.whl"))
        pip.download([Requirement(f"{name}{specifier}") for name, specifier in sorted(todo.items())], target, folder)
        for path in set(folder.glob("*.whl")) - before:
            wheel = read(path)
            have[wheel.name] = wheel


def _wanted(wheels: Iterable[Wheel], target: Target, constraints: Constraints) -> dict[str, SpecifierSet]:
    wanted: dict[str, SpecifierSet] = {}
    for need in needs(wheels, target):
        if need.name in BROUGHT:
            continue
        if need.requirement.url:
            raise ClosureError(f"{need.by} needs {need.requirement.name} from an address; allowed: a version")
        wanted[need.name] = wanted.get(need.name, constraints.of(need.name)) & need.requirement.specifier
    return wanted
