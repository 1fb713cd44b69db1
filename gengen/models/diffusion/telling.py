"""What a denoiser is told of the data beside their noise: nothing, a class or a text, which it sometimes does without.

Where it is left out of a share of the training examples, one network learns both the data and the data of each class:
classifier-free guidance, Ho and Salimans 2022, https://arxiv.org/abs/2207.12598.
"""

import jax
import jax.numpy as jnp

from gengen.core.model import Batch, Condition
from gengen.models.conditioning import Conditioning, Labels, Nothing, Texts
from gengen.networks.denoisers.denoiser import Denoiser


def conditioning_of(network: Denoiser, text: Condition | None = None) -> Conditioning:
    """What a network is told, as it says; `text` says what texts there can be."""
    if network.vocabulary and text:
        return Texts(text)
    return Labels(network.classes) if network.classes else Nothing()


def untold(conditioning: Conditioning, n: int) -> Batch:
    """What a network is told of n examples of which nothing is said: class K of K, or a text of zeros."""
    return {
        name: jnp.zeros((n, said.length), jnp.int32) if said.words else jnp.full((n,), said.classes, jnp.int32)
        for name, said in conditioning.conditions.items()
    }


def dropped(conditioning: Conditioning, keys: jax.Array, told: Batch, share: float) -> Batch:
    """What is told of examples, or nothing of a share of them, chosen by their keys [B]."""
    nothing = untold(conditioning, len(keys))
    left_out = jax.vmap(jax.random.bernoulli, in_axes=(0, None))(keys, share)

    def chosen(said: jax.Array, unsaid: jax.Array) -> jax.Array:
        return jnp.where(left_out.reshape(-1, *[1] * (said.ndim - 1)), unsaid, said)

    return {name: chosen(told[name], nothing[name]) for name in nothing}
