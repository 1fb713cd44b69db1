"""Monotone splines of pieces that are quotients of two quadratics.

Gregory and Delbourgo 1982; Durkan et al. 2019, https://arxiv.org/abs/1906.04032, section 3.1 and appendix A.1.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.bijectors.monotone import Moved, Transform


class _Piece(NamedTuple):
    """The piece of the spline that each number lies in, all [...].

    Attributes:
      left: where it begins.
      width: how wide it is.
      bottom: the value there.
      height: by how much the spline rises.
      first: slope at its left end.
      last: slope at its right end.
    """

    left: jax.Array
    width: jax.Array
    bottom: jax.Array
    height: jax.Array
    first: jax.Array
    last: jax.Array


def rational_quadratic(
    bins: int, bound: float = 3.0, least: float = 1e-3, steepest: float = 30.0, *, outer: float = 0.0
) -> Transform:
    """A monotone rational-quadratic spline from [-bound, bound] to itself, which goes on as straight lines beyond.

    Parameters of a number are, in this order, K of the widths of pieces and K of their heights, which a softmax shares
    out, and those of the slopes between pieces. A slope is the harmonic mean of those of the two pieces, times
    exp(L tanh(p / L)) with L = log(steepest): bounds that keep every slope finite, and the middle of a flat piece from
    getting flatter still. Where all parameters are 0, the spline is the identity.

    With `outer` it is a distribution function on [-bound, bound] of grey values, the ends of which are so frequent
    that their density has to be level up to a sharp edge: the first and the last piece are as wide as such a value,
    slopes at both ends are parameters, too, and slopes between are relative to the geometric mean. (Where all widths
    are learnt, no training found the edge: 0.107 bits too many for each black pixel, and so 0.003.)

    What a round trip loses is what single precision does of the middle, divided by the slope there.

    Args:
      bins: pieces K.
      bound: half of what the spline spans.
      least: the smallest width and height of a piece, as a share of the whole.
      steepest: how many times as large as that mean a slope may get, or as small.
      outer: the width of the first and the last piece, as a share of the whole; 0 where all are learnt, and the slopes
        at the ends, and of the lines beyond, are 1.

    Returns:
      A transform with 3 bins - 1 parameters, or 3 bins + 1 with `outer`.

    Raises:
      ValueError: so many pieces have no room.
    """
    if bins < (3 if outer else 1) or not 0 < least * bins < 1 or steepest <= 1 or bound <= 0 or not 0 <= outer < 0.5:
        raise ValueError(f"bins={bins}, bound={bound:g}, least={least:g}, steepest={steepest:g} make no spline")

    spline = _Spline(bins, bound, least, steepest, outer)
    return Transform(3 * bins + (1 if outer else -1), _bins_first(spline.forward), _bins_first(spline.inverse))


class _Spline(NamedTuple):
    """What `rational_quadratic` is told; parameters are [P, N] and numbers [N]."""

    bins: int
    bound: float
    least: float
    steepest: float
    outer: float

    def forward(self, parameters: jax.Array, x: jax.Array) -> Moved:
        inside = jnp.clip(x, -self.bound, self.bound)
        found, lowest, highest = self._piece(parameters, inside, False)
        risen, slope = _risen(found, (inside - found.left) / found.width)
        return _with_lines(x, found.bottom + found.height * risen, slope, self.bound, lowest, highest)

    def inverse(self, parameters: jax.Array, z: jax.Array) -> Moved:
        inside = jnp.clip(z, -self.bound, self.bound)
        found, lowest, highest = self._piece(parameters, inside, True)
        share = _share(found, jnp.clip((inside - found.bottom) / found.height, 0, 1))
        _, slope = _risen(found, share)
        return _with_lines(z, found.left + found.width * share, -slope, self.bound, 1 / lowest, 1 / highest)

    def _piece(self, parameters: jax.Array, x: jax.Array, backwards: bool) -> tuple[_Piece, jax.Array, jax.Array]:
        """The piece that numbers [N] lie in, before (or after) the spline, and the slopes at both of its ends."""
        raw_widths, raw_heights = parameters[: self.bins], parameters[self.bins : 2 * self.bins]
        widths, lefts = self._knots(self._between(raw_widths) if self.outer else self._shares(raw_widths))
        heights, bottoms = self._knots(self._shares(raw_heights))
        slope = self._slopes(parameters[2 * self.bins :], heights / widths)
        index = (x[None] >= (bottoms if backwards else lefts)[1:]).sum(0, keepdims=True)

        def at(values: jax.Array) -> jax.Array:
            return jnp.take_along_axis(values, index, 0, mode="promise_in_bounds")[0]

        found = _Piece(at(lefts), at(widths), at(bottoms), at(heights), at(slope[:-1]), at(slope[1:]))
        return found, slope[0], slope[-1]

    def _shares(self, raw: jax.Array) -> jax.Array:
        """Shares of the whole [K, N] of pieces; where parameters are 0, those of the widths."""
        inner = (1 - 2 * self.outer) / max(self.bins - 2, 1)
        each = [self.outer, *[inner] * (self.bins - 2), self.outer] if self.outer else [1 / self.bins] * self.bins
        start = jnp.asarray(each)[:, None]
        softmax = jax.nn.softmax(raw + jnp.log(start), 0)
        return self.least * self.bins * start + (1 - self.least * self.bins) * softmax

    def _between(self, raw: jax.Array) -> jax.Array:
        """The same of widths, of which the first and the last stay as they are."""
        free = self.least + (1 - self.least * (self.bins - 2)) * jax.nn.softmax(raw[1:-1], 0)
        end = jnp.full_like(raw[:1], self.outer)
        return jnp.concatenate([end, (1 - 2 * self.outer) * free, end])

    def _knots(self, shares: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Lengths of pieces [K, N] and where they begin [K, N]."""
        lengths = 2 * self.bound * shares
        before = jnp.tril(jnp.ones((self.bins, self.bins)), -1)  # on CPU, a product is faster than jnp.cumsum
        return lengths, jnp.matmul(before, lengths, precision=lax.Precision.HIGHEST) - self.bound

    def _slopes(self, raw: jax.Array, mean: jax.Array) -> jax.Array:
        """At the ends of all pieces [K + 1, N], for the mean slopes of pieces [K, N]."""
        limit = math.log(self.steepest)
        if self.outer:
            typical = jnp.concatenate([mean[:1], jnp.sqrt(mean[1:] * mean[:-1]), mean[-1:]])
            return typical * jnp.exp(limit * jnp.tanh(raw / limit))
        inner = 2 / (1 / mean[1:] + 1 / mean[:-1]) * jnp.exp(limit * jnp.tanh(raw / limit))
        end = jnp.ones_like(mean[:1])
        return jnp.concatenate([end, inner, end])


def _bins_first(move: Callable[[jax.Array, jax.Array], Moved]) -> Callable[[jax.Array, jax.Array], Moved]:
    """Takes parameters [..., P] and numbers [...] for what takes [P, N] and [N], which CPUs do many times as fast."""

    def moved(parameters: jax.Array, x: jax.Array) -> Moved:
        found, slope = move(parameters.reshape(-1, parameters.shape[-1]).T, x.reshape(-1))
        return found.reshape(x.shape), slope.reshape(x.shape)

    return moved


def _risen(piece: _Piece, share: jax.Array) -> Moved:
    """By which share of its height a piece has risen (eq. 4), and the logarithm of its slope (eq. 5)."""
    mean, rest = piece.height / piece.width, 1 - share
    below = mean + (piece.first + piece.last - 2 * mean) * share * rest
    risen = (mean * share**2 + piece.first * share * rest) / below
    above = piece.last * share**2 + 2 * mean * share * rest + piece.first * rest**2
    return risen, 2 * jnp.log(mean) + jnp.log(above) - 2 * jnp.log(below)


def _share(piece: _Piece, risen: jax.Array) -> jax.Array:
    """The share of its width at which a piece has risen by a share of its height: the root in [0, 1] of eq. 6 to 8.

    With b as there, a = mean - b, and b^2 - 4 a c is a sum of squares, which is never 0. Which of two forms of the root
    loses nothing to a difference depends on the sign of b.
    """
    mean = piece.height / piece.width
    b = piece.first - risen * (piece.first + piece.last - 2 * mean)
    root = jnp.sqrt((b - 2 * mean * risen) ** 2 + 4 * mean**2 * risen * (1 - risen))
    positive = b >= 0
    quotient = 2 * mean * risen / jnp.where(positive, b + root, 1)
    return jnp.where(positive, quotient, (root - b) / (2 * jnp.where(positive, 1, mean - b)))


def _with_lines(
    x: jax.Array, inside: jax.Array, slope: jax.Array, bound: float, lowest: jax.Array, highest: jax.Array
) -> Moved:
    """The spline, and the lines of the slopes at its ends beyond them."""
    beyond = jnp.where(x < 0, lowest, highest)
    line = jnp.sign(x) * bound * (1 - beyond) + beyond * x
    within = jnp.abs(x) <= bound
    return jnp.where(within, inside, line), jnp.where(within, slope, jnp.log(beyond))
