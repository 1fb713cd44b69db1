"""What a run is at one moment: one tree of arrays, identical on every replica."""

from typing import Any

import jax
from flax import struct

Tree = Any
"""A nested structure of arrays."""

Variables = dict[str, dict[str, Tree]]
"""`variables[network][collection]`: "params" is trained; every other collection is carried along by the losses.

What is carried without a network, such as the noise of a view that is annealed, stands beside them without "params".
"""


class State(struct.PyTreeNode):
    """All that a training step reads and writes. Its structure, shapes and dtypes never change in a run.

    Attributes:
      step: number of batches seen, int32 [].
      variables: parameters and carried collections (batch statistics, spectral vectors, ...) of each network.
      opt: the optimizer's state of each player.
      average: averaged variables of the networks that `averaged` was asked for; empty otherwise.
    """

    step: jax.Array
    variables: Variables
    opt: dict[str, Tree]
    average: Variables = struct.field(default_factory=dict)


def networks_of(variables: Variables) -> Variables:
    """The variables of what is trained."""
    return {name: collections for name, collections in variables.items() if "params" in collections}


def params_of(variables: Variables, networks: tuple[str, ...]) -> dict[str, Tree]:
    """Picks the trained parameters of some networks.

    Raises:
      KeyError: a network is not in `variables`.
    """
    return {name: variables[name]["params"] for name in networks}


def with_params(variables: Variables, params: dict[str, Tree]) -> Variables:
    """Returns `variables` with the parameters of some networks replaced."""
    return {**variables, **{name: {**variables[name], "params": new} for name, new in params.items()}}


def with_mutable(variables: Variables, mutable: Variables) -> Variables:
    """Returns `variables` with carried collections replaced; parameters in `mutable` are ignored."""
    kept = {
        name: {collection: tree for collection, tree in collections.items() if collection != "params"}
        for name, collections in mutable.items()
    }
    return {**variables, **{name: {**variables[name], **collections} for name, collections in kept.items()}}
