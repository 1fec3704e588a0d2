"""From the paths of clients to those of this computer: a robot cell names files differently from the INSPECT computer.

Pure text work: never touches a file system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class PathMap:
    """Replaces the begins of paths. The longest that fits is taken, once.

    :param pairs: begin of clients' paths -> what it is here. Begins with a drive letter fit in upper and lower case,
        as on Windows; both slashes are the same.
    """

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._targets = {key_of(begin): target for begin, target in pairs.items()}
        self._lengths = sorted({len(key) for key in self._targets}, reverse=True)

    def __len__(self) -> int:
        return len(self._targets)

    def local(self, sent: str) -> str:
        """The path on this computer; as it was sent where no begin fits."""
        parts = parts_of(sent)
        key = key_of(sent)
        for length in self._lengths:
            target = self._targets.get(key[:length])
            if target is not None:
                return joined(target, parts[length:])
        return sent


def parts_of(path: str) -> list[str]:
    """The components of a path; ``Z:`` or ``/`` is the first where it is not relative."""
    path = path.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return ["/", *parts] if path.startswith("/") else parts


def joined(folder: str, parts: Iterable[str]) -> str:
    """A path below a folder, with the slashes of the folder."""
    slash = "\\" if "\\" in folder and "/" not in folder else "/"
    below = slash.join(parts)
    return f"{folder.rstrip(slash)}{slash}{below}" if below else folder


def key_of(path: str) -> tuple[str, ...]:
    """The components of a path, in lower case where it has a drive: the same for what means the same."""
    parts = parts_of(path)
    windows = parts[:1] and parts[0].endswith(":")
    return tuple(part.lower() for part in parts) if windows else tuple(parts)
