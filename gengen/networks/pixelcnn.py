"""A gated PixelCNN: what it says of a number depends on the numbers before it alone, row by row, left to right.

Van den Oord et al. 2016, https://arxiv.org/abs/1606.05328, section 2 and figure 2: a vertical stack sees all rows
above, a horizontal one the row itself, and is told what the other saw; section 2.3: what the class says differs from
place to place. Kernels are shifted, not masked, so that no product is wasted: Salimans et al. 2017,
https://arxiv.org/abs/1701.05517, section 2.3. Dilated: Oord et al. 2016, https://arxiv.org/abs/1609.03499, section 2.1.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.layers.dense import Dense
from gengen.values import Entries, Range, Size


class Past(NamedTuple):
    """What a stack remembers where it is computed bit by bit: the last rows, or the last pixels of a row.

    Attributes:
      seen: of what is shown to the network, [B, reach, W, S] or [B, 1, reach, S].
      layers: of what each layer is shown, as many as it is dilated by, [B, d, W, F] or [B, 1, d, F].
    """

    seen: jax.Array
    layers: tuple[jax.Array, ...]


class GatedLayer(nn.Module):
    """One step of both stacks.

    Attributes:
      width: numbers F at a pixel, in each stack.
      dilation: how far up, to the left and to the right a kernel looks.
      told: whether something is told of places.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    width: int
    dilation: int
    told: bool
    dtype: Any

    def setup(self) -> None:
        """Makes the kernels, as products of what the taps see."""
        self.vertical = Dense(2 * self.width, dtype=self.dtype)
        self.horizontal = Dense(2 * self.width, dtype=self.dtype)
        self.out = Dense(self.width, dtype=self.dtype)
        if self.told:
            self.tell_vertical = Dense(2 * self.width, use_bias=False)
            self.tell_horizontal = Dense(2 * self.width, use_bias=False)

    def rows(self, above: jax.Array, here: jax.Array, told: jax.Array | None) -> jax.Array:
        """The vertical stack at rows [B, h, W, F], which sees those `dilation` above and is told [B, h, W, S]."""
        steps = (self.dilation, 0, -self.dilation)
        taps = jnp.concatenate([moved(x, 2, step) for x in (above, here) for step in steps], -1)
        found = self.vertical(taps)
        return here + _gated(found if told is None else found + self.tell_vertical(told))

    def pixels(self, left: jax.Array, here: jax.Array, above: jax.Array, told: jax.Array | None) -> jax.Array:
        """The horizontal stack at pixels [B, h, w, F], which sees those `dilation` to the left and the other stack."""
        found = self.horizontal(jnp.concatenate([left, here, above], -1))
        gated = _gated(found if told is None else found + self.tell_horizontal(told))
        return here + self.out(gated)


class PixelCNN(nn.Module):
    """Features of every pixel that depend on the pixels before it alone.

    Attributes:
      shape: of a map, (H, W, C).
      width: numbers F at a pixel, in each of two stacks.
      dilations: of the kernels of each layer; their sum and `reach` are how many rows up one can see.
      reach: how many pixels up, to the left and to the right the first kernels see.
      hidden: units of the layer that makes predictions of features.
      waves: exponents n of sin(2^n pi x) and cos(2^n pi x), which the first kernels see beside x, so that near levels
        are told apart: Kingma et al. 2021, https://arxiv.org/abs/2107.00630, appendix C.
      spatial: numbers S of each place that a class is turned into, by which every layer is told it.
      classes: of which one is told, as one of K, [B, K]; 0 where nothing is told.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    shape: tuple[int, ...]
    width: Size = 32
    dilations: Annotated[Sequence[Annotated[int, Range(1, 64)]], Entries(1)] = (1, 2, 1, 4)
    reach: Annotated[int, Range(1, 16)] = 3
    hidden: Size = 64
    waves: Sequence[Annotated[int, Range(0, 16)]] = ()
    spatial: Size = 16
    classes: int = 0
    dtype: Any = jnp.float32

    def setup(self) -> None:
        """Makes the layers."""
        self.first_rows = Dense(self.width, dtype=self.dtype)
        self.first_pixels = Dense(self.width, dtype=self.dtype)
        if self.classes:
            numbers = math.prod(self.shape[:2]) * self.spatial
            self.of_class = Dense(numbers, use_bias=False, kernel_init=nn.initializers.normal(0.1))
        self.layers = [GatedLayer(self.width, far, self.classes > 0, self.dtype) for far in self.dilations]

    def __call__(self, x: jax.Array, context: jax.Array | None = None) -> jax.Array:
        """Features [B, H, W, F] of x [B, H, W, C] under a context [B, K]."""
        seen = self.shown(x)
        rows = self._first_rows([moved(seen, 1, far) for far in self._back()])
        pixels = self._first_pixels([moved(seen, 2, far) for far in self._back()])
        told = self.places(context)
        for layer, far in zip(self.layers, self.dilations, strict=True):
            rows = layer.rows(moved(rows, 1, far), rows, told)
            pixels = layer.pixels(moved(pixels, 2, far), pixels, rows, told)
        return pixels

    def places(self, context: jax.Array | None) -> jax.Array | None:
        """What is told of each place [B, H, W, S] under a context [B, K]; None where there is none."""
        if context is None:
            return None
        told: jax.Array = self.of_class(context)
        return told.reshape(len(context), *self.shape[:2], self.spatial)

    def next_row(self, past: Past, told: jax.Array | None) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]:
        """The vertical stack at the row after `past`, which is told [B, 1, W, S].

        Returns:
          Of each layer [B, 1, W, F], and what layers then remember.
        """
        row = self._first_rows([past.seen[:, at : at + 1] for at in range(self.reach)])
        found, remembered = [], []
        for layer, before in zip(self.layers, past.layers, strict=True):
            remembered.append(pushed(before, row, 1))
            row = layer.rows(before[:, :1], row, told)
            found.append(row)
        return tuple(found), tuple(remembered)

    def next_pixel(
        self, past: Past, above: tuple[jax.Array, ...], told: jax.Array | None
    ) -> tuple[jax.Array, tuple[jax.Array, ...]]:
        """Features [B, 1, 1, F] of the pixel after `past` in its row, and what layers then remember.

        Args:
          past: of the row.
          above: what `next_row` gave there, of each layer [B, 1, 1, F].
          told: of its place, [B, 1, 1, S].
        """
        pixel = self._first_pixels([past.seen[:, :, at : at + 1] for at in range(self.reach)])
        remembered = []
        for layer, before, rows in zip(self.layers, past.layers, above, strict=True):
            remembered.append(pushed(before, pixel, 2))
            pixel = layer.pixels(before[:, :, :1], pixel, rows, told)
        return pixel, tuple(remembered)

    def shown(self, x: jax.Array) -> jax.Array:
        """x [..., C], its waves, and ones, by which what lies outside of a map, all 0, is told apart from 0."""
        waves = [wave(math.pi * 2.0**n * x) for n in self.waves for wave in (jnp.sin, jnp.cos)]
        return jnp.concatenate([x, *waves, jnp.ones((*x.shape[:-1], 1), x.dtype)], -1)

    def nothing(self, size: int) -> tuple[Past, Past]:
        """What there is to remember before the first row, and in a row before its first pixel."""
        _, wide, channels = self.shape
        rows = tuple(jnp.zeros((size, far, wide, self.width)) for far in self.dilations)
        pixels = tuple(jnp.zeros((size, 1, far, self.width)) for far in self.dilations)
        shown = channels * (1 + 2 * len(self.waves)) + 1
        seen = jnp.zeros((size, self.reach, wide, shown)), jnp.zeros((size, 1, self.reach, shown))
        return Past(seen[0], rows), Past(seen[1], pixels)

    def _back(self) -> range:
        return range(self.reach, 0, -1)

    def _first_rows(self, above: list[jax.Array]) -> jax.Array:
        lines = jnp.concatenate(above, -1)
        steps = range(self.reach, -self.reach - 1, -1)
        rows: jax.Array = self.first_rows(jnp.concatenate([moved(lines, 2, step) for step in steps], -1))
        return rows

    def _first_pixels(self, left: list[jax.Array]) -> jax.Array:
        pixels: jax.Array = self.first_pixels(jnp.concatenate(left, -1))
        return pixels


class Predictions(nn.Module):
    """What numbers say of each number of a map: parameters of a distribution, or of a map of that number alone.

    Channels of a pixel come in order: what is said of one depends on those before it, too. At first all is 0.

    Attributes:
      body: features of pixels.
      outputs: numbers P that are said of each number.
    """

    body: PixelCNN
    outputs: int

    def setup(self) -> None:
        """Makes two layers for each channel."""
        last = {"kernel_init": nn.initializers.zeros_init(), "dtype": self.body.dtype}
        self.hidden = [Dense(self.body.hidden, dtype=self.body.dtype) for _ in range(self.body.shape[-1])]
        self.last = [Dense(self.outputs, **last) for _ in range(self.body.shape[-1])]

    def __call__(self, x: jax.Array, context: jax.Array | None = None) -> jax.Array:
        """Returns [B, H, W, C, P] for x [B, H, W, C] and a context [B, K], None where the body has no classes."""
        features = self.body(x, context)
        return jnp.stack([self.of_channel(features, x[..., :at], at) for at in range(self.body.shape[-1])], -2)

    def of_channel(self, features: jax.Array, earlier: jax.Array, channel: int) -> jax.Array:
        """What is said of a channel [..., P], by features [..., F] and the channels before it [..., channel]."""
        seen = jnp.concatenate([nn.relu(features), earlier], -1) if channel else nn.relu(features)
        said: jax.Array = self.last[channel](nn.relu(self.hidden[channel](seen)))
        return said.astype(jnp.float32)

    def places(self, context: jax.Array | None) -> jax.Array | None:
        """As the body's."""
        return self.body.places(context)

    def next_row(self, past: Past, told: jax.Array | None) -> Any:
        """As the body's."""
        return self.body.next_row(past, told)

    def next_pixel(self, past: Past, above: tuple[jax.Array, ...], told: jax.Array | None) -> Any:
        """As the body's."""
        return self.body.next_pixel(past, above, told)


Choose = Callable[[jax.Array, jax.Array], jax.Array]
"""`(parameters [B, P], place int32 []) -> numbers [B]`; places count numbers row by row, channels last."""


def draw(
    network: Predictions,
    variables: Mapping[str, Any],
    choose: Choose,
    size: int,
    context: jax.Array | None = None,
) -> jax.Array:
    """Makes maps number by number, each chosen by what the network says of it after all those before it.

    Rows and pixels that have been seen are remembered, so that it takes about as many products as one pass over a map.

    Args:
      network: parameters of every number.
      variables: its own.
      choose: makes numbers of their parameters.
      size: how many maps B are made.
      context: [B, K]; None where the body has no classes.

    Returns:
      Maps [B, H, W, C], float32.
    """
    high, wide, channels = network.body.shape
    run: Callable[..., Any] = partial(network.apply, variables)
    start, row_start = network.body.nothing(size)
    told = run(context, method="places")

    def pixel(past: Past, inputs: tuple[jax.Array, Any, jax.Array | None]) -> tuple[Past, jax.Array]:
        place, above, told = inputs
        features, layers = run(past, above, told, method="next_pixel")
        made = jnp.zeros((size, 0))
        for channel in range(channels):
            said = run(features[:, 0, 0], made, channel, method="of_channel")
            made = jnp.concatenate([made, choose(said, place * channels + channel)[:, None]], 1)
        return Past(pushed(past.seen, network.body.shown(made[:, None, None]), 2), layers), made

    def row(past: Past, inputs: tuple[jax.Array, jax.Array | None]) -> tuple[Past, jax.Array]:
        line, told = inputs
        maps, layers = run(past, told, method="next_row")
        above, of_pixels = jax.tree.map(lambda found: jnp.moveaxis(found, 2, 0)[:, :, :, None], (maps, told))
        places = line * wide + jnp.arange(wide, dtype=jnp.int32)
        _, made = lax.scan(pixel, row_start, (places, above, of_pixels))
        made = jnp.moveaxis(made, 0, 1)
        return Past(pushed(past.seen, network.body.shown(made[:, None]), 1), layers), made

    rows = None if told is None else jnp.moveaxis(told, 1, 0)[:, :, None]
    _, made = lax.scan(row, start, (jnp.arange(high, dtype=jnp.int32), rows))
    return jnp.moveaxis(made, 0, 1)


def moved(x: jax.Array, axis: int, far: int) -> jax.Array:
    """Moves x towards the end of an axis, or towards its start where `far` is negative; 0 comes in, x's shape stays."""
    if not far:
        return x
    return lax.pad(x, jnp.zeros((), x.dtype), [(far, -far, 0) if at == axis else (0, 0, 0) for at in range(x.ndim)])


def pushed(before: jax.Array, new: jax.Array, axis: int) -> jax.Array:
    """Takes the oldest of what is remembered along an axis away and puts something new at the end."""
    return jnp.concatenate([lax.slice_in_dim(before, 1, None, axis=axis), new], axis)


def _gated(x: jax.Array) -> jax.Array:
    """tanh times sigmoid of two halves of the last axis: equation 2 of van den Oord et al."""
    value, gate = jnp.split(x, 2, -1)
    return jnp.tanh(value) * (0.5 + 0.5 * jnp.tanh(0.5 * gate))  # a sigmoid, in a form that is faster on a CPU
