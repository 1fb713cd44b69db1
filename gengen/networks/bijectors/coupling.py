"""Coupling: some numbers stay as they are, and say how the others move.

Dinh et al. 2017, https://arxiv.org/abs/1605.08803, section 3.2.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.bijectors.bijector import Bijector, Mapped, summed
from gengen.networks.bijectors.transforms import Moved, Transform


class Coupling(Bijector):
    """What the mask holds stays; every other number is moved by a transform whose parameters follow from what stays.

    Attributes:
      mask: of what stays, bool [*shape], as nested tuples, which linen can hash.
      conditioner: `(what stays, 0 elsewhere [B, *shape], context) -> parameters [B, *shape, transform.numbers]`.
      transform: of single numbers.
    """

    mask: tuple[object, ...]
    conditioner: nn.Module
    transform: Transform

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self._moved(self.transform.forward, x, context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self._moved(self.transform.inverse, z, context)

    def _moved(self, move: Callable[[jax.Array, jax.Array], Moved], x: jax.Array, context: jax.Array | None) -> Mapped:
        stays = jnp.broadcast_to(jnp.asarray(np.array(self.mask))[None], x.shape)
        moved, slope = move(self.conditioner(jnp.where(stays, x, 0), context), x)
        return jnp.where(stays, x, moved), summed(jnp.where(stays, 0, slope))


def alternating(size: int, odd: bool) -> tuple[object, ...]:
    """The mask of every second number of a row, from the first or the second on."""
    return tuple(bool((place + odd) % 2 == 0) for place in range(size))
