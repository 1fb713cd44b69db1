"""What a model sees of values between two bounds, in its units -1 and 1: they stay as they are, or become bits."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

BLACK, WHITE = -1.0, 1.0


def intensity(image: jax.Array) -> jax.Array:
    """Brings images from [-1, 1] to [0, 1], which a Bernoulli distribution understands."""
    return (image + 1) / 2


def drawn_bits(keys: jax.Array, image: jax.Array) -> jax.Array:
    """Draws each number of data [B, ...] black or white, white with its intensity as probability.

    Salakhutdinov and Murray 2008, "On the quantitative analysis of deep belief networks"; drawn anew whenever an image
    is seen, as Burda et al. 2016, https://arxiv.org/abs/1509.00519, do it.

    Args:
      keys: of the images [B].
      image: in [-1, 1].

    Returns:
      Images of -1 and 1.
    """
    white = jax.vmap(lambda key, mean: jax.random.bernoulli(key, mean))(keys, intensity(image))
    return jnp.where(white, WHITE, BLACK)


def fixed_bits(keys: jax.Array, image: jax.Array) -> jax.Array:
    """Draws as `drawn_bits` does, but an image always gets the same bits: they follow from its own pixels.

    The counterpart of a data set that was binarised once, as Larochelle and Murray 2011 did with MNIST.
    """
    del keys
    levels = jnp.rint((image + 1) * 127.5).astype(jnp.uint32).reshape(image.shape[0], -1)
    root = jax.random.key(0)
    # Random multipliers: evenly spaced ones give one seed to all images with the same sum and first moment of levels.
    spread = jax.random.bits(root, (1, levels.shape[1]), jnp.uint32) | jnp.uint32(1)
    seeds = (levels * spread).sum(1, dtype=jnp.uint32)
    return drawn_bits(jax.vmap(jax.random.fold_in, in_axes=(None, 0))(root, seeds), image)


def grey(keys: jax.Array, image: jax.Array) -> jax.Array:
    """Leaves images as they are."""
    del keys
    return image


BINARISATIONS: Mapping[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "none": grey,
    "dynamic": drawn_bits,
    "static": fixed_bits,
}
"""What a model sees of data, by name: `(keys [B], data [B, ...] in [-1, 1]) -> data`."""
