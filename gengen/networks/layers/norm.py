"""Batch normalisation over the batch of all replicas, instance normalisation, and the choice among all."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.typing import DTypeLike

from gengen.core.parallel import AXIS, replica_mean
from gengen.networks.layers.spectral import Spectral

NORMS = ("none", "batch", "layer", "spectral")
"""Normalisations that any critic can have."""

NORMS_OF_GENERATORS = ("none", "batch", "layer")
"""Normalisations that a generator or a decoder can have."""

NORMS_OF_MAPS = (*NORMS, "instance")
"""Normalisations of critics whose layers are all maps [n, h, w, c]."""

NORMS_OF_TRANSLATORS = ("none", "batch", "instance")
"""Normalisations that a translator can have."""

NORMS_OF_ACTIVATIONS = ("batch", "layer", "instance")
"""Those that follow a layer and take its mean away, so that the layer needs no bias."""


def near_one(key: jax.Array, shape: Any, dtype: Any = jnp.float32) -> jax.Array:
    """Scales from N(1, 0.02), as the authors of DCGAN and pix2pix initialise those of batch normalisation."""
    return 1 + 0.02 * jax.random.normal(key, shape, dtype)


MOMENTS = "moments"
"""The collection in which batch normalisation leaves mean and variance of a batch, where a pass has room for it."""


class SingleValueError(ValueError):
    """A batch has a single value for each feature, so that there is nothing to normalise it by."""


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
      affine: whether the learned scale and bias of each channel follow.
    """

    momentum: float = 0.99
    epsilon: float = 1e-5
    dtype: DTypeLike | None = None
    scale_init: Callable[..., jax.Array] = nn.initializers.ones_init()
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros_init()
    affine: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Normalises x [n, ..., c] over all axes but the last.

        Args:
          x: features [n, c] or images [n, h, w, c].
          train: normalise by the batch's own statistics and update the running ones in `batch_stats`; otherwise
            normalise by the running ones.

        Returns:
          Array of x's shape.

        Raises:
          SingleValueError: `train` asks for statistics of a single value, which would become 0 whatever it was.
        """
        features = x.shape[-1:]
        mean_average = self.variable("batch_stats", "mean", jnp.zeros, features, jnp.float32)
        var_average = self.variable("batch_stats", "var", jnp.ones, features, jnp.float32)
        scale = self.param("scale", self.scale_init, features, jnp.float32) if self.affine else None
        bias = self.param("bias", self.bias_init, features, jnp.float32) if self.affine else None
        dtype = nn.dtypes.canonicalize_dtype(x, scale, bias, dtype=self.dtype)
        x = x.astype(jnp.float32)
        if train:
            self._check(x)
            mean, var = _moments(x, replicated=not self.is_initializing())
            if not self.is_initializing():
                keep = self.momentum
                mean_average.value = keep * mean_average.value + (1 - keep) * mean
                var_average.value = keep * var_average.value + (1 - keep) * var
                self.sow(MOMENTS, "mean", mean)
                self.sow(MOMENTS, "var", var)
        else:
            mean, var = mean_average.value, var_average.value

        def spread(value: jax.Array) -> jax.Array:
            return lax.broadcast_in_dim(value, x.shape, (x.ndim - 1,))

        factor = lax.rsqrt(var + self.epsilon)
        y = (x - spread(mean)) * spread(factor if scale is None else factor * scale)
        return (y if bias is None else y + spread(bias)).astype(dtype)

    def _check(self, x: jax.Array) -> None:
        if not self.is_initializing() and math.prod(x.shape[:-1]) * lax.axis_size(AXIS) < 2:
            raise SingleValueError("batch normalisation of a single value makes 0 of it, whatever it is")


def _moments(x: jax.Array, replicated: bool) -> tuple[jax.Array, jax.Array]:
    """Mean and variance [c] of the batch, of all replicas' batches if `replicated`, in one exchange."""
    axes = tuple(range(x.ndim - 1))
    moments = jnp.stack([x.mean(axes), jnp.square(x).mean(axes)])
    if replicated:
        moments = replica_mean(moments)
    mean, square = moments
    return mean, jnp.maximum(square - jnp.square(mean), 0.0)  # rounding must not make a variance negative


class InstanceNorm(nn.Module):
    """Instance normalisation: Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022, eq. 2.

    Each channel of each example gets mean 0 and variance 1 over its places, in training and in use alike, so no example
    depends on another.

    Attributes:
      affine: whether a learned scale and bias of each channel follow. CycleGAN and pix2pix have none.
      epsilon: added to the variance.
      dtype: dtype of the result; statistics and parameters are float32. None: that of x.
      scale_init: initialiser of the scale [c].
      bias_init: initialiser of the bias [c].
    """

    affine: bool = False
    epsilon: float = 1e-5
    dtype: DTypeLike | None = None
    scale_init: Callable[..., jax.Array] = nn.initializers.ones_init()
    bias_init: Callable[..., jax.Array] = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises maps [n, h, w, c] over height and width.

        Raises:
          ValueError: `x` has not four dimensions, or one place only, which would become 0 whatever it held.
        """
        if x.ndim != 4 or x.shape[1] * x.shape[2] < 2:
            raise ValueError(
                f"instance normalisation needs maps of two places or more, not {x.shape[1:]}: "
                "halve the image less often, or choose another norm"
            )
        dtype = x.dtype if self.dtype is None else self.dtype
        x = x.astype(jnp.float32)
        centred = x - x.mean((1, 2), keepdims=True)
        y = centred * lax.rsqrt(jnp.square(centred).mean((1, 2), keepdims=True) + self.epsilon)
        if self.affine:
            scale = self.param("scale", self.scale_init, x.shape[-1:], jnp.float32)
            bias = self.param("bias", self.bias_init, x.shape[-1:], jnp.float32)
            y = y * lax.broadcast_in_dim(scale, x.shape, (3,)) + lax.broadcast_in_dim(bias, x.shape, (3,))
        return y.astype(dtype)


def check_norm(norm: str, known: Sequence[str] = NORMS) -> None:
    """Refuses names of normalisations that a network does not know.

    Raises:
      ValueError: the name is not one of `known`; the sentence has the list.
    """
    if norm not in known:
        raise ValueError(f'norm is one of {", ".join(known)}, not "{norm}"')


def weigh(layer: nn.Module, x: jax.Array, train: bool, norm: str) -> jax.Array:
    """Runs a layer, with spectrally normalised weights if `norm` is "spectral".

    To be called in a compact method, where the layer was made.

    Args:
      layer: `Dense` or `Conv`.
      x: what the layer takes.
      train: whether power iteration goes on.
      norm: one of `NORMS_OF_MAPS`.

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
    "instance" is `InstanceNorm` without scale and bias.

    Args:
      x: features [n, c] or maps [n, h, w, c].
      train: whether batch normalisation uses the statistics of this batch.
      norm: one of `NORMS_OF_MAPS`.
      dtype: dtype of the result; statistics are float32. None: that of x, and of parameters with "batch".
      scale_init: initialiser of the scale [c].

    Returns:
      Array of x's shape.

    Raises:
      ValueError: `norm` is "instance" and x is no map of two places or more.
    """
    if norm == "instance":
        return InstanceNorm(dtype=dtype)(x)
    if norm == "batch":
        return BatchNorm(momentum=0.9, scale_init=scale_init, dtype=dtype)(x, train)
    if norm == "layer":
        axes = tuple(range(1, x.ndim))
        layer = nn.LayerNorm(scale_init=scale_init, reduction_axes=axes, use_fast_variance=False)
        y: jax.Array = layer(x.astype(jnp.float32))
        return y.astype(x.dtype if dtype is None else dtype)
    return x
