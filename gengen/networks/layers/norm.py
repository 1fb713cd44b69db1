"""Batch normalisation over the batch of all replicas, and the choice among it and other normalisations."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.typing import DTypeLike

from gengen.core.parallel import replica_mean
from gengen.networks.layers.spectral import Spectral

NORMS = ("none", "batch", "layer", "spectral")
"""Normalisations that a critic can have."""

NORMS_OF_ACTIVATIONS = ("batch", "layer")
"""Those that follow a layer, and bring biases of their own."""


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015) over the batch of all replicas.

    Parameters, statistics and results of `flax.linen.BatchNorm(axis_name=AXIS)`, with two differences: `train` is said
    at the call, and the [c] statistics are broadcast directly. (flax's `expand_dims` keeps XLA:CPU from merging two
    equal forward passes of one step.) In training mode, unless initialising, the replica axis must be bound.

    Attributes:
      momentum: how much of the running statistics each update keeps.
      epsilon: added to the variance.
      dtype: dtype of the result; statistics and parameters are always float32. None: that of input and parameters.
      scale_init: initialiser of the scale [c].
      bias_init: initialiser of the bias [c].
    """

    momentum: float = 0.99
    epsilon: float = 1e-5
    dtype: DTypeLike | None = None
    scale_init: Callable[..., jax.Array] = nn.initializers.ones_init()
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Normalises x [n, ..., c] over all axes but the last.

        Args:
          x: features [n, c] or images [n, h, w, c].
          train: normalise by the batch's own statistics and update the running ones in `batch_stats`; otherwise
            normalise by the running ones.

        Returns:
          Array of x's shape.
        """
        features = x.shape[-1:]
        mean_average = self.variable("batch_stats", "mean", jnp.zeros, features, jnp.float32)
        var_average = self.variable("batch_stats", "var", jnp.ones, features, jnp.float32)
        scale = self.param("scale", self.scale_init, features, jnp.float32)
        bias = self.param("bias", self.bias_init, features, jnp.float32)
        dtype = nn.dtypes.canonicalize_dtype(x, scale, bias, dtype=self.dtype)
        x = x.astype(jnp.float32)
        if train:
            mean, var = _moments(x, replicated=not self.is_initializing())
            if not self.is_initializing():
                keep = self.momentum
                mean_average.value = keep * mean_average.value + (1 - keep) * mean
                var_average.value = keep * var_average.value + (1 - keep) * var
        else:
            mean, var = mean_average.value, var_average.value

        def spread(value: jax.Array) -> jax.Array:
            return lax.broadcast_in_dim(value, x.shape, (x.ndim - 1,))

        y = (x - spread(mean)) * spread(lax.rsqrt(var + self.epsilon) * scale) + spread(bias)
        return y.astype(dtype)


def _moments(x: jax.Array, replicated: bool) -> tuple[jax.Array, jax.Array]:
    """Mean and variance [c] of the batch, of all replicas' batches if `replicated`, in one exchange."""
    axes = tuple(range(x.ndim - 1))
    moments = jnp.stack([x.mean(axes), jnp.square(x).mean(axes)])
    if replicated:
        moments = replica_mean(moments)
    mean, square = moments
    return mean, jnp.maximum(square - jnp.square(mean), 0.0)  # rounding must not make a variance negative


def check_norm(norm: str) -> None:
    """Refuses names that are not of `NORMS`.

    Raises:
      ValueError: the name is unknown; the sentence has the list.
    """
    if norm not in NORMS:
        raise ValueError(f'norm is one of {", ".join(NORMS)}, not "{norm}"')


def weigh(layer: nn.Module, x: jax.Array, train: bool, norm: str) -> jax.Array:
    """Runs a layer, with spectrally normalised weights if `norm` is "spectral".

    To be called in a compact method, where the layer was made.

    Args:
      layer: `nn.Dense` or `Conv`.
      x: what the layer takes.
      train: whether power iteration goes on.
      norm: one of `NORMS`.

    Returns:
      What the layer makes of `x`.
    """
    return Spectral(layer)(x, train) if norm == "spectral" else layer(x)


def normalise(
    x: jax.Array,
    train: bool,
    norm: str,
    *,
    dtype: DTypeLike | None = None,
    scale_init: Callable[..., jax.Array] = nn.initializers.ones,
) -> jax.Array:
    """Normalises activations, if `norm` is one of `NORMS_OF_ACTIVATIONS`. To be called in a compact method.

    "layer" takes mean and variance of each example over all of its positions and features (Ba et al. 2016,
    https://arxiv.org/abs/1607.06450, eq. 3), so no example depends on another: what a critic under a gradient penalty
    needs (Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, section 4). Scale and bias are one per feature.

    Args:
      x: features [n, c] or maps [n, h, w, c].
      train: whether batch normalisation uses the statistics of this batch.
      norm: one of `NORMS`.
      dtype: dtype of the result; statistics are float32. None: that of x, and of parameters with "batch".
      scale_init: initialiser of the scale [c].

    Returns:
      Array of x's shape.
    """
    if norm == "batch":
        return BatchNorm(momentum=0.9, scale_init=scale_init, dtype=dtype)(x, train)
    if norm == "layer":
        axes = tuple(range(1, x.ndim))
        y = nn.LayerNorm(scale_init=scale_init, reduction_axes=axes, use_fast_variance=False)(x.astype(jnp.float32))
        return y.astype(x.dtype if dtype is None else dtype)
    return x
