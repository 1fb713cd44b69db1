"""Batch normalisation whose scale and bias each example is told: de Vries et al. 2017, arXiv:1707.00683, section 3."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.networks.layers.dense import Dense
from gengen.networks.layers.norm import BatchNorm, weigh


class ConditionalNorm(nn.Module):
    """Batch normalisation, and a scale and a bias that are linear in what each example is told.

    Brock et al. 2019, https://arxiv.org/abs/1809.11096, appendix B.1: both maps have no bias, and the scale is 1 plus
    its map.

    Attributes:
      spectral: whether the two kernels are spectrally normalised.
      momentum: of the running statistics, as in `BatchNorm`.
      kernel_init: initialiser of the two kernels.
      dtype: of the result, and to which factors of products are rounded; statistics and parameters are float32.
    """

    spectral: bool = True
    momentum: float = 0.9
    kernel_init: nn.initializers.Initializer = nn.initializers.orthogonal()
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, told: jax.Array, train: bool) -> jax.Array:
        """Normalises x [n, ..., c].

        Args:
          x: features [n, c] or maps [n, h, w, c].
          told: of each example, such as an embedding of its class [n, F].
          train: as in `BatchNorm`, and whether power iteration goes on.

        Returns:
          Array of x's shape.
        """
        normalised = BatchNorm(self.momentum, dtype=jnp.float32, affine=False)(x, train)

        def mapped() -> jax.Array:
            layer = Dense(x.shape[-1], use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype)
            made = weigh(layer, told, train, "spectral" if self.spectral else "none")
            return made.reshape(len(x), *[1] * (x.ndim - 2), -1)

        scale, bias = mapped(), mapped()
        return (normalised * (1 + scale) + bias).astype(self.dtype)
