"""Guidance: denoisers made of denoisers."""

import jax
import jax.numpy as jnp

from gengen.samplers.probability_paths import lifted
from gengen.samplers.sampler import Denoise


def guided(
    better: Denoise, worse: Denoise, weight: jax.Array | float, interval: tuple[float, float] = (0.0, 1.0)
) -> Denoise:
    """worse + weight (better - worse) at times in the interval, and better at others.

    With a conditional denoiser and the unconditional one it is classifier-free guidance (Ho and Salimans 2022,
    arXiv:2207.12598; their w is weight - 1), with a good network and a weaker copy it is autoguidance (Karras et al.
    2024, arXiv:2406.02507). The interval: Kynkäänniemi et al. 2024, arXiv:2404.07724.

    Args:
      better: the denoiser to go towards.
      worse: the denoiser to go away from; it is called at all times, and counts as a call.
      weight: [] or of each example [n]; 0 is worse, 1 is better, both exactly.
      interval: first and last time of [0, 1] with guidance.

    Returns:
      `(x_t [n, *E], t [n]) -> [n, *E]`.
    """
    first, last = interval

    def denoise(x: jax.Array, t: jax.Array) -> jax.Array:
        inside = jnp.where((first <= t) & (t <= last), weight, 1.0)
        share = lifted(inside.astype(x.dtype), x)
        return share * better(x, t) + (1 - share) * worse(x, t)

    return denoise


def limited(denoise: Denoise, low: float, high: float) -> Denoise:
    """A denoiser whose answers are in [low, high], for data that is: what a prediction of noise says need not be."""
    return lambda x, t: jnp.clip(denoise(x, t), low, high)
