"""Distributions of whole numbers of `levels` values: what a network says of one, as logits."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Levels(NamedTuple):
    """A distribution of whole numbers k in 0 ... L - 1.

    Attributes:
      numbers: P parameters that say which it is.
      log_prob: `(parameters [..., P], k int32 [...]) -> nats [...]`.
      draw: `(keys [B], parameters [B, P]) -> k int32 [B]`.
      title: in words.
    """

    numbers: int
    log_prob: Callable[[jax.Array, jax.Array], jax.Array]
    draw: Callable[[jax.Array, jax.Array], jax.Array]
    title: str


def softmax(levels: int) -> Levels:
    """One logit for each of `levels` numbers: van den Oord et al. 2016, arXiv:1601.06759, section 3.4."""
    return Levels(levels, _log_prob, _draw, f"a softmax of {levels} levels")


def dual_softmax(levels: int) -> Levels:
    """Two digits, one softmax each: Kalchbrenner et al. 2018, https://arxiv.org/abs/1802.08435, section 3.

    k = coarse x base + fine, with a base of about the root of `levels`, so that 256 levels take 64 logits. The fine
    digit has three softmaxes: for a coarse digit that is the first, the last, or one between. Any distribution of the
    coarse digit, and any at both ends, can be said; between the ends, all coarse digits share the fine one's.

    Args:
      levels: how many numbers.
    """
    base = math.isqrt(levels - 1) + 1
    coarse = -(-levels // base)
    ends = jnp.arange(base) < levels - base * (coarse - 1)  # of the last coarse digit, not all fine ones may exist

    def fine_logits(parameters: jax.Array, first: jax.Array) -> jax.Array:
        low, middle, high = jnp.split(parameters[..., coarse:], 3, -1)
        high = jnp.where(ends.reshape((1,) * (high.ndim - 1) + (base,)), high, -1e9)
        if coarse == 1:
            return high
        first = first[..., None]
        return jnp.where(first == coarse - 1, high, jnp.where(first == 0, low, middle))

    def log_prob(parameters: jax.Array, k: jax.Array) -> jax.Array:
        first = k // base
        return _log_prob(parameters[..., :coarse], first) + _log_prob(fine_logits(parameters, first), k % base)

    def draw(keys: jax.Array, parameters: jax.Array) -> jax.Array:
        pairs = jax.vmap(jax.random.split)(keys)
        first = _draw(pairs[:, 0], parameters[:, :coarse])
        return first * base + _draw(pairs[:, 1], fine_logits(parameters, first))

    return Levels(coarse + 3 * base, log_prob, draw, f"two softmaxes of {coarse} x {base} levels")


def _log_prob(logits: jax.Array, k: jax.Array) -> jax.Array:
    """The log-probability of each k int32 [...] under logits [..., K], nats; a sum, as XLA:CPU gathers slowly."""
    chosen = k[..., None] == jnp.arange(logits.shape[-1], dtype=k.dtype).reshape((1,) * k.ndim + (-1,))
    return jnp.where(chosen, logits, 0).sum(-1) - jax.nn.logsumexp(logits, -1)


def _draw(keys: jax.Array, logits: jax.Array) -> jax.Array:
    return jax.vmap(jax.random.categorical)(keys, logits).astype(jnp.int32)


LEVELS: Mapping[str, Callable[[int], Levels]] = {
    "softmax": softmax,
    "dual_softmax": dual_softmax,
}
