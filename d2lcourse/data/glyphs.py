"""`glyphs` (small scale): digits from matplotlib's fonts, shaped like MNIST (generated).

Each (font, digit) is drawn once, large, and kept as a signed distance to its outline. An image
is that distance looked up at 28×28 warped positions: a threshold gives the stroke, a ramp its soft
edge. So a batch of any size is a handful of array operations.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, balanced_labels

# The bundled fonts whose digits 0-9 stand on the line (symbol and old-style fonts are left out).
TRAIN_FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralBolIta", "cmr10", "cmb10"),
)
UNSEEN_FONTS = ("STIXGeneralItalic", "cmss10", "cmtt10", "cmti10")

_CELL = 96  # side of one drawn digit in pixels; the digit is _TALL pixels high
_TALL = 60


@cache
def _distances() -> NDArray[np.float32]:
    """Return the signed distance to the outline, in cells of one digit height.

    Returns:
        (fonts, 10, _CELL, _CELL) float32, negative inside the stroke; train fonts come first.
    """
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont
    from scipy.ndimage import distance_transform_edt

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    atlas = np.empty((len(TRAIN_FONTS + UNSEEN_FONTS), 10, _CELL, _CELL), np.float32)
    for i, name in enumerate(TRAIN_FONTS + UNSEEN_FONTS):
        font = ImageFont.truetype(
            str(folder / f"{name}.ttf"), 84, layout_engine=ImageFont.Layout.BASIC
        )
        for digit in range(10):
            left, top, right, bottom = font.getbbox(str(digit))
            picture = Image.new("L", (int(right - left), int(bottom - top)))
            ImageDraw.Draw(picture).text((-left, -top), str(digit), font=font, fill=255)
            width = max(1, round(picture.width * _TALL / picture.height))
            picture = picture.resize((width, _TALL), Image.Resampling.BILINEAR)
            cell = Image.new("L", (_CELL, _CELL))
            cell.paste(picture, ((_CELL - width) // 2, (_CELL - _TALL) // 2))
            ink = np.asarray(cell) > 127
            atlas[i, digit] = distance_transform_edt(~ink) - distance_transform_edt(ink)
    atlas /= _TALL
    return atlas


def draw(rng: np.random.Generator, n: int, split: str) -> Arrays:
    """Return n images of digits and their values.

    Args:
        rng: the stream to draw from.
        n: how many.
        split: the test split also draws from `UNSEEN_FONTS`, four fonts that training never shows.

    Returns:
        (n, 1, 28, 28) uint8, white on black, and (n,) int64, the ten digits evenly shared.
    """
    y = balanced_labels(rng, n, 10)
    fonts = len(TRAIN_FONTS) + (len(UNSEEN_FONTS) if split == "test" else 0)
    font = rng.integers(0, fonts, n)

    def uniform(low: float, high: float) -> NDArray:
        return rng.uniform(low, high, (n, 1, 1))

    # Positions of the pixels, in digit heights from the image's centre; a digit is ~20 px high.
    step = (np.arange(28) - 13.5) / 20
    v, u = (step[:, None] + uniform(-0.08, 0.08), step[None, :] + uniform(-0.08, 0.08))
    # A slow wave bends the strokes, as a hand does.
    bend, phase = uniform(0.0, 0.06), uniform(0.0, 2 * np.pi)
    u, v = u + bend * np.sin(5 * v + phase), v + bend * np.sin(5 * u + 2 * phase)
    # Rotate, shear and stretch: the inverse map, from the image back to the drawn digit.
    angle, shear = uniform(-0.25, 0.25), uniform(-0.25, 0.25)
    wide, tall = uniform(0.8, 1.25), uniform(0.85, 1.15)
    cos, sin = np.cos(angle), np.sin(angle)
    across, down = (cos * u - sin * v), (sin * u + cos * v)
    across = (across + shear * down) / wide
    down = down / tall

    distance = _look_up(font, y, across * _TALL, down * _TALL)
    thicker, softness = uniform(-0.012, 0.035), uniform(0.04, 0.09)
    ink = np.clip(0.5 - (distance - thicker) / softness, 0.0, 1.0)
    image = ink * uniform(0.65, 1.0) + rng.normal(0.0, 1.0, ink.shape) * uniform(0.0, 0.06)
    return np.rint(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8)[:, None], y


def _look_up(font: NDArray, digit: NDArray, across: NDArray, down: NDArray) -> NDArray:
    """Return the distance at fractional positions (cell pixels from the centre), bilinearly."""
    atlas = _distances()
    # The last step inside the cell is held, so that what lies beyond stays far from any stroke.
    x = np.clip(across + (_CELL - 1) / 2, 0, _CELL - 1.001)
    y = np.clip(down + (_CELL - 1) / 2, 0, _CELL - 1.001)
    column, row = x.astype(np.intp), y.astype(np.intp)
    x, y = x - column, y - row
    flat = atlas.reshape(-1)
    corner = ((font * 10 + digit)[:, None, None] * _CELL + row) * _CELL + column
    upper = flat[corner] * (1 - x) + flat[corner + 1] * x
    lower = flat[corner + _CELL] * (1 - x) + flat[corner + _CELL + 1] * x
    return upper * (1 - y) + lower * y
