"""From the settings to what holds for files. All of them are checked here, before anything is served."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PureWindowsPath

from ..config import OFF, Settings
from ..errors import SettingsError
from ..paths import refusal
from . import Files
from .pathmap import PathMap, joined, key_of
from .roots import HERE, Roots
from .settling import Settling, writers_of
from .site import SiteFiles
from .spool import Spool

log = logging.getLogger(__name__)


def open_files(settings: Settings) -> Files:
    """What the settings say about files.

    :raises SettingsError: one of them is not allowed, or the spool folder cannot be used.
    """
    pathmap, roots = lexical(settings)
    stopping = threading.Event()
    settling = None
    if settings.settle_s:
        if settings.settle_limit_s < settings.settle_s:
            least = f"{settings.settle_s:g} or more"
            raise _error(settings, "settle_limit_s", settings.settle_limit_s, "is shorter than settle_s", least)
        settling = Settling(settings.settle_s, settings.settle_limit_s, stopping.wait, writers_of())
    for folder in settings.allowed_roots:
        if not Path(folder).is_dir():
            log.warning("allowed_roots: there is no folder %s now; no file in it can be used", folder)
    spool = None
    if settings.spool != OFF:
        spool = Spool(_spool_folder(settings), settings.spool_days, stopping.is_set)
    if not (pathmap or roots or settling or spool):
        return Files()
    return SiteFiles(pathmap, roots, settling, spool, stopping.set)


def lexical(settings: Settings, flavour: type[PurePath] = HERE) -> tuple[PathMap, Roots | None]:
    """The path map, and the folders in which files may lie, if any. Pure text work: no file system is touched.

    :param flavour: whose rules paths have.
    :raises SettingsError: one of them is not allowed.
    """
    roots = settings.allowed_roots
    for root in roots:
        reason = _refused_here(root, flavour)
        if reason:
            raise _error(settings, "allowed_roots", root, reason, "whole paths of folders such as D:/exchange")
    begins: dict[tuple[str, ...], str] = {}
    for begin, target in settings.paths.items():
        _check_pair(settings, begin, target, flavour)
        key = key_of(begin)
        if key in begins:
            raise _error(settings, "paths", begin, f"means the same as {begins[key]!r}", "each begin once")
        begins[key] = begin
    said = list(_as_clients_say(roots, settings.paths, flavour)) or roots
    return PathMap(settings.paths), Roots(roots, said, flavour) if roots else None


def _check_pair(settings: Settings, begin: str, target: str, flavour: type[PurePath]) -> None:
    # A path that the gate refuses never gets as far as the map.
    reason = refusal(begin) or (None if key_of(begin) else "names nothing")
    if reason:
        raise _error(settings, "paths", begin, reason, "begins of clients' paths such as Z:/parts")
    reason = _refused_here(target, flavour)
    if reason:
        raise _error(settings, "paths", target, reason, "whole paths of folders such as D:/exchange/parts")
    roots = settings.allowed_roots
    if roots and not any(_below(target, root, flavour) or _below(root, target, flavour) for root in roots):
        raise _error(settings, "paths", target, "is in none of allowed_roots", "folders in them")
    if not roots and refusal(target):
        raise _error(settings, "paths", target, "is a network share", "a share that allowed_roots names, or a drive")


def _refused_here(folder: str, flavour: type[PurePath]) -> str | None:
    """Why a folder of this computer cannot be meant, as the rest of a sentence."""
    reason = refusal(folder, shares=issubclass(flavour, PureWindowsPath))
    if reason is None and not flavour(folder).is_absolute():
        reason = "is no whole path on this computer"
    return reason


def _as_clients_say(roots: Sequence[str], pairs: Mapping[str, str], flavour: type[PurePath]) -> Iterator[str]:
    """The begins of clients' paths that lead into the folders: with a map, clients know no others."""
    for begin, target in pairs.items():
        if any(_below(target, root, flavour) for root in roots):
            yield begin
            continue
        for root in roots:
            if _below(root, target, flavour):
                yield joined(begin, flavour(root).relative_to(target).parts)


def _below(path: str, folder: str, flavour: type[PurePath]) -> bool:
    return flavour(path).is_relative_to(folder)


def _spool_folder(settings: Settings) -> Path:
    if settings.spool != "auto":
        return Path(settings.spool)
    # Only needed here, and not by a server that is told where its folder is.
    import platformdirs

    return platformdirs.user_state_path("gombus", appauthor=False) / "spool"


def _error(settings: Settings, key: str, value: object, reason: str, allowed: str) -> SettingsError:
    return SettingsError(f"{settings.source(key)}: {key}: {value!r} {reason}; allowed: {allowed}")
