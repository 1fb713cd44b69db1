"""The critic's value over a plane as a landscape, with data, samples, and where these are sent, after GAN Lab.

Kahng et al. 2019, https://arxiv.org/abs/1809.01587, show the play of a small GAN in this way.
"""

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from gengen.pictures.figure import OTHER, REFERENCE, finite

SIDE, FINE = 440, 2
"""Pixels of the picture, and how many times as many it is drawn with."""

DOT = 2.2
"""Radius of a dot, in pixels of the picture."""

LONGEST, HALF = 0.1, 4.0
"""The longest arrow, of the picture's side, and the pull that makes one of half that length: it shows where no pull is
left, and an enormous one does not hide all others."""

HEAD = 0.35
"""Length of an arrow's head, as a share of the arrow."""

REAL, FAKE, PAPER, INK = (206, 224, 246), (250, 214, 210), (255, 255, 255), (50, 50, 50)
"""Where the critic expects data and where samples, where it says neither, and the colour of arrows."""


def landscape(
    data: np.ndarray,
    samples: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    field: np.ndarray | None = None,
    starts: np.ndarray | None = None,
    pulls: np.ndarray | None = None,
) -> np.ndarray:
    """Draws data as blue dots and samples as red ones over the critic's value, blue where that is high.

    Args:
      data: points [N, 2].
      samples: points [M, 2].
      low: the left and the lower end of what is shown, [2].
      high: the right and the upper end, [2].
      field: the critic's value in the middles of cells [rows, columns], the lowest row first; white is its median.
      starts: where arrows begin [K, 2].
      pulls: how strongly and where they point [K, 2]: how far the loss would fall across the whole picture, along each
        axis.

    Returns:
      One picture, uint8 [H, W, 3].
    """
    size = SIDE * FINE

    def at(points: np.ndarray) -> np.ndarray:
        share = (points - low) / (high - low)
        return np.stack([share[:, 0], 1 - share[:, 1]], -1) * size

    picture = Image.new("RGB", (size, size), PAPER) if field is None else _shaded(field, size)
    pen = ImageDraw.Draw(picture)
    for points, colour in ((data, REFERENCE), (samples, OTHER)):
        for x, y in at(finite(points)):
            radius = DOT * FINE
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ImageColor.getrgb(colour))
    if starts is not None and pulls is not None:
        known = np.isfinite(starts).all(-1) & np.isfinite(pulls).all(-1)
        strength = np.linalg.norm(pulls[known], axis=-1, keepdims=True)
        along = pulls[known] * [1, -1] / (HALF + strength) * LONGEST * size
        for start, step in zip(at(starts[known]), along, strict=True):
            _arrow(pen, start, start + step)
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _shaded(field: np.ndarray, size: int) -> Image.Image:
    """The field in colours; half of full colour is reached at the median distance from the median."""
    known = field[np.isfinite(field)]
    field = np.where(np.isfinite(field), field.astype(np.float64), np.median(known) if known.size else 0.0)
    middle = np.median(field)
    spread = np.median(np.abs(field - middle)) or np.abs(field - middle).max() or 1.0
    share = np.tanh((field - middle) / (1.8 * spread))[::-1, :, None]
    towards = np.where(share > 0, np.array(REAL, np.float64), np.array(FAKE, np.float64))
    colours = PAPER + np.abs(share) * (towards - PAPER)
    return Image.fromarray(np.rint(colours).astype(np.uint8)).resize((size, size), Image.Resampling.BICUBIC)


def _arrow(pen: ImageDraw.ImageDraw, start: np.ndarray, end: np.ndarray) -> None:
    step = end - start
    if np.linalg.norm(step) < FINE:
        return
    across = np.array([-step[1], step[0]]) * HEAD / 2
    back = end - HEAD * step
    pen.line([tuple(start), tuple(end)], fill=INK, width=FINE)
    pen.polygon([tuple(end), tuple(back + across), tuple(back - across)], fill=INK)
