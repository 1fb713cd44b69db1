"""Masked perceptrons: what they say of a number of a vector depends on the numbers before it in an order, on no others.

Germain et al. 2015, https://arxiv.org/abs/1502.03509; with blocks of which each adds to what it is given, Durkan et al.
2019, https://arxiv.org/abs/1906.04032, appendix B.
"""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.layers.activations import activation_of
from gengen.networks.layers.dense import Dense, add_bias
from gengen.networks.layers.products import product

LECUN = nn.initializers.lecun_normal()


class MADE(nn.Module):
    """Parameters of every number of a vector, from the numbers before it.

    A hidden unit of degree k sees the first k numbers of the order (eq. 8 to 13); degrees take turns. The context is
    masked from nobody.

    Attributes:
      widths: units of the hidden layers; of `residual` ones, all must have as many.
      numbers: parameters P of each number, all 0 at first.
      order: all places 0 to D - 1, the first one first; () for 0, 1, 2, ...
      residual: after the first hidden layer, each adds two layers' worth to what it is given.
      activation: of hidden units.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    widths: Sequence[int]
    numbers: int
    order: Sequence[int] = ()
    residual: bool = False
    activation: str = "relu"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, context: jax.Array | None) -> jax.Array:
        """Returns parameters [B, D, P] for x [B, D] and a context [B, C]."""
        size, active = x.shape[-1], activation_of(self.activation)
        places = np.empty(size, int)
        places[np.asarray(self.order or range(size))] = np.arange(size)
        least = min(size - 1, 1) if context is None else 0  # a unit of degree 0 sees the context alone
        before, seen = places + 1, x
        for layer, width in enumerate(self.widths):
            degrees = least + np.arange(width) % max(size - least, 1)
            given = active(seen) if layer else seen
            if layer and self.residual:
                inner = active(self._masked(given, before, degrees))
                seen += self._masked(inner, degrees, degrees, nn.initializers.variance_scaling(0.1, "fan_in", "normal"))
            else:
                seen = self._masked(given, before, degrees)
            if not layer and context is not None:
                seen += Dense(width, use_bias=False, dtype=self.dtype)(context)
            before = degrees
        found = self._masked(active(seen), before, np.repeat(places, self.numbers), nn.initializers.zeros_init())
        return found.astype(jnp.float32).reshape(len(x), size, self.numbers)

    def _masked(self, x: jax.Array, before: np.ndarray, after: np.ndarray, start: Any = LECUN) -> jax.Array:
        """A layer whose unit of degree k sees those of at most k."""
        return Masked(tuple(before.tolist()), tuple(after.tolist()), start, self.dtype)(x)


class Masked(nn.Module):
    """A dense layer whose unit of degree k sees those of at most k.

    Attributes:
      before: degrees of the input's units.
      after: degrees of its own.
      kernel_init: initialiser of the kernel [inputs, units], before the mask.
      dtype: to which factors of the product are rounded.
    """

    before: Sequence[int]
    after: Sequence[int]
    kernel_init: Any = LECUN
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps x [B, inputs] to [B, units], float32."""
        mask = np.array(self.before)[:, None] <= np.array(self.after)
        kernel = self.param("kernel", self.kernel_init, mask.shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), mask.shape[1:], jnp.float32)
        return add_bias(product(x, jnp.where(mask, kernel, 0), jnp.dtype(self.dtype)), bias)
