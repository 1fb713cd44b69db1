"""Convolutions with the parameters and results of flax's, fast on every platform and in every precision."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jax.typing import DTypeLike

from gengen.networks.layers.convolutions import convolve, convolve_transposed
from gengen.networks.layers.dense import add_bias
from gengen.networks.layers.windows import Pads, Pair

Padding = str | int | Sequence[tuple[int, int]]
Initializer = Callable[..., jax.Array]


class Conv(nn.Module):
    """Two-dimensional convolution; parameters, initialisation and results of `flax.linen.Conv`.

    Attributes:
      features: channels of the output.
      kernel_size: height and width of the kernel.
      strides: steps of the window, one number or (height, width).
      padding: "SAME", "VALID", or zeros (before, after) in height and width; one number pads every side.
      use_bias: whether to add a bias.
      dtype: of the map, and to which input and kernel are rounded; sums and parameters are float32. None: that of both.
      kernel_init: initialiser of the kernel [kh, kw, c / groups, features].
      bias_init: initialiser of the bias [features].
      groups: into which channels and features fall, each seeing its own alone; flax's `feature_group_count`.
    """

    features: int
    kernel_size: Pair
    strides: int | Pair = 1
    padding: Padding = "SAME"
    use_bias: bool = True
    dtype: DTypeLike | None = None
    kernel_init: Initializer = nn.initializers.lecun_normal()
    bias_init: Initializer = nn.initializers.zeros_init()
    groups: int = 1

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Convolves images [n, h, w, c] to [n, h', w', features].

        Raises:
          ValueError: `x` has not four dimensions, the padding is unknown, the kernel exceeds the padded image, or
            channels or features are no multiples of `groups`.
        """
        kernel, bias, dtype = _parameters(self, x, self.groups)
        strides = _pair(self.strides)
        if isinstance(self.padding, str):
            _known(self.padding)
            (top, left) = lax.padtype_to_pads(x.shape[1:3], self.kernel_size, strides, self.padding)
            pads: Pads = (top, left)
        else:
            pads = _explicit(self.padding)
        return add_bias(convolve(x, kernel, strides, pads, dtype, groups=self.groups), bias).astype(dtype)


class ConvTranspose(nn.Module):
    """Two-dimensional transposed convolution; parameters, initialisation and results of `flax.linen.ConvTranspose`.

    The kernel is not flipped, as in flax with `transpose_kernel=False`. With padding "SAME" an image of h x w becomes
    one of h * stride x w * stride.

    Attributes:
      features: channels of the output.
      kernel_size: height and width of the kernel.
      strides: factor by which height and width grow, one number or (height, width).
      padding: "SAME", "VALID", or zeros (before, after) around the dilated image in height and width, as
        `lax.conv_transpose` counts them (PyTorch's padding p is `kernel - 1 - p` here); one number pads every side.
      use_bias: whether to add a bias.
      dtype: of the map, and to which input and kernel are rounded; sums and parameters are float32. None: that of both.
      kernel_init: initialiser of the kernel [kh, kw, c, features].
      bias_init: initialiser of the bias [features].
    """

    features: int
    kernel_size: Pair
    strides: int | Pair = 1
    padding: Padding = "SAME"
    use_bias: bool = True
    dtype: DTypeLike | None = None
    kernel_init: Initializer = nn.initializers.lecun_normal()
    bias_init: Initializer = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Convolves images [n, h, w, c] transposed to [n, h', w', features].

        Raises:
          ValueError: `x` has not four dimensions, the padding is unknown, or no pixel would be left.
        """
        kernel, bias, dtype = _parameters(self, x)
        strides = _pair(self.strides)
        if isinstance(self.padding, str):
            _known(self.padding)
            (kh, kw), (sh, sw) = self.kernel_size, strides
            pads: Pads = (_transposed_pads(kh, sh, self.padding), _transposed_pads(kw, sw, self.padding))
        else:
            pads = _explicit(self.padding)
        return add_bias(convolve_transposed(x, kernel, strides, pads, dtype), bias).astype(dtype)


def _parameters(
    layer: Conv | ConvTranspose, x: jax.Array, groups: int = 1
) -> tuple[jax.Array, jax.Array | None, DTypeLike]:
    """Declares kernel and bias as flax does; returns them, and the dtype of the computation."""
    if x.ndim != 4:
        raise ValueError(f"{type(layer).__name__} takes images [n, height, width, channels], not an array of {x.shape}")
    channels = x.shape[3] // max(groups, 1)
    kernel = layer.param("kernel", layer.kernel_init, (*layer.kernel_size, channels, layer.features), jnp.float32)
    bias = layer.param("bias", layer.bias_init, (layer.features,), jnp.float32) if layer.use_bias else None
    return kernel, bias, nn.dtypes.canonicalize_dtype(x, kernel, bias, dtype=layer.dtype)


def _pair(number: int | Pair) -> Pair:
    return (number, number) if isinstance(number, int) else number


def _known(padding: str) -> None:
    if padding not in ("SAME", "VALID"):
        raise ValueError(f'padding is "SAME", "VALID" or pairs of numbers, not "{padding}"')


def _explicit(padding: int | Sequence[tuple[int, int]]) -> Pads:
    if isinstance(padding, int):
        return ((padding, padding), (padding, padding))
    (top, bottom), (left, right) = padding
    return ((top, bottom), (left, right))


def _transposed_pads(kernel: int, stride: int, padding: str) -> Pair:
    """What `lax.conv_transpose` makes of a padding's name along one axis."""
    if padding == "VALID":
        return kernel - 1, stride - 1 + max(kernel - stride, 0)
    total = kernel + stride - 2
    low = kernel - 1 if stride > kernel - 1 else -(-total // 2)
    return low, total - low
