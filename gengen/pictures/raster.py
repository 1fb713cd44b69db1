"""Dots, bars and curves as small smooth pictures, many at once: matplotlib would take a second for ten."""

from collections.abc import Sequence

import numpy as np

from gengen.pictures.figure import CURVES

ROOM = 0.1
"""Room between the bounds and the frame, as a share of their distance."""

PAPER, EDGE = 250, 205
"""Greys of what is drawn on, and of its frame."""

RADIUS, HALF = 3.0, 0.8
"""Of a dot, and of the width of a curve, in pixels."""


def positions(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where values lie in a frame: 0 at its lower and 1 at its upper edge, with `ROOM` outside the bounds.

    Args:
      values: float [..., D]; those beyond the frame come to lie on it.
      low: bounds [D].
      high: bounds [D].

    Returns:
      float [..., D] in [0, 1], and NaN where a value is no number.
    """
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    shares = (np.asarray(values, np.float64) - low) / np.where(high > low, high - low, 1.0)
    clipped: np.ndarray = np.clip((shares + ROOM) / (1 + 2 * ROOM), 0, 1)
    return clipped


def dots(at: np.ndarray, side: int) -> np.ndarray:
    """How much of each pixel a dot covers.

    Args:
      at: positions of N dots, [N, 2]: from left to right, and from below to above.
      side: pixels of the height and of the width.

    Returns:
      Shares [N, side, side].
    """
    pixels = np.arange(side)
    right, down = at[:, 0, None] * (side - 1) - pixels, (1 - at[:, 1, None]) * (side - 1) - pixels
    distance = np.hypot(down[:, :, None], right[:, None, :])
    return _share(RADIUS - distance)


def bars(at: np.ndarray, side: int) -> np.ndarray:
    """How much of each pixel bars cover that stand on the lower edge, one for each feature.

    Args:
      at: upper ends [N, D]; of more than `side` features, as many as there is room for.
      side: pixels of the height and of the width.

    Returns:
      Shares [N, side, side].
    """
    number = at.shape[1]
    column, within = np.divmod(np.arange(side) * number, side)
    gap = within + number >= side if 3 * number <= side else np.zeros(side, bool)
    above = np.arange(side)[::-1]
    covered: np.ndarray = _share(at[:, None, column] * (side - 1) - above[:, None] - 0.5) * ~gap
    return covered


def curves(at: np.ndarray, height: int, width: int) -> np.ndarray:
    """How much of each pixel each curve covers.

    In each column a curve covers all between its least and its greatest value there, so that no peak is lost.

    Args:
      at: heights of K curves [N, T, K], evenly spaced from left to right.
      height: pixels.
      width: pixels.

    Returns:
      Shares [N, height, width, K].
    """
    steps = at.shape[1]
    edges = np.linspace(0, steps - 1, width + 1)
    time = np.union1d(edges, np.arange(steps))
    left = np.minimum(time.astype(int), max(steps - 2, 0))
    share = (time - left)[:, None]
    values = ((1 - share) * at[:, left] + share * at[:, np.minimum(left + 1, steps - 1)]).astype(np.float32)
    down, starts = (1 - values) * (height - 1), np.searchsorted(time, edges)
    least, most = (
        end(end.reduceat(down, starts[:-1], axis=1), down[:, starts[1:]])[:, None] for end in (np.minimum, np.maximum)
    )
    rows = np.arange(height, dtype=np.float32)[:, None, None]
    return _share(HALF - np.maximum(least - rows, rows - most).clip(0))


def framed(covered: np.ndarray, colours: Sequence[str] = CURVES) -> np.ndarray:
    """Paints what is covered on light paper in a thin frame.

    Args:
      covered: shares of the pixels [N, h, w, K]; later ones lie above.
      colours: as #rrggbb; they repeat.

    Returns:
      Pictures, uint8 [N, h, w, 3].
    """
    picture = np.full((*covered.shape[:3], 3), PAPER, np.float32)
    for index in range(covered.shape[3]):
        ink = np.frombuffer(bytes.fromhex(colours[index % len(colours)][1:]), np.uint8)
        picture += covered[..., index, None] * (ink - picture)
    picture[:, [0, -1]] = picture[:, :, [0, -1]] = EDGE
    return np.rint(picture).astype(np.uint8)


def _share(depth: np.ndarray) -> np.ndarray:
    """The share of a pixel that is covered, by how deep its centre lies in what covers it; none where it is NaN."""
    return np.nan_to_num(np.clip(depth + 0.5, 0, 1).astype(np.float32, copy=False))
