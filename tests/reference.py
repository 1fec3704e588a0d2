"""The reference protocol, row by row: what is sent, what is answered, and what reaches INSPECT.

In `sent` and `answer`, ``IMAGE``, ``ELEMENTS``, ``BROKEN_IMAGE`` and ``BROKEN_ELEMENTS`` stand for the paths of files
that are there; ``MISSING`` for one that is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """One row. `outcome` is what INSPECT, or a look at the file, says; None where it is never asked."""

    title: str
    sent: str | bytes
    answer: str
    outcome: str | None = None


def image(file: str = "IMAGE", name: object = "other", focal_length: object = "50.0", **more: object) -> str:
    """An image request."""
    return json.dumps({"image": {"file": file, "name": name, "focal_length": focal_length, **more}})


def elements(file: str = "ELEMENTS", import_mode: object = "clipboard") -> str:
    """An elements request."""
    return json.dumps({"elements": {"file": file, "import_mode": import_mode}})


MALFORMED = "Error: Malformed JSON message."
FOCAL_LENGTH = "Error: Invalid parameter 'focal_length' in 'image' request: "
FOCAL_ALLOWED = 'allowed: Focal length of the camera\'s lens in mm: a number > 0, or its decimal text such as "50.0"'
IMPORT_MODE = "Error: Invalid parameter 'import_mode' in 'elements' request: "


def focal(value: object) -> Row:
    """A focal length that is no number > 0."""
    return Row(
        f"focal_length {value!r}",
        image(focal_length=value),
        f"{FOCAL_LENGTH}{value!r} is not allowed; {FOCAL_ALLOWED}",
    )


ROWS = [
    Row("a good image request, focal_length as string", image(), "O.k.", "done"),
    Row("a good image request, focal_length as number", image(focal_length=50.0), "O.k.", "done"),
    Row("a good image request, focal_length as whole number", image(focal_length=50), "O.k.", "done"),
    Row("a good elements request, clipboard", elements(), "O.k.", "done"),
    Row("a good elements request, new_stage", elements(import_mode="new_stage"), "O.k.", "done"),
    Row("a trailing newline", image() + "\n", "O.k.", "done"),
    Row("an opening brace", "{", MALFORMED),
    Row("an empty message", "", MALFORMED),
    Row("an unknown request", '{"foo":1}', "Error: Unknown request:\n{'foo': 1}"),
    Row("an empty array", "[]", "Error: Unknown request:\n[]"),
    Row(
        "a long unknown request",
        json.dumps({"foo": "x" * 300}),
        "Error: Unknown request:\n{'foo': '" + "x" * 191,
    ),
    Row("image without parameters", '{"image":{}}', "Error: Missing parameter 'file' in 'image' request."),
    Row("image with file only", '{"image":{"file":"IMAGE"}}', "Error: Missing parameter 'name' in 'image' request."),
    Row("image with name only", '{"image":{"name":"other"}}', "Error: Missing parameter 'file' in 'image' request."),
    Row(
        "image with file and name",
        '{"image":{"file":"IMAGE","name":"other"}}',
        "Error: Missing parameter 'focal_length' in 'image' request.",
    ),
    Row(
        "elements with file only",
        '{"elements":{"file":"x"}}',
        "Error: Missing parameter 'import_mode' in 'elements' request.",
    ),
    Row("elements without parameters", '{"elements":{}}', "Error: Missing parameter 'file' in 'elements' request."),
    Row(
        "an image file that is missing",
        image(file="MISSING"),
        "Error: Image file MISSING could not be read.",
        "file_unreadable",
    ),
    Row(
        "an elements file that is missing",
        elements(file="MISSING"),
        "Error: Elements file MISSING could not be read.",
        "file_unreadable",
    ),
    Row(
        "INSPECT refuses the image import",
        image(file="BROKEN_IMAGE"),
        "Error: Image could not be imported from file BROKEN_IMAGE.",
        "gom_refused",
    ),
    Row(
        "INSPECT refuses the elements import",
        elements(file="BROKEN_ELEMENTS", import_mode="new_stage"),
        "Error: Elements could not be imported from file BROKEN_ELEMENTS with import mode new_stage.",
        "gom_refused",
    ),
    Row(
        "image and elements in one message: image wins",
        json.dumps({"elements": {}, **json.loads(image())}),
        "O.k.",
        "done",
    ),
    Row("an extra member beside the request", json.dumps({**json.loads(image()), "x": 1}), "O.k.", "done"),
    Row("an extra member inside the request", image(comment="from cell 3"), "O.k.", "done"),
    Row("quit as a member", '{"quit": 1}', "bye"),
    Row("a bare number", "5", "Error: Unknown request:\n5"),
    Row("a bare string", '"image"', "Error: Unknown request:\n'image'"),
    Row("null", "null", "Error: Unknown request:\nNone"),
    Row("a binary frame of UTF-8", image(name="Größe").encode(), "O.k.", "done"),
    Row("a binary frame of other bytes", b"\xff\xfe{}", MALFORMED),
    focal("abc"),
    focal(""),
    focal("NaN"),
    focal("1e400"),
    focal(" 50"),
    focal("5_0"),
    focal("\u0665\u0660"),
    focal("50.0\n"),
    focal("0.0"),
    focal(-1),
    focal(0),
    focal(True),
    focal(None),
    Row("focal_length NaN", image(focal_length=float("nan")), f"{FOCAL_LENGTH}NaN is no JSON number"),
    Row(
        "a parameter of the wrong type",
        image(name=["other"]),
        "Error: Invalid parameter 'name' in 'image' request: ['other'] is not allowed; "
        "allowed: Name of the measurement series, 1 to 256 characters",
    ),
    Row(
        "an import_mode outside the two",
        elements(import_mode="both"),
        f"{IMPORT_MODE}'both' is not allowed; allowed: 'clipboard', 'new_stage'",
    ),
    Row(
        "an import_mode of the wrong type",
        elements(import_mode=5),
        f"{IMPORT_MODE}5 is not allowed; allowed: 'clipboard', 'new_stage'",
    ),
    Row(
        "a network path",
        image(file="\\\\host\\share\\x.jpg"),
        "Error: Invalid parameter 'file' in 'image' request: '\\\\\\\\host\\\\share\\\\x.jpg' is a network or device "
        "path; allowed: a plain path such as C:/temp/example.jpg, with no '..', network share, device or further "
        "colon in it",
    ),
]
"""Rows after which the connection and the server stay."""

QUIT = ["quit", "quit\n", "quitting"]
"""What stops the server: the answer is bye, then the connection is closed with 1000."""


def filled(text: str, paths: Mapping[str, str], as_json: bool) -> str:
    """A text with paths in place of their names; inside JSON they are escaped."""
    # The longest name first, because one name is the end of another.
    for name in sorted(paths, key=len, reverse=True):
        text = text.replace(name, json.dumps(paths[name])[1:-1] if as_json else paths[name])
    return text


def sent(row: Row, paths: Mapping[str, str]) -> str | bytes:
    """What a row sends, with paths filled in."""
    if isinstance(row.sent, str):
        return filled(row.sent, paths, as_json=True)
    try:
        return filled(row.sent.decode(), paths, as_json=True).encode()
    except UnicodeDecodeError:
        return row.sent


def answer(row: Row, paths: Mapping[str, str]) -> str:
    """What a row is answered, with paths filled in."""
    return filled(row.answer, paths, as_json=False)
