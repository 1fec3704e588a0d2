"""The figures as Markdown and as JSON."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any, NamedTuple

from bugs import BUGS
from codec_runs import Codecs
from tally import INVARIANTS, Tally
from with_atheris import Atheris

from gombus.strict import MAX_SIZE


class Results(NamedTuple):
    """What a whole run gave."""

    tally: Tally
    bugs: Mapping[str, Tally]
    """By name of the bug that was planted."""
    codecs: Codecs | None
    atheris: Atheris | None
    seconds: float
    seed: str

    @property
    def findings(self) -> list[str]:
        """What should not have been, in all parts but the planted bugs."""
        found = [f"{finding.invariant}: {finding.text}" for finding in self.tally.findings[:1]]
        found += self.codecs.findings if self.codecs else []
        return found + ([self.atheris.finding] if self.atheris and self.atheris.finding else [])


def passed(results: Results) -> bool:
    """Whether nothing was found but the planted bugs, and each of those was."""
    return not results.findings and all(caught(name, found) for name, found in results.bugs.items())


def caught(name: str, found: Tally) -> bool:
    """Whether a planted bug was seen to break what it breaks."""
    return bool(found.findings) and found.findings[0].invariant == BUGS[name].breaks


def plain(results: Results) -> dict[str, Any]:
    """The figures as a JSON object."""
    tally, codecs, atheris = results.tally, results.codecs, results.atheris
    return {
        "passed": passed(results),
        "seed": results.seed,
        "seconds": round(results.seconds, 1),
        "messages": dict(tally.sent),
        "answers": dict(tally.answers),
        "notifications": dict(tally.notifications),
        "closes": dict(tally.closes),
        "examples": tally.examples,
        "connections": tally.connections,
        "servers": tally.servers,
        "calls": tally.calls,
        "log_lines": tally.log_lines,
        "findings": results.findings,
        "bugs": {
            name: {
                "caught": caught(name, found),
                "messages": found.messages,
                "invariants": [finding.invariant for finding in found.findings[:1]],
                "first": found.findings[0].text if found.findings else "",
            }
            for name, found in results.bugs.items()
        },
        "codecs": codecs._asdict() if codecs else None,
        "atheris": atheris._asdict() if atheris else None,
    }


def markdown(results: Results, command: str) -> str:
    """The whole page."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    parts = [
        "# Fuzzed: the figures",
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}, gombus "
        f"{metadata.version('gombus')}, websockets {metadata.version('websockets')}, Hypothesis "
        f"{metadata.version('hypothesis')}; {today}. Made by `{command}` in {results.seconds / 60:.0f} minutes; more: "
        "[tests/fuzz/README.md](../tests/fuzz/README.md). Do not edit.",
        "Clients of a real server on the twin connect, speak well and badly on both wires, leave in the midst of it, "
        "come back and stop it, as a state machine of Hypothesis has it. What each message must lead to is worked out "
        "from the documents, without any of gombus's code, and compared with what came back, what was called and what "
        "was logged.",
        f"**Messages: {results.tally.messages:,}. Findings: {len(results.findings)}**",
        *(_traffic(results.tally) if results.tally.messages else ()),
        "## What is checked",
        _table(("", "after every step"), INVARIANTS.items()),
        "## Bugs planted on purpose",
        "The same test, with one bug in the server, must fail: otherwise it would prove nothing.",
        _table(("bug", "caught after messages", "by"), _bugs(results.bugs)),
        *_codecs(results.codecs),
        *_atheris(results.atheris),
    ]
    return "\n\n".join(parts) + "\n"


def _traffic(tally: Tally) -> Iterable[str]:
    yield "## Messages"
    rows = [(kind, f"{count:,}") for kind, count in tally.sent.most_common()]
    yield _table(("made of", "messages"), [*rows, ("**in all**", f"**{tally.messages:,}**")])
    yield (
        f"{tally.examples:,} examples, {tally.connections:,} connections, {tally.servers:,} servers one after the "
        f"other (each told to quit), {tally.calls:,} gom commands called, {tally.log_lines:,} lines of log looked at, "
        "half of them in text, half in JSON."
    )
    yield "## What came back"
    yield _table(("answer", "times"), [(code, f"{count:,}") for code, count in tally.answers.most_common()])
    yield _table(("notification", "times"), [(name, f"{count:,}") for name, count in tally.notifications.most_common()])
    yield "## How connections ended"
    yield (
        "Numbers are close codes of the server's: those for what the client did (1002, 1007, 1009), for stopping "
        "(1000, 1001), or the client's own code, sent back (1005 is none). Words are what the client did, so that one "
        "connection may stand twice. Ends that came up fewer than ten times stand together."
    )
    common = [(how, count) for how, count in tally.closes.most_common() if count >= 10]
    rare = sum(tally.closes.values()) - sum(count for _, count in common)
    rows = [(how, f"{count:,}") for how, count in common]
    yield _table(("end", "times"), [*rows, *([("others", f"{rare:,}")] if rare else [])])


def _bugs(bugs: Mapping[str, Tally]) -> Iterable[tuple[str, ...]]:
    for name, found in bugs.items():
        sure = caught(name, found)
        by = ", ".join(finding.invariant for finding in found.findings[:1])
        yield name, f"{found.messages:,}" if sure else f"**not caught by {found.messages:,}**", by


def _codecs(codecs: Codecs | None) -> Iterable[str]:
    yield "## The codecs"
    if codecs is None:
        yield "Not run."
        return
    yield _table(
        ("codec", "examples", "what holds"),
        [(name, f"{count:,}", codecs.says[name]) for name, count in codecs.examples.items()],
    )
    yield (
        f"Of messages that are made to take long, the slowest of {MAX_SIZE // 1024} KiB ({codecs.slowest}) takes "
        f"{codecs.slowest_s * 1000:.1f} ms to be read in both ways, {codecs.growth:.1f} times as long as a quarter "
        "of it."
    )


def _atheris(atheris: Atheris | None) -> Iterable[str]:
    yield "## The codecs with atheris"
    if atheris is None:
        yield "Not run; see [tests/fuzz/README.md](../tests/fuzz/README.md)."
    elif atheris.finding:
        yield f"**It found something:**\n\n```text\n{atheris.finding}\n```"
    else:
        yield (
            f"atheris {atheris.version} on Python {atheris.python}, which follows the branches of the code: "
            f"{atheris.runs:,} messages in {atheris.seconds:,} s, {atheris.branches:,} places of the code reached, no "
            "finding."
        )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ("---",) * len(head), *rows])
