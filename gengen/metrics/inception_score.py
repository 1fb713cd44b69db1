"""The Inception score: how surely a classifier names the class of each sample, and how evenly it names all classes.

Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 4. It says something only with a classifier that fits
the data: the Inception network of 2015 for photographs of the classes of ImageNet, one trained on the data otherwise.
It sees no reference. Everything is computed in float64.
"""

import itertools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np

from gengen.metrics.interval import Estimate, of_blocks


def inception_score(classifier_logits: np.ndarray, *, splits: int = 10, seed: int = 0) -> Estimate:
    """exp(E KL(p(y|x) || p(y))): the mean over random splits of equal size, with its 95 % interval.

    It lies between 1 and the number of classes. Each split estimates p(y) by its own mean, which biases the score when
    splits are small; the interval holds its expectation at this size of splits.

    Args:
      classifier_logits: logits of the classes for each sample [N, K]. Log-probabilities are logits too, of the same
        probabilities, and may be minus infinity. Probabilities are not taken: they lose what is below rounding.
      splits: number of splits S, of at least 2.
      seed: seed of the order in which samples go to splits.

    Raises:
      ValueError: there are fewer than two splits, or fewer samples than splits.
    """
    chex.assert_rank(classifier_logits, 2)
    if not 2 <= splits <= len(classifier_logits):
        raise ValueError(f"splits={splits} must be between 2 and the {len(classifier_logits)} samples")
    order = np.random.default_rng(seed).permutation(len(classifier_logits))
    return of_blocks(inception_score_of_splits(np.asarray(classifier_logits)[order], splits=splits))


def inception_score_of_splits(classifier_logits: np.ndarray, *, splits: int = 10) -> np.ndarray:
    """The Inception score of each split of samples, in the order given, to follow another implementation's order.

    Args:
      classifier_logits: logits of the classes for each sample [N, K]; see `inception_score`.
      splits: number of splits S; split i holds samples floor(i N / S) to floor((i + 1) N / S) - 1.

    Returns:
      Scores in float64 [S].
    """
    chex.assert_rank(classifier_logits, 2)
    ends = [i * len(classifier_logits) // splits for i in range(splits + 1)]
    with jax.enable_x64(True):
        parts = [np.asarray(classifier_logits[a:b], np.float64) for a, b in itertools.pairwise(ends)]
        return np.array([float(_score(part)) for part in parts])


@jax.jit
def _score(logits: jax.Array) -> jax.Array:
    log_p = jax.nn.log_softmax(logits, 1)
    log_mean = jax.nn.logsumexp(log_p, 0) - math.log(len(logits))
    # A class of probability 0 has log p = log p(y) = -inf, and adds nothing.
    terms = jnp.where(jnp.isneginf(log_p), 0, jnp.exp(log_p) * (log_p - log_mean[None]))
    return jnp.exp(terms.sum(1).mean())
