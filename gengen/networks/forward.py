"""How models run networks: in training mode with what the pass carries on, or as they are, for evaluation."""

from typing import Any

import flax.linen as nn
import jax

from gengen.networks.layers.norm import MOMENTS


def init_network(network: nn.Module, key: jax.Array, *inputs: jax.Array | None) -> dict[str, Any]:
    """Makes the first variables of a network, by collection, from inputs of the right shape."""
    return dict(network.init(key, *inputs, train=False))


def train_mode(network: nn.Module, variables: dict[str, Any], *inputs: jax.Array) -> tuple[Any, dict[str, Any]]:
    """Runs a network in training mode; `AXIS` must be bound.

    Args:
      network: a linen module whose `__call__` takes `train`.
      variables: its collections, "params" among them.
      *inputs: arrays [B, ...].

    Returns:
      The output, and every collection but "params" as the pass left it: what a loss returns as carried.
    """
    output, mutable = network.apply(variables, *inputs, train=True, mutable=nn.DenyList(("params", MOMENTS)))
    return output, dict(mutable)


def eval_mode(network: nn.Module, variables: dict[str, Any], *inputs: jax.Array) -> Any:
    """Runs a network with its carried collections as they are and leaves no trace."""
    return network.apply(variables, *inputs, train=False)


def run(network: nn.Module, variables: dict[str, Any], *inputs: jax.Array, train: bool) -> tuple[Any, dict[str, Any]]:
    """Runs a network in either mode; returns its output and what it carries, which is nothing in evaluation."""
    return train_mode(network, variables, *inputs) if train else (eval_mode(network, variables, *inputs), {})
