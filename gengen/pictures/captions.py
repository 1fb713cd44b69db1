"""Sheets with captions: pictures in rows and columns that say what they are, of a size to be projected."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gengen.pictures.grid import save_png, without_alpha
from gengen.pictures.sheet import alike

WIDTH, HEIGHT = 1_200, 1_800
"""Pixels that a sheet is wide at least, and those beyond which enlarged pictures do not make it higher."""

HEAD, TITLE, CAPTION, MIDDLE, SMALL = 28, 24, 22, 18, 15
"""Pixels of the letters of the title line, of a block's title, and of captions, which may have to shrink."""

EDGE, GAP, ROOM = 24, 4, 8
"""Pixels about the sheet and between blocks, between pictures, and between a picture and its caption."""

LINE = 22
"""The most characters in a line of a row's title."""


class Theme(NamedTuple):
    """Colours of a sheet, as red, green and blue in 0..255.

    Attributes:
      paper: what all lies on.
      ink: of titles.
      faint: of captions.
    """

    paper: tuple[int, int, int]
    ink: tuple[int, int, int]
    faint: tuple[int, int, int]


LIGHT, DARK = Theme((255, 255, 255), (20, 20, 20), (75, 75, 75)), Theme((30, 31, 34), (240, 240, 240), (185, 185, 190))


class Block(NamedTuple):
    """Pictures that belong together.

    Attributes:
      cells: row after row, uint8 [N, H, W, C], C 1 or 3, and one more with an alpha, which is left out.
      columns: cells in a row; the last row may be shorter.
      title: of all of them; "" for none.
      rows: titles at the left of the rows, or none.
      across: titles above the columns, or none.
      pixels: whether they may be enlarged, each pixel a square; drawings are shown as they are.
      gap: pixels between cells.
    """

    cells: np.ndarray
    columns: int
    title: str = ""
    rows: Sequence[str] = ()
    across: Sequence[str] = ()
    pixels: bool = True
    gap: int = GAP

    @property
    def lines(self) -> int:
        """Number of rows."""
        return math.ceil(len(self.cells) / self.columns)

    @property
    def side(self) -> tuple[int, int]:
        """Height and width of a cell."""
        return self.cells.shape[1], self.cells.shape[2]


def captioned(blocks: Sequence[Block], title: str = "", theme: Theme = LIGHT) -> np.ndarray:
    """Lays blocks below each other, each with its captions, under one title line.

    All that is made of pixels is enlarged by one whole factor: the least one that makes the sheet `WIDTH` wide, unless
    that makes it higher than `HEIGHT`. Margins are as wide as what is written in them.

    Args:
      blocks: what to show, at least one.
      title: of the sheet; "" for none.
      theme: its colours.

    Returns:
      One picture, uint8 [H, W, 3], at least `WIDTH` wide.

    Raises:
      ValueError: there is nothing to show.
    """
    if not blocks or not all(len(block.cells) for block in blocks):
        raise ValueError("a sheet needs at least one picture in each of its blocks")
    left = max(_margin(block) for block in blocks)
    factor = _factor(blocks, left)
    parts = [_drawn(block, factor if block.pixels else 1, left, theme) for block in blocks]
    width = max(WIDTH, 2 * EDGE + max(part.width for part in parts))
    if title:
        parts.insert(0, _written(_folded(title, HEAD, width - 2 * EDGE), HEAD, theme.ink, theme))
    height = EDGE + sum(part.height + EDGE for part in parts)
    sheet, top = Image.new("RGB", (width, height), theme.paper), EDGE
    for part in parts:
        sheet.paste(part, (EDGE, top))
        top += part.height + EDGE
    return np.asarray(sheet)


def save_sheet(path: Path, blocks: Sequence[Block], title: str = "", *, dark: bool = False) -> None:
    """Writes a sheet as a PNG that appears whole or not at all.

    Args:
      path: of the file.
      blocks: as in `captioned`.
      title: of the sheet.
      dark: whether it is light on dark.
    """
    save_png(path, captioned(blocks, title, DARK if dark else LIGHT))


def contact(rows: Mapping[str, np.ndarray], columns: int, title: str = "", across: Sequence[str] = ()) -> list[Block]:
    """Blocks in which what there is of each image stands in one column, as the figures of papers have it.

    Args:
      rows: what there is of N images, by its title, each uint8 [N, H, W, C]; sizes and colours may differ.
      columns: images beside each other, at most; those that are left over go on in a further block.
      title: of them all; "" for none.
      across: titles of the images [N], or none.
    """
    parts, blocks = alike(list(rows.values())), []
    for start in range(0, len(parts[0]), columns):
        cells = [part[start : start + columns] for part in parts]
        named = across[start : start + columns]
        blocks.append(Block(np.concatenate(cells), len(cells[0]), "" if start else title, tuple(rows), named))
    return blocks


def _factor(blocks: Sequence[Block], left: int) -> int:
    """By how much pixels are enlarged."""
    shown = [block for block in blocks if block.pixels]
    if not shown:
        return 1
    room = WIDTH - 2 * EDGE - left
    wide = min((room - (b.columns - 1) * b.gap) / (b.columns * b.side[1]) for b in shown)
    high = HEIGHT / sum(b.lines * (b.side[0]) for b in shown)
    return max(1, min(math.ceil(wide), math.floor(high)))


def _drawn(block: Block, factor: int, left: int, theme: Theme) -> Image.Image:
    """A block with its captions; its cells begin at `left`."""
    height, width = (factor * side for side in block.side)
    number = min(block.columns, len(block.cells))
    above = _across(block, width, theme)
    title = _written(_folded(block.title, TITLE, WIDTH - 2 * EDGE), TITLE, theme.ink, theme) if block.title else None
    top = (title.height + ROOM if title else 0) + (max(part.height for part in above) + ROOM if above else 0)
    across = max(left + number * (width + block.gap) - block.gap, title.width if title else 0)
    picture = Image.new("RGB", (across, top + block.lines * (height + block.gap) - block.gap), theme.paper)
    if title:
        picture.paste(title, (0, 0))
    for column, caption in enumerate(above):
        middle = left + column * (width + block.gap) + width // 2
        picture.paste(caption, (middle - caption.width // 2, top - ROOM - caption.height))
    for row, text in enumerate(block.rows):
        caption = _written(_lines(text), CAPTION, theme.faint, theme, align="right")
        middle = top + row * (height + block.gap) + height // 2
        picture.paste(caption, (left - ROOM - caption.width, max(top, middle - caption.height // 2)))
    cells = _coloured(block.cells)
    for index, cell in enumerate(cells if block.pixels else _on(theme, cells)):
        row, column = divmod(index, block.columns)
        shown = Image.fromarray(cell.repeat(factor, axis=0).repeat(factor, axis=1))
        picture.paste(shown, (left + column * (width + block.gap), top + row * (height + block.gap)))
    return picture


def _across(block: Block, width: int, theme: Theme) -> list[Image.Image]:
    """Captions of columns: smaller where they do not fit, in two lines, and upright where that is not enough."""
    if not block.across:
        return []
    for size in (CAPTION, MIDDLE, SMALL):
        for texts in (block.across, [text.replace(" ", "\n", 1) for text in block.across]):
            if max(_size(text, size)[0] for text in texts) <= width + block.gap - 2:
                return [_written(text, size, theme.faint, theme, align="center") for text in texts]
    size = CAPTION if width >= CAPTION + 4 else SMALL
    return [_written(text, size, theme.faint, theme).rotate(90, expand=True) for text in block.across]


def _margin(block: Block) -> int:
    """Pixels that the titles of rows need."""
    return max((_size(_lines(text), CAPTION)[0] + ROOM for text in block.rows), default=0)


def _lines(text: str) -> str:
    return "\n".join(textwrap.fill(part, LINE, break_long_words=False) for part in text.split("\n"))


def _folded(text: str, size: int, width: int) -> str:
    """A text in lines that are no wider than `width` pixels."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _size(longer, size)[0] > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _coloured(cells: np.ndarray) -> np.ndarray:
    """Cells in red, green and blue."""
    cells = without_alpha(cells)
    return np.ascontiguousarray(cells.repeat(3 // cells.shape[-1], axis=-1))


def _on(theme: Theme, drawings: np.ndarray) -> np.ndarray:
    """Drawings made on white [N, H, W, 3] on the paper of a theme: on a dark one with the same hues, 1 - lightness."""
    if theme.paper == LIGHT.paper:
        return drawings
    inverted = drawings + (255.0 - drawings.max(-1, keepdims=True) - drawings.min(-1, keepdims=True))
    low, high = np.array(theme.paper), np.array(theme.ink)
    laid: np.ndarray = np.rint(low + inverted / 255 * (high - low)).clip(0, 255).astype(np.uint8)
    return laid


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font of matplotlib, which has the letters of most languages that use an alphabet."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _size(text: str, size: int) -> tuple[int, int]:
    """Width and height of a text in pixels."""
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=_font(size))
    return math.ceil(box[2]), math.ceil(max(box[3], 1.2 * size * (1 + text.count("\n"))))


def _written(text: str, size: int, colour: tuple[int, int, int], theme: Theme, *, align: str = "left") -> Image.Image:
    """A text as a picture that is just as large."""
    picture = Image.new("RGB", _size(text, size), theme.paper)
    ImageDraw.Draw(picture).multiline_text((0, 0), text, fill=colour, font=_font(size), align=align)
    return picture
