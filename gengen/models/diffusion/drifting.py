"""Drifting: samples are drawn to data and pushed away from each other, until both balance; a network follows them.

Deng et al. 2026, https://arxiv.org/abs/2602.04770. The network makes samples x of noise, in one call. A field V(x), of
a batch of data and a batch of samples, says where each should move; the network is to make x + V(x), held fixed.
Where data and samples have one law, attraction and repulsion cancel and V is 0 in the mean.
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gengen.core.mean import Mean, mean_of
from gengen.core.model import Batch
from gengen.core.parallel import replica_gather, replica_mean, replica_part
from gengen.models.diffusion.method import Asked, Network, Shown
from gengen.values import Entries, Range

HIDDEN = -1e9
"""A logit of what is not seen."""

Widths = Annotated[Sequence[Annotated[float, Range(1e-3, 1e3)]], Entries(1, 8)]
"""Of kernels, in mean distances."""


def field(
    x: jax.Array, data: jax.Array, samples: jax.Array, width: jax.Array | float, near: jax.Array, apart: jax.Array
) -> jax.Array:
    """Where each x moves, [n, D]: the mean of data around it less that of samples around it, algorithm 2.

    Both means weigh by a kernel exp(-distance / width), normalised over all that an x sees and then over all x, of
    which the geometric mean is taken (algorithm 2). What it sees of data is weighed by how much it sees of samples, and
    the other way round, so that to exchange the two turns V around.

    Args:
      x: points [n, D].
      data: [m, D].
      samples: [k, D].
      width: of the kernel.
      near: which data each sees, bool [n, m].
      apart: which samples each sees, bool [n, k].
    """
    visible = jnp.concatenate([near, apart], 1)
    logits = jnp.where(visible, -distances(x, jnp.concatenate([data, samples])) / width, HIDDEN)
    both = (jax.nn.log_softmax(logits, 1) + jax.nn.log_softmax(logits, 0)) / 2
    to_data, to_samples = jnp.split(jnp.where(visible, jnp.exp(both), 0.0), [len(data)], 1)
    much, little = to_data.sum(1, keepdims=True), to_samples.sum(1, keepdims=True)
    return (to_data * little) @ data - (to_samples * much) @ samples


def distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Euclidean, of each of x [n, D] to each of y [m, D], [n, m]."""
    squared = jnp.square(x).sum(1)[:, None] + jnp.square(y).sum(1)[None] - 2 * x @ y.T
    return jnp.sqrt(jnp.maximum(squared, 0.0))


class Drifting(NamedTuple):
    """The settings.

    Attributes:
      widths: of the kernels, in mean distances of samples and data; the field is the sum of those of all widths, each
        brought to a mean square of 1 (appendix A.6).
    """

    widths: Widths = (0.02, 0.05, 0.2)

    @property
    def spans(self) -> bool:
        """There is one leap, from noise to data."""
        return False

    @property
    def most(self) -> int | None:
        """There is one call."""
        return 1

    def loss(self, asked: Asked, shown: Shown, step: jax.Array, deviation: float) -> tuple[jax.Array, dict[str, Mean]]:
        """Eq. 6; its value says nothing, `drift` says how far samples would move, in mean distances."""
        del step, deviation
        x = self._made(asked.trained, shown.noise, shown.told, shown.dropping)
        drift, moved = self._drift(lax.stop_gradient(x), shown)
        each = jnp.square(x - lax.stop_gradient(x + drift)).reshape(len(x), -1).mean(-1)
        return each.mean(), {"drift": mean_of(moved)}

    def _drift(self, x: jax.Array, shown: Shown) -> tuple[jax.Array, jax.Array]:
        """Where the samples of this replica move among those of all, and their root mean square before it is 1, []."""
        rows, data = (replica_gather(one.reshape(len(one), -1)) for one in (x, shown.data))
        told, truth, silent = (jax.tree.map(replica_gather, one) for one in (shown.told, shown.truth, shown.silent))
        apart = _alike(told, told, len(rows)) & ~jnp.eye(len(rows), dtype=bool)  # a sample is no other sample
        near = _alike(told, truth, len(rows)) | silent[:, None]
        mean = jnp.where(near, distances(rows, data), 0.0).sum() / jnp.maximum(near.sum(dtype=jnp.float32), 1.0)
        fields = [field(rows, data, rows, width * mean, near, apart) for width in self.widths]
        sizes = [jnp.sqrt(jnp.square(one).mean() + 1e-12) for one in fields]
        drift = sum((one / size for one, size in zip(fields, sizes, strict=True)), jnp.zeros_like(rows))
        scale = mean / rows.shape[1] ** 0.5
        moved = sum(sizes, jnp.zeros(())) / (len(sizes) * scale)
        return replica_part(scale * drift).reshape(x.shape), replica_mean(moved)

    def _made(self, network: Network, noise: jax.Array, told: Batch, keys: jax.Array | None = None) -> jax.Array:
        return noise - network(noise, jnp.ones(len(noise)), None, told, keys)

    def jump(
        self, network: Network, keys: jax.Array, x: jax.Array, time: jax.Array, earlier: jax.Array,
        told: Batch, deviation: float,
    ) -> jax.Array:  # fmt: skip
        """The one leap."""
        del keys, time, earlier, deviation
        return self._made(network, x, told)


def _alike(one: Batch, other: Batch, n: int) -> jax.Array:
    """Which of n examples are told the same as which others hold, bool [n, n]."""
    same = jnp.ones((n, n), bool)
    for name, said in one.items():
        a, b = said.reshape(n, -1), other[name].reshape(n, -1)
        same &= (a[:, None] == b[None]).all(-1)
    return same
