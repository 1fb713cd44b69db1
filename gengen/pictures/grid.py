"""Grids of pictures: arrays in, PNG out."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from gengen.files.whole import whole

WHITE = 255

LEAST = 48
"""Pixels of the shorter side of a cell."""


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Brings images from floats [..., H, W, C] in [-1, 1] to uint8 in 0..255, rounding; values outside are clipped."""
    return np.clip(np.rint((np.asarray(images, np.float64) + 1) * 127.5), 0, 255).astype(np.uint8)


def without_alpha(images: np.ndarray) -> np.ndarray:
    """The colours of images [..., C]: without the last of two or four channels, which says what is transparent."""
    return images[..., :-1] if has_alpha(images.shape[-1]) else images


def has_alpha(channels: int) -> bool:
    """Whether images of so many channels have an alpha: grey or RGB with transparency."""
    return channels in (2, 4)


def grid(images: np.ndarray, *, columns: int | None = None, margin: int = 2, least: int = LEAST) -> np.ndarray:
    """Lays images out in rows, with a white margin around every cell.

    Args:
      images: uint8 [N, H, W, C], C 1 or 3.
      columns: cells in a row, but no more than images; about as many as rows by default.
      margin: pixels between cells and at the edge.
      least: images whose shorter side is smaller are enlarged by a whole factor, each pixel a square.

    Returns:
      One picture, uint8 [H', W', C]; cells that are left over are white.

    Raises:
      ValueError: there is no image.
    """
    number, height, width, channels = images.shape
    if number == 0:
        raise ValueError("a grid needs at least one image")
    factor = max(1, math.ceil(least / min(height, width)))
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    height, width = height * factor, width * factor
    columns = min(columns or math.ceil(math.sqrt(number)), number)
    rows = math.ceil(number / columns)
    picture = np.full(
        (margin + rows * (height + margin), margin + columns * (width + margin), channels), WHITE, np.uint8
    )
    for index, image in enumerate(images):
        top = margin + index // columns * (height + margin)
        left = margin + index % columns * (width + margin)
        picture[top : top + height, left : left + width] = image
    return picture


def save_png(path: Path, picture: np.ndarray) -> None:
    """Writes a picture, uint8 [H, W, C] with C 1 or 3; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(file, format="PNG")
