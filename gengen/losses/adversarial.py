"""Adversarial losses: what the critic and the generator want small, as functions of the critic's outputs.

The critic's output is a logit [B]: D(x) = sigmoid(logit) where a paper speaks of probabilities, the logit itself
where it speaks of a critic. Every loss is per example and stable for logits of any size: log D = -softplus(-logit)
and log(1 - D) = -softplus(logit).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax


def minimax_critic(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-log D(x) - log(1 - D(G(z))): eq. 1 of Goodfellow et al. 2014, arXiv:1406.2661, with its sign turned.

    Args:
      real: logits of data [B].
      fake: logits of samples [B].

    Returns:
      Losses in nats [B]; 2 log 2 where the critic can do no better than D = 1/2.
    """
    return jax.nn.softplus(-real) + jax.nn.softplus(fake)


def minimax_generator(fake: jax.Array) -> jax.Array:
    """log(1 - D(G(z))): the generator's part of eq. 1 of Goodfellow et al. 2014; it saturates where D(G(z)) is 0.

    Args:
      fake: logits of samples [B].

    Returns:
      Losses in nats [B].
    """
    return -jax.nn.softplus(fake)


def non_saturating_generator(fake: jax.Array) -> jax.Array:
    """-log D(G(z)): the end of section 3 of Goodfellow et al. 2014; its gradient lives where D(G(z)) is 0.

    Args:
      fake: logits of samples [B].

    Returns:
      Losses in nats [B].
    """
    return jax.nn.softplus(-fake)


def wasserstein_critic(real: jax.Array, fake: jax.Array) -> jax.Array:
    """f(G(z)) - f(x): eq. 2 of Arjovsky et al. 2017, arXiv:1701.07875, with its sign turned.

    Args:
      real: critic values of data [B].
      fake: critic values of samples [B].

    Returns:
      Losses [B].
    """
    return fake - real


def wasserstein_generator(fake: jax.Array) -> jax.Array:
    """-f(G(z)): eq. 2 of Arjovsky et al. 2017.

    Args:
      fake: critic values of samples [B].

    Returns:
      Losses [B].
    """
    return -fake


def jensen_shannon(real: jax.Array, fake: jax.Array) -> jax.Array:
    """A lower bound of the Jensen-Shannon divergence, tight for the best critic: Goodfellow et al. 2014, thm. 1.

    Args:
      real: logits of data [B].
      fake: logits of samples [B].

    Returns:
      Its terms in nats [B], whose mean lies below log 2.
    """
    return math.log(2.0) - minimax_critic(real, fake) / 2


def wasserstein(real: jax.Array, fake: jax.Array) -> jax.Array:
    """The Wasserstein estimate f(x) - f(G(z)), up to the critic's Lipschitz constant: Arjovsky et al. 2017, sec. 3.

    Args:
      real: critic values of data [B].
      fake: critic values of samples [B].

    Returns:
      Its terms [B].
    """
    return real - fake


class AdversarialLoss(NamedTuple):
    """A pair of losses, and the distance between data and samples that the critic estimates while it minimises its own.

    Attributes:
      critic: `(real logits [B], fake logits [B]) -> losses [B]`.
      generator: `(fake logits [B]) -> losses [B]`.
      estimate: name of the distance.
      distance: `(real logits [B], fake logits [B]) -> terms [B]` whose mean is the estimate.
    """

    critic: Callable[[jax.Array, jax.Array], jax.Array]
    generator: Callable[[jax.Array], jax.Array]
    estimate: str
    distance: Callable[[jax.Array, jax.Array], jax.Array]


ADVERSARIAL_LOSSES = {
    "minimax": AdversarialLoss(minimax_critic, minimax_generator, "jensen_shannon", jensen_shannon),
    "non_saturating": AdversarialLoss(minimax_critic, non_saturating_generator, "jensen_shannon", jensen_shannon),
    "wasserstein": AdversarialLoss(wasserstein_critic, wasserstein_generator, "wasserstein", wasserstein),
}
