"""Multilayer perceptrons: encoders and decoders, and the generator and critic of widely used GAN tutorial scripts."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.critic import CriticNetwork, CriticOutput
from gengen.networks.layers.activations import Activation, activation_of
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.deviation import append_deviation, check_batch
from gengen.networks.layers.fourier import FourierFeatures
from gengen.networks.layers.norm import NORMS, NORMS_OF_GENERATORS, check_norm, normalise, weigh
from gengen.values import OneOf, Positive, Range, Size

KERNEL_INIT = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
"""Uniform in +-1/sqrt(fan_in): LeCun et al. 1998, "Efficient BackProp", and the default of those scripts."""


def check_widths(widths: Sequence[int]) -> None:
    """Refuses hidden layers without units.

    Raises:
      ValueError: a width is below 1.
    """
    if any(width < 1 for width in widths):
        raise ValueError(f"widths={tuple(widths)} must all be at least 1")


class Encoder(nn.Module):
    """Maps arrays to the features of its last hidden layer.

    Bounded data are brought from [-1, 1] to [0, 1] first. A background of -1 pulls all weights of a unit the same way
    at every step: on MNIST, with the settings of Burda et al. 2016, a VAE's bound then stood at 124 nats after 54,000
    steps, where it now stands at 105.

    Attributes:
      widths: units of the hidden layers; without any, the features are the array itself, and what follows is linear.
      activation: what follows each hidden layer.
      norm: normalisation, which follows each hidden layer but the first.
      bounded: whether the arrays are data in [-1, 1]; others, and latents, are taken as they are.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    widths: Sequence[Size] = (500,)
    activation: Activation = "relu"
    norm: Annotated[str, OneOf(NORMS_OF_GENERATORS)] = "none"
    bounded: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns features [B, F], float32, of arrays [B, ...].

        Raises:
          ValueError: a width is below 1, or the norm or the activation is unknown.
        """
        check_widths(self.widths)
        check_norm(self.norm, NORMS_OF_GENERATORS)
        activation = activation_of(self.activation)
        if self.bounded:
            x = (x + 1) / 2
        x = x.reshape(x.shape[0], -1)
        for place, width in enumerate(self.widths):
            x = Dense(width, dtype=self.dtype)(x)
            x = activation(normalise(x, train, self.norm, dtype=self.dtype) if place > 0 else x)
        return x.astype(jnp.float32)


class Decoder(nn.Module):
    """Maps latents to what a likelihood makes data of: an encoder's mirror.

    Attributes:
      shape: of the output.
      widths, activation, dtype: as in `Encoder`.
    """

    shape: tuple[int, ...]
    widths: Sequence[Size] = (500,)
    activation: Activation = "relu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Returns numbers [B, *shape], float32, for latents [B, L]."""
        x = Encoder(self.widths, self.activation, dtype=self.dtype)(latent, train)
        x = Dense(math.prod(self.shape), dtype=self.dtype)(x)
        return x.astype(jnp.float32).reshape(-1, *self.shape)


class Generator(nn.Module):
    """Maps latents to data through ever wider layers.

    Attributes:
      shape: of an example.
      widths: units of the hidden layers.
      norm: normalisation, which follows each hidden layer but the first.
      activation: what follows each hidden layer.
      components: of a mixture that latents are of, as in Gurumurthy et al. 2017, https://arxiv.org/abs/1706.02071: the
        first latent falls into one of so many intervals, which are equally likely, and the first layer adds what it
        has learnt of that one. Then data in pieces need not be torn out of one piece of latents. 1 for none.
      bounded: whether data lie in [-1, 1], where a hyperbolic tangent keeps what is made.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    shape: tuple[int, ...]
    widths: Sequence[Size] = (128, 256, 512, 1024)
    norm: Annotated[str, OneOf(NORMS_OF_GENERATORS)] = "batch"
    activation: Activation = "leaky_relu"
    components: Size = 1
    bounded: bool = True
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array, train: bool) -> jax.Array:
        """Returns data [B, *shape], float32, for latents [B, L].

        Raises:
          ValueError: a width or `components` is below 1, or `norm` or `activation` is unknown.
        """
        check_widths(self.widths)
        check_norm(self.norm, NORMS_OF_GENERATORS)
        if self.components < 1:
            raise ValueError(f"components={self.components} must be at least 1")
        activation = activation_of(self.activation)
        x = latent
        for place, width in enumerate(self.widths):
            x = Dense(width, kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
            if place == 0 and self.components > 1:
                table = nn.Embed(self.components, width, embedding_init=nn.initializers.normal(1.0), name="components")
                x = x + table(component(latent[:, 0], self.components))
            if place > 0:
                x = normalise(x, train, self.norm, dtype=self.dtype)
            x = activation(x)
        x = Dense(math.prod(self.shape), kernel_init=KERNEL_INIT, dtype=self.dtype)(x)
        x = x.astype(jnp.float32)
        return (jnp.tanh(x) if self.bounded else x).reshape(-1, *self.shape)


def component(latent: jax.Array, components: int) -> jax.Array:
    """The interval that each latent falls into, of so many that a draw of N(0, 1) is equally likely to fall into.

    Args:
      latent: numbers [B].
      components: K.

    Returns:
      Intervals in [0, K), int32 [B].
    """
    place = jnp.floor(jax.scipy.special.ndtr(latent.astype(jnp.float32)) * components)
    return jnp.clip(place, 0, components - 1).astype(jnp.int32)


class Critic(CriticNetwork):
    """Maps data to one number each through ever narrower layers.

    Attributes:
      widths: units of the hidden layers.
      norm: normalisation, one of `NORMS`: "batch" and "layer" follow each hidden layer but the first, "spectral" is of
        every layer.
      activation: what follows each hidden layer.
      pieces: linear maps of which a unit of the hidden layers is the largest, in the place of the activation: maxout,
        Goodfellow et al. 2013, https://arxiv.org/abs/1302.4389; 1 for an activation.
      deviation: whether the last layer also sees the minibatch standard deviation.
      waves: random waves whose sines and cosines the first layer also sees, for data of which small things count; 0 for
        none.
      frequency: standard deviation of their frequencies as they start, in periods per unit of the data.
      dtype: to which factors of products are rounded; sums and parameters are float32.
    """

    widths: Sequence[Size] = (512, 256)
    norm: Annotated[str, OneOf(NORMS)] = "none"
    activation: Activation = "leaky_relu"
    pieces: Size = 1
    deviation: bool = False
    waves: Annotated[int, Range(0, 2**16)] = 0
    frequency: Positive = 1.0
    dtype: Any = jnp.float32

    @property
    def judges_alone(self) -> bool:
        """Batch normalisation and the deviation let images of a batch influence each other."""
        return self.norm != "batch" and not self.deviation

    @nn.compact
    def __call__(self, image: jax.Array, train: bool) -> CriticOutput:
        """Judges data [B, ...].

        Raises:
          ValueError: a width or `pieces` is below 1, or `norm` or `activation` is unknown.
        """
        check_widths(self.widths)
        check_norm(self.norm)
        activation = activation_of(self.activation)
        if self.pieces < 1:
            raise ValueError(f"pieces={self.pieces} must be at least 1")
        x = image.reshape(image.shape[0], -1)
        if self.waves:
            x = FourierFeatures(self.waves, self.frequency, self.dtype)(x)
        for place, width in enumerate(self.widths):
            x = weigh(Dense(width * self.pieces, kernel_init=KERNEL_INIT, dtype=self.dtype), x, train, self.norm)
            if place > 0:
                x = normalise(x, train, self.norm, dtype=self.dtype)
            x = activation(x) if self.pieces == 1 else x.reshape(len(x), width, self.pieces).max(-1)
        if self.deviation and train:
            check_batch(x.shape[0])
        seen = append_deviation(x) if self.deviation else x
        logit = weigh(Dense(1, kernel_init=KERNEL_INIT, dtype=self.dtype), seen, train, self.norm)
        return CriticOutput(logit[:, 0].astype(jnp.float32), x.astype(jnp.float32))
