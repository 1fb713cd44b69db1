"""Statistics of batch normalisation, taken anew: Brock et al. 2019, https://arxiv.org/abs/1809.11096, section 3.1.

Running averages are of the inputs that a network was trained on; other inputs need others. The paper calls those that
are taken of many passes standing statistics.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
from jax import lax

from gengen.core.parallel import AXIS, example_keys
from gengen.networks.layers.norm import MOMENTS

STATISTICS = "batch_stats"
"""The collection of the running averages."""

BATCHES = 16
"""Over which statistics are taken."""


def with_standing_statistics(
    network: nn.Module, variables: dict[str, Any], key: jax.Array, drawn: Callable[[jax.Array], tuple[jax.Array, ...]]
) -> dict[str, Any]:
    """Puts the mean and the variance of all activations of `BATCHES` batches in the place of the running averages.

    In each pass a batch is normalised by its own statistics. The variance is that of all of them together: the mean of
    the batches' variances and the variance of their means.

    Args:
      network: a linen module whose `__call__` takes `train`.
      variables: its collections, of which all others stay as they are.
      key: that the batches are drawn from.
      drawn: `(key) -> inputs` of the network, arrays [B, ...].
    """
    if STATISTICS not in variables:
        return variables

    def moments(key: jax.Array) -> Any:
        mutable = nn.DenyList("params")
        return network.apply(variables, *drawn(key), train=True, mutable=mutable)[1][MOMENTS]

    def of_batch(key: jax.Array) -> Any:
        return jax.tree.map(lambda leaf: leaf[0], jax.vmap(moments, axis_name=AXIS)(key[None]))

    found = lax.map(of_batch, example_keys(key, BATCHES))
    return {**variables, STATISTICS: jax.tree.map(_joined, found, is_leaf=_is_of_a_layer)}


def _is_of_a_layer(node: Any) -> bool:
    return isinstance(node, dict) and set(node) == {"mean", "var"}


def _joined(layer: dict[str, tuple[jax.Array]]) -> dict[str, jax.Array]:
    """Mean and variance [c] of several batches together, of those of each [batches, c]."""
    (mean,), (var,) = layer["mean"], layer["var"]
    return {"mean": mean.mean(0), "var": var.mean(0) + mean.var(0)}
