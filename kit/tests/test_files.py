"""Reading the files that INSPECT would import: what is taken, and what is refused with gom's exception."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import PIL.Image
import pytest

from gombus_kit import samples
from gombus_kit.twin import RequestError, errors
from gombus_kit.twin.files import ImageFacts, read_elements, read_image

ASCII, RATIONAL, SIGNED_RATIONAL, DOUBLE = 2, 5, 10, 12
"""Types of EXIF values (Exif 2.32, section 4.6.2)."""


def exif(kind: int, payload: bytes, count: int = 1) -> bytes:
    """EXIF that says nothing but the focal length, byte by byte, because Pillow does not write all that cameras do."""
    pointer = struct.pack(">HHHIII", 1, 0x8769, 4, 1, 26, 0)
    value = payload.ljust(4, b"\0") if len(payload) <= 4 else struct.pack(">I", 44)
    focal_length = struct.pack(">HHHI", 1, 0x920A, kind, count) + value + struct.pack(">I", 0)
    return b"Exif\0\0" + b"MM\0*\0\0\0\x08" + pointer + focal_length + (payload if len(payload) > 4 else b"")


def rational(*numbers: int) -> bytes:
    """EXIF with the focal length as one fraction or several."""
    return exif(RATIONAL, struct.pack(f">{len(numbers)}I", *numbers), len(numbers) // 2)


def write_image(
    folder: Path, kind: str = "JPEG", mode: str = "RGB", exif: bytes = b"", size: tuple[int, int] = (8, 6)
) -> str:
    """A small image file."""
    path = folder / f"image.{kind.lower()}"
    PIL.Image.new(mode, size).save(path, kind, exif=exif)
    return str(path)


def write(folder: Path, content: bytes, name: str = "file.gxml") -> str:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        pytest.param("JPEG", "RGB", id="color JPEG"),
        pytest.param("JPEG", "L", id="gray JPEG"),
        pytest.param("JPEG", "CMYK", id="CMYK JPEG"),
        pytest.param("PNG", "RGBA", id="PNG with alpha"),
        pytest.param("PNG", "P", id="PNG with a palette"),
        pytest.param("TIFF", "I;16", id="TIFF of 16 bit"),
        pytest.param("BMP", "1", id="black and white BMP"),
    ],
)
def test_size_and_mode_are_those_of_the_file(kind: str, mode: str, tmp_path: Path) -> None:
    assert read_image(write_image(tmp_path, kind, mode, size=(8, 6))) == ImageFacts(8, 6, mode, None)


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "L"), ("JPEG", "RGB"), ("PNG", "RGBA"), ("TIFF", "I;16"), ("TIFF", "RGB")]
)
def test_the_focal_length_is_read_from_the_exif_of_every_kind_of_file(kind: str, mode: str, tmp_path: Path) -> None:
    assert read_image(write_image(tmp_path, kind, mode, rational(505, 10))).exif_focal_length == 50.5


@pytest.mark.parametrize(
    ("written", "focal_length"),
    [
        pytest.param(b"", None, id="no EXIF"),
        pytest.param(rational(505, 10), 50.5, id="a fraction"),
        pytest.param(rational(50, 1), 50.0, id="a whole number"),
        pytest.param(rational(0, 0), None, id="0/0"),
        pytest.param(rational(0, 1), None, id="zero"),
        pytest.param(rational(50, 0), None, id="50/0"),
        pytest.param(rational(24, 1, 70, 1), None, id="two values"),
        pytest.param(exif(SIGNED_RATIONAL, struct.pack(">ii", -50, 1)), None, id="negative"),
        pytest.param(exif(ASCII, b"50\0", 3), 50.0, id="a number as text"),
        pytest.param(exif(ASCII, b"zoom\0", 5), None, id="text"),
        pytest.param(exif(DOUBLE, struct.pack(">d", 50.0)), 50.0, id="a float"),
        pytest.param(exif(DOUBLE, struct.pack(">d", float("nan"))), None, id="not a number"),
        pytest.param(exif(DOUBLE, struct.pack(">d", float("inf"))), None, id="infinite"),
        pytest.param(exif(ASCII, b"inf\0", 4), None, id="infinite as text"),
    ],
)
def test_a_focal_length_is_a_positive_finite_number_or_not_known(
    written: bytes, focal_length: float | None, tmp_path: Path
) -> None:
    found = read_image(write_image(tmp_path, exif=written)).exif_focal_length
    assert found == focal_length
    assert found is None or type(found) is float
    # `gombus demo --json` writes it, and JSON has no infinity.
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        pytest.param("JPEG", b"Exif\0\0garbage, no TIFF header", id="garbage in a JPEG"),
        pytest.param("PNG", b"Exif\0\0garbage, no TIFF header", id="garbage in a PNG"),
        pytest.param("JPEG", rational(505, 10)[:-4], id="cut inside the value"),
        pytest.param("JPEG", rational(505, 10)[:20], id="cut inside the first directory"),
        pytest.param("JPEG", rational(505, 10)[:40], id="cut inside the second directory"),
    ],
)
def test_damaged_exif_does_not_refuse_a_good_picture(kind: str, written: bytes, tmp_path: Path) -> None:
    assert read_image(write_image(tmp_path, kind, exif=written)) == ImageFacts(8, 6, "RGB", None)


def not_there(folder: Path) -> str:
    return str(folder / "missing.jpg")


def a_folder(folder: Path) -> str:
    return str(folder)


def broken(folder: Path) -> str:
    return str(samples.BROKEN_IMAGE)


def text_named_jpg(folder: Path) -> str:
    return write(folder, b"no image at all\n", "text.jpg")


def empty_jpg(folder: Path) -> str:
    return write(folder, b"", "empty.jpg")


def cut_png(folder: Path) -> str:
    whole = Path(write_image(folder, "PNG", size=(64, 64))).read_bytes()
    return write(folder, whole[: len(whole) // 2], "cut.png")


def cut_tiff(folder: Path) -> str:
    whole = Path(write_image(folder, "TIFF", "I;16", size=(64, 64))).read_bytes()
    return write(folder, whole[: len(whole) // 2], "cut.tiff")


def nul_in_the_path(folder: Path) -> str:
    return f"{folder}/a\0b.jpg"


@pytest.mark.parametrize(
    "make", [not_there, a_folder, broken, text_named_jpg, empty_jpg, cut_png, cut_tiff, nul_in_the_path]
)
def test_what_is_no_whole_image_is_refused(make: object, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(RequestError, match="Image file cannot be imported") as caught:
        read_image(make(tmp_path))
    assert caught.value.error_code == errors.FILE_BROKEN


@pytest.mark.parametrize("part", range(1, 16))
def test_an_image_that_is_cut_anywhere_is_refused(part: int, tmp_path: Path) -> None:
    whole = samples.IMAGE.read_bytes()
    path = write(tmp_path, whole[: len(whole) * part // 16], "cut.jpg")
    with pytest.raises(RequestError) as caught:
        read_image(path)
    assert caught.value.error_code == errors.FILE_BROKEN


def test_a_large_picture_is_taken_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_image(tmp_path, "PNG", "L", size=(10, 10))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 60)
    # Warnings are errors here: one that came through would be raised as a refusal.
    assert read_image(path) == ImageFacts(10, 10, "L", None)


def test_a_picture_that_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_image(tmp_path, "PNG", "L", size=(10, 10))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 40)
    with pytest.raises(RequestError, match="exceeds limit"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "counts"),
    [
        pytest.param(b"<e><point/></e>", {"point": 1}, id="one element"),
        pytest.param(b"<e><point/><circle/><point/></e>", {"point": 2, "circle": 1}, id="several kinds"),
        pytest.param(b"<e><point><point/></point></e>", {"point": 1}, id="parts of an element are no elements"),
        pytest.param(b'<e xmlns="urn:x"><point/></e>', {"point": 1}, id="a default namespace"),
        pytest.param(b'<g:e xmlns:g="urn:x"><g:point/></g:e>', {"point": 1}, id="a prefix"),
        pytest.param(b"<e><!-- a --><point/><?pi b?></e>", {"point": 1}, id="comments and instructions"),
        pytest.param(b"<e>text <point/> text</e>", {"point": 1}, id="text between"),
        pytest.param("<e><Fläche/></e>".encode(), {"Fläche": 1}, id="letters beyond ASCII"),
        pytest.param(b"\xef\xbb\xbf<e><point/></e>", {"point": 1}, id="UTF-8 with a mark"),
        pytest.param(
            '<?xml version="1.0" encoding="utf-16"?><e><point/></e>'.encode("utf-16"), {"point": 1}, id="UTF-16"
        ),
        pytest.param(
            '<?xml version="1.0" encoding="iso-8859-1"?><e><Fläche/></e>'.encode("latin-1"), {"Fläche": 1}, id="Latin-1"
        ),
        pytest.param(b"<e>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</e>", {"a": 1}, id="very deep"),
    ],
)
def test_elements_are_counted_by_their_tag(content: bytes, counts: dict[str, int], tmp_path: Path) -> None:
    assert read_elements(write(tmp_path, content)) == counts


BILLION_LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE e [
  <!ENTITY a "expanded">
  <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
  <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
  <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
]>
<e><point>&d;</point></e>
"""


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no XML at all", id="text"),
        pytest.param(b"\x00\x01\x02\xff", id="bytes"),
        pytest.param(b"<e><point/>", id="cut"),
        pytest.param(b"<e><point/></e><e/>", id="two roots"),
        pytest.param(b"<e/>", id="no elements"),
        pytest.param(b"<e>text <!-- comment --></e>", id="text and comment only"),
        pytest.param(b"<e>&undeclared;<point/></e>", id="an entity that is not declared"),
        pytest.param(b"<!DOCTYPE e><e><point/></e>", id="a document type"),
        pytest.param(BILLION_LAUGHS, id="billion laughs"),
        pytest.param(b'<!DOCTYPE e [<!ENTITY % p "x">]><e><point/></e>', id="a parameter entity"),
        pytest.param(b'<!DOCTYPE e SYSTEM "http://localhost:9/e.dtd"><e><point/></e>', id="a DTD elsewhere"),
        pytest.param(b'<?xml version="1.0" encoding="nonsense"?><e><point/></e>', id="an unknown encoding"),
        pytest.param(b'<?xml version="1.0" encoding="rot13"?><e><point/></e>', id="an encoding that is none"),
        pytest.param(b'<?xml version="1.0" encoding="shift_jis"?><e><point/></e>', id="an encoding that expat lacks"),
        pytest.param(b"<e><point/>\xff</e>", id="no UTF-8"),
    ],
)
def test_what_is_no_exchange_file_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="Elements file cannot be imported") as caught:
        read_elements(write(tmp_path, content))
    assert caught.value.error_code == errors.FILE_BROKEN
    # Nothing was expanded on the way to the refusal.
    assert "expandedexpanded" not in f"{caught.value.description}{caught.value.error_log}"
    assert len(str(caught.value)) < 1000


def test_an_external_entity_is_refused_and_its_file_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret", encoding="utf-8")
    content = f'<!DOCTYPE e [<!ENTITY x SYSTEM "{secret.as_uri()}">]><e><point>&x;</point></e>'
    with pytest.raises(RequestError) as caught:
        read_elements(write(tmp_path, content.encode()))
    assert caught.value.error_code == errors.FILE_BROKEN
    assert "the secret" not in f"{caught.value}{caught.value.error_log}"


@pytest.mark.parametrize("make", [not_there, a_folder, nul_in_the_path])
def test_an_elements_file_that_cannot_be_read_is_refused(make: object, tmp_path: Path) -> None:
    assert callable(make)
    with pytest.raises(RequestError, match="Elements file cannot be imported") as caught:
        read_elements(make(tmp_path))
    assert caught.value.error_code == errors.FILE_BROKEN
