"""Pictures as gengen reads them: 8-bit grey or RGB, upright, of one size."""

from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

CROPS = ("none", "center")

_ORIENTATION = ExifTags.Base.Orientation


class Range(NamedTuple):
    """Values of grey pictures with more than 8 bits: 256 even steps from `low` to `high` become 0 to 255."""

    low: float
    high: float

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Brings values [h, w] to uint8; what lies beyond the range is cut.

        Of whole numbers from 0 to 2^b - 1, this keeps the upper 8 bits.
        """
        slope = 256 / (self.high - self.low) if self.high > self.low else 0.0
        steps = (values.astype(np.float64) - self.low) * slope
        return np.clip(steps, 0, 255).astype(np.uint8)

    def __str__(self) -> str:
        bits = next((f"{bits}-bit " for bits in (8, 10, 12, 14, 16) if (self.low, self.high) == (0, 2**bits - 1)), "")
        return f"{bits}grey: {self.low:.6g} to {self.high:.6g} become 0 to 255"


def plain(image: Image.Image, values: Range | None = None) -> Image.Image:
    """Turns any picture into 8-bit grey or RGB.

    A camera's rotation mark is applied, transparent pixels are laid on white, palettes become their colours, and black
    and white becomes grey.

    Args:
      image: a picture [height, width].
      values: the range of those that are deeper than 8 bits; None where there are none.

    Returns:
      A picture of mode "L" or "RGB"; `image` itself if it is such a one already.

    Raises:
      ValueError: the picture is deeper than 8 bits, and there is no range.
      Exception: whatever Pillow's decoder raises on a damaged file.
    """
    deep = deep_values(image)
    if deep is not None:
        if values is None:
            raise ValueError("it has more than 8 bits, and their range is unknown")
        made = Image.fromarray(values.scaled(deep))
        made.getexif()[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
        return ImageOps.exif_transpose(made)
    if image.getexif().get(_ORIENTATION, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        ink = image.convert("RGBA")
        sheet = Image.alpha_composite(Image.new("RGBA", ink.size, "white"), ink)
        return sheet.convert("L" if is_grey(image) else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if is_grey(image) else "RGB")


def deep_values(image: Image.Image) -> np.ndarray | None:
    """The values of a grey picture that are not 8 bits without a sign; None where they are.

    Args:
      image: as Pillow has opened it.

    Returns:
      Whole or floating-point numbers [height, width], or None.

    Raises:
      ValueError: some are not finite, or Pillow reads them as their negative.
      Exception: whatever Pillow's decoder raises on a damaged file.
    """
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    signed = tags.get(TiffImagePlugin.SAMPLEFORMAT) == (2,)
    if not (image.mode in ("I", "F") or image.mode.startswith("I;16") or (image.mode == "L" and signed)):
        return None
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
        raise ValueError("its 0 is white, and it has more than 8 bits: save it with 0 as black")
    values = np.asarray(image)
    if image.mode == "L":
        values = values.view(np.int8)
    if image.mode == "I" and tags and not signed:
        values = values.view(np.uint32)
    if not np.isfinite(values).all():
        raise ValueError("some of its values are infinite or no numbers")
    return values


def is_grey(image: Image.Image) -> bool:
    """Says whether a picture's mode holds no colour (a palette counts as colour)."""
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def fit(image: Image.Image, *, size: tuple[int, int], channels: int, crop: str) -> np.ndarray:
    """Brings a picture to a size and number of channels.

    With crop "center", the largest centred rectangle of the target's aspect is cut out first. Sizes are changed with
    Pillow's bicubic filter, in both directions: shrinking, it averages over all pixels that it covers, and it is what
    Fréchet distances are computed with (Parmar, Zhang and Zhu, 2022, arXiv:2104.11222); enlarging, it keeps strokes
    smooth. RGB becomes grey by the luma of ITU-R 601.

    Args:
      image: a picture of mode "L" or "RGB" [h, w].
      size: (height, width) of the result.
      channels: 1 or 3.
      crop: "none" or "center".

    Returns:
      uint8 [height, width, channels].

    Raises:
      ValueError: crop is "none" and the picture's aspect differs from the target's.
    """
    height, width = size
    wide, high = image.size
    if wide * height != high * width:
        if crop == "none":
            raise ValueError(f"is {high}x{wide} (height x width), another aspect than {height}x{width}")
        # In whole pixels, at least one: Pillow's own box of fractions would blur the borders.
        cut_width = max(1, min(wide, round(high * width / height)))
        cut_height = max(1, min(high, round(wide * height / width)))
        left, top = (wide - cut_width) // 2, (high - cut_height) // 2
        image = image.crop((left, top, left + cut_width, top + cut_height))
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, np.uint8).reshape(height, width, channels)


def fit_alpha(
    image: Image.Image, values: Range | None = None, *, size: tuple[int, int], channels: int, crop: str
) -> np.ndarray:
    """Brings a picture that may have transparent parts to a size, with an alpha that says where it is seen.

    Args:
      image: a picture of any mode [h, w].
      values: as for `plain`.
      size: (height, width) of the result.
      channels: 2 or 4: those of `fit`, and the alpha.
      crop: "none" or "center".

    Returns:
      uint8 [height, width, channels]: the alpha is 255 where the picture is seen, and 0 where it is transparent, be it
      in part, or where resizing mixed it with what is; there it has the mean colour of what is seen.

    Raises:
      ValueError: nothing of the picture is seen, or `fit` refuses it.
    """
    colours = fit(plain(image, values), size=size, channels=channels - 1, crop=crop)
    if not image.has_transparency_data:
        return np.concatenate([colours, np.full_like(colours[..., :1], 255)], -1)
    # Half of white, which the filter overshoots where it is near an edge: it says so, and is not cut off.
    opaque = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A").point(lambda level: 128 * (level == 255))
    seen = fit(opaque, size=size, channels=1, crop=crop) == 128
    if not seen.any():
        raise ValueError("it is transparent everywhere, so there is nothing to go by")
    mean = np.rint(colours[seen[..., 0]].mean(0)).astype(np.uint8)
    return np.concatenate([np.where(seen, colours, mean), seen * np.uint8(255)], -1)
