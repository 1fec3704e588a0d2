"""Reading the files that INSPECT would import."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from typing import Any, NamedTuple

from .errors import FILE_BROKEN, RequestError

# What Pillow reads by itself: for others it would start programs such as Ghostscript.
_FORMATS = ("BMP", "JPEG", "PNG", "TIFF")
_EXIF_IFD = 0x8769
_FOCAL_LENGTH = 0x920A  # Exif 2.32, table 8: FocalLength, in mm


class ImageFacts(NamedTuple):
    """What an image file says of itself."""

    width: int
    """In pixels."""
    height: int
    """In pixels."""
    mode: str
    """As Pillow names it, such as RGB or L."""
    exif_focal_length: float | None
    """In mm; None where the file does not say."""


def read_image(path: str) -> ImageFacts:
    """Decode a whole image, as an import does.

    :raises RequestError: the file cannot be read, or is no image, or is damaged.
    """
    import PIL.Image  # here, because it takes longer to import than a server takes to start

    try:
        with warnings.catch_warnings():
            # Of damaged EXIF, and of more than 89 megapixels: such cameras exist, and Pillow still refuses twice that.
            warnings.simplefilter("ignore")
            with PIL.Image.open(path, formats=_FORMATS) as image:
                image.load()
                return ImageFacts(image.width, image.height, image.mode, _exif_focal_length(image))
    except Exception as error:
        # Damaged files make Pillow raise whatever its decoders happen to meet.
        raise RequestError(f"Image file cannot be imported: {error}", FILE_BROKEN, str(error)) from error


def _exif_focal_length(image: Any) -> float | None:
    """What cameras write for "not known" (nothing, 0/0, several values) gives None, and so does damaged EXIF."""
    try:
        number = float(image.getexif().get_ifd(_EXIF_IFD).get(_FOCAL_LENGTH))
    except Exception:
        return None
    return number if 0 < number < math.inf else None


def read_elements(path: str) -> dict[str, int]:
    """Count the elements of an exchange file by their tag, without expanding any entity.

    :raises RequestError: the file cannot be read, is no XML, declares entities, or holds no elements.
    """
    import defusedxml
    import defusedxml.ElementTree

    try:
        root = defusedxml.ElementTree.parse(path, forbid_dtd=True).getroot()
    except (OSError, SyntaxError, ValueError, LookupError, defusedxml.DefusedXmlException) as error:
        raise RequestError(f"Elements file cannot be imported: {error}", FILE_BROKEN, str(error)) from error
    counts = Counter(str(child.tag).rpartition("}")[2] for child in ([] if root is None else root))
    if not counts:
        raise RequestError("Elements file cannot be imported: it holds no elements", FILE_BROKEN)
    return dict(counts)
