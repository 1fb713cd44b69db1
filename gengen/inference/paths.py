"""Paths between latents: straight ones, and arcs around the origin."""

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
