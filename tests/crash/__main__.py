"""``python tests/crash``: kill the server again and again, and see whether it keeps what it promises."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import report
from bugs import BUGS
from schedule import Kill, plan
from series import Figures, Series

PER_JOURNAL = 40
"""So many kills go to one journal, then comes a new one: all its jobs are looked at after each restart."""
BUG_KILLS = 60
"""Within so many kills a planted bug must be caught."""

# On Linux /tmp may be in memory, where what a journal does takes no time; /var/tmp outlasts a restart.
_ON_DISK = "/var/tmp" if Path("/var/tmp").is_dir() else None


class Harness:
    """One run of the harness.

    :param folder: for the servers' files.
    :param servers: how many may run at a time.
    """

    def __init__(self, folder: Path, seed: str, servers: int) -> None:
        self._folder = folder
        self._seed = seed
        self._free = asyncio.Semaphore(servers)
        self._servers = servers
        self._begin = time.monotonic()
        self._done = 0

    async def all_kills(self, kills: int) -> Figures:
        """The server as it is."""
        size = min(PER_JOURNAL, -(-kills // self._servers))
        planned = plan(kills, self._seed)
        parts = [planned[begin : begin + size] for begin in range(0, kills, size)]
        figures = Figures()
        for found in await asyncio.gather(*(self._series(str(index), part) for index, part in enumerate(parts))):
            figures.add(found)
        return figures

    async def all_bugs(self, names: list[str], kills: int) -> dict[str, Figures]:
        """The server with each of these bugs, until it is caught."""
        planned = plan(kills, self._seed)
        return dict(zip(names, await asyncio.gather(*(self._series(name, planned, name) for name in names))))

    async def _series(self, name: str, kills: list[Kill], bug: str = "") -> Figures:
        async with self._free:
            folder = self._folder / name
            folder.mkdir()
            figures = await Series(folder, f"{self._seed}/{name}", bug, self._killed).run(kills)
        if bug or not figures.violations:
            shutil.rmtree(folder)
        for violation in figures.violations[: 1 if bug else None]:
            _say(f"{bug or folder}: after {sum(figures.kills.values())} kills: {violation.invariant}: {violation.text}")
        return figures

    def _killed(self) -> None:
        self._done += 1
        if self._done % 20 == 0:
            _say(f"{self._done} kills, {time.monotonic() - self._begin:.0f} s")


async def _run(options: argparse.Namespace, folder: Path) -> report.Results:
    begin = time.monotonic()
    harness = Harness(folder, options.seed, options.servers)
    only_bugs = options.bug or options.all_bugs
    figures = Figures() if only_bugs else await harness.all_kills(options.kills)
    names = [options.bug] if options.bug else [] if options.no_bugs else list(BUGS)
    bugs = await harness.all_bugs(names, min(options.kills, BUG_KILLS))
    return report.Results(figures, bugs, time.monotonic() - begin, options.seed)


def main() -> int:
    """Run the harness.

    :returns: exit code: 0 where every promise was kept and every planted bug caught.
    """
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="gombus-crash-", dir=_ON_DISK))
    try:
        results = asyncio.run(_run(options, folder))
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        _say("stopped")
        return 130
    if results.figures.violations:
        _say(f"{len(results.figures.violations)} violations; the servers' files: {folder}")
    else:
        shutil.rmtree(folder)
    if options.out:
        options.out.write_text(report.markdown(results, _command(options)), encoding="utf-8")
    if options.json:
        print(json.dumps(report.plain(results), indent=2))
    elif not options.out:
        print(report.markdown(results, _command(options)), end="")
    return 0 if report.passed(results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python tests/crash",
        description="Kill the server at named points and at random, and compare what clients were told with what is.",
        epilog="Example: python tests/crash --kills 1200 --out docs/crash-harness.md",
    )
    parser.add_argument(
        "--kills",
        type=_count,
        default=1200,
        help=f"how many kills (default: 1200); for a planted bug at most {BUG_KILLS}",
    )
    parser.add_argument("--seed", default=str(random.randrange(1_000_000)), help="repeats a run's schedule and traffic")
    parser.add_argument("--servers", type=_count, default=2, help="how many servers at a time (default: 2)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--bug", choices=BUGS, help="only plant this bug, and see that it is caught")
    which.add_argument("--all-bugs", action="store_true", help="only plant each bug in turn")
    which.add_argument("--no-bugs", action="store_true", help="plant none")
    parser.add_argument("--out", type=Path, help="Markdown file to write; else it is printed")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, for scripts")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; allowed: a number from 1 to 1000000")
    return int(text)


def _command(options: argparse.Namespace) -> str:
    return f"python tests/crash --kills {options.kills} --seed {options.seed}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
