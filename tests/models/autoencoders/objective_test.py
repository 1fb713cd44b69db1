"""Objectives: when their weights hold, what is free, over what is added, and what goes together."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import AXIS, replica_mean
from gengen.models.autoencoders.objective import ESTIMATORS, Objective


def charged(objective, divergence):
    """Cost and slope of divergences [replicas, B, L], averaged over replicas as training does."""

    def cost(divergence):
        return jax.value_and_grad(objective.charged)(divergence)

    value, slope = jax.vmap(cost, axis_name=AXIS)(divergence)
    return float(value.mean()), np.asarray(slope) / len(divergence)


def test_the_divergence_comes_in_evenly():
    beta = Objective(beta=2.0, warmup=4).beta_at
    assert [float(beta(jnp.asarray(step, jnp.int32))) for step in (0, 1, 2, 4, 5, 1000)] == [0, 0.5, 1, 2, 2, 2]
    assert float(Objective(beta=2.0).beta_at(jnp.asarray(0, jnp.int32))) == 2


def test_pixels_are_added_or_averaged():
    log_prob = jax.random.normal(jax.random.key(0), (2, 3, 40))
    added, averaged = (Objective(reduction=reduction).reduced(log_prob) for reduction in ("sum", "mean"))
    chex.assert_shape([added, averaged], (2, 3))
    np.testing.assert_allclose(added, np.float64(log_prob).sum(2), rtol=1e-4)
    np.testing.assert_allclose(added, 40 * averaged, rtol=1e-5)


def test_without_free_bits_divergences_are_added_over_latents_and_averaged_over_images():
    divergence = jax.random.uniform(jax.random.key(0), (1, 6, 3))
    value, slope = charged(Objective(), divergence)
    assert value == pytest.approx(np.float64(divergence).sum(2).mean(), rel=1e-5)
    np.testing.assert_allclose(slope, np.full((1, 6, 3), 1 / 6), rtol=1e-6)


MEANS = np.float32([0.1, 0.49, 0.51, 2.0])


def around(replicas):
    """Divergences [replicas, 8 / replicas, 4] of these means, though no image has them."""
    off = np.linspace(-0.09, 0.09, 8, dtype=np.float32)[:, None]
    return jnp.asarray((MEANS + off).reshape(replicas, -1, 4))


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_a_latent_below_its_free_nats_costs_them_and_feels_no_pull_and_one_above_all_of_it(replicas):
    value, slope = charged(Objective(free_bits=0.5), around(replicas))
    assert value == pytest.approx(0.5 + 0.5 + 0.51 + 2.0, rel=1e-5)
    expected = np.broadcast_to(np.float32([0, 0, 1, 1]) / 8, slope.shape)
    np.testing.assert_allclose(slope, expected, rtol=1e-6)


def test_the_free_nats_are_of_the_batch_of_all_replicas():
    """By itself the half of one replica lies below 0.5 and that of the other above."""
    divergence = jnp.asarray([[[0.3]], [[0.9]]])
    assert charged(Objective(free_bits=0.5), divergence)[0] == pytest.approx(0.6)
    by_halves = np.mean([charged(Objective(free_bits=0.5), half[None])[0] for half in divergence])
    assert by_halves == pytest.approx(0.7)


def test_the_mean_over_replicas_of_costs_without_free_bits_is_that_of_one_batch():
    divergence = around(4)
    of_replicas = jax.vmap(lambda part: replica_mean(Objective().charged(part)), axis_name=AXIS)(divergence)
    np.testing.assert_allclose(of_replicas, np.full(4, charged(Objective(), divergence.reshape(1, 8, 4))[0]), rtol=1e-5)


@pytest.mark.parametrize("name", ["reconstruction", "beta", "warmup", "free_bits"])
@pytest.mark.parametrize("wrong", [-1, math.inf, math.nan])
def test_weights_are_finite_and_not_negative(name, wrong):
    with pytest.raises(ValueError, match=f"{name}={wrong} must be a number of at least 0"):
        Objective(**{name: wrong}).check()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"samples": 0}, "samples=0 must be a number of at least 1"),
        ({"estimator": "iwea"}, "estimator='iwea' must be one of elbo, iwae, dreg"),
        ({"reduction": "max"}, "reduction='max' must be one of sum, mean"),
        ({"free_bits": 0.5, "estimator": "iwae"}, "free_bits=0.5 needs the estimator 'elbo', not 'iwae'"),
        ({"free_bits": 0.5, "estimator": "dreg"}, "free_bits=0.5 needs the estimator 'elbo', not 'dreg'"),
    ],
)
def test_what_is_out_of_range_or_does_not_go_together_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        Objective(**wrong).check()


def test_what_is_in_range_passes():
    for estimator in ESTIMATORS:
        Objective(estimator=estimator, samples=5, beta=0, reconstruction=0, warmup=10, reduction="mean").check()
    Objective(free_bits=0.5).check()


def test_the_sentence_says_all_that_lectures_leave_open():
    plain = Objective().sentence("error", 20)
    assert "1 x the error (the sum over values) + 1 x the divergence from the prior (the sum over 20 latents)." in plain
    full = Objective(samples=3, beta=4, warmup=2000, free_bits=0.25, reconstruction=10, reduction="mean")
    for part in ("10 x the error (the mean", "4 x the div", "over 2,000 steps", "0.25 nats a latent", "over 3 samples"):
        assert part in full.sentence("error", 20)
        assert part not in plain
    assert "importance-weighted over 5 samples" in Objective("iwae", 5).sentence("error", 20)
    assert "doubly reparametrised" in Objective("dreg", 5).sentence("error", 20)
