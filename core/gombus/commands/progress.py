"""Progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from ..client import Progress


@contextmanager
def progress_bar(label: str) -> Iterator[Any]:
    """What shows progress on standard error; None where nobody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        bars: list[Any] = []

        def show(progress: Progress) -> None:
            if not bars:
                # None is asked about first, before there is a message.
                bar: Any = click.progressbar(
                    length=1000, label=label, file=sys.stderr, item_show_func=lambda text: text
                )
                bars.append(stack.enter_context(bar))
            done = round(1000 * progress.progress / progress.total) if progress.total else 0
            bars[0].update(done - bars[0].pos, progress.message)

        yield show
