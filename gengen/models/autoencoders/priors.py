"""Distributions that codes are held to, of which all that is needed is draws: Makhzani et al. 2016, arXiv:1511.05644.

Figures 2 and 4 of the paper show the mixture and the Swiss roll; it gives no numbers for them, so those here are ours.
"""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from gengen.values import Positive, Range, Weight


class Prior(NamedTuple):
    """A distribution of codes.

    Attributes:
      title: in words.
      draw: `(keys [B], latent) -> codes [B, latent]`, one from each key.
      of_class: `(keys [B], labels [B] int32, classes) -> codes [B, L]`, each from the part that belongs to its label.
      latent: the only dimension L that it has; 0 where any will do.
      parts: into how many equal parts it falls, one a class; 0 for none, None where it is cut into as many as asked.
      bound: the largest size of a number; infinite where there is none.
    """

    title: str
    draw: Callable[[jax.Array, int], jax.Array]
    of_class: Callable[[jax.Array, jax.Array, int], jax.Array]
    latent: int = 0
    parts: int | None = 0
    bound: float = math.inf

    def check(self, latent: int, classes: int = 0) -> None:
        """Checks that it has codes of a dimension and, unless `classes` is 0, a part for each class.

        Raises:
          ValueError: it has not.
        """
        if self.latent and latent != self.latent:
            raise ValueError(f"latent={latent} must be {self.latent} where the prior is {self.title}")
        if classes and self.parts == 0:
            raise ValueError(f"{self.title} has no parts that could belong to classes")
        if classes and self.parts is not None and classes != self.parts:
            raise ValueError(f"{self.title} has {self.parts} parts, and there are {classes} classes")


def gaussian(*, deviation: Positive = 1.0) -> Prior:
    """Independent normal numbers about 0. The paper's 8-D codes of MNIST have a deviation of 5 (appendix A.1).

    Args:
      deviation: standard deviation of each number.

    Raises:
      ValueError: `deviation` is not positive; `of_class` is called, as there are no parts.
    """
    _check_positive(deviation=deviation)
    title = f"N(0, {deviation:g}^2)"

    def draw(keys: jax.Array, latent: int) -> jax.Array:
        return deviation * _normal(keys, latent)

    def of_class(keys: jax.Array, labels: jax.Array, classes: int) -> jax.Array:
        raise ValueError(f"{title} has no parts that could belong to classes")

    return Prior(title, draw, of_class)


def uniform(*, bound: Positive = 1.0) -> Prior:
    """Independent numbers, evenly between minus a bound and it.

    Args:
      bound: the largest of them.

    Raises:
      ValueError: `bound` is not positive; `of_class` is called, as there are no parts.
    """
    _check_positive(bound=bound)
    title = f"uniform numbers in [-{bound:g}, {bound:g}]"

    def draw(keys: jax.Array, latent: int) -> jax.Array:
        return jax.vmap(lambda key: jax.random.uniform(key, (latent,), minval=-bound, maxval=bound))(keys)

    def of_class(keys: jax.Array, labels: jax.Array, classes: int) -> jax.Array:
        raise ValueError(f"{title} have no parts that could belong to classes")

    return Prior(title, draw, of_class, bound=bound)


def mixture(
    *,
    components: Annotated[int, Range(2, 1_000)] = 10,
    radius: Positive = 2.0,
    along: Positive = 0.5,
    across: Positive = 0.1,
) -> Prior:
    """Normal distributions on a circle, all alike, each longer towards the centre: figures 2 and 4 of the paper.

    Component i has its mean at the angle 2 pi i / components, and belongs to class i.

    Args:
      components: how many, at least 2.
      radius: of the circle of the means.
      along: standard deviation towards the centre.
      across: standard deviation along the circle.

    Raises:
      ValueError: an argument is out of range; `draw` is called for codes that are not 2-D, or `of_class` for a number
        of classes that is not `components`.
    """
    if components < 2:
        raise ValueError(f"components={components} must be at least 2")
    _check_positive(radius=radius, along=along, across=across)

    def at(keys: jax.Array, index: jax.Array) -> jax.Array:
        noise = _normal(jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, 1), 2)
        out, aside = radius + along * noise[:, 0], across * noise[:, 1]
        return _turned(out, aside, 2 * math.pi / components * index.astype(jnp.float32))

    def draw(keys: jax.Array, latent: int) -> jax.Array:
        prior.check(latent)
        return at(keys, jax.vmap(lambda key: jax.random.randint(key, (), 0, components))(keys))

    def of_class(keys: jax.Array, labels: jax.Array, classes: int) -> jax.Array:
        prior.check(2, classes)
        return at(keys, labels)

    prior = Prior(f"a mixture of {components} normal distributions", draw, of_class, latent=2, parts=components)
    return prior


def swiss_roll(*, turns: Positive = 2.0, radius: Positive = 3.0, thickness: Weight = 0.05) -> Prior:
    """A spiral from the centre outwards: figure 4 of the paper.

    The point at the share s of the roll lies at the angle 2 pi turns sqrt(s) and the distance radius sqrt(s) from the
    centre: the root makes the roll as dense outside as inside. Of K classes, class i has shares from i / K to
    (i + 1) / K.

    Args:
      turns: how often it goes round.
      radius: distance of its end from the centre.
      thickness: standard deviation of normal noise, without which the roll would be a line.

    Raises:
      ValueError: an argument is out of range; `draw` is called for codes that are not 2-D.
    """
    _check_positive(turns=turns, radius=radius)
    if not 0 <= thickness < math.inf:
        raise ValueError(f"thickness={thickness} must be a number of at least 0")

    def at(keys: jax.Array, low: jax.Array, length: float) -> jax.Array:
        share = low + length * jax.vmap(jax.random.uniform)(keys)
        root = jnp.sqrt(share)
        noise = thickness * _normal(jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, 1), 2)
        return _turned(radius * root, jnp.zeros_like(root), 2 * math.pi * turns * root) + noise

    def draw(keys: jax.Array, latent: int) -> jax.Array:
        prior.check(latent)
        return at(keys, jnp.zeros(keys.shape), 1.0)

    def of_class(keys: jax.Array, labels: jax.Array, classes: int) -> jax.Array:
        return at(keys, labels.astype(jnp.float32) / classes, 1 / classes)

    prior = Prior("a Swiss roll", draw, of_class, latent=2, parts=None)
    return prior


PRIORS: Mapping[str, Callable[..., Prior]] = {
    "gaussian": gaussian,
    "uniform": uniform,
    "mixture": mixture,
    "swiss_roll": swiss_roll,
}


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{name}={value} must be positive and finite")


def _normal(keys: jax.Array, size: int) -> jax.Array:
    return jax.vmap(lambda key: jax.random.normal(key, (size,)))(keys)


def _turned(x: jax.Array, y: jax.Array, angle: jax.Array) -> jax.Array:
    """Points (x, y) turned about the origin by an angle in radians, [B] each -> [B, 2]."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)
