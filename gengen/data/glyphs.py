"""Glyphs: printed digits in the fonts that matplotlib ships, each turned, sheared, stretched and shifted at random."""

import pathlib
from typing import NamedTuple

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

_FILL = (0.85, 1.0)
_SIZE = 90
_FINER = 4


class Look(NamedTuple):
    """How far glyphs differ.

    Attributes:
      side: height and width of the picture, pixels.
      margin: left free along each border before the digit is shifted, pixels.
      rotation: the largest, radians.
      shear: the largest, of x by y.
      stretch: the largest ratio by which a digit is made narrower or wider.
      shift: the largest distance from the middle, pixels.
      stroke: largest width that is added around strokes, in pixels of a font of size 90.
      canvas: side of the canvas on which the digit is drawn first, pixels.
    """

    side: int = SIDE
    margin: int = 0
    rotation: float = np.deg2rad(15)
    shear: float = 0.3
    stretch: float = 1.25
    shift: int = 2
    stroke: float = 0.0
    canvas: int = 160


VARIED = Look(side=28, margin=2, rotation=np.deg2rad(12), shear=0.45, stretch=1.35, shift=1, stroke=4.0, canvas=200)
"""Of `glyphs_varied`: as large as MNIST's digits, and they differ more in slant, width and weight."""


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
    return _drawn(f"glyphs {split}", COUNTS[split] if count is None else count, Look())


def read_varied(split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draws the pictures of a split as `read_glyphs` does, of other slants, widths and weights.

    The digit is turned by up to 12 degrees, sheared by up to 0.45 and made narrower or wider by up to 1.35; in two
    pictures of three its strokes are thicker than the font has them. All of this is even between its ends, and none of
    it has to do with another: what a model of continuous codes should find.

    Args:
      split: "train" or "test".
      count: how many to draw; `COUNTS[split]` by default.

    Returns:
      Pictures, uint8 [N, 28, 28], and labels, uint8 [N], which go round: 0, 1, ..., 9, 0, ...
    """
    return _drawn(f"varied {split}", COUNTS[split] if count is None else count, VARIED)


def _drawn(stream: str, count: int, look: Look) -> tuple[np.ndarray, np.ndarray]:
    folder = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", _SIZE) for name in FONTS]
    labels = np.arange(count) % len(CLASSES)
    drawn = uniform(stream, count, 7 if look.stroke == 0 else 8)
    pictures = [
        _glyph(CLASSES[label], fonts[int(numbers[0] * len(fonts))], numbers[1:], look)
        for label, numbers in zip(labels, drawn, strict=True)
    ]
    return np.stack(pictures), labels.astype(np.uint8)


def _glyph(text: str, font: ImageFont.FreeTypeFont, numbers: np.ndarray, look: Look) -> np.ndarray:
    """Draws one digit, by numbers in [0, 1): large first, then reduced, which gives the strokes their greys."""
    turn, shear, stretch = (2 * numbers[:3] - 1) * (look.rotation, look.shear, np.log(look.stretch))
    cosine, sine = np.cos(turn), np.sin(turn)
    # Pillow asks where a pixel of the result comes from, so these are inverses, about the canvas's middle.
    matrix = np.array([[1, shear], [0, 1]]) @ np.array([[cosine, sine], [-sine, cosine]]) * (np.exp(-stretch), 1)
    middle = np.full(2, look.canvas / 2)
    offset = middle - matrix @ middle
    canvas = Image.new("L", (look.canvas, look.canvas))
    stroke = max(0.0, look.stroke * (1.5 * numbers[6] - 0.5)) if look.stroke else 0.0
    ImageDraw.Draw(canvas).text(tuple(middle), text, fill=255, font=font, anchor="mm", stroke_width=stroke)
    (a, b), (d, e) = matrix
    canvas = canvas.transform(canvas.size, Image.Transform.AFFINE, (a, b, offset[0], d, e, offset[1]), _BICUBIC)
    ink = canvas.crop(canvas.getbbox())
    frame = look.side * _FINER
    ratio = (frame - 2 * look.margin * _FINER) * (_FILL[0] + (_FILL[1] - _FILL[0]) * numbers[3]) / max(ink.size)
    size = (max(1, round(ink.width * ratio)), max(1, round(ink.height * ratio)))
    left, top = (_start(frame - side, number, look.shift) for side, number in zip(size, numbers[4:6], strict=True))
    sheet = Image.new("L", (frame, frame))
    sheet.paste(ink.resize(size, _BICUBIC), (left, top))
    return np.asarray(sheet.reduce(_FINER))


def _start(free: int, number: float, shift: int) -> int:
    """Where ink begins that leaves so many places free: near the middle of them, and never outside."""
    reach = min(free / 2, shift * _FINER)
    return round(free / 2 + (2 * number - 1) * reach)


_BICUBIC = Image.Resampling.BICUBIC
