"""A residual perceptron for points, tables and whatever else is flattened."""

from collections.abc import Mapping
from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.denoisers.denoiser import Denoiser, keys_at
from gengen.networks.layers.dense import Dense
from gengen.networks.layers.dropout import drop
from gengen.networks.layers.fourier import FourierFeatures
from gengen.values import Decay, Positive, Range, Size


class DenoisingMLP(Denoiser):
    """Residual blocks of two layers, whose hidden units the embedding scales and shifts.

    Attributes:
      width: units of each layer.
      blocks: how many there are.
      waves: random waves whose sines and cosines the first layer also sees, for data of which small things count; 0 for
        none.
      frequency: standard deviation of their frequencies as they start, in periods per unit of the data.
      dropout: probability that a hidden unit is set to 0.
    """

    width: Size = 256
    blocks: Annotated[int, Range(1, 100)] = 3
    waves: Annotated[int, Range(0, 2**16)] = 0
    frequency: Positive = 1.0
    dropout: Decay = 0.0

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        time: jax.Array,
        told: Mapping[str, jax.Array] | None = None,
        span: jax.Array | None = None,
        keys: jax.Array | None = None,
        *,
        train: bool,
    ) -> jax.Array:
        """As in `DenoisingUNet`, of data of any shape."""
        vector = self.embedded(time, told, span).vector
        h = x.reshape(len(x), -1)
        if self.waves:
            h = FourierFeatures(self.waves, self.frequency, self.dtype)(h)
        h = Dense(self.width, dtype=self.dtype)(h)
        for place in range(self.blocks):
            scale, shift = jnp.split(Dense(2 * self.width, dtype=self.dtype)(vector), 2, -1)
            inner = Dense(self.width, dtype=self.dtype)(nn.LayerNorm()(h))
            inner = nn.silu(inner * (1 + scale) + shift)
            if (own := keys_at(keys, place, train)) is not None:
                inner = drop(inner, own, self.dropout)
            h = h + Dense(self.width, dtype=self.dtype)(inner)
        h = nn.silu(nn.LayerNorm()(h))
        made = Dense(self.size, kernel_init=nn.initializers.zeros_init(), dtype=self.dtype)(h)
        return made.astype(jnp.float32).reshape(x.shape)
