"""Points in the plane whose exact density is known: Gaussian noise around the points of a ring, a grid or curves."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gengen.data.random_numbers import uniform
from gengen.data.signature import Signature

COUNTS = {"train": 10_000, "test": 2_000}
"""Points of each split."""

_CHUNK = 4096


class Cloud(NamedTuple):
    """A mixture of components that are equally likely, each a curve with isotropic Gaussian noise.

    A point of the curve is taken evenly by its position; a curve may be a single point.

    Attributes:
      description: in a sentence.
      curve: of components, int [N], and positions in [0, 1], float64 [N], the points of the curves [N, 2].
      components: how many there are.
      deviation: of the noise along each axis.
      classes: names of the components, which are the labels; () where there are no labels.
      nodes: of the quadrature along a curve; 1 where it is a point.
    """

    description: str
    curve: Callable[[np.ndarray, np.ndarray], np.ndarray]
    components: int
    deviation: float
    classes: tuple[str, ...] = ()
    nodes: int = 1


def _ring(component: np.ndarray, position: np.ndarray) -> np.ndarray:
    angle = 2 * np.pi * component / 8
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def _grid(component: np.ndarray, position: np.ndarray) -> np.ndarray:
    return np.stack([component // 5 * 2.0 - 4, component % 5 * 2.0 - 4], -1)


def _moons(component: np.ndarray, position: np.ndarray) -> np.ndarray:
    across, up = np.cos(np.pi * position), np.sin(np.pi * position)
    return np.where(component[:, None], np.stack([1 - across, 0.5 - up], -1), np.stack([across, up], -1))


def _roll(component: np.ndarray, position: np.ndarray) -> np.ndarray:
    angle = 1.5 * np.pi * (1 + 2 * position)
    return np.stack([angle * np.cos(angle), angle * np.sin(angle)], -1) / 5


CLOUDS: Mapping[str, Cloud] = {
    "ring": Cloud(
        "8 Gaussians on a ring of radius 1, deviation 0.01 (Lin et al., 2018).",
        _ring,
        8,
        0.01,
        ("east", "northeast", "north", "northwest", "west", "southwest", "south", "southeast"),
    ),
    "grid": Cloud(
        "25 Gaussians on a grid of spacing 2, deviation 0.05 (Lin et al., 2018).",
        _grid,
        25,
        0.05,
        tuple(f"{column}{row}" for column in "abcde" for row in range(1, 6)),
    ),
    "moons": Cloud(
        "Two interleaving half circles, deviation 0.1 (scikit-learn's; Grathwohl et al., 2019).",
        _moons,
        2,
        0.1,
        ("upper", "lower"),
        128,
    ),
    "swiss_roll": Cloud(
        "A spiral of one and a half turns, deviation 0.2 (scikit-learn's in the plane; Grathwohl et al., 2019).",
        _roll,
        1,
        0.2,
        nodes=512,
    ),
}
"""The clouds, by `config.data.name`.

`ring` and `grid` as in section 4.1 of Lin et al. 2018, "PacGAN", https://arxiv.org/abs/1712.04086. `moons` and
`swiss_roll` are scikit-learn's with the noise, and the roll at a fifth of the size, of the experiments of Grathwohl et
al. 2019, "FFJORD", https://arxiv.org/abs/1810.01367.
"""


def read_points(name: str, split: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Draws the points of a split: they follow from their places alone, and a smaller count has the first ones.

    Args:
      name: of `CLOUDS`.
      split: "train" or "test".
      count: how many to draw; `COUNTS[split]` by default.

    Returns:
      Points, float32 [N, 2], and the component of each, int32 [N].
    """
    cloud = CLOUDS[name]
    drawn = uniform(f"{name} {split}", COUNTS[split] if count is None else count, 4)
    component = (drawn[:, 0] * cloud.components).astype(np.int32)
    radius, angle = np.sqrt(-2 * np.log(1 - drawn[:, 2])), 2 * np.pi * drawn[:, 3]  # Box and Muller 1958
    noise = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
    return (cloud.curve(component, drawn[:, 1]) + cloud.deviation * noise).astype(np.float32), component


def centres_of(signature: Signature) -> np.ndarray | None:
    """The centres of the Gaussians that a data set is a mixture of, float32 [K, 2]; None where it is no such mixture.

    Args:
      signature: of a data set, or of a selection of it, which knows the centres of all.
    """
    cloud = CLOUDS.get(signature.name)
    if cloud is None or cloud.nodes > 1:
        return None
    return cloud.curve(np.arange(cloud.components), np.zeros(cloud.components)).astype(np.float32)


def density_of(signature: Signature) -> Callable[[np.ndarray], np.ndarray] | None:
    """The log-density that a data set is drawn from (`log_density`), where it is known.

    Args:
      signature: of a data set, or of a selection of it.

    Returns:
      Of points [N, 2], float64 [N] in nats; None where the data are no cloud, or some classes of one alone.
    """
    if signature.name not in CLOUDS or signature.counts.get("test") != COUNTS["test"]:
        return None
    return functools.partial(log_density, signature.name)


def log_density(name: str, points: np.ndarray) -> np.ndarray:
    """The logarithm of the density that points of a cloud are drawn from, in nats.

    log p(x) = log sum_k w_k N(x; c_k, s^2 I), exact for single points c_k; along a curve, c_k and w_k are the nodes and
    weights of a Gauss-Legendre quadrature, which is wrong by less than 1e-6.

    Args:
      name: of `CLOUDS`.
      points: [N, 2].

    Returns:
      float64 [N].
    """
    from scipy.special import logsumexp  # half of a start, and only who asks for a density needs it

    cloud = CLOUDS[name]
    nodes, weights = np.polynomial.legendre.leggauss(cloud.nodes)
    component = np.repeat(np.arange(cloud.components), cloud.nodes)
    centres = cloud.curve(component, np.tile((nodes + 1) / 2, cloud.components))
    log_weights = np.log(np.tile(weights / 2, cloud.components) / cloud.components)
    variance = cloud.deviation**2
    chunks = []
    for start in range(0, len(points), _CHUNK):
        chunk = np.asarray(points[start : start + _CHUNK], np.float64)
        distances = sum(np.subtract.outer(chunk[:, axis], centres[:, axis]) ** 2 for axis in (0, 1))
        chunks.append(logsumexp(log_weights - distances / (2 * variance), axis=-1))
    log_density: np.ndarray = np.concatenate([np.empty(0), *chunks]) - np.log(2 * np.pi * variance)
    return log_density
