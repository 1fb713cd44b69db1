"""A layer that moves each patch as the patches before it say, and its inverse, one after the other or all at once.

Zhai et al. 2024 (TarFlow), https://arxiv.org/abs/2412.06329, section 3.2. The inverse all at once is Jacobi's iteration
within windows of patches, which follow each other with what was remembered of those before: Song et al. 2021,
https://arxiv.org/abs/2002.03629, algorithms 1 and 3; of TarFlow: Liu and Qin 2025, https://arxiv.org/abs/2505.12849.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gengen.networks.bijectors.bijector import Bijector, Mapped, summed
from gengen.networks.bijectors.fixed_point import solve
from gengen.networks.bijectors.monotone import Moved, Transform
from gengen.networks.bijectors.patches import PatchReader

Look = Callable[[jax.Array], tuple[jax.Array, Any]]
"""Patches -> parameters, and what is remembered."""


def standardising(limit: float = 4.0) -> Transform:
    """z = (x - t) exp(-s): Zhai et al. 2024, https://arxiv.org/abs/2412.06329, eq. 3.

    Args:
      limit: of |s|, which a hyperbolic tangent keeps: whatever a network says, the way back stays finite.
    """

    def read(parameters: jax.Array) -> tuple[jax.Array, jax.Array]:
        return limit * jnp.tanh(parameters[..., 0] / limit), parameters[..., 1]

    def forward(parameters: jax.Array, x: jax.Array) -> Moved:
        log_scale, shift = read(parameters)
        return (x - shift) * jnp.exp(-log_scale), -log_scale

    def inverse(parameters: jax.Array, z: jax.Array) -> Moved:
        log_scale, shift = read(parameters)
        return z * jnp.exp(log_scale) + shift, log_scale

    return Transform(2, forward, inverse)


class Causal(Bijector):
    """Patch t is moved by a transform whose parameters follow from patches 0 ... t - 1, of patches [B, T, D].

    Attributes:
      reader: `(what stands before each patch, context) -> parameters [B, T, D, transform.numbers]`.
      transform: of single numbers.
      backwards: whether patches are read from the last to the first.
      window: how many patches the inverse solves at once; they must divide T. 1 is one after the other, T all.
      tolerance: patches of a window have settled where a step moves none of their numbers by more than this share
        of 1 and the number.
    """

    reader: PatchReader
    transform: Transform
    backwards: bool = False
    window: int = 1
    tolerance: float = 1e-5

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        x = self._ordered(x)
        parameters, _ = self.reader(_moved_on(jnp.zeros_like(x[:, :1]), x), context)
        z, slope = self.transform.forward(parameters, x)
        return self._ordered(z), summed(slope)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        size, length, numbers = z.shape
        z, start = self._ordered(z), jnp.zeros((size, 1, numbers))
        reader, variables = self.reader.unbind()  # loops of JAX take functions, not modules that are at work
        read = partial(reader.apply, variables)
        if self.window == length:  # there is nothing to remember
            x, slope, _ = self._solved(lambda x: read(_moved_on(start, x), context), z)
            return self._ordered(x), summed(slope)

        def one(
            carry: tuple[jax.Array, Any], entry: tuple[jax.Array, jax.Array]
        ) -> tuple[tuple[jax.Array, Any], Moved]:
            (last, past), (place, window) = carry, entry
            x, slope, past = self._solved(lambda x: read(_moved_on(last, x), context, past, place), window)
            return (x[:, -1:], past), (x, slope)

        windows = jnp.moveaxis(z.reshape(size, -1, self.window, numbers), 1, 0)
        places = jnp.arange(0, length, self.window, dtype=jnp.int32)
        _, (x, slope) = lax.scan(one, (start, reader.body.nothing(size, length)), (places, windows))
        return self._ordered(jnp.moveaxis(x, 0, 1).reshape(z.shape)), summed(jnp.moveaxis(slope, 0, 1))

    def _solved(self, look: Look, z: jax.Array) -> tuple[jax.Array, jax.Array, Any]:
        """Patches [B, S, D] of latents, the slopes there, and what is remembered of them."""

        def step(x: jax.Array) -> tuple[Moved, Any]:
            parameters, past = look(x)
            return self.transform.inverse(parameters, z), past

        x, most = z, z.shape[1] - 1  # the step after the last one is what makes S
        if most:
            x, _, _ = solve(lambda x: (step(x)[0][0], ()), z, most, self.tolerance)
        (x, slope), past = step(x)
        return x, slope, past

    def _ordered(self, x: jax.Array) -> jax.Array:
        return x[:, ::-1] if self.backwards else x


def _moved_on(last: jax.Array, x: jax.Array) -> jax.Array:
    """What stands before each patch of x [B, S, D], of which `last` [B, 1, D] stands before the first."""
    return jnp.concatenate([last, x[:, :-1]], 1)
