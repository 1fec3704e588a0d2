"""The same properties of the codecs with atheris, which follows the branches of the code (libFuzzer for Python).

    python -m pip install atheris hypothesis pytest -e ./core     # where atheris has a build for this Python
    python tests/fuzz/atheris_codecs.py [--seconds 180]

It begins with the messages in corpus/ and ends with exit code 0, or, where a property does not hold, with a traceback
and the name of the file in which the message stands; `--input FILE` tries that one again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import places

try:
    import atheris
except ImportError:
    sys.exit(
        f"atheris is not installed for this Python ({sys.executable}): python -m pip install atheris; "
        "where that finds no build, use another version of Python. The same properties run without it: "
        "python tests/fuzz --codecs"
    )

with atheris.instrument_imports(include=["gombus"]):
    import properties

MAX_LENGTH = 4096


def main() -> None:
    """Run until the time is over, or something is found."""
    parser = argparse.ArgumentParser(
        prog="python tests/fuzz/atheris_codecs.py", description=properties.all_codecs.__doc__
    )
    parser.add_argument("--seconds", type=int, default=180, help="how long (default: 180)")
    parser.add_argument("--input", type=Path, help="try only what stands in this file")
    options = parser.parse_args()
    if options.input:
        properties.all_codecs(options.input.read_bytes())
        return
    found = tempfile.mkdtemp(prefix="gombus-atheris-")
    libfuzzer = [
        f"-artifact_prefix={found}/",
        f"-max_total_time={options.seconds}",
        f"-max_len={MAX_LENGTH}",
        f"-dict={places.HERE / 'json.dict'}",
    ]
    # What is found goes into the first folder.
    atheris.Setup([sys.argv[0], *libfuzzer, found, str(places.HERE / "corpus")], properties.all_codecs)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
