"""What the ways to train a network of one call have in common: what they see, what they may ask, and what they give.

Data and noise are joined by straight lines, x_t = (1 - t) x_0 + t noise, along which x moves by noise - x_0.
"""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from gengen.core.mean import Mean
from gengen.core.model import Batch
from gengen.samplers.probability_paths import LINEAR, lifted, noised


class Network(Protocol):
    """A network with its parameters."""

    def __call__(
        self,
        x: jax.Array,
        time: jax.Array,
        span: jax.Array | None,
        told: Batch,
        keys: jax.Array | None = None,
        /,
    ) -> jax.Array:
        """Returns [n, *shape].

        Args:
          x: what lies at the times, [n, *shape].
          time: [n].
          span: how far to leap back from there, [n]; None for networks that are not told.
          told: what each example is.
          keys: typed PRNG keys [n] of dropout; None for none.
        """


class Asked(NamedTuple):
    """The network, in two ways.

    Attributes:
      trained: with its parameters of now, which are differentiated.
      steady: with averaged parameters, where the run has some, which are not: what makes targets.
    """

    trained: Network
    steady: Network


class Shown(NamedTuple):
    """What a loss sees of B examples.

    Attributes:
      data: [B, *shape].
      noise: standard normal, [B, *shape].
      share: numbers in (0, 1), evenly spread over the global batch, [B].
      keys: typed PRNG keys [B] of what a method draws.
      dropping: typed PRNG keys [B] of dropout.
      told: what the network is told of each example, which may be nothing.
      nothing: what it is told where nothing is said.
      truth: what holds of each example, whether it is told or not.
      silent: of which examples nothing is told, bool [B].
    """

    data: jax.Array
    noise: jax.Array
    share: jax.Array
    keys: jax.Array
    dropping: jax.Array
    told: Batch
    nothing: Batch
    truth: Batch
    silent: jax.Array


class Method(Protocol):
    """A way to train a network of one call, with its settings; one of `METHODS`."""

    @property
    def spans(self) -> bool:
        """Whether the network is told over which span of time it leaps."""

    @property
    def most(self) -> int | None:
        """The most calls in which it makes a sample; None where there is no such number."""

    def loss(self, asked: Asked, shown: Shown, step: jax.Array, deviation: float) -> tuple[jax.Array, dict[str, Mean]]:
        """The loss [] and the metrics of a batch, at a step [], of data of a standard deviation."""

    def jump(
        self,
        network: Network,
        keys: jax.Array,
        x: jax.Array,
        time: jax.Array,
        earlier: jax.Array,
        told: Batch,
        deviation: float,
    ) -> jax.Array:
        """Leaps from x [n, *shape] at times [n] to earlier times [n]; keys [n] are of what it draws."""


def between(data: jax.Array, noise: jax.Array, time: jax.Array) -> jax.Array:
    """What lies between data and noise [n, *shape] at times [n]."""
    return noised(LINEAR, data, noise, time)


def leapt(network: Network, x: jax.Array, time: jax.Array, earlier: jax.Array, told: Batch) -> jax.Array:
    """Where x [n, *shape] comes to at earlier times, of a network that says the mean velocity over a span."""
    span = time - earlier
    return x - lifted(span, x) * network(x, time, span, told)


def squares(x: jax.Array) -> jax.Array:
    """Mean over the numbers of each example of their squares, [n]."""
    return jnp.square(x).reshape(len(x), -1).mean(-1)


def parted(tree: Any, every: int) -> tuple[Any, Any]:
    """Every how-many-th example [B / every, ...] of arrays [B, ...], and all others.

    Raises:
      ValueError: `every` does not divide B.
    """
    n = len(jax.tree.leaves(tree)[0])
    if n % every:
        raise ValueError(f"every={every} must divide the batch of a device, {n}")

    def taken(leaf: jax.Array, of: slice) -> jax.Array:
        rows = leaf.reshape(n // every, every, *leaf.shape[1:])[:, of]
        return rows.reshape(-1, *leaf.shape[1:])

    first = jax.tree.map(lambda leaf: taken(leaf, slice(0, 1)), tree)
    return first, jax.tree.map(lambda leaf: taken(leaf, slice(1, None)), tree)


def joined(first: Any, others: Any) -> Any:
    """Arrays [A, ...] and [B, ...] of two trees behind each other, [A + B, ...]."""
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b]), first, others)
