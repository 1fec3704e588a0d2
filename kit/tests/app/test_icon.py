from __future__ import annotations

import io

from PIL import Image

from gombus_kit.app.icon import SIZE, icon


def test_the_icon_is_a_square_picture_that_is_the_same_each_time() -> None:
    data = icon()
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size, image.mode) == ("PNG", (SIZE, SIZE), "RGBA")
        # Its corners let through what is behind.
        assert image.getpixel((0, 0))[3] == 0  # type: ignore[index]
        assert len(image.getcolors(SIZE * SIZE) or ()) > 3
    assert icon() == data
