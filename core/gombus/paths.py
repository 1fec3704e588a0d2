r"""The lexical gate: which paths are refused by their text alone, before any file is touched.

Looking at a path such as ``\\host\share\x.jpg`` makes Windows send the user's login to that host, so the text is
judged first. INSPECT runs on Windows; its rules hold on every platform, so that a client that was tried against the
twin elsewhere gets the same answers on the line. Sources: Microsoft, "Naming Files, Paths, and Namespaces" and
"File path formats on Windows systems".
"""

from __future__ import annotations

import re

# Control characters, ends of lines, what turns the direction of text around, and halves of characters.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NEVER = re.compile(r'[*?"<>|]')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE)
_SHARE = re.compile(r"//(?![.?]/)[^/]+/[^/]+")
_SYSTEM = re.compile(r"/(\.?/)*(dev|proc|sys)(/|\Z)")
"""Folders of POSIX systems whose files are devices, or the system itself; some have no end."""

ALLOWED = "a plain path such as C:/temp/example.jpg, with no '..', network share, device or further colon in it"


def refusal(path: str, shares: bool = False) -> str | None:
    r"""Why this path is refused, as the rest of a sentence; None where it may be looked at.

    Pure text work: never touches a file system.

    :param shares: whether it may be on a network share, ``\\host\share``. Never where the path is a client's.
    """
    if _CONTROL.search(path):
        return "has a control character"
    # Windows takes both slashes for the same, and several for one.
    path = path.replace("\\", "/")
    share = path.startswith("//")
    if share and not (shares and _SHARE.match(path)):
        return "is a network or device path"
    if path.startswith("/??/"):
        return "is a device path"
    drive, colon, rest = path.partition(":")
    if colon and (len(drive) != 1 or not drive.isascii() or not drive.isalpha()):
        return "has a colon that does not follow a drive letter"
    if colon and not rest.startswith("/"):
        return "has a drive but no root, so it means another folder on every start"
    if ":" in rest:
        return "has a second colon, which names a hidden stream of a file"
    if _NEVER.search(path):
        return "has a character that no name on Windows has"
    if not share and _SYSTEM.match(path):
        return "is a path of the system's devices"
    reasons = (_refused_part(part) for part in path.split("/"))
    return next((reason for reason in reasons if reason), None)


def _refused_part(part: str) -> str | None:
    if part == "..":
        return "climbs with '..'"
    if part == ".":
        return None
    if part[-1:] in (".", " "):
        return "has a name that ends in a dot or a space"
    if _DEVICE.fullmatch(part.split(".")[0].rstrip(" ")):
        return f"has the name of a device, {part!r}"
    return None
