"""Inside the server: bugs that the harness must find. They are planted in this process alone."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, NamedTuple

import say_plugin
from tally import ALIVE, ANSWERS, BUG, GOM, LOG

from gombus import bus, log
from gombus.errors import Refusal
from gombus.net.connection import Connection
from gombus.wire.choice import Wires

EVERY = 40
"""Every so many answers go wrong."""


def _with_answers(change: Callable[[list[str]], list[str]], every: int = EVERY) -> None:
    write = Connection.write_together
    count = 0

    def wrapped(self: Connection, texts: list[str]) -> None:
        nonlocal count
        count += 1
        write(self, texts if count % every else change(texts))

    Connection.write_together = wrapped  # type: ignore[method-assign]  # that is what this module is for


def drop_answer() -> None:
    """Of some answers that are written together the last is lost."""
    _with_answers(lambda texts: texts[:-1])


def answer_twice() -> None:
    """Some answers are written twice."""
    _with_answers(lambda texts: [*texts, texts[-1]])


def wrong_order() -> None:
    """Answers that are ready together are written in the wrong order."""
    _with_answers(lambda texts: texts[::-1], every=1)


def refused_reaches_gom() -> None:
    """What its schema refuses is refused, and its command is called all the same."""
    check = bus.Bus._check

    def wrapped(self: bus.Bus, call: Any, kind: Any) -> None:
        try:
            check(self, call, kind)
        except Refusal:
            say_plugin.call(str(call.params.get("word")))
            raise

    bus.Bus._check = wrapped  # type: ignore[method-assign]  # as above


def raw_log() -> None:
    """Control characters of a client's go into the log as they are."""
    log._CONTROL = re.compile(r"(?!)")


def _on_input(action: Callable[[], None]) -> None:
    decode = Wires.decode

    def wrapped(self: Wires, message: Any, structured: bool = False) -> Any:
        if "1e999" in str(message):
            action()
        return decode(self, message, structured)

    Wires.decode = wrapped  # type: ignore[method-assign]  # as above


def raises_on_input() -> None:
    """A certain message meets an exception that nobody expects."""

    def action() -> None:
        raise KeyError("planted")

    _on_input(action)


def ends_on_input() -> None:
    """A certain message ends the process."""
    _on_input(lambda: os._exit(0))


class Bug(NamedTuple):
    """A planted bug."""

    plant: Callable[[], None]
    """Called once, before the first server is made."""
    breaks: str
    """The invariant."""


BUGS = {
    "drop-answer": Bug(drop_answer, ANSWERS),
    "answer-twice": Bug(answer_twice, ANSWERS),
    "wrong-order": Bug(wrong_order, ANSWERS),
    "refused-reaches-gom": Bug(refused_reaches_gom, GOM),
    "raw-log": Bug(raw_log, LOG),
    "raises-on-input": Bug(raises_on_input, BUG),
    "ends-on-input": Bug(ends_on_input, ALIVE),
}
"""By name."""
