"""What every layer of a flow is: an invertible map with the logarithm of its determinant, told a context.

A flow is a function of a context that gives a distribution: Rezende and Mohamed 2015, arXiv:1505.05770. All layers go
from data to latents in `encode`, and back in `decode`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp

Mapped = tuple[jax.Array, jax.Array]
"""Where examples go [B, *shape], and log |det| of the Jacobian of the way that they went, nats [B]."""

FINITE = "finite"
"""The collection in which a chain says of each of its layers whether all that it gave was finite."""


class Bijector(nn.Module):
    """An invertible map of data [B, *shape] to latents [B, ...] of as many numbers.

    Neither way depends on the batch. `encode` is the one that makes parameters, so that a layer can begin from the
    first data that it is shown (`ActNorm`); `decode` finds them made.
    """

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """The latents of data, and log |det dz/dx|.

        Args:
          x: data [B, *shape], float32.
          context: what the distribution is of: a vector for each example [B, C], or a map as large as it [B, H, W, C].
        """
        raise NotImplementedError

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """The data of latents, and log |det dx/dz|; arguments as those of `encode`."""
        raise NotImplementedError


class FlowNetwork(Bijector):
    """A whole flow: of data [B, *shape] on the whole line to latents [B, D] that are to be normal.

    Attributes:
      shape: of an example.
      classes: of which one is told, as one of K, [B, K]; 0 where nothing is told.
      dtype: to which factors of products are rounded; parameters and what is added are float32.
    """

    shape: tuple[int, ...]
    classes: int = 0
    dtype: Any = jnp.float32

    @property
    def size(self) -> int:
        """Numbers D of an example."""
        return math.prod(self.shape)


class Chain(Bijector):
    """Layers one after the other: `encode` goes through them from the first to the last, `decode` back.

    Attributes:
      layers: the first one is nearest to the data.
    """

    layers: Sequence[Bijector]

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        total = jnp.zeros(len(x))
        for place, layer in enumerate(self.layers):
            x, log_det = layer.encode(x, context)
            total += log_det
            finite = jnp.isfinite(log_det).all() & jnp.isfinite(x).all()
            self.sow(FINITE, f"{place} {type(layer).__name__}", finite, reduce_fn=_last)
        return x, total

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        total = jnp.zeros(len(z))
        for layer in reversed(self.layers):
            z, log_det = layer.decode(z, context)
            total += log_det
        return z, total


class Inverse(Bijector):
    """A map the other way round: its `encode` is the other's `decode`, so that IAF is the inverse of MAF.

    Attributes:
      of: the other one, whose parameters do not depend on the first data.
    """

    of: Bijector

    def encode(self, x: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        if self.is_initializing():
            self.of.encode(x, context)
        return self.of.decode(x, context)

    def decode(self, z: jax.Array, context: jax.Array | None = None) -> Mapped:
        """As in `Bijector`."""
        return self.of.encode(z, context)


def encoded(network: Bijector, variables: Mapping[str, Any], x: jax.Array, context: jax.Array | None = None) -> Mapped:
    """What `network.encode` gives with these variables."""
    return cast("Mapped", network.apply(variables, x, context, method="encode"))


def decoded(network: Bijector, variables: Mapping[str, Any], z: jax.Array, context: jax.Array | None = None) -> Mapped:
    """What `network.decode` gives with these variables."""
    return cast("Mapped", network.apply(variables, z, context, method="decode"))


def finite_layers(said: Mapping[str, Any]) -> dict[str, jax.Array]:
    """Whether all that each layer gave was finite, bool [], by the names of layers and in their order.

    Args:
      said: what chains left in the collection `FINITE`.
    """
    paths = [([str(entry.key) for entry in path], leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(said)[0]]
    found = {tuple(map(_place, names)): ("/".join(names), leaf) for names, leaf in paths}
    chains = {place[:size] for place in found for size in range(len(place))}  # what such a one gave, its last layer did
    return dict(found[place] for place in sorted(found) if place not in chains)


def _place(name: str) -> tuple[int, str]:
    """What names are sorted by: "layers_3", a module, and "3 ActNorm", what is said of it, are at one place."""
    number = re.match(r"(?:layers_)?(\d+)", name)
    return (int(number[1]), "") if number else (0, name)


def summed(log_det: jax.Array) -> jax.Array:
    """Adds the log-determinants of single numbers [B, *shape] for each example [B]."""
    return log_det.reshape(len(log_det), -1).sum(-1)


def _last(before: jax.Array | None, now: jax.Array) -> jax.Array:
    del before
    return now
