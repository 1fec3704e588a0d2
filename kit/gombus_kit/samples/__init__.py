"""Files for trying gombus out: an image with EXIF, elements, and a damaged image."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent

IMAGE = FOLDER / "example.jpg"
"""A photo of 320 × 240 pixels whose EXIF says 50 mm."""
ELEMENTS = FOLDER / "Points.gxml"
"""Three points and a circle."""
BROKEN_IMAGE = FOLDER / "broken.jpg"
"""The first half of an image file."""
