"""What a denoiser is told of the data beside their noise: nothing, or a class, which it sometimes must do without.

Where a class is left out of a share of the training examples, one network learns both the data and the data of each
class: classifier-free guidance, Ho and Salimans 2022, https://arxiv.org/abs/2207.12598.
"""

import jax
import jax.numpy as jnp

from gengen.core.model import Batch
from gengen.models.conditioning import Conditioning, Labels, Nothing
from gengen.networks.denoisers.denoiser import Denoiser


def conditioning_of(network: Denoiser) -> Conditioning:
    """What a network is told, as it says."""
    return Labels(network.classes) if network.classes else Nothing()


def untold(network: Denoiser, n: int) -> Batch:
    """What a network is told of n examples of which nothing is said."""
    return {"label": jnp.full((n,), network.classes, jnp.int32)} if network.classes else {}


def dropped(network: Denoiser, keys: jax.Array, told: Batch, share: float) -> Batch:
    """What is told of examples, or nothing of a share of them, chosen by their keys [B]."""
    nothing = untold(network, len(keys))
    left_out = jax.vmap(jax.random.bernoulli, in_axes=(0, None))(keys, share)

    def chosen(said: jax.Array, unsaid: jax.Array) -> jax.Array:
        return jnp.where(left_out.reshape(-1, *[1] * (said.ndim - 1)), unsaid, said)

    return jax.tree.map(chosen, told, nothing)
