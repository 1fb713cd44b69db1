"""Films: pictures of one size after each other, as an APNG or as a GIF."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gengen.files.whole import whole
from gengen.pictures.grid import WHITE

SECONDS, LAST = 12.0, 2.0
"""How long a film takes, at most, and how long its last picture stands still."""

FRAME = 0.2
"""The longest time that any other picture stands still, in seconds."""

LINE, GAP = 28, 6
"""Pixels of the height of a line of text, and those before it."""


FORMS = {".png": "PNG", ".gif": "GIF"}
"""What a film can be written as, by the ending of its name; slides play a GIF."""


def save_film(path: Path, frames: Sequence[np.ndarray]) -> None:
    """Writes pictures of one size as a film that repeats; it appears whole or not at all.

    Args:
      path: of the film, whose name ends as one of `FORMS`.
      frames: pictures, at least two, in their order, uint8 [H, W, C] with C 1 or 3.

    Raises:
      ValueError: there are fewer than two pictures, or they differ in size.
    """
    pictures = [Image.fromarray(np.broadcast_to(frame, (*frame.shape[:2], 3))) for frame in frames]
    if len(pictures) < 2 or len({picture.size for picture in pictures}) > 1:
        raise ValueError(f"a film needs two pictures or more, all of one size; here are {len(pictures)}")
    times = [round(1_000 * min(FRAME, SECONDS / len(pictures)))] * (len(pictures) - 1) + [round(1_000 * LAST)]
    first, *rest = pictures
    with whole(path) as file:
        first.save(file, format=FORMS[path.suffix], save_all=True, append_images=rest, duration=times, loop=0)


def stamped(picture: np.ndarray, text: str) -> np.ndarray:
    """A picture, uint8 [H, W, C] with C 1 or 3, below a line of text, uint8 [H', W, 3]."""
    colour = np.broadcast_to(picture, (*picture.shape[:2], 3))
    line = Image.new("RGB", (picture.shape[1], LINE), (WHITE,) * 3)
    font = ImageFont.load_default(0.7 * LINE)
    ImageDraw.Draw(line).text((GAP, LINE / 2), text, fill=(0, 0, 0), font=font, anchor="lm")
    return np.concatenate([np.asarray(line), colour])
