"""Adversarial losses against their formulas, their gradients against differences, and what theory says of them."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl.testing import parameterized
from jax.test_util import check_grads

from gengen.losses import adversarial
from gengen.losses.adversarial import ADVERSARIAL_LOSSES

REAL = np.array([-3.0, -0.5, 0.0, 1.5, 4.0], np.float32)
FAKE = np.array([2.0, 0.0, -1.0, -4.0, 0.3], np.float32)


def d(logit):
    return 1 / (1 + np.exp(-np.asarray(logit, np.float64)))


CRITIC = {
    "minimax": -np.log(d(REAL)) - np.log(1 - d(FAKE)),
    "non_saturating": -np.log(d(REAL)) - np.log(1 - d(FAKE)),
    "wasserstein": FAKE.astype(np.float64) - REAL,
}
GENERATOR = {
    "minimax": np.log(1 - d(FAKE)),
    "non_saturating": -np.log(d(FAKE)),
    "wasserstein": -FAKE.astype(np.float64),
}


class ClosedForms(chex.TestCase):
    @chex.all_variants
    @parameterized.parameters(*ADVERSARIAL_LOSSES)
    def test_critic(self, name):
        value = self.variant(ADVERSARIAL_LOSSES[name].critic)(REAL, FAKE)
        chex.assert_trees_all_close(value, CRITIC[name].astype(np.float32), rtol=1e-5, atol=1e-6)

    @chex.all_variants
    @parameterized.parameters(*ADVERSARIAL_LOSSES)
    def test_generator(self, name):
        value = self.variant(ADVERSARIAL_LOSSES[name].generator)(FAKE)
        chex.assert_trees_all_close(value, GENERATOR[name].astype(np.float32), rtol=1e-5, atol=1e-6)


def test_every_loss_is_in_the_tables_above():
    assert set(ADVERSARIAL_LOSSES) == set(CRITIC) == set(GENERATOR)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_gradients_agree_with_differences_to_second_order(name):
    loss = ADVERSARIAL_LOSSES[name]
    check_grads(lambda r, f: loss.critic(r, f).sum(), (REAL, FAKE), order=2, modes=("rev",), rtol=2e-2, atol=2e-2)
    check_grads(lambda f: loss.generator(f).sum(), (FAKE,), order=2, modes=("rev",), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_extreme_logits_stay_finite(name, size):
    loss, logits = ADVERSARIAL_LOSSES[name], jnp.asarray([-size, size])
    values, gradients = jax.value_and_grad(lambda x: loss.critic(x, -x).sum() + loss.generator(x).sum())(logits)
    chex.assert_tree_all_finite((values, gradients))


def test_the_value_at_one_half_is_minus_two_log_two():
    zero = jnp.zeros(4)
    chex.assert_trees_all_close(-adversarial.minimax_critic(zero, zero), jnp.full(4, -2 * math.log(2)), rtol=1e-6)
    chex.assert_trees_all_close(adversarial.jensen_shannon(zero, zero), jnp.zeros(4), atol=1e-7)


def test_the_best_critic_of_two_densities_reaches_their_jensen_shannon_divergence():
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    m = (p + q) / 2
    divergence = 0.5 * (p * np.log(p / m)).sum() + 0.5 * (q * np.log(q / m)).sum()
    logit = jnp.asarray(np.log(p / q), jnp.float32)  # D* = p / (p + q)

    def estimate(logit):  # the mean over data and samples, each point weighted by its density
        at_data = adversarial.jensen_shannon(logit, jnp.full(3, -jnp.inf))
        at_samples = adversarial.jensen_shannon(jnp.full(3, jnp.inf), logit)
        return jnp.sum(p.astype(np.float32) * at_data + q.astype(np.float32) * at_samples) - math.log(2)

    assert float(estimate(logit)) == pytest.approx(divergence, rel=1e-5)
    for other in (logit + 0.1, logit * 0.9, jnp.zeros(3)):
        assert float(estimate(other)) < divergence


def test_the_minimax_generator_saturates_where_the_other_does_not():
    logit = jnp.asarray(-20.0)  # D(G(z)) is almost 0
    assert abs(float(jax.grad(adversarial.minimax_generator)(logit))) < 1e-8
    assert float(jax.grad(adversarial.non_saturating_generator)(logit)) == pytest.approx(-1.0)


def test_the_wasserstein_estimate_is_minus_the_loss_of_the_critic():
    chex.assert_trees_all_equal(adversarial.wasserstein(REAL, FAKE), -adversarial.wasserstein_critic(REAL, FAKE))
