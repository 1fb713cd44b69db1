"""Likelihoods: they are distributions, their means are those of these distributions, and events may have any shape."""

import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from gengen.losses import likelihood
from gengen.losses.likelihood import LEAST_LOG_DEVIATION, LIKELIHOODS

BUILT = {
    "squared_error": likelihood.squared_error(rank=1),
    "bernoulli": likelihood.bernoulli(rank=1),
    "gaussian": likelihood.gaussian(rank=1, deviation=0.3),
    "gaussian_learned": likelihood.gaussian_learned(rank=1),
    "discretised_logistic": likelihood.discretised_logistic(rank=1, levels=256),
}
PROPER = [name for name, built in BUILT.items() if built.proper]
OUTPUTS = {
    "bernoulli": np.float32([[-3.0], [0.0], [0.7], [5.0]]),
    "gaussian": np.float32([[-2.0], [0.0], [0.3], [4.0]]),
    "gaussian_learned": np.float32([[-2.0, -1.0], [0.0, 0.3], [0.5, -3.0], [3.0, -20.0]]),
    "discretised_logistic": np.float32([[-2.0, -1.0], [0.0, 0.3], [0.5, -4.0], [1.1, 2.0], [-1.0, -20.0]]),
}
"""What decoders may say of a pixel, [cases, numbers]."""


def grid(name):
    """Values that a pixel can take, and what each stands for in an integral."""
    if name == "bernoulli":
        return np.float32([-1, 1]), 1.0
    if BUILT[name].discrete:
        return np.linspace(-1, 1, 256, dtype=np.float32), 1.0
    values = np.linspace(-12, 12, 48_001, dtype=np.float32)
    return values, 24 / 48_000


def densities(name):
    """p(x) [cases, values] for every case, the values, and their share in an integral."""
    values, width = grid(name)
    case = jax.jit(jax.vmap(lambda output: BUILT[name].log_prob(output[None], jnp.asarray(values)[:, None])[:, 0]))
    return np.exp(np.float64(case(jnp.asarray(OUTPUTS[name])))), np.float64(values), width


def test_all_likelihoods_are_in_the_tables_above():
    assert set(LIKELIHOODS) == set(BUILT)
    assert set(OUTPUTS) == set(PROPER) == set(BUILT) - {"squared_error"}


@pytest.mark.parametrize("name", PROPER)
def test_what_is_called_proper_sums_to_one_over_all_values_of_a_pixel(name):
    density, _, width = densities(name)
    np.testing.assert_allclose(density.sum(1) * width, 1, atol=2e-5)


@pytest.mark.parametrize("name", PROPER)
def test_the_mean_is_that_of_the_distribution(name):
    density, values, width = densities(name)
    mean = (density * values).sum(1) * width
    narrow = 1e-3 if BUILT[name].discrete else 2e-4  # a quarter of a level: a scale of less than one has no fractions
    np.testing.assert_allclose(BUILT[name].mean(OUTPUTS[name])[:, 0], mean, atol=narrow)


def test_numbers_and_channels_of_images():
    for name, built in BUILT.items():
        output, image = jnp.ones((5, 4, 3, 2 * built.numbers)), jnp.zeros((5, 4, 3, 2))
        chex.assert_equal_shape([image, built.log_prob(output, image), built.mean(output)])
        assert np.abs(built.mean(100 * output)).max() <= 1, name


def test_bernoulli_is_that_of_scipy_and_does_not_overflow():
    logit = np.float32([-30, -2, 0, 0.5, 30])
    for white in (0, 1):
        found = likelihood.bernoulli(rank=1).log_prob(logit, jnp.full(5, 2.0 * white - 1))
        np.testing.assert_allclose(
            found, scipy.stats.bernoulli.logpmf(white, 1 / (1 + np.exp(-np.float64(logit)))), rtol=1e-3, atol=1e-6
        )
    assert float(likelihood.bernoulli(rank=1).log_prob(jnp.asarray(1e4), jnp.asarray(-1.0))) == -1e4


def test_bernoulli_counts_grey_as_so_much_of_both():
    built, logit = likelihood.bernoulli(rank=1), jnp.asarray([0.4, -2.0])
    black, white = (built.log_prob(logit, jnp.full(2, end)) for end in (-1.0, 1.0))
    chex.assert_trees_all_close(built.log_prob(logit, jnp.full(2, -0.5)), 0.75 * black + 0.25 * white, rtol=1e-6)


@pytest.mark.parametrize("deviation", [0.05, 1.0, 3.0])
def test_gaussian_is_that_of_scipy(deviation):
    output, image = np.float32([-1.5, 0.0, 0.2]), np.float32([-1.0, 0.3, 0.9])
    np.testing.assert_allclose(
        likelihood.gaussian(rank=1, deviation=deviation).log_prob(output, image),
        scipy.stats.norm.logpdf(image, np.tanh(output), deviation),
        rtol=1e-4,
    )


@pytest.mark.parametrize("deviation", [0.0, -1.0, math.inf, math.nan])
def test_deviations_that_are_none_are_refused(deviation):
    with pytest.raises(ValueError, match=f"deviation={deviation} must be positive"):
        likelihood.gaussian(rank=1, deviation=deviation)


def test_a_gaussian_orders_images_as_the_squared_error_does_scaled_by_its_deviation():
    output, image = jnp.asarray([0.3, -2.0, 0.9]), jnp.asarray([0.1, -0.5, -1.0])
    differences = [
        built.log_prob(output, image) - built.log_prob(output, jnp.tanh(output))
        for built in (likelihood.squared_error(rank=1), likelihood.gaussian(rank=1, deviation=0.3))
    ]
    chex.assert_trees_all_close(differences[0] / (2 * 0.3**2), differences[1], rtol=1e-5)
    chex.assert_trees_all_close(differences[0], -np.square(image - np.tanh(output)), rtol=1e-6)


def test_learned_deviations_are_what_was_said_until_they_meet_their_floor():
    log_prob = jax.jit(likelihood.gaussian_learned(rank=1).log_prob)

    def deviation(said):
        """Of a pixel in its mean, where the density is 1 / (deviation sqrt(2 pi))."""
        nats = log_prob(np.float32([0.5, said]), np.tanh(np.float32([0.5])))
        return math.exp(-float(nats[0])) / math.sqrt(2 * math.pi)

    floor = math.exp(LEAST_LOG_DEVIATION)
    assert floor == pytest.approx(1 / 127.5)  # half of a step of grey, whose width is 2 / 255
    assert deviation(-1e4) == pytest.approx(floor, rel=1e-5)
    said = np.linspace(-12, 3, 50)
    found = np.array([deviation(value) for value in said])
    assert np.all(np.diff(found) > 0)
    assert np.all(found > floor * 0.9999)
    np.testing.assert_allclose([deviation(value) for value in (0.0, 2.0)], np.exp([0.0, 2.0]) + floor, rtol=1e-4)


def test_a_learned_deviation_is_best_where_it_is_the_error():
    error = 0.2

    def loss(said):
        return -likelihood.gaussian_learned(rank=1).log_prob(jnp.stack([jnp.zeros(()), said]), jnp.asarray([error]))[0]

    best, slope = np.float32(np.log(error - math.exp(LEAST_LOG_DEVIATION))), jax.jit(jax.grad(loss))
    assert abs(float(slope(best))) < 1e-4
    assert float(slope(best - np.float32(0.5))) < -0.1
    assert float(slope(best + np.float32(0.5))) > 0.1


@pytest.mark.parametrize("levels", [2, 5, 256])
@pytest.mark.parametrize("said", [(0.1, -3.0), (-1.0, 0.5), (0.99, -6.0), (30.0, -9.0), (-3.0, 4.0)])
def test_masses_of_all_levels_are_those_of_the_logistic_and_sum_to_one(said, levels):
    built, values = likelihood.discretised_logistic(rank=1, levels=levels), np.linspace(-1, 1, levels)
    log_mass = jax.jit(jax.vmap(lambda value: built.log_prob(jnp.asarray(said), value[None])[0]))
    nats = np.float64(log_mass(values.astype(np.float32)))
    assert np.exp(nats).sum() == pytest.approx(1, abs=2e-5)
    scale = np.exp(-7 + np.log1p(np.exp(said[1] + 7)))  # the floor is soft
    edges = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2, [np.inf]])  # the ends take the tails
    low, high = (edges[:-1] - said[0]) / scale, (edges[1:] - said[0]) / scale
    law = scipy.stats.logistic
    expected = np.where(low > 0, law.sf(low) - law.sf(high), law.cdf(high) - law.cdf(low))
    seen = expected > 1e-290
    np.testing.assert_allclose(nats[seen], np.log(expected[seen]), rtol=2e-4, atol=2e-5)
    assert np.isfinite(nats).all()


def test_a_logistic_far_from_its_datum_is_still_drawn_to_it():
    built = likelihood.discretised_logistic(rank=1, levels=256)

    def nats(said, data):
        return built.log_prob(said, data[None])[0]

    slopes = jax.jit(jax.grad(nats))
    for data, centre in ((-1.0, 50.0), (0.0, -50.0), (0.0, 50.0), (1.0, -50.0)):
        slope = slopes(jnp.asarray([centre, -7.0]), jnp.asarray(data))
        assert np.isfinite(slope).all() and np.sign(slope[0]) == np.sign(data - centre)
        assert slope[1] > 0, "a wider one gives it more"


def test_titles_say_in_what_unit_pixels_are_measured():
    assert "deviation 0.3" in BUILT["gaussian"].title
    assert len({built.title for built in BUILT.values()}) == len(BUILT)


@pytest.mark.parametrize("shape", [(6,), (3, 2), (2, 1, 3), (2, 1, 1, 3)])
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_sum_over_an_event_of_any_rank_is_that_over_the_flattened_event(name, shape):
    rng = np.random.default_rng(0)
    given = {"levels": 256} if name == "discretised_logistic" else {}
    of_shape, flattened = (LIKELIHOODS[name](rank=rank, **given) for rank in (len(shape), 1))
    data = rng.uniform(-1, 1, (4, 5, *shape)).astype(np.float32)
    parts = rng.normal(size=(of_shape.numbers, 4, 5, *shape)).astype(np.float32)
    output, flat = np.concatenate([*parts], -1), np.concatenate([part.reshape(4, 5, -1) for part in parts], -1)

    @jax.jit
    def both(*inputs):
        return [
            (built.log_probs(output, data), built.squared_errors(output, data), built.mean(output))
            for built, (output, data) in zip((of_shape, flattened), inputs, strict=True)
        ]

    (*found, mean), (*expected, mean_of_flat) = both((output, data), (flat, data.reshape(4, 5, -1)))
    for one, other in zip(found, expected, strict=True):
        chex.assert_shape(one, (4, 5, math.prod(shape)))
        np.testing.assert_allclose(np.sum(one, -1), np.sum(other, -1), rtol=1e-6)
    np.testing.assert_allclose(np.reshape(mean, (4, 5, -1)), mean_of_flat, rtol=1e-6)


@pytest.mark.parametrize("name", ["squared_error", "gaussian", "gaussian_learned"])
def test_means_of_unbounded_data_go_as_far_as_they_are_said(name):
    built = LIKELIHOODS[name](rank=1, bounded=False)
    output = jnp.asarray([[-30.0, 0.5, 1e3] + 3 * [0.0] * (built.numbers - 1)])
    mean = built.mean(output)
    chex.assert_trees_all_equal(mean, output[:, :3])
    slopes = jax.grad(lambda data: built.log_probs(output, data).sum())(output[:, :3])
    chex.assert_trees_all_equal(slopes, jnp.zeros((1, 3)))
    assert "standardised" in built.title
