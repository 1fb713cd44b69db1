"""Adversarial losses: what the critic and the generator want small, as functions of the critic's outputs.

The critic's output is a logit [B]: D(x) = sigmoid(logit) where a paper speaks of probabilities, the logit itself
where it speaks of a critic. Every loss is per example and stable for logits of any size: log D = -softplus(-logit)
and log(1 - D) = -softplus(logit). All take the logits of data and of samples, [B] each, and return losses [B]. What
a loss takes from the whole batch is a function of its own, `of_batch`, which changes the logits before.
"""

import math
from collections.abc import Callable
from typing import Annotated, NamedTuple

import chex
import jax
import jax.numpy as jnp

from gengen.values import OneOf


def minimax_critic(real: jax.Array, fake: jax.Array, target: jax.Array | float = 1.0) -> jax.Array:
    """-log D(x) - log(1 - D(G(z))): eq. 1 of Goodfellow et al. 2014, arXiv:1406.2661, with its sign turned.

    With a target a below 1 for data, the first term is -a log D(x) - (1 - a) log(1 - D(x)): one-sided label smoothing,
    Salimans et al. 2016, arXiv:1606.03498, section 3.4.

    Args:
      real: logits of data [B].
      fake: logits of samples [B].
      target: what D(x) should be, [B] or one number.

    Returns:
      Losses in nats [B]; 2 log 2 where the critic can do no better than D = 1/2.
    """
    chex.assert_equal_shape((real, fake))
    chex.assert_is_broadcastable(jnp.shape(target), real.shape)
    return jax.nn.softplus(-real) + (1 - target) * real + jax.nn.softplus(fake)


def minimax_generator(real: jax.Array, fake: jax.Array) -> jax.Array:
    """log(1 - D(G(z))): the generator's part of eq. 1 of Goodfellow et al. 2014; it saturates where D(G(z)) is 0."""
    chex.assert_equal_shape((real, fake))
    del real
    return -jax.nn.softplus(fake)


def non_saturating_generator(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-log D(G(z)): the end of section 3 of Goodfellow et al. 2014; its gradient lives where D(G(z)) is 0."""
    chex.assert_equal_shape((real, fake))
    del real
    return jax.nn.softplus(-fake)


def least_squares_critic(real: jax.Array, fake: jax.Array, target: jax.Array | float = 1.0) -> jax.Array:
    """(D(x) - 1)^2 / 2 + D(G(z))^2 / 2: eq. 9 of Mao et al. 2017, arXiv:1611.04076; D is the output itself.

    Args:
      real: outputs for data [B].
      fake: outputs for samples [B].
      target: what D(x) should be, [B] or one number; 1 in the paper.
    """
    chex.assert_equal_shape((real, fake))
    chex.assert_is_broadcastable(jnp.shape(target), real.shape)
    return jnp.square(real - target) / 2 + jnp.square(fake) / 2


def least_squares_generator(real: jax.Array, fake: jax.Array) -> jax.Array:
    """(D(G(z)) - 1)^2 / 2: eq. 9 of Mao et al. 2017."""
    chex.assert_equal_shape((real, fake))
    del real
    return jnp.square(fake - 1) / 2


def wasserstein_critic(real: jax.Array, fake: jax.Array) -> jax.Array:
    """f(G(z)) - f(x): eq. 2 of Arjovsky et al. 2017, arXiv:1701.07875, with its sign turned."""
    chex.assert_equal_shape((real, fake))
    return fake - real


def wasserstein_generator(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-f(G(z)): eq. 2 of Arjovsky et al. 2017; the hinge loss has the same one."""
    chex.assert_equal_shape((real, fake))
    del real
    return -fake


def hinge_critic(real: jax.Array, fake: jax.Array) -> jax.Array:
    """max(0, 1 - f(x)) + max(0, 1 + f(G(z))): Lim and Ye 2017, arXiv:1705.02894, and Miyato et al. 2018, eq. 16."""
    chex.assert_equal_shape((real, fake))
    return jax.nn.relu(1 - real) + jax.nn.relu(1 + fake)


def relativistic_logits(real: jax.Array, fake: jax.Array) -> tuple[jax.Array, jax.Array]:
    """f(x) - E f(G(z)) and f(G(z)) - E f(x), whose sigmoids are D: Jolicoeur-Martineau 2018, arXiv:1807.00734, eq. 5.

    Args:
      real: logits of all data of a batch [N, ...].
      fake: logits of all samples [N, ...].
    """
    chex.assert_equal_shape((real, fake))
    return real - fake.mean(), fake - real.mean()


def relativistic_generator(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-log D(G(z)) - log(1 - D(x)): the critic's loss with the roles exchanged; Jolicoeur-Martineau 2018, section 4."""
    chex.assert_equal_shape((real, fake))
    return minimax_critic(fake, real)


def relativistic_pairing_critic(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-log sigmoid(f(x) - f(G(z))), of a pair of data and sample: Jolicoeur-Martineau 2018, section 4.

    It is the RpGAN of Huang et al. 2024, arXiv:2501.05441, eq. 2, with its sign turned.

    Args:
      real: logits of data [B].
      fake: logits of samples [B], of which the i-th is held against the i-th of data.

    Returns:
      Losses in nats [B]; log 2 where the critic prefers neither.
    """
    chex.assert_equal_shape((real, fake))
    return jax.nn.softplus(fake - real)


def relativistic_pairing_generator(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-log sigmoid(f(G(z)) - f(x)): the critic's loss with the roles exchanged; Huang et al. 2024, section 2."""
    chex.assert_equal_shape((real, fake))
    return relativistic_pairing_critic(fake, real)


def softmax_logits(real: jax.Array, fake: jax.Array) -> tuple[jax.Array, jax.Array]:
    """log(M P(x)) of the softmax P(x) = exp f(x) / Z over all M data and samples of a batch; 0 where all are alike.

    Z is the sum of exp f over both, the partition function of Lin 2017, arXiv:1704.06191, whose critic is -f here. The
    paper's losses are of log P(x), and so larger by log M, which has no gradient; without it, batches of any size
    compare.

    Args:
      real: logits of all data of a batch [N, ...], M / 2 numbers.
      fake: logits of all samples [N, ...], as many.
    """
    chex.assert_equal_shape((real, fake))
    both = jnp.stack([real, fake])
    log_mean = jax.nn.logsumexp(both) - math.log(both.size)
    return real - log_mean, fake - log_mean


def softmax_critic(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-log(M P(x)): the cross-entropy of the softmax with a target that is uniform over data; Lin 2017.

    Args:
      real: log(M P) of data [B], from `softmax_logits`.
      fake: log(M P) of samples [B], which count in the partition function alone.
    """
    chex.assert_equal_shape((real, fake))
    return -real


def softmax_generator(real: jax.Array, fake: jax.Array) -> jax.Array:
    """-log(M P(x)) / 2 - log(M P(G(z))) / 2: the cross-entropy with a target uniform over all; Lin 2017.

    Its mean is the divergence of the uniform target from the softmax, 0 where all logits are alike.
    """
    chex.assert_equal_shape((real, fake))
    return -(real + fake) / 2


def jensen_shannon(loss: jax.Array) -> jax.Array:
    """log 2 - loss / 2: the Jensen-Shannon divergence in nats where D is best, less otherwise; Goodfellow, thm. 1."""
    return math.log(2.0) - loss / 2


def le_cam(loss: jax.Array) -> jax.Array:
    """1 - 4 loss: half the integral of (p - q)^2 / (p + q) where D is best, in [0, 1], and less otherwise.

    The best D of least squares is p / (p + q) (Mao et al. 2017, eq. 5), which leaves a loss of half the integral of
    p q / (p + q). (The Pearson divergence of the paper's theorem belongs to other targets.)
    """
    return 1 - 4 * loss


def wasserstein(loss: jax.Array) -> jax.Array:
    """-loss: the distance up to the critic's Lipschitz constant where f is best; Arjovsky et al. 2017, section 3."""
    return -loss


def total_variation(loss: jax.Array) -> jax.Array:
    """1 - loss / 2: half the integral of |p - q| where f is best, in [0, 1], and less otherwise; Lim and Ye 2017."""
    return 1 - loss / 2


def k_divergence(loss: jax.Array) -> jax.Array:
    """-loss: the Kullback-Leibler divergence of data from the mixture m = (p + q) / 2 in nats, where f is best.

    E_p f - log E_m exp f is at most KL(p | m), which f = log p / (p + q) attains, and all that differ from it by a
    number (Donsker and Varadhan 1975). It is the K divergence of Lin 1991, whose mean over both directions is that of
    Jensen and Shannon. As log E_m is estimated from a batch, small ones say somewhat too much; none says more than
    log 2, since the shares P of its data add up to 1 at most.
    """
    return -loss


def paired_divergence(loss: jax.Array) -> jax.Array:
    """log 2 - loss: the Jensen-Shannon divergence in nats of pairs (x, G(z)) from pairs (G(z), x), where f is best.

    The critic guesses which of two is of the data. Were its logit any function of both, the best would be
    log p(x) q(y) / (q(x) p(y)) (Goodfellow et al. 2014, prop. 1), and that is f(x) - f(y) with f = log p / q.
    """
    return math.log(2.0) - loss


class AdversarialLoss(NamedTuple):
    """A pair of losses, and the distance between data and samples that the critic estimates while it minimises its own.

    Attributes:
      critic: `(real logits [B], fake logits [B]) -> losses [B]`; with `targets`, a third argument is what data aim at.
      generator: `(real logits [B], fake logits [B]) -> losses [B]`.
      estimate: name of the distance.
      distance: the critic's losses [B] -> terms [B] whose mean is the estimate.
      signed: whether the sign of a logit says what the critic takes an image for, positive for data.
      targets: whether the critic's loss has targets, which label smoothing changes.
      of_batch: what `critic` and `generator` are given in the place of logits, where they look at the whole batch:
        `(real [N, ...], fake [N, ...]) -> (real [N, ...], fake [N, ...])`, a function of the logits of all replicas.
        It is a part of the loss and differentiated with it; what is to be a constant stops the gradient itself.
    """

    critic: Callable[..., jax.Array]
    generator: Callable[[jax.Array, jax.Array], jax.Array]
    estimate: str
    distance: Callable[[jax.Array], jax.Array]
    signed: bool = False
    targets: bool = False
    of_batch: Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]] | None = None


ADVERSARIAL_LOSSES = {
    "minimax": AdversarialLoss(
        minimax_critic, minimax_generator, "jensen_shannon", jensen_shannon, signed=True, targets=True
    ),
    "non_saturating": AdversarialLoss(
        minimax_critic, non_saturating_generator, "jensen_shannon", jensen_shannon, signed=True, targets=True
    ),
    "least_squares": AdversarialLoss(least_squares_critic, least_squares_generator, "le_cam", le_cam, targets=True),
    "wasserstein": AdversarialLoss(wasserstein_critic, wasserstein_generator, "wasserstein", wasserstein),
    "hinge": AdversarialLoss(hinge_critic, wasserstein_generator, "total_variation", total_variation, signed=True),
    "relativistic": AdversarialLoss(
        minimax_critic,
        relativistic_generator,
        "relativistic_divergence",
        jensen_shannon,
        targets=True,
        of_batch=relativistic_logits,
    ),
    "relativistic_pairing": AdversarialLoss(
        relativistic_pairing_critic, relativistic_pairing_generator, "paired_divergence", paired_divergence
    ),
    "softmax": AdversarialLoss(
        softmax_critic, softmax_generator, "k_divergence", k_divergence, of_batch=softmax_logits
    ),
}

LossName = Annotated[str, OneOf(ADVERSARIAL_LOSSES.keys())]
