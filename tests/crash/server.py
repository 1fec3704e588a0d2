"""The program that is killed: the real server on the twin, with seams to the named points, and, if asked, with a bug.

    python server.py FOLDER [--bug NAME] [--kill POINT COUNT] [--port PORT]

Files in FOLDER are its journal, its receipt log and the effects. It prints one JSON line when it listens.
Exit code: that of the kill, or 4 where the port is taken.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import bugs
import effects_plugin
import points
import seams
from program import TAKEN

from gombus import log, runtime
from gombus.config import load
from gombus.errors import CannotListen


def main() -> None:
    """Serve until this process is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bug", choices=bugs.BUGS)
    parser.add_argument("--kill", nargs=2, default=("", "0"))
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    effects_plugin.open_effects(options.folder / "effects.txt")
    seams.install()
    if options.bug:
        bugs.BUGS[options.bug][0]()
    points.arm(options.kill[0], int(options.kill[1]))
    points.obey()
    settings = load(
        {
            "host": "127.0.0.1",
            "port": options.port,
            "backend": "twin",
            "log_level": "warning",
            "plugin_modules": ("effects_plugin",),
            "plugins_enabled": ("effects_plugin", "kit"),
            "journal": str(options.folder / "journal.sqlite3"),
            "tokens": "off",
        },
        environ={},
    )
    log.configure(settings)
    try:
        runtime.run(settings, lambda listening: print(json.dumps({"url": listening.url}), flush=True), environ={})
    except CannotListen:
        sys.exit(TAKEN)


if __name__ == "__main__":
    main()
