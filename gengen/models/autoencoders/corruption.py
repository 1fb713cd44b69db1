"""What a denoising autoencoder is shown: Vincent et al. 2010, "Stacked denoising autoencoders", section 5.4."""

from collections.abc import Callable, Mapping
from typing import Annotated

import jax
import jax.numpy as jnp

from gengen.models.binarisation import BLACK, WHITE
from gengen.values import Range, Share

Corrupt = Callable[[jax.Array, jax.Array], jax.Array]
"""`(keys [B], data [B, *S, C] in the model's units) -> data`."""

Noise = Annotated[float, Range(0, 2, below=True)]
"""Standard deviation of noise that is narrower than the range of bounded values, from -1 to 1."""


def none(*, amount: Noise = 0.0) -> Corrupt:
    """Leaves images as they are.

    Args:
      amount: of nothing, and 0 in a config.
    """
    del amount
    return lambda keys, image: image


def gaussian(*, amount: Noise = 0.5) -> Corrupt:
    """Adds normal noise.

    Args:
      amount: standard deviation of the noise, where values run from -1 to 1 or have a deviation of 1.

    Raises:
      ValueError: `amount` is negative or infinite.
    """
    if not 0 <= amount < float("inf"):
        raise ValueError(f"amount={amount} must be a number of at least 0")

    def corrupt(keys: jax.Array, image: jax.Array) -> jax.Array:
        return image + amount * jax.vmap(lambda key: jax.random.normal(key, image.shape[1:]))(keys)

    return corrupt


def masking(*, amount: Share = 0.25) -> Corrupt:
    """Makes some of the places of an image black, drawn anew each time.

    Args:
      amount: share of the places.

    Raises:
      ValueError: `amount` lies outside of [0, 1].
    """
    _check_share(amount)

    def corrupt(keys: jax.Array, image: jax.Array) -> jax.Array:
        return jnp.where(_uniform(keys, image) < amount, BLACK, image)

    return corrupt


def salt_and_pepper(*, amount: Share = 0.1) -> Corrupt:
    """Makes some of the places of an image black or white, as likely the one as the other.

    Args:
      amount: as in `masking`.

    Raises:
      ValueError: `amount` lies outside of [0, 1].
    """
    _check_share(amount)

    def corrupt(keys: jax.Array, image: jax.Array) -> jax.Array:
        draw = _uniform(keys, image)
        return jnp.where(draw < amount / 2, BLACK, jnp.where(draw < amount, WHITE, image))

    return corrupt


CORRUPTIONS: Mapping[str, Callable[..., Corrupt]] = {
    "none": none,
    "gaussian": gaussian,
    "masking": masking,
    "salt_and_pepper": salt_and_pepper,
}


def _check_share(amount: float) -> None:
    if not 0 <= amount <= 1:
        raise ValueError(f"amount={amount} must lie in [0, 1]")


def _uniform(keys: jax.Array, image: jax.Array) -> jax.Array:
    """One number in [0, 1) for each place of each example, the same for all its channels [B, *S, 1]."""
    return jax.vmap(lambda key: jax.random.uniform(key, (*image.shape[1:-1], 1)))(keys)
