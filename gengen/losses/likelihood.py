"""What a decoder's output says about an example: a distribution of each of its numbers, or a mere error.

Examples have any shape (*S, C), the last axis of which holds features: the channels of a picture [H, W, C], the
coordinates of a point [D]. How many axes an example has is told, so that those of a batch are never taken for its own.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gengen.losses.divergences import normal_log_density
from gengen.values import Positive

LEAST_LOG_DEVIATION = math.log(1 / 127.5)
"""Half a level of grey: a learned deviation below it describes the rounding of the pixels, and has no floor.

Numbers that were standardised have the same floor, less than a hundredth of their deviation.
"""


LEAST_LOG_SCALE, MOST_LOG_SCALE = -7.0, 7.0
"""Of a discretised logistic, in units in which data lie in [-1, 1]: a ninth of a level of 256, and nearly uniform."""


class Likelihood(NamedTuple):
    """p(x | z), or an error in its place.

    Attributes:
      rank: how many axes an example has.
      numbers: how many numbers a decoder gives for each number of an example.
      log_prob: `(output [..., C * numbers], data [..., C]) -> nats [..., C]`, of each number by itself.
      mean: `output [..., C * numbers] -> data [..., C]`.
      proper: whether it is a distribution, whose log-likelihood can be compared with that of others.
      title: in words.
      binary: whether it is one of the ends of a range alone, of black and white pixels.
      discrete: whether it is one of whole numbers, each of which has a probability of its own.
    """

    rank: int
    numbers: int
    log_prob: Callable[[jax.Array, jax.Array], jax.Array]
    mean: Callable[[jax.Array], jax.Array]
    proper: bool
    title: str
    binary: bool = False
    discrete: bool = False

    @property
    def of(self) -> str:
        """What it is a likelihood of: the "bits" of black and white, whole "values", or a "density" of real numbers."""
        return "bits" if self.binary else "values" if self.discrete else "density"

    def log_probs(self, output: jax.Array, data: jax.Array) -> jax.Array:
        """log p(x | z) of each number [..., N], of outputs [..., *S, numbers x C] and data [..., *S, C]."""
        return self.log_prob(*self._in_rows(output, data))

    def squared_errors(self, output: jax.Array, data: jax.Array) -> jax.Array:
        """The squared difference of the mean and the data [..., N], in the model's units."""
        output, data = self._in_rows(output, data)
        return jnp.square(self.mean(output) - data)

    def _in_rows(self, output: jax.Array, data: jax.Array) -> tuple[jax.Array, jax.Array]:
        return in_rows(output, self.rank, self.numbers), in_rows(data, self.rank)


def squared_error(*, rank: int, bounded: bool = True) -> Likelihood:
    """Minus the squared error of what the output means.

    Args:
      rank: how many axes an example has.
      bounded: whether data lie in [-1, 1], where the hyperbolic tangent brings the output; otherwise it is the mean.
    """
    mean = _mean(bounded)
    return Likelihood(
        rank=rank,
        numbers=1,
        log_prob=lambda output, data: -jnp.square(data - mean(output)),
        mean=mean,
        proper=False,
        title=f"squared error of {_values(bounded)}",
    )


def bernoulli(*, rank: int) -> Likelihood:
    """Black or white: the output is the logit of white. Kingma and Welling 2014, arXiv:1312.6114, appendix C.1.

    Grey counts as so much of both, which is a cross-entropy and no likelihood of what is grey.

    Args:
      rank: how many axes an example has.
    """

    def log_prob(output: jax.Array, data: jax.Array) -> jax.Array:
        # log(1 + exp(output)), written so that it never overflows; jax.nn.softplus takes three times as long on a CPU.
        return (data + 1) / 2 * output - jnp.maximum(output, 0) - jnp.log1p(jnp.exp(-jnp.abs(output)))

    return Likelihood(
        rank=rank,
        numbers=1,
        log_prob=log_prob,
        mean=lambda output: 2 * jax.nn.sigmoid(output) - 1,
        proper=True,
        title="negative log-likelihood of binary values",
        binary=True,
    )


def gaussian(*, rank: int, bounded: bool = True, deviation: Positive = 1.0) -> Likelihood:
    """A normal distribution of fixed deviation about what the output means.

    Args:
      rank: how many axes an example has.
      bounded: as in `squared_error`.
      deviation: standard deviation of every number, in the model's units.

    Raises:
      ValueError: `deviation` is not positive.
    """
    if not 0 < deviation < math.inf:
        raise ValueError(f"deviation={deviation} must be positive and finite")
    mean = _mean(bounded)

    def log_prob(output: jax.Array, data: jax.Array) -> jax.Array:
        return normal_log_density(data, mean(output), jnp.full_like(output, math.log(deviation)))

    title = f"negative log-likelihood of {_values(bounded)}, deviation {deviation:g}"
    return Likelihood(rank, numbers=1, log_prob=log_prob, mean=mean, proper=True, title=title)


def gaussian_learned(*, rank: int, bounded: bool = True) -> Likelihood:
    """A normal distribution whose mean and deviation the decoder says for each number.

    The output has the means' features first. Deviations have a floor (`LEAST_LOG_DEVIATION`): where pixels never
    differ, such as at MNIST's border, the likelihood would grow without limit.

    Args:
      rank: how many axes an example has.
      bounded: as in `squared_error`.
    """

    def split(output: jax.Array) -> tuple[jax.Array, jax.Array]:
        mean, log_deviation = jnp.split(output, 2, axis=-1)
        return _mean(bounded)(mean), LEAST_LOG_DEVIATION + jax.nn.softplus(log_deviation - LEAST_LOG_DEVIATION)

    return Likelihood(
        rank=rank,
        numbers=2,
        log_prob=lambda output, data: normal_log_density(data, *split(output)),
        mean=lambda output: split(output)[0],
        proper=True,
        title=f"negative log-likelihood of {_values(bounded)}, deviations learned",
    )


def discretised_logistic(*, rank: int, levels: int) -> Likelihood:
    """A logistic distribution's mass in the cell of each whole number; the two at the ends have its tails, too.

    The decoder says its centre and the logarithm of its scale for each number. Kingma et al. 2016,
    https://arxiv.org/abs/1606.04934, appendix C.3; Salimans et al. 2017, https://arxiv.org/abs/1701.05517, eq. 2, with
    one component. With a, b the ends of a cell in scales from the centre and s the logistic function, the mass is

        s(b) - s(a) = s(b) s(-a) (1 - exp(a - b)),

    whose logarithm has a gradient however far the cell is. The mean is that of the logistic whose tails are heaped up
    at the ends, which is that of the masses but for a part of a level.

    Args:
      rank: how many axes an example has.
      levels: how many whole numbers a number may be, of which the first is -1 and the last is 1 in the model's units.
    """
    half = 1 / (levels - 1)

    def split(output: jax.Array) -> tuple[jax.Array, jax.Array]:
        centre, log_scale = jnp.split(output, 2, axis=-1)
        above = jax.nn.softplus(jnp.minimum(log_scale, MOST_LOG_SCALE) - LEAST_LOG_SCALE)
        return centre, LEAST_LOG_SCALE + above

    def log_prob(output: jax.Array, data: jax.Array) -> jax.Array:
        centre, log_scale = split(output)
        away, precision = data - centre, jnp.exp(-log_scale)
        first, last = data < half - 1, data > 1 - half
        below = jnp.where(last, 0.0, _log_sigmoid((away + half) * precision))
        above = jnp.where(first, 0.0, _log_sigmoid((half - away) * precision))
        return below + above + jnp.where(first | last, 0.0, jnp.log(-jnp.expm1(-2 * half * precision)))

    def mean(output: jax.Array) -> jax.Array:
        centre, log_scale = split(output)
        scale = jnp.exp(log_scale)
        raised = scale * (_log_sigmoid((1 - centre) / scale) - _log_sigmoid((-1 - centre) / scale))
        return jnp.clip(raised - 1, -1, 1)

    title = f"negative log-likelihood of values of {levels} levels, logistic"
    return Likelihood(rank, numbers=2, log_prob=log_prob, mean=mean, proper=True, title=title, discrete=True)


def _log_sigmoid(x: jax.Array) -> jax.Array:
    """log(1 / (1 + exp(-x))); jax.nn.log_sigmoid takes three times as long on a CPU."""
    return jnp.minimum(x, 0) - jnp.log1p(jnp.exp(-jnp.abs(x)))


def _mean(bounded: bool) -> Callable[[jax.Array], jax.Array]:
    return jnp.tanh if bounded else lambda output: output


def _values(bounded: bool) -> str:
    return "values in [-1, 1]" if bounded else "standardised values"


def in_rows(array: jax.Array, rank: int, numbers: int = 1) -> jax.Array:
    """Lays examples out as rows of numbers, of which any likelihood takes the last axis for features.

    XLA:CPU makes vectors of the last axis. With the one channel of a grey image there, a Bernoulli log-likelihood of
    1,000 images of 784 pixels took 43 ms, and takes 0.6 in rows.

    Args:
      array: examples [..., *S, C], or what a decoder makes [..., *S, numbers x C].
      rank: how many axes an example has, its features' included.
      numbers: how many numbers there are for each number of an example.

    Returns:
      [..., numbers x N], with the first number of all places first.
    """
    rest, event = array.shape[: array.ndim - rank], array.shape[array.ndim - rank :]
    parts = array.reshape(*rest, math.prod(event[:-1]), numbers, event[-1] // numbers)
    return jnp.moveaxis(parts, -2, -3).reshape(*rest, -1)


LIKELIHOODS: Mapping[str, Callable[..., Likelihood]] = {
    "squared_error": squared_error,
    "bernoulli": bernoulli,
    "gaussian": gaussian,
    "gaussian_learned": gaussian_learned,
    "discretised_logistic": discretised_logistic,
}
