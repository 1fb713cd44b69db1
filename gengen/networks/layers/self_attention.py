"""Self-attention of maps: Zhang et al. 2019, https://arxiv.org/abs/1805.08318, section 3."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.attention import attend
from gengen.networks.layers.conv import Conv
from gengen.networks.layers.downsample import max_pooled
from gengen.networks.layers.norm import weigh


class SelfAttention(nn.Module):
    """Adds to each place of a map what it is told by all places.

    Queries and keys have an eighth of the channels and values half of them; all are 1 x 1 convolutions without a bias.
    Logits are inner products that nothing divides. Keys and values are the largest of each 2 x 2 places, where height
    and width are even, as in the paper's section 3. What a place is told is weighed by a gain, gamma in the paper's eq.
    3, that starts at 0.

    Attributes:
      spectral: whether kernels are spectrally normalised.
      kernel_init: initialiser of the kernels.
      dtype: of the map, and to which factors of products are rounded; sums and parameters are float32.
    """

    spectral: bool = True
    kernel_init: nn.initializers.Initializer = nn.initializers.orthogonal()
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Returns maps [n, h, w, c] of maps [n, h, w, c]; `train` says whether power iteration goes on."""
        n, height, width, channels = x.shape
        few, half = max(channels // 8, 1), max(channels // 2, 1)

        def mapped(x: jax.Array, features: int) -> jax.Array:
            layer = Conv(features, (1, 1), use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype)
            return weigh(layer, x, train, "spectral" if self.spectral else "none")

        def pooled(x: jax.Array) -> jax.Array:
            return x if height % 2 or width % 2 else max_pooled(x)

        query = mapped(x, few).reshape(n, height * width, 1, few)
        keys, values = (pooled(mapped(x, each)).reshape(n, -1, 1, each) for each in (few, half))
        visible = jnp.ones((1, keys.shape[1]), bool)
        # attend divides logits by the root of the channels, which the query takes back.
        told = attend(query * math.sqrt(few), keys, values, visible, dtype=self.dtype)
        told = mapped(told.reshape(n, height, width, half).astype(x.dtype), channels)
        gain = self.param("gain", nn.initializers.zeros, (), jnp.float32)
        return (x.astype(jnp.float32) + gain * told.astype(jnp.float32)).astype(x.dtype)
