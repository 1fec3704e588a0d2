"""Every row of the reference on the pure codec: no sockets, no threads, no files."""

from __future__ import annotations

import pytest

import reference
from gombus import FileUnreadable, GomRefused, InvalidParams, paths
from gombus.errors import PathRefused, Problem
from gombus.model import Answer, Call, Outcome
from gombus.registry import Registry
from gombus.wire.choice import Wires
from reference import QUIT, ROWS, Row

PATHS = {
    "IMAGE": "C:/temp/example.jpg",
    "ELEMENTS": "C:/temp/Points.gxml",
    "BROKEN_IMAGE": "C:/temp/broken.jpg",
    "BROKEN_ELEMENTS": "C:/temp/broken.gxml",
    "MISSING": "/nope",
}
OUTCOMES = {
    "done": Outcome(),
    "file_unreadable": Outcome(error=FileUnreadable("not seen by the client")),
    "gom_refused": Outcome(error=GomRefused("not seen by the client", "GAPP-0011", "nor this")),
}


@pytest.mark.parametrize("row", ROWS, ids=[row.title for row in ROWS])
def test_row(row: Row, registry: Registry) -> None:
    wires = Wires(kind.request for kind in registry.types.values())
    decoded = wires.decode(reference.sent(row, PATHS))
    if isinstance(decoded, Call):
        text = wires.legacy.encode(decoded, _outcome(row, decoded, registry))
    else:
        assert row.outcome is None
        text = decoded.text
    assert text == reference.answer(row, PATHS)


def _outcome(row: Row, call: Call, registry: Registry) -> Outcome:
    """What the bus would give: the check of the parameters is real, what INSPECT does is the row's."""
    problems = registry.types[call.name].validate(call.params)
    if problems:
        assert row.outcome is None
        return Outcome(error=InvalidParams(problems))
    reason = paths.refusal(call.params["file"])
    if reason:
        message = f"{call.params['file']!r} {reason}; allowed: {paths.ALLOWED}"
        return Outcome(error=PathRefused((Problem("/file", "path", message),)))
    assert row.outcome is not None, "this row must never reach INSPECT"
    return OUTCOMES[row.outcome]


@pytest.mark.parametrize("message", QUIT)
def test_quit(message: str, registry: Registry) -> None:
    wires = Wires(kind.request for kind in registry.types.values())
    call = wires.decode(message)
    assert call == Call("quit", {})
    assert not isinstance(call, Answer)
    assert wires.legacy.encode(call, Outcome(stop=True)) == "bye"
