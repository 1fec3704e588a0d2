"""``python -m bench``: the benchmark as a whole."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

from . import journals, memory, report, startup, throughput
from .processes import ROOT
from .targets import Results
from .variants import variants
from .wire import Failed

PAGE = ROOT / "docs" / "performance-figures.md"
STARTUP = ("echo", "minimal", "gombus", "journal", "new_many", "image")
MEMORY = ("echo", "minimal", "gombus", "image")
MEMORY_ROUNDS = 3
QUICK_SECONDS = 0.2


def main() -> None:
    """Measure, and write the page."""
    options = _options()
    rounds = options.rounds or (1 if options.quick else 7)
    seconds = options.seconds or (QUICK_SECONDS if options.quick else 1.0)
    # So that the servers are ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        with journals.temporary_folder() as folder:
            _say("journals")
            few, many = (journals.fill(folder / str(jobs), jobs) for jobs in (journals.FEW, journals.MANY))
            all_of = variants(few, many)
            results = Results(
                throughput.measure(all_of, rounds, seconds, _say),
                startup.measure({name: all_of[name] for name in STARTUP}, rounds, _say),
                memory.measure({name: all_of[name] for name in MEMORY}, min(rounds, MEMORY_ROUNDS), _say),
            )
    except ImportError as error:
        sys.exit(f"{error}: the benchmark needs gombus, gombus-kit, its plugins and psutil installed")
    except Failed as failed:
        sys.exit(str(failed))
    except KeyboardInterrupt:
        sys.exit("stopped")
    page = report.markdown(results, all_of, rounds, _command(options))
    out = options.out or (None if options.quick else PAGE)
    if out:
        out.write_text(page, encoding="utf-8")
        _say(f"written: {out}")
    if options.json:
        print(json.dumps(_plain(results), indent=2))
    elif not out:
        print(page, end="")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure gombus against a plain websockets server. Nothing else heavy should run meanwhile.",
        epilog="Example: python -m bench --rounds 11",
    )
    parser.add_argument("--rounds", type=_positive(int), help="how often everything is measured (default: 7)")
    parser.add_argument("--seconds", type=_positive(float), help="length of one measurement, in s (default: 1)")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs; prints the page")
    parser.add_argument("--out", type=Path, help="Markdown file to write (default: docs/performance-figures.md)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, for scripts")
    return parser.parse_args()


def _positive(kind: Any) -> Any:
    def number(text: str) -> Any:
        value = kind(text)
        if not 0 < value <= 1000:
            raise argparse.ArgumentTypeError(f"{text} is not allowed; allowed: a number above 0, up to 1000")
        return value

    return number


def _command(options: argparse.Namespace) -> str:
    """How this run was started, as far as that changes the figures."""
    words = ["python -m bench", "--quick" if options.quick else ""]
    words += [f"--{name} {value:g}" for name in ("rounds", "seconds") if (value := getattr(options, name))]
    return " ".join(filter(None, words))


def _plain(results: Results) -> Any:
    return {
        "throughput": [{**row._asdict(), "figures": row.figures._asdict()} for row in results.throughput],
        "startup": [row._asdict() for row in results.startup],
        "memory": [row._asdict() for row in results.memory],
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
