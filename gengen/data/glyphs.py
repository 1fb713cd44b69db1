"""Glyphs: printed digits in the fonts that matplotlib ships, each turned, sheared, stretched and shifted at random."""

import pathlib

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gengen.data.random_numbers import uniform

SIDE = 32
"""Height and width of every picture."""

COUNTS = {"train": 5000, "test": 1000}
"""Pictures of each split, as many of each class."""

CLASSES = tuple("0123456789")

FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmr10", "cmb10", "cmss10", "cmti10", "cmtt10"),
)
"""Files of fonts, without `.ttf`: they differ in weight, slant, serifs and the shapes of digits."""

_ROTATION = np.deg2rad(15)
_SHEAR = 0.3
_STRETCH = 1.25
_FILL = (0.85, 1.0)
_SHIFT = 2
_CANVAS = 160
_SIZE = 90
_FINER = 4


def read_glyphs(split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draws the pictures of a split: they follow from their places alone, and a smaller count has the first ones.

    The font is any of `FONTS`. The digit is turned by up to 15 degrees, sheared by up to 0.3 and made narrower or wider
    by up to 1.25. It then fills from 85 % of the frame's height to all of it (or of its width, where it is too wide),
    as scikit-learn's digits do, and lies up to 2 pixels from the middle. Strokes are white on black. Another version
    of matplotlib's fonts or of Pillow may change single grey values.

    Args:
      split: "train" or "test".
      count: how many to draw; `COUNTS[split]` by default.

    Returns:
      Pictures, uint8 [N, 32, 32], and labels, uint8 [N], which go round: 0, 1, ..., 9, 0, ...
    """
    count = COUNTS[split] if count is None else count
    folder = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", _SIZE) for name in FONTS]
    labels = np.arange(count) % len(CLASSES)
    drawn = uniform(f"glyphs {split}", count, 7)
    pictures = [
        _glyph(CLASSES[label], fonts[int(numbers[0] * len(fonts))], numbers[1:])
        for label, numbers in zip(labels, drawn, strict=True)
    ]
    return np.stack(pictures), labels.astype(np.uint8)


def _glyph(text: str, font: ImageFont.FreeTypeFont, numbers: np.ndarray) -> np.ndarray:
    """Draws one digit, by six numbers in [0, 1): large first, then reduced, which gives the strokes their greys."""
    turn, shear, stretch = (2 * numbers[:3] - 1) * (_ROTATION, _SHEAR, np.log(_STRETCH))
    cosine, sine = np.cos(turn), np.sin(turn)
    # Pillow asks where a pixel of the result comes from, so these are inverses, about the canvas's middle.
    matrix = np.array([[1, shear], [0, 1]]) @ np.array([[cosine, sine], [-sine, cosine]]) * (np.exp(-stretch), 1)
    middle = np.full(2, _CANVAS / 2)
    offset = middle - matrix @ middle
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    ImageDraw.Draw(canvas).text((_CANVAS / 2, _CANVAS / 2), text, fill=255, font=font, anchor="mm")
    (a, b), (d, e) = matrix
    canvas = canvas.transform(canvas.size, Image.Transform.AFFINE, (a, b, offset[0], d, e, offset[1]), _BICUBIC)
    ink = canvas.crop(canvas.getbbox())
    frame = SIDE * _FINER
    ratio = frame * (_FILL[0] + (_FILL[1] - _FILL[0]) * numbers[3]) / max(ink.size)
    size = (max(1, round(ink.width * ratio)), max(1, round(ink.height * ratio)))
    left, top = (_start(frame - side, number) for side, number in zip(size, numbers[4:], strict=True))
    sheet = Image.new("L", (frame, frame))
    sheet.paste(ink.resize(size, _BICUBIC), (left, top))
    return np.asarray(sheet.reduce(_FINER))


def _start(free: int, number: float) -> int:
    """Where ink begins that leaves so many places free: near the middle of them, and never outside."""
    reach = min(free / 2, _SHIFT * _FINER)
    return round(free / 2 + (2 * number - 1) * reach)


_BICUBIC = Image.Resampling.BICUBIC
