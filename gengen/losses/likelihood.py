"""What a decoder's output says about an image: a distribution of each pixel, or a mere error."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gengen.losses.divergences import normal_log_density
from gengen.values import Positive

LEAST_LOG_DEVIATION = math.log(1 / 127.5)
"""Half a level of grey: a learned deviation below it describes the rounding of the pixels, and has no floor."""


class Likelihood(NamedTuple):
    """p(x | z), or an error in its place.

    Attributes:
      numbers: how many numbers a decoder gives for each channel of a pixel.
      log_prob: `(output [..., C * numbers], image [..., C] in [-1, 1]) -> nats [..., C]`, of each pixel by itself.
      mean: `output -> image [..., C]` in [-1, 1].
      draw: `(key, output) -> image [..., C]` in [-1, 1]: a sample of the distribution, not its mean.
      proper: whether it is a distribution, whose log-likelihood can be compared with that of others.
      title: in words.
      binary: whether it is one of black and white pixels alone.
    """

    numbers: int
    log_prob: Callable[[jax.Array, jax.Array], jax.Array]
    mean: Callable[[jax.Array], jax.Array]
    draw: Callable[[jax.Array, jax.Array], jax.Array]
    proper: bool
    title: str
    binary: bool = False

    def log_probs(self, output: jax.Array, image: jax.Array) -> jax.Array:
        """log p(x | z) of each pixel and channel [..., H W C], of outputs [..., H, W, numbers x C] and images."""
        return self.log_prob(in_rows(output, self.numbers), in_rows(image))

    def squared_errors(self, output: jax.Array, image: jax.Array) -> jax.Array:
        """The squared difference of the mean and the image [..., H W C], in pixels from -1 to 1."""
        return jnp.square(self.mean(in_rows(output, self.numbers)) - in_rows(image))


def squared_error() -> Likelihood:
    """Minus the squared error of the hyperbolic tangent of the output; pixels run from -1 to 1."""
    return Likelihood(
        numbers=1,
        log_prob=lambda output, image: -jnp.square(image - jnp.tanh(output)),
        mean=jnp.tanh,
        draw=lambda key, output: jnp.tanh(output),
        proper=False,
        title="squared error of pixels in [-1, 1]",
    )


def bernoulli() -> Likelihood:
    """Black or white: the output is the logit of white. Kingma and Welling 2014, arXiv:1312.6114, appendix C.1.

    Grey pixels count as so much of both, which is a cross-entropy and no likelihood of the grey image.
    """

    def log_prob(output: jax.Array, image: jax.Array) -> jax.Array:
        # log(1 + exp(output)), written so that it never overflows; jax.nn.softplus takes three times as long on a CPU.
        return (image + 1) / 2 * output - jnp.maximum(output, 0) - jnp.log1p(jnp.exp(-jnp.abs(output)))

    return Likelihood(
        numbers=1,
        log_prob=log_prob,
        mean=lambda output: 2 * jax.nn.sigmoid(output) - 1,
        draw=lambda key, output: jnp.where(jax.random.bernoulli(key, jax.nn.sigmoid(output)), 1.0, -1.0),
        proper=True,
        title="negative log-likelihood of black and white pixels",
        binary=True,
    )


def gaussian(*, deviation: Positive = 1.0) -> Likelihood:
    """A normal distribution of fixed deviation about the hyperbolic tangent of the output, on pixels in [-1, 1].

    Args:
      deviation: standard deviation of every pixel.

    Raises:
      ValueError: `deviation` is not positive.
    """
    if not 0 < deviation < math.inf:
        raise ValueError(f"deviation={deviation} must be positive and finite")

    def log_prob(output: jax.Array, image: jax.Array) -> jax.Array:
        return normal_log_density(image, jnp.tanh(output), jnp.full_like(output, math.log(deviation)))

    def draw(key: jax.Array, output: jax.Array) -> jax.Array:
        return jnp.tanh(output) + deviation * jax.random.normal(key, output.shape)

    return Likelihood(
        1, log_prob, jnp.tanh, draw, True, f"negative log-likelihood of pixels in [-1, 1], deviation {deviation:g}"
    )


def gaussian_learned() -> Likelihood:
    """A normal distribution whose mean and deviation the decoder says for each pixel.

    The output has the means' channels first. Deviations have a floor (`LEAST_LOG_DEVIATION`): where pixels never
    differ, such as at MNIST's border, the likelihood would grow without limit.
    """

    def split(output: jax.Array) -> tuple[jax.Array, jax.Array]:
        mean, log_deviation = jnp.split(output, 2, axis=-1)
        return jnp.tanh(mean), LEAST_LOG_DEVIATION + jax.nn.softplus(log_deviation - LEAST_LOG_DEVIATION)

    def draw(key: jax.Array, output: jax.Array) -> jax.Array:
        mean, log_deviation = split(output)
        return mean + jnp.exp(log_deviation) * jax.random.normal(key, mean.shape)

    return Likelihood(
        numbers=2,
        log_prob=lambda output, image: normal_log_density(image, *split(output)),
        mean=lambda output: split(output)[0],
        draw=draw,
        proper=True,
        title="negative log-likelihood of pixels in [-1, 1], deviations learned",
    )


def in_rows(image: jax.Array, numbers: int = 1) -> jax.Array:
    """Lays images out as rows of numbers, of which any likelihood takes the last axis for channels.

    XLA:CPU makes vectors of the last axis. With the one channel of a grey image there, a Bernoulli log-likelihood of
    1,000 images of 784 pixels took 43 ms, and takes 0.6 in rows.

    Args:
      image: [..., H, W, C], or what a decoder makes [..., H, W, numbers x C].
      numbers: how many numbers there are for each channel.

    Returns:
      [..., numbers x H W C], with the first number of all pixels first.
    """
    *rest, height, width, channels = image.shape
    parts = image.reshape(*rest, height * width, numbers, channels // numbers)
    return jnp.moveaxis(parts, -2, -3).reshape(*rest, -1)


LIKELIHOODS: Mapping[str, Callable[..., Likelihood]] = {
    "squared_error": squared_error,
    "bernoulli": bernoulli,
    "gaussian": gaussian,
    "gaussian_learned": gaussian_learned,
}
