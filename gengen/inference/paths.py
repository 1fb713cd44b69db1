"""Between latents: straight paths, arcs around the origin, and planes through three of them."""

import numpy as np

PARALLEL = 1e-6
"""Sine of the angle below which two latents have no arc between them that numbers could follow."""


def lerp(first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Goes from latents to others in straight lines: (1 - t) a + t b.

    Args:
      first: a, [N, ...].
      second: b, [N, ...].
      shares: t, in [0, 1], [T].

    Returns:
      Latents float64 [N, T, ...].
    """
    start, end = (np.asarray(latents, np.float64)[:, None] for latents in (first, second))
    share = np.asarray(shares, np.float64).reshape(1, -1, *[1] * (start.ndim - 2))
    return (1 - share) * start + share * end


def slerp(first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Goes from latents to others on arcs around the origin, their norms in straight lines.

    With directions u = a / |a| and v = b / |b| and the angle w between them,

        ((1 - t) |a| + t |b|) (sin((1 - t) w) u + sin(t w) v) / sin w.

    The arc is Shoemake's (1985, "Animating rotation with quaternion curves", section 3.3). White 2016,
    https://arxiv.org/abs/1609.04468, section 2.1, recommends it for latents of high dimension: normal ones nearly all
    have a norm of about sqrt(L), and the middle of a straight line between two of them has one that is hardly seen.
    Where one is 0, or both point the same or opposite ways, there is no one arc, and the path is straight.

    Args:
      first: a, [N, ...].
      second: b, [N, ...].
      shares: t, in [0, 1], [T].

    Returns:
      Latents float64 [N, T, ...].
    """
    straight = lerp(first, second, shares)
    ends = [np.asarray(latents, np.float64).reshape(len(first), -1) for latents in (first, second)]
    norms = [np.linalg.norm(end, axis=1, keepdims=True) for end in ends]
    u, v = (end / np.where(norm > 0, norm, 1) for end, norm in zip(ends, norms, strict=True))
    # The arc cosine of a product would lose half of the digits of a small angle.
    angle = 2 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))[:, None]
    bent = (np.sin(angle) > PARALLEL) & (norms[0] > 0) & (norms[1] > 0)
    share = np.asarray(shares, np.float64)[None]
    sine = np.where(bent, np.sin(angle), 1)
    to_u, to_v = np.sin((1 - share) * angle) / sine, np.sin(share * angle) / sine
    length = (1 - share) * norms[0] + share * norms[1]
    arc = length[..., None] * (to_u[..., None] * u[:, None] + to_v[..., None] * v[:, None])
    flat = straight.reshape(arc.shape)
    return np.where(bent[..., None], arc, flat).reshape(straight.shape)


def plane(corners: np.ndarray, shares: np.ndarray, *, spherical: bool = False) -> np.ndarray:
    """A plane through three latents: a + s (b - a) + t (c - a).

    A point in the middle of normal latents of high dimension has a norm that such latents hardly ever have, as on a
    straight path (`slerp`). If asked, each point keeps its direction and gets the norm

        (1 - s) (1 - t) |a| + s (1 - t) |b| + (1 - s) t |c| + s t (|a| + |b| + |c|) / 3,

    so that the corners stay where they are, and the sides are the arcs of `slerp`, though gone at another pace.

    Args:
      corners: a, b and c, [3, ...].
      shares: s and t, in [0, 1], [T].
      spherical: whether points are brought to that norm; one at the origin stays there.

    Returns:
      Latents float64 [T, T, ...], t along the first axis and s along the second.
    """
    flat = np.asarray(corners, np.float64).reshape(3, -1)
    s, t = np.meshgrid(shares, shares)
    weights = np.stack([1 - s - t, s, t], -1)
    points = weights @ flat
    if spherical:
        norms = np.linalg.norm(flat, axis=1)
        wanted = np.stack([(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t], -1) @ np.append(norms, norms.mean())
        length = np.linalg.norm(points, axis=-1)
        points = points * np.where(length > 0, wanted / np.where(length > 0, length, 1), 1)[..., None]
    return points.reshape(*s.shape, *np.shape(corners)[1:])
