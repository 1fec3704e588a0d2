"""Paths as clients send them: hostile ones with the reason for which the gate refuses them, and plain ones."""

from __future__ import annotations

import builtins
import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

CONTROL = "has a control character"
NETWORK = "is a network or device path"
DEVICE_PATH = "is a device path"
COLON = "has a colon that does not follow a drive letter"
NO_ROOT = "has a drive but no root"
STREAM = "has a second colon"
CLIMBS = "climbs with '..'"
ENDS = "has a name that ends in a dot or a space"
DEVICE = "has the name of a device"
NEVER = "has a character that no name on Windows has"
SYSTEM = "is a path of the system's devices"

HOSTILE: list[tuple[str, str]] = [
    # Looking at these sends the user's login to another computer.
    (r"\\host\share\x.jpg", NETWORK),
    ("//host/share/x.jpg", NETWORK),
    (r"\/host\share\x.jpg", NETWORK),
    (r"/\host/share/x.jpg", NETWORK),
    (r"\\host@SSL@8443\DavWWWRoot\x.jpg", NETWORK),
    (r"\\127.0.0.1\c$\x.jpg", NETWORK),
    ("///host/share/x.jpg", NETWORK),
    ("//", NETWORK),
    # Paths past the rules for names, and into devices.
    (r"\\?\C:\temp\x.jpg", NETWORK),
    (r"\\?\UNC\host\share\x.jpg", NETWORK),
    (r"\\?\GLOBALROOT\Device\Mup\host\share\x.jpg", NETWORK),
    ("//?/C:/temp/x.jpg", NETWORK),
    (r"\\.\PhysicalDrive0", NETWORK),
    (r"\\.\pipe\x", NETWORK),
    ("//./C:/x.jpg", NETWORK),
    (r"\??\C:\x.jpg", DEVICE_PATH),
    (r"\??\UNC\host\share\x.jpg", DEVICE_PATH),
    ("/??/UNC/host/share/x.jpg", DEVICE_PATH),
    (r"\??/UNC\host\share\x.jpg", DEVICE_PATH),
    # Relative to what the server did last on that drive.
    ("C:", NO_ROOT),
    ("C:x.jpg", NO_ROOT),
    ("c:temp/x.jpg", NO_ROOT),
    (r"C:..\x.jpg", NO_ROOT),
    ("x:stream", NO_ROOT),
    # Colons: schemes, streams of files, drives that are none.
    ("file:///C:/temp/x.jpg", COLON),
    ("http://host/x.jpg", COLON),
    ("x.jpg:hidden", COLON),
    ("x.jpg::$DATA", COLON),
    ("./x.jpg:hidden", COLON),
    ("/nope:hidden", COLON),
    ("/C:/x.jpg", COLON),
    ("1:/x.jpg", COLON),
    ("é:/x.jpg", COLON),
    (":/x.jpg", COLON),
    (":", COLON),
    ("CON:", COLON),
    ("C:/temp/x.jpg:hidden", STREAM),
    ("C:/temp/x.jpg::$DATA", STREAM),
    ("C:/temp:$I30:$INDEX_ALLOCATION/x.jpg", STREAM),
    ("C:/D:/x.jpg", STREAM),
    ("C:\\:", STREAM),
    # Climbing.
    ("..", CLIMBS),
    ("../x.jpg", CLIMBS),
    ("/..", CLIMBS),
    ("/../etc/passwd", CLIMBS),
    ("a/../b.jpg", CLIMBS),
    ("C:/..", CLIMBS),
    ("C:/data/../../Windows/win.ini", CLIMBS),
    (r"C:\data\..\..\Windows\win.ini", CLIMBS),
    (r"D:\data/..\x.jpg", CLIMBS),
    ("C:/./../x.jpg", CLIMBS),
    ("C://../x.jpg", CLIMBS),
    ("C://data/../x.jpg", CLIMBS),
    (r"C:\\data\..\x.jpg", CLIMBS),
    ("C:/data//../x.jpg", CLIMBS),
    # Windows takes dots and spaces off the end, so that the name means another file.
    ("C:/temp/x.jpg.", ENDS),
    ("C:/temp/x.jpg ", ENDS),
    ("C:/temp /x.jpg", ENDS),
    ("C:/temp./x.jpg", ENDS),
    ("C://temp /data/x.jpg", ENDS),
    ("C:/temp/.../x.jpg", ENDS),
    ("C:/temp/.. /x.jpg", ENDS),
    ("C:/temp/. /x.jpg", ENDS),
    (" ", ENDS),
    (" //host/share/x.jpg", ENDS),
    ("x.jpg. . ", ENDS),
    # Devices, in every folder and with every ending.
    ("NUL", DEVICE),
    ("con", DEVICE),
    ("/devices/nul", DEVICE),
    ("C:/temp/PRN", DEVICE),
    ("C:/temp/aux.jpg", DEVICE),
    ("C:/temp/Con.tar.gz", DEVICE),
    ("C:/nul .jpg", DEVICE),
    ("C:/con/x.jpg", DEVICE),
    ("C:/COM1", DEVICE),
    ("C:/com9.jpg", DEVICE),
    ("C:/com0", DEVICE),
    ("C:/lpt1.jpg", DEVICE),
    ("C:/LPT\u00b9.jpg", DEVICE),
    ("C:/com\u00b2", DEVICE),
    ("C:/COM\u00b3.x", DEVICE),
    ("C:/CONIN$", DEVICE),
    ("C:/conout$.jpg", DEVICE),
    ("C://nul/x", DEVICE),
    ("C://temp/con", DEVICE),
    ("C://aux/data/x.jpg", DEVICE),
    # What ends a name for C, a line for a log, or looks like nothing.
    ("C:/temp/x.jpg\0.png", CONTROL),
    ("\0", CONTROL),
    ("C:/temp/x\n.jpg", CONTROL),
    ("C:/temp/x\x1b[2J.jpg", CONTROL),
    ("C:/temp/x.jpg\t", CONTROL),
    ("C:/temp/x\x7f.jpg", CONTROL),
    ("C:/temp/x\x85.jpg", CONTROL),
    ("C:/temp/x\u2028.jpg", CONTROL),
    ("C:/temp/x\u2029.jpg", CONTROL),
    ("\\\\host\\share\n", CONTROL),
    # What shows a name as another one, and what is half a character.
    ("C:/temp/\u202egpj.exe", CONTROL),
    ("C:/temp/x\u202a.jpg", CONTROL),
    ("C:/temp/\u2066x\u2069.jpg", CONTROL),
    ("C:/temp/\ud800.jpg", CONTROL),
    ("\udcff", CONTROL),
    # What no file of Windows is called, and what some programs take for many files.
    ("C:/temp/*.jpg", NEVER),
    ("C:/temp/?.jpg", NEVER),
    ("C:/temp/<x>.jpg", NEVER),
    ('C:/temp/"x.jpg', NEVER),
    ("C:/temp/x.jpg|x", NEVER),
    ("*", NEVER),
    # Files of POSIX systems that are devices or the system itself, some without an end.
    ("/dev/zero", SYSTEM),
    ("/dev/stdin", SYSTEM),
    ("/dev", SYSTEM),
    ("/proc/kcore", SYSTEM),
    ("/proc/self/environ", SYSTEM),
    ("/proc/self/fd/0", SYSTEM),
    ("/sys/kernel/debug/x", SYSTEM),
    ("/./dev//sda", SYSTEM),
    (r"\dev\tcp\host\80", SYSTEM),
]
"""Path -> how its reason begins."""

PLAIN = [
    "C:/temp/example.jpg",
    r"C:\temp\x.jpg",
    r"c:\temp/mixed\x.jpg",
    "C:/",
    "C:/temp/",
    "C://temp//x.jpg",
    "C:/temp/./x.jpg",
    "/nope",
    "/",
    r"\temp\x.jpg",
    "nope.jpg",
    "./x.jpg",
    ".",
    "",
    "D:/Größe/Bild 1.jpg",
    "D:/ leading/ space.jpg",
    "C:/Users/IQMPRINK/Documents/Points.gxml",
    "C:/PROGRA~1/x.jpg",
    "C:/100% [a] {b} #1 & co; $x ^'`!@=+,.jpg",
    "~/x.jpg",
    "a..b.jpg",
    "..a.jpg",
    ".hidden",
    "..hidden/x.jpg",
    # Nearly devices.
    "console.jpg",
    "com10.txt",
    "com.txt",
    "C:/lpt/x.jpg",
    "C:/xcon",
    "C:/auxiliary/nul1.jpg",
    "C:/my con.jpg",
    "C:/x.con",
    "C:/conin.jpg",
    "C:/com\u2074.jpg",
    # Nearly the system's.
    "C:/dev/x.jpg",
    "/devices/x.jpg",
    "dev/x.jpg",
    "/data/proc/x.jpg",
    # Nearly a control character.
    "C:/temp/\u00a0x\u202f1.jpg",
]
"""Paths that may be looked at."""

_WAYS: list[tuple[Any, str]] = [
    *((os, name) for name in ("stat", "lstat", "open", "scandir", "listdir", "readlink", "getcwd", "access")),
    *((os.path, name) for name in ("exists", "isfile", "isdir", "islink", "realpath", "abspath", "samefile")),
    *((Path, name) for name in ("stat", "lstat", "open", "exists", "is_file", "is_dir", "resolve", "absolute")),
    (io, "open"),
    (builtins, "open"),
]


@contextmanager
def untouched() -> Iterator[None]:
    """Inside, every way to a file fails."""

    def touched(*_: Any, **__: Any) -> Any:
        raise AssertionError("the file system was touched")

    with ExitStack() as stack:
        for owner, name in _WAYS:
            stack.enter_context(mock.patch.object(owner, name, touched))
        yield


WINDOWS = {
    "allowed_roots": ("D:/exchange", "//nas/parts", r"E:\scans\today"),
    "paths": {
        "Z:/parts": "D:/exchange/parts",
        "N:/": "//nas/parts",
        "/mnt/cell": "D:/exchange/cell",
        "job": r"E:\scans",
    },
}
"""Settings of a site, as Windows has them."""
WINDOWS_INSIDE = {
    "D:/exchange/x.jpg": "D:/exchange/x.jpg",
    r"d:\EXCHANGE\x.jpg": r"d:\EXCHANGE\x.jpg",
    "D://exchange//./x.jpg": "D://exchange//./x.jpg",
    "D:/exchange": "D:/exchange",
    "Z:/parts/x.jpg": "D:/exchange/parts/x.jpg",
    r"z:\PARTS\A b\X.jpg": "D:/exchange/parts/A b/X.jpg",
    "Z://parts/./x.jpg": "D:/exchange/parts/x.jpg",
    "N:/x.jpg": "//nas/parts/x.jpg",
    r"n:\a\x.jpg": "//nas/parts/a/x.jpg",
    "/mnt/cell/x.jpg": "D:/exchange/cell/x.jpg",
    r"\mnt\cell\x.jpg": "D:/exchange/cell/x.jpg",
    "job/today/x.jpg": r"E:\scans\today\x.jpg",
    "./job/Today/x.jpg": r"E:\scans\Today\x.jpg",
}
"""What a client sends -> what it is on the INSPECT computer."""
WINDOWS_OUTSIDE = [
    *("D:/exchange2/x.jpg", "D:/exchang/x.jpg", "D:/x.jpg", "D:/", "D:/exchange.old/x.jpg", "D:/Exchange 2/x.jpg"),
    *("E:/exchange/x.jpg", "C:/Windows/win.ini", r"C:\Users\x\.ssh\id_rsa", "D:/other/exchange/x.jpg"),
    # A short name of Windows for another folder, or for this one: only the file system knows.
    *("D:/EXCHAN~1/x.jpg", "D:/PROGRA~1/x.jpg"),
    # Relative, or relative to the drive.
    *("x.jpg", "exchange/x.jpg", "", ".", "./x.jpg", "/exchange/x.jpg", r"\exchange\x.jpg", "/"),
    # Nearly a begin of the map, or one that leads beside the folders.
    *("Z:/parts2/x.jpg", "Z:/x.jpg", "Z:/part/s/x.jpg", "/mnt/cell2/x.jpg", "/MNT/cell/x.jpg", "mnt/cell/x.jpg"),
    *("job/x.jpg", "job/today2/x.jpg", "job", "JOB/today/x.jpg", "jobs/today/x.jpg"),
]
POSIX = {
    "allowed_roots": ("/srv/exchange", "/media/scans/today"),
    "paths": {"Z:/parts": "/srv/exchange/parts", "/mnt/cell": "/srv/exchange/cell", "job": "/media/scans"},
}
POSIX_INSIDE = {
    "/srv/exchange/x.jpg": "/srv/exchange/x.jpg",
    "/srv//exchange/./x.jpg": "/srv//exchange/./x.jpg",
    r"z:\PARTS\A b\X.jpg": "/srv/exchange/parts/A b/X.jpg",
    "/mnt/cell/x.jpg": "/srv/exchange/cell/x.jpg",
    r"/mnt\cell\x.jpg": "/srv/exchange/cell/x.jpg",
    "job/today/x.jpg": "/media/scans/today/x.jpg",
}
POSIX_OUTSIDE = [
    *(
        "/srv/exchange2/x.jpg",
        "/srv/Exchange/x.jpg",
        "/SRV/exchange/x.jpg",
        "/srv",
        "/",
        "/etc/passwd",
        "/root/.ssh/id_rsa",
    ),
    *("D:/exchange/x.jpg", "D:/srv/exchange/x.jpg", "srv/exchange/x.jpg", "x.jpg", "", "."),
    # Here this is one name.
    *(r"\srv\exchange\x.jpg", r"/srv\exchange\x.jpg"),
    *("Z:/parts2/x.jpg", "Z:/x.jpg", "/mnt/cell2/x.jpg", "/mnt/Cell/x.jpg", "job/x.jpg", "job/Today/x.jpg", "~/x.jpg"),
]
