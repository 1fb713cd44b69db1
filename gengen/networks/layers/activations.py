"""What follows a layer, element by element, one choice of five."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from gengen.values import OneOf

ACTIVATIONS: Mapping[str, Callable[[jax.Array], jax.Array]] = {
    "relu": nn.relu,
    "leaky_relu": partial(nn.leaky_relu, negative_slope=0.2),
    "tanh": jnp.tanh,
    "silu": nn.silu,
    "softplus": nn.softplus,
}
"""Functions of arrays of any shape; the slope of "leaky_relu" below 0 is the DCGAN's."""

Activation = Annotated[str, OneOf(tuple(ACTIVATIONS))]


def activation_of(name: str) -> Callable[[jax.Array], jax.Array]:
    """The function of a name.

    Raises:
      ValueError: the name is unknown; the sentence has the list.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation={name!r} must be one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
