"""Doubling the height and width of an image, one choice of five."""

from collections.abc import Callable
from typing import Annotated

import chex
import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.typing import DTypeLike

from gengen.networks.layers.conv import Conv, ConvTranspose
from gengen.values import OneOf


def nearest(x: jax.Array) -> jax.Array:
    """Repeats every pixel of x [n, h, w, c] in a block of 2 x 2; returns [n, 2h, 2w, c]."""
    chex.assert_rank(x, 4)
    n, h, w, c = x.shape
    return lax.broadcast_in_dim(x, (n, h, 2, w, 2, c), (0, 1, 3, 5)).reshape(n, 2 * h, 2 * w, c)


def bilinear(x: jax.Array) -> jax.Array:
    """Interpolates x [n, h, w, c] linearly between pixel centres, the border repeated; returns [n, 2h, 2w, c].

    The same as `jax.image.resize(x, (n, 2h, 2w, c), "bilinear")`: a new pixel lies a quarter of a pixel from the
    nearest old centre and three quarters from the next.
    """
    chex.assert_rank(x, 4)
    for axis in (1, 2):
        before = jnp.concatenate([x[:, :1], x[:, :-1]] if axis == 1 else [x[:, :, :1], x[:, :, :-1]], axis)
        after = jnp.concatenate([x[:, 1:], x[:, -1:]] if axis == 1 else [x[:, :, 1:], x[:, :, -1:]], axis)
        pair = jnp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1)
        x = pair.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 1 :])
    return x


def bed_of_nails(x: jax.Array) -> jax.Array:
    """Puts every pixel of x [n, h, w, c] in the upper left of 2 x 2 zeros; returns [n, 2h, 2w, c]."""
    chex.assert_rank(x, 4)
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), (0, 1, 1), (0, 1, 1), (0, 0, 0)])


def depth_to_space(x: jax.Array) -> jax.Array:
    """Spreads channels (2, 2, c) of x [n, h, w, 4c] over blocks of 2 x 2 pixels; returns [n, 2h, 2w, c]."""
    chex.assert_rank(x, 4)
    n, h, w, c = x.shape
    return x.reshape(n, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c // 4)


INTERPOLATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "nearest": nearest,
    "bilinear": bilinear,
    "bed_of_nails": bed_of_nails,
}
"""Choices without parameters of their own, followed by a 3 x 3 convolution."""

METHODS = (*INTERPOLATIONS, "transposed", "subpixel")
"""Every choice that `Upsample` knows."""

Upsampling = Annotated[str, OneOf(METHODS)]


class Upsample(nn.Module):
    """Doubles height and width and sets the number of channels.

    Attributes:
      features: channels of the output.
      method: "nearest", "bilinear" or "bed_of_nails" (each followed by a 3 x 3 convolution), "transposed" (a transposed
        convolution of 4 x 4 in steps of 2, Radford et al. 2016), or "subpixel" (a 3 x 3 convolution to four times the
        features, spread over blocks of 2 x 2 pixels, Shi et al. 2016).
      kernel_init: initialiser of the convolution's kernel.
      use_bias: whether the convolution has a bias.
      dtype: dtype of the computation; parameters are always float32. None: that of input and parameters.
    """

    features: int
    method: str = "transposed"
    kernel_init: Callable[..., jax.Array] = nn.initializers.lecun_normal()
    use_bias: bool = True
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Doubles images [n, h, w, c] to [n, 2h, 2w, features].

        Raises:
          ValueError: the method is unknown.
        """
        if self.method not in METHODS:
            raise ValueError(f'upsampling is one of {", ".join(METHODS)}, not "{self.method}"')
        if self.dtype is not None:
            x = x.astype(self.dtype)
        if self.method == "transposed":
            return ConvTranspose(
                self.features,
                (4, 4),
                strides=2,
                use_bias=self.use_bias,
                dtype=self.dtype,
                kernel_init=self.kernel_init,
            )(x)
        features = 4 * self.features if self.method == "subpixel" else self.features
        if self.method in INTERPOLATIONS:
            x = INTERPOLATIONS[self.method](x)
        x = Conv(features, (3, 3), use_bias=self.use_bias, dtype=self.dtype, kernel_init=self.kernel_init)(x)
        return depth_to_space(x) if self.method == "subpixel" else x
