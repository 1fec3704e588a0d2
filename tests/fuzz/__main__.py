"""``python tests/fuzz``: send the server what nobody should, and see that it answers, or closes, and lives."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

import codec_runs
import report
import with_atheris
from bugs import BUGS
from rounds import fuzz
from tally import Tally

BUG_MESSAGES = 6000
"""Within so many messages a planted bug must be caught."""
BUG_LIMIT_S = 4.0
"""How long an answer is waited for where one may have been dropped on purpose, in seconds."""


def _run(options: argparse.Namespace) -> report.Results:
    begin = time.monotonic()
    only_bugs, only_codecs = bool(options.bug or options.all_bugs), options.codecs
    tally, bugs, codecs, atheris = Tally(), {}, None, None
    if not (only_bugs or only_codecs):
        tally = fuzz(options.messages, options.seed, "", lambda now: _said(now, begin))
        _finding("the server", tally)
    if only_bugs or not (only_codecs or options.no_bugs):
        for name in [options.bug] if options.bug else BUGS:
            found = fuzz(BUG_MESSAGES, options.seed, name, lambda now: None, BUG_LIMIT_S)
            bugs[name] = found
            first = found.findings[0] if found.findings else "nothing"
            _say(f"{name}: after {found.messages} messages: {str(first)[:300]}")
    if only_codecs or not (only_bugs or options.no_codecs):
        _say(f"the codecs, {options.examples} examples each")
        codecs = codec_runs.run(options.examples, random.Random(options.seed).getrandbits(32))
    if options.atheris:
        _say(f"atheris, {options.atheris_seconds} s")
        atheris = with_atheris.run(options.atheris, options.atheris_seconds)
    return report.Results(tally, bugs, codecs, atheris, time.monotonic() - begin, options.seed)


def main() -> int:
    """Run the harness.

    :returns: exit code: 0 where nothing was found but the planted bugs, and each of those was.
    """
    options = _options()
    try:
        results = _run(options)
    except KeyboardInterrupt:
        _say("stopped")
        return 130
    for finding in results.findings:
        _say(finding)
    if options.out:
        options.out.write_text(report.markdown(results, _command(options)), encoding="utf-8")
    if options.json:
        print(json.dumps(report.plain(results), indent=2))
    elif not options.out:
        print(report.markdown(results, _command(options)), end="")
    return 0 if report.passed(results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python tests/fuzz",
        description="Send the server good, odd and broken messages, and compare what it does with what it promises.",
        epilog="Example: python tests/fuzz --messages 100000 --atheris python3.12 --out docs/fuzzing.md",
    )
    parser.add_argument("--messages", type=_count, default=100_000, help="how many to send (default: 100000)")
    parser.add_argument("--seed", default=str(random.randrange(1_000_000)), help="repeats what a run sends")
    parser.add_argument("--examples", type=_count, default=20_000, help="for each codec (default: 20000)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--codecs", action="store_true", help="only the codecs")
    which.add_argument("--bug", choices=BUGS, help="only plant this bug, and see that it is caught")
    which.add_argument("--all-bugs", action="store_true", help="only plant each bug in turn")
    parser.add_argument("--no-bugs", action="store_true", help="plant none")
    parser.add_argument("--no-codecs", action="store_true", help="leave out the codecs")
    parser.add_argument("--atheris", metavar="PYTHON", help="a Python that has atheris: the codecs with that, too")
    parser.add_argument("--atheris-seconds", type=_count, default=180, help="how long (default: 180)")
    parser.add_argument("--out", type=Path, help="Markdown file to write; else it is printed")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, for scripts")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; allowed: a number from 1 to 100000000")
    return int(text)


def _command(options: argparse.Namespace) -> str:
    atheris = f" --atheris {Path(options.atheris).name}" if options.atheris else ""
    return f"python tests/fuzz --messages {options.messages} --seed {options.seed}{atheris}"


def _said(tally: Tally, begin: float) -> None:
    _say(f"{tally.messages} messages, {time.monotonic() - begin:.0f} s")


def _finding(where: str, tally: Tally) -> None:
    if tally.findings:
        _say(f"{where}: {tally.steps[-4000:]}\nits files: {tally.folder}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
