"""Whatever a likelihood is of, it is in one unit: models that know the truth all give its cost, and none gives less.

The pictures are those of `benchmarks.likelihoods`, whose entropy is known. Models here are not trained but made: their
distributions are the truth, or one whose cost SciPy knows.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from benchmarks.likelihoods import (
    FAMILIES,
    LEVELS,
    SIDE,
    START,
    STEP,
    cost,
    entropy,
    log_mass,
    masses,
    row_of,
    walks,
)
from gengen.core.model import GenerativeModel
from gengen.losses.likelihood import LIKELIHOODS
from gengen.models.flows.normalising_flow import normalising_flow
from gengen.networks.bijectors.bijector import FlowNetwork

SHAPE, DIMENSIONS = (SIDE, SIDE, 1), SIDE * SIDE


def test_the_entropy_is_that_of_all_pictures_and_the_mean_cost_of_some():
    pictures = walks().splits["test"]["data"]
    assert pictures.min() > 0 and pictures.max() < LEVELS - 1
    bits = -log_mass(pictures) / DIMENSIONS / math.log(2)
    assert abs(bits.mean() - entropy()) < 3 * bits.std() / math.sqrt(len(bits)) < 0.02
    # Of a normal number that is rounded: that of its density, as long as it spans some levels.
    for deviation, reach in (START, STEP):
        mass = masses(deviation, reach)
        assert -(mass * np.log(mass)).sum() == pytest.approx(
            0.5 * math.log(2 * math.pi * math.e * deviation**2), abs=0.01
        )


def marginals():
    """The probabilities of levels [columns, levels]: those of a walk after 0 to 3 steps."""
    found, mass = [], masses(*START)
    for _ in range(SIDE):
        table, reach = np.zeros(LEVELS), len(mass) // 2
        table[LEVELS // 2 - reach : LEVELS // 2 + reach + 1] = mass
        found.append(table)
        mass = np.convolve(mass, masses(*STEP))
    return np.maximum(np.array(found), 1e-30)


def independent(pictures):
    """What pictures cost if their pixels had nothing to do with each other, bits per dimension."""
    log = np.log2(marginals())[np.arange(SIDE), pictures[..., 0].astype(int)]
    return -log.sum((1, 2)) / DIMENSIONS


class Staircase(FlowNetwork):
    """A flow of logits whose density of a pixel in [0, 1] is a staircase: each level's own probability, times L."""

    alpha: float = 0.05

    def encode(self, x, context=None):
        inside = jax.nn.sigmoid(x)
        u = (inside - self.alpha) / (1 - 2 * self.alpha)
        table = jnp.asarray(marginals(), jnp.float32)
        below = jnp.concatenate([jnp.zeros((SIDE, 1)), jnp.cumsum(table, 1)], 1)
        level = jnp.clip(jnp.floor(u[..., 0] * LEVELS), 0, LEVELS - 1).astype(jnp.int32)
        column = jnp.broadcast_to(jnp.arange(SIDE)[None, None], level.shape)
        mass = table[column, level]
        within = u[..., 0] * LEVELS - level.astype(jnp.float32)
        share = jnp.clip(below[column, level] + mass * within, 1e-6, 1 - 1e-6)
        z = jax.scipy.special.ndtri(share)
        slope = jnp.log(mass * LEVELS) + jnp.log(inside * (1 - inside) / (1 - 2 * self.alpha))[..., 0]
        log_det = slope - jax.scipy.stats.norm.logpdf(z)
        return z.reshape(len(x), -1), log_det.reshape(len(x), -1).sum(-1)

    def decode(self, z, context=None):
        raise NotImplementedError


def flow(alpha):
    networks = {"flow": Staircase(SHAPE, alpha=alpha)}
    return normalising_flow(networks=networks, optimizers={"flow": optax.sgd(0.1)}, levels=LEVELS, alpha=alpha)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_a_flow_whose_density_is_the_staircase_of_levels_costs_what_the_levels_do(alpha):
    found = cost(flow(alpha), {"flow": {}}, (1,))["1"]
    expected = independent(walks().splits["test"]["data"]).mean()
    assert found["bits_per_dimension"]["value"] == pytest.approx(expected, abs=2e-3)
    assert expected > entropy() + 0.1, "the pixels have to do with each other"


def told(name, output, **others):
    """A model that says the same of every picture by one of the likelihoods, with no latents in between."""
    made = LIKELIHOODS[name](rank=3, **({"levels": LEVELS} if name == "discretised_logistic" else {}))

    def log_likelihood(key, variables, data, condition=None, samples=1):
        said = jnp.broadcast_to(jnp.asarray(output, jnp.float32), (*data.shape[:-1], 2))
        return made.log_probs(said, data).sum(-1)

    return GenerativeModel(None, None, log_likelihood=log_likelihood, likelihood_of=made.of, **others)


def test_a_decoder_of_levels_and_one_of_a_density_cost_what_scipy_says():
    pictures, h = walks().splits["test"]["data"].astype(np.float64), 2 / (LEVELS - 1)
    scale = 6 * h
    logistic = stats.logistic(LEVELS // 2, 6)
    mass = np.log2(logistic.cdf(pictures + 0.5) - logistic.cdf(pictures - 0.5))
    centre = LEVELS // 2 * h - 1
    soft = math.log(math.expm1(math.log(scale) + 7)) - 7
    found = cost(told("discretised_logistic", [centre, soft]), {}, (1,))["1"]
    assert found["bits_per_dimension"]["value"] == pytest.approx(-mass.mean(), abs=2e-4)
    # The density over a level is nearly even where it spans many: so is what its noise loses.
    normal = stats.norm(LEVELS // 2, 6)
    mass = np.log2(normal.cdf(pictures + 0.5) - normal.cdf(pictures - 0.5))
    floor = math.log(1 / 127.5)
    soft = math.log(math.expm1(math.log(scale) - floor)) + floor
    found = cost(told("gaussian_learned", [math.atanh(centre), soft]), {}, (1,))["1"]
    assert -mass.mean() < found["bits_per_dimension"]["value"] < -mass.mean() + 0.006
    assert found["is"].endswith("uniform noise in each level")


@pytest.mark.slow
@pytest.mark.heavy
def test_no_family_is_below_the_entropy_and_the_best_is_near_it():
    with jax.numpy_dtype_promotion("standard"):  # Optax raises floats to integer powers
        rows = [row_of(family, steps=3_000) for family in FAMILIES]
    floor = -log_mass(walks().splits["test"]["data"]).mean() / DIMENSIONS / math.log(2)
    for row in rows:
        assert row["high"] > entropy() and row["value"] > floor - 1e-3, row
    assert min(row["value"] for row in rows) < floor + 0.02
