"""What training a variational autoencoder makes small: which bound, of how many samples, with which weights."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from gengen.core.parallel import replica_mean
from gengen.values import Count, OneOf, Repeats, Weight

ESTIMATORS = ("elbo", "iwae", "dreg")
"""The evidence lower bound; the importance-weighted one; the same, differentiated so that more samples hurt nothing."""

REDUCTIONS = ("sum", "mean")

Reduction = Annotated[str, OneOf(REDUCTIONS)]
"""How errors of numbers become one of an example."""


def reduced(values: jax.Array, reduction: str) -> jax.Array:
    """Adds or averages values [..., N] over the numbers of an example, by one of `REDUCTIONS`."""
    return values.sum(-1) if reduction == "sum" else values.mean(-1)


class Objective(NamedTuple):
    """The weights and the estimator of a bound.

    Attributes:
      estimator: one of `ESTIMATORS`. "iwae": Burda et al. 2016, https://arxiv.org/abs/1509.00519, eq. 8. "dreg": the
        same bound with the doubly reparametrised gradient of Tucker et al. 2019, https://arxiv.org/abs/1810.04152.
      samples: latents k that are drawn for each image.
      reconstruction: weight of the reconstruction, C or lambda of lectures; 1 / (2 s^2) where they have a deviation s.
      beta: weight of the divergence: Higgins et al. 2017, "beta-VAE".
      warmup: steps in which beta rises evenly from 0, Sonderby et al. 2016, https://arxiv.org/abs/1602.02282; 0 for
        none.
      free_bits: nats of each latent number's mean divergence that cost nothing: Kingma et al. 2016,
        https://arxiv.org/abs/1606.04934, eq. 15.
      reduction: "sum" or "mean" over the numbers of the reconstruction. A mean makes the divergence as many times
        heavier as an example has numbers.
    """

    estimator: Annotated[str, OneOf(ESTIMATORS)] = "elbo"
    samples: Repeats = 1
    reconstruction: Weight = 1.0
    beta: Weight = 1.0
    warmup: Count = 0
    free_bits: Weight = 0.0
    reduction: Reduction = "sum"

    def check(self) -> None:
        """Checks the values.

        Raises:
          ValueError: one is out of range, or two of them do not go together.
        """
        for name, value, known in (
            ("estimator", self.estimator, ESTIMATORS),
            ("reduction", self.reduction, REDUCTIONS),
        ):
            if value not in known:
                raise ValueError(f"{name}={value!r} must be one of {', '.join(known)}")
        for name, number, least in (
            ("samples", self.samples, 1),
            ("reconstruction", self.reconstruction, 0),
            ("beta", self.beta, 0),
            ("warmup", self.warmup, 0),
            ("free_bits", self.free_bits, 0),
        ):
            if not least <= number < float("inf"):
                raise ValueError(f"{name}={number} must be a number of at least {least}")
        if self.free_bits and self.estimator != "elbo":
            raise ValueError(f"free_bits={self.free_bits} needs the estimator 'elbo', not {self.estimator!r}")

    def beta_at(self, step: jax.Array) -> jax.Array:
        """The weight of the divergence at a step []."""
        risen = jnp.minimum(jnp.asarray(step, jnp.float32) / self.warmup, 1.0) if self.warmup else jnp.ones(())
        return self.beta * risen

    def reduced(self, log_prob: jax.Array) -> jax.Array:
        """Adds or averages log-probabilities [..., N] over the numbers of an example."""
        return reduced(log_prob, self.reduction)

    def charged(self, divergence: jax.Array) -> jax.Array:
        """What divergences [B, L] of single numbers cost in the mean over the global batch, []; `AXIS` must be bound.

        A number whose mean divergence lies below `free_bits` costs those, whatever it is, and feels no pull.
        """
        means = divergence.mean(0)
        if self.free_bits:
            means = jnp.maximum(replica_mean(means), self.free_bits)
        return means.sum()

    def sentence(self, error: str, latents: int) -> str:
        """Says what is minimised, with all that lectures leave open."""
        over = "the sum" if self.reduction == "sum" else "the mean"
        divergence = f"{self.beta:g} x the divergence from the prior (the sum over {latents} latents)"
        if self.warmup:
            divergence += f", which comes in over {self.warmup:,} steps"
        if self.free_bits:
            divergence += f", of which {self.free_bits:g} nats a latent are free"
        bound = {
            "elbo": f"in the mean over {self.samples} samples" if self.samples > 1 else "",
            "iwae": f"importance-weighted over {self.samples} samples",
            "dreg": f"importance-weighted over {self.samples} samples (doubly reparametrised)",
        }[self.estimator]
        return (
            f"minimises, in the mean over examples, {self.reconstruction:g} x the {error} ({over} over values) + "
            f"{divergence}{'; ' + bound if bound else ''}."
        )
