"""Heads of encoders: what the features of any body say about latents."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.conditional import check_classes, with_label_channel
from gengen.networks.layers.dense import Dense


class Gaussian(NamedTuple):
    """Independent normal distributions.

    Attributes:
      mean: [..., L].
      log_deviation: logarithm of the standard deviation [..., L].
    """

    mean: jax.Array
    log_deviation: jax.Array

    def at(self, noise: jax.Array) -> jax.Array:
        """The reparametrised sample of standard normal `noise` [..., L]: Kingma and Welling 2014, section 2.4."""
        return self.mean + jnp.exp(self.log_deviation) * noise


def check_latent(latent: int) -> None:
    """Refuses latents without dimensions.

    Raises:
      ValueError: `latent` is below 1.
    """
    if latent < 1:
        raise ValueError(f"latent={latent} must be at least 1")


class PointCoder(nn.Module):
    """Says which numbers stand for an array.

    Attributes:
      body: `(arrays [B, ...], ..., train) -> features [B, F]`.
      latent: how many numbers L.
    """

    body: nn.Module
    latent: int

    @nn.compact
    def __call__(self, *inputs: jax.Array, train: bool) -> jax.Array:
        """Returns latents [B, L] for what the body takes."""
        check_latent(self.latent)
        return Dense(self.latent)(self.body(*inputs, train=train))


class GaussianCoder(nn.Module):
    """Says how latents are distributed, given an array: q(z | x), or p(z | z') of a hierarchy.

    Kingma and Welling 2014, https://arxiv.org/abs/1312.6114, appendix C.2.

    Attributes:
      body: `(arrays [B, ...], ..., train) -> features [B, F]`.
      latent: dimension L of the latents.
    """

    body: nn.Module
    latent: int

    @nn.compact
    def __call__(self, *inputs: jax.Array, train: bool) -> Gaussian:
        """Returns distributions of latents [B, L] for what the body takes."""
        check_latent(self.latent)
        features = self.body(*inputs, train=train)
        mean, log_variance = Dense(self.latent)(features), Dense(self.latent)(features)
        return Gaussian(mean, log_variance / 2)


class ConditionalEncoder(nn.Module):
    """Hands an encoder data that have an embedding of their label as one more channel.

    Sohn, Lee and Yan 2015, "Learning structured output representation using deep conditional generative models".

    Attributes:
      body: `(data [B, *S, C + 1], train) -> features [B, F]`.
      classes: number of classes.
    """

    body: nn.Module
    classes: int

    @nn.compact
    def __call__(self, image: jax.Array, label: jax.Array, train: bool) -> jax.Array:
        """Returns features [B, F] of data [B, *S, C] and their labels [B], int32.

        Raises:
          ValueError: `classes` is below 2.
        """
        check_classes(self.classes)
        features: jax.Array = self.body(with_label_channel(image, label, self.classes), train)
        return features
