"""Monotone splines of pieces that are quotients of two quadratics.

Gregory and Delbourgo 1982; Durkan et al. 2019, https://arxiv.org/abs/1906.04032, section 3.1 and appendix A.1.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.bijectors.transforms import Moved, Transform


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
    bins: int, bound: float = 3.0, least: float = 1e-3, steepest: float = 30.0, *, free_ends: bool = False
) -> Transform:
    """A monotone rational-quadratic spline from [-bound, bound] to itself, which goes on as straight lines beyond.

    Parameters of a number are, in this order, K of the widths of pieces and K of their heights, which a softmax shares
    out, and those of the slopes between pieces. A slope is the harmonic mean of those of the two pieces, times
    exp(L tanh(p / L)) with L = log(steepest): bounds that keep every slope finite, and the middle of a flat piece from
    getting flatter still. Where all parameters are 0, pieces are alike and slopes 1.

    What a round trip loses is what single precision does of the middle, divided by the slope there.

    Args:
      bins: pieces K.
      bound: half of what the spline spans.
      least: the smallest width and height of a piece, as a share of the whole.
      steepest: how many times as large as that harmonic mean a slope may get, or as small.
      free_ends: whether the slopes at -bound and bound are parameters, too, and those of the lines beyond; else they
        are 1. A distribution on [-bound, bound], whose density need not be 1 at its ends, wants that.

    Returns:
      A transform with 3 bins - 1 parameters, or 3 bins + 1 where ends are free.

    Raises:
      ValueError: so many pieces have no room.
    """
    if bins < 1 or not 0 < least * bins < 1 or steepest <= 1 or bound <= 0:
        raise ValueError(f"bins={bins}, bound={bound:g}, least={least:g}, steepest={steepest:g} make no spline")

    def knots(raw: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Lengths of pieces [K, N] and where they begin [K, N]."""
        lengths = 2 * bound * (least + (1 - least * bins) * jax.nn.softmax(raw, 0))
        before = jnp.tril(jnp.ones((bins, bins)), -1)  # on CPU, a product is faster than jnp.cumsum
        return lengths, jnp.matmul(before, lengths, precision=lax.Precision.HIGHEST) - bound

    def slopes(raw: jax.Array, mean: jax.Array) -> jax.Array:
        """At the ends of all pieces [K + 1, N], for the mean slopes of pieces [K, N]."""
        limit = math.log(steepest)
        inner = 2 / (1 / mean[1:] + 1 / mean[:-1])
        if free_ends:
            inner = jnp.concatenate([mean[:1], inner, mean[-1:]])
        inner *= jnp.exp(limit * jnp.tanh(raw / limit))
        end = jnp.ones_like(raw[:0] if free_ends else mean[:1])
        return jnp.concatenate([end, inner, end])

    def piece(parameters: jax.Array, x: jax.Array, backwards: bool) -> tuple[_Piece, jax.Array, jax.Array]:
        """The piece that numbers [N] lie in, before (or after) the spline, and the slopes at both of its ends."""
        widths, lefts = knots(parameters[:bins])
        heights, bottoms = knots(parameters[bins : 2 * bins])
        slope = slopes(parameters[2 * bins :], heights / widths)
        index = (x[None] >= (bottoms if backwards else lefts)[1:]).sum(0, keepdims=True)

        def at(values: jax.Array) -> jax.Array:
            return jnp.take_along_axis(values, index, 0, mode="promise_in_bounds")[0]

        found = _Piece(at(lefts), at(widths), at(bottoms), at(heights), at(slope[:-1]), at(slope[1:]))
        return found, slope[0], slope[-1]

    def forward(parameters: jax.Array, x: jax.Array) -> Moved:
        inside = jnp.clip(x, -bound, bound)
        found, lowest, highest = piece(parameters, inside, False)
        risen, slope = _risen(found, (inside - found.left) / found.width)
        return _with_lines(x, found.bottom + found.height * risen, slope, bound, lowest, highest)

    def inverse(parameters: jax.Array, z: jax.Array) -> Moved:
        inside = jnp.clip(z, -bound, bound)
        found, lowest, highest = piece(parameters, inside, True)
        share = _share(found, jnp.clip((inside - found.bottom) / found.height, 0, 1))
        _, slope = _risen(found, share)
        return _with_lines(z, found.left + found.width * share, -slope, bound, 1 / lowest, 1 / highest)

    return Transform(3 * bins + (1 if free_ends else -1), _bins_first(forward), _bins_first(inverse))


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
