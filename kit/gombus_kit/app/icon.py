"""The App's icon: a message that goes into a measured part. Drawn here, so that it is nobody else's."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

SIZE = 256
"""Width and height, in pixels."""
_SCALE = 4
_BLUE, _LIGHT, _WHITE = (18, 72, 128), (122, 190, 226), (255, 255, 255)


def icon() -> bytes:
    """The icon as a PNG file."""
    # Drawn larger and made smaller, because lines are not smoothed otherwise.
    side = SIZE * _SCALE
    image = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(image)
    unit = side / 16
    draw.rounded_rectangle((0, 0, side - 1, side - 1), 3 * unit, fill=_BLUE)
    # The part: a ring with its centre lines.
    draw.ellipse((6 * unit, 5 * unit, 14 * unit, 13 * unit), outline=_LIGHT, width=round(unit))
    draw.line((10 * unit, 4 * unit, 10 * unit, 14 * unit), fill=_LIGHT, width=round(unit / 4))
    draw.line((5 * unit, 9 * unit, 15 * unit, 9 * unit), fill=_LIGHT, width=round(unit / 4))
    # The message: an arrow into it.
    draw.line((2 * unit, 3 * unit, 8.4 * unit, 7.9 * unit), fill=_WHITE, width=round(1.2 * unit))
    draw.polygon(
        [(10 * unit, 9 * unit), (6.9 * unit, 8.7 * unit), (9 * unit, 5.9 * unit)],
        fill=_WHITE,
    )
    out = io.BytesIO()
    image.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
