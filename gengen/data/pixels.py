"""Pictures as gengen reads them: 8-bit grey or RGB, upright, of one size."""

import numpy as np
from PIL import Image, ImageOps

CROPS = ("none", "center")


def plain(image: Image.Image) -> Image.Image:
    """Turns any picture into 8-bit grey or RGB.

    A camera's rotation mark is applied, transparent pixels are laid on white, palettes become their colours, black
    and white becomes grey, and of 16 grey bits the upper 8 are kept.

    Args:
      image: a picture [height, width].

    Returns:
      A picture of mode "L" or "RGB"; `image` itself if it is such a one already.

    Raises:
      ValueError: the pixels are 32-bit numbers, whose range is unknown.
      Exception: whatever Pillow's decoder raises on a damaged file.
    """
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "F"):
        raise ValueError("its pixels are 32-bit numbers of unknown range, so save it with 8 bits a channel")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        ink = image.convert("RGBA")
        sheet = Image.alpha_composite(Image.new("RGBA", ink.size, "white"), ink)
        return sheet.convert("L" if is_grey(image) else "RGB")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if is_grey(image) else "RGB")


def is_grey(image: Image.Image) -> bool:
    """Says whether a picture's mode holds no colour (a palette counts as colour)."""
    return image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")


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


def fit_alpha(image: Image.Image, *, size: tuple[int, int], channels: int, crop: str) -> np.ndarray:
    """Brings a picture that may have transparent parts to a size, with an alpha that says where it is seen.

    Args:
      image: a picture of any mode [h, w].
      size: (height, width) of the result.
      channels: 2 or 4: those of `fit`, and the alpha.
      crop: "none" or "center".

    Returns:
      uint8 [height, width, channels]: the alpha is 255 where the picture is seen, and 0 where it is transparent, be it
      in part, or where resizing mixed it with what is; there it has the mean colour of what is seen.

    Raises:
      ValueError: nothing of the picture is seen, or `fit` refuses it.
    """
    colours = fit(plain(image), size=size, channels=channels - 1, crop=crop)
    if not image.has_transparency_data:
        return np.concatenate([colours, np.full_like(colours[..., :1], 255)], -1)
    # Half of white, which the filter overshoots where it is near an edge: it says so, and is not cut off.
    opaque = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A").point(lambda level: 128 * (level == 255))
    seen = fit(opaque, size=size, channels=1, crop=crop) == 128
    if not seen.any():
        raise ValueError("it is transparent everywhere, so there is nothing to go by")
    mean = np.rint(colours[seen[..., 0]].mean(0)).astype(np.uint8)
    return np.concatenate([np.where(seen, colours, mean), seen * np.uint8(255)], -1)
