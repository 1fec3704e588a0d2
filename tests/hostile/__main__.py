"""``python tests/hostile``: 16 hostile clients beside an honest one, and whether the server keeps what it promises."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import report
from faults import FAULTS
from kinds import KINDS
from promises import LIMIT_S
from soak import Figures, Plan, soak

BASELINE_S = 15.0
"""For how long, in s, the honest client is alone before the hostile ones come; never longer than those stay."""
FAULT_S = 15.0
"""So long, in s, hostile clients have to show a fault, or as long as the whole attack lasts."""
FAULT_MIB = 64
"""By how much the memory of a server with a fault may grow: there is no need to fill the computer's."""

# On Linux /tmp may be in memory, where what a journal does takes no time; /var/tmp outlasts a restart.
_ON_DISK = "/var/tmp" if Path("/var/tmp").is_dir() else None


def _run(options: argparse.Namespace) -> report.Results:
    begin, load = time.monotonic(), os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    kinds = tuple(options.kinds or KINDS)
    base = Plan(options.seconds or options.minutes * 60, 0.0, kinds, options.seed, limit_s=options.limit)
    base = base._replace(baseline_s=min(BASELINE_S, base.seconds / 5))
    mixed, alone, faults = None, {}, {}
    only_faults = options.fault or options.all_faults
    if not only_faults:
        mixed = _one("all kinds" if kinds == tuple(KINDS) else ", ".join(kinds), base)
    if options.each and not only_faults:
        each = base._replace(seconds=options.each, baseline_s=2.0)
        alone = {kind: _one(f"only {kind}", each._replace(kinds=(kind,))) for kind in kinds}
    for name in [options.fault] if options.fault else [] if options.no_faults else FAULTS:
        plan = base._replace(
            seconds=min(FAULT_S, base.seconds),
            baseline_s=1.0,
            kinds=tuple(options.kinds or FAULTS[name].kinds),
            fault=name,
            limit_s=LIMIT_S,
            most_mib=FAULT_MIB,
        )
        faults[name] = _one(f"fault {name}", plan)
    return report.Results(mixed, alone, faults, time.monotonic() - begin, load)


def _one(what: str, plan: Plan) -> Figures:
    _say(f"{what}: {plan.seconds:g} s")
    folder = Path(tempfile.mkdtemp(prefix="gombus-hostile-", dir=_ON_DISK))
    keep = False
    try:
        figures = soak(folder, plan)
        keep = bool(figures.violations) and not plan.fault
    finally:
        if not keep:
            shutil.rmtree(folder)
    for violation in figures.violations:
        _say(f"{what}: {violation.promise}: {violation.text}")
    if keep:
        _say(f"{what}: the server's files: {folder}")
    return figures


def main() -> int:
    """Run the harness.

    :returns: exit code: 0 where every promise was kept and every planted fault caught.
    """
    options = _options()
    # So that the server is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        results = _run(options)
    except KeyboardInterrupt:
        _say("stopped")
        return 130
    if options.out:
        options.out.write_text(report.markdown(results, _command(options)), encoding="utf-8")
    if options.json:
        print(json.dumps(report.plain(results), indent=2))
    elif not options.out:
        print(report.markdown(results, _command(options)), end="")
    return 0 if report.passed(results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python tests/hostile",
        description="Let hostile clients attack a server; see what an honest one notices and what the server holds.",
        epilog="Example: python tests/hostile --minutes 10 --out docs/hostile-clients.md",
    )
    parser.add_argument("--minutes", type=_positive(1000), default=10.0, help="length of the attack (default: 10)")
    parser.add_argument("--seconds", type=_positive(60_000), help="the same in seconds")
    parser.add_argument(
        "--each", type=float, default=10.0, help="then as many seconds with each kind alone (default: 10; 0 for none)"
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, help="only these hostile clients, still 16 (default: all)")
    parser.add_argument(
        "--limit", type=_positive(60), default=LIMIT_S, help=f"longest delay, in s (default: {LIMIT_S:g})"
    )
    parser.add_argument(
        "--seed", default=str(random.randrange(1_000_000)), help="repeats what the hostile clients choose"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--fault", choices=FAULTS, help="only plant this fault, and see that it is caught")
    which.add_argument("--all-faults", action="store_true", help="only plant each fault in turn")
    which.add_argument("--no-faults", action="store_true", help="plant none")
    parser.add_argument("--out", type=Path, help="Markdown file to write; else it is printed")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, for scripts")
    return parser.parse_args()


def _positive(most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not allowed; allowed: a number above 0, up to {most:g}")
        return value

    return number


def _command(options: argparse.Namespace) -> str:
    """How this run was started, as far as that changes the figures."""
    long = f"--seconds {options.seconds:g}" if options.seconds else f"--minutes {options.minutes:g}"
    more = f" --each {options.each:g}" if options.each != 10.0 else ""
    kinds = f" --kinds {' '.join(options.kinds)}" if options.kinds else ""
    return f"python tests/hostile {long}{more}{kinds} --seed {options.seed}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
