"""The program that is fuzzed: gombus as it is on the twin, one server after the other in one process.

    python server.py FOLDER [--bug NAME]

Each JSON line on its standard input starts a server with these settings. It prints one JSON line when that listens, and
one when it has ended; the calls of the gom command stand in a file in FOLDER. It ends when its input does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import bugs
import say_plugin

from gombus import log, runtime
from gombus.config import load

CALLS = "calls.jsonl"


def main() -> None:
    """Serve as often as asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bug", choices=bugs.BUGS)
    options = parser.parse_args()
    say_plugin.open_calls(options.folder / CALLS)
    if options.bug:
        bugs.BUGS[options.bug].plant()
    fixed = {
        "host": "127.0.0.1",
        "port": 0,
        "backend": "twin",
        "plugin_modules": ("say_plugin",),
        "plugins_enabled": ("say_plugin", "quit", "kit"),
    }
    for line in sys.stdin:
        settings = load({**fixed, **json.loads(line)}, environ={})
        log.configure(settings)
        runtime.run(settings, lambda listening: _print({"url": listening.url}), environ={})
        _print({"ended": True})


def _print(value: object) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
