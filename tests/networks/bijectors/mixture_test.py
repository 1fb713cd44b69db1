"""The distribution function of a mixture of Gaussians as a map: SciPy's numbers, both ways, slopes, tails."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from gengen.networks.bijectors.mixture import FEWEST, WIDTH, gaussian_mixture

MIXTURE = gaussian_mixture(FEWEST)
X = np.linspace(-6, 6, 121).astype(np.float32)


@pytest.fixture(scope="module")
def moves():
    """Both ways: where numbers go, slopes, derivatives by the number, and those of both along the parameters."""

    def followed(move):
        def both(p, x):
            found, along = jax.linearize(move, p, x)
            return *found, along(jnp.zeros_like(p), jnp.ones_like(x))[0], along(jnp.ones_like(p), jnp.zeros_like(x))

        return jax.jit(both)

    return followed(MIXTURE.forward), followed(MIXTURE.inverse)


def drawn(scale, size=121, seed=0):
    return (scale * np.random.default_rng(seed).normal(size=(size, MIXTURE.numbers))).astype(np.float32)


def test_at_first_it_is_the_identity(moves):
    inside = abs(X) <= 4
    for move in moves:
        moved, slope, *_ = move(drawn(0), X)
        np.testing.assert_allclose(moved[inside], X[inside], atol=3e-5)
        np.testing.assert_allclose(slope[inside], 0, atol=1e-4)


def test_where_numbers_go_and_the_slope_are_those_of_scipy(moves):
    parameters = drawn(0.7)
    z, slope, *_ = moves[0](parameters, X)
    logits, shifts, scales = np.split(parameters.astype(float), 3, -1)
    grid = np.linspace(-5, 5, FEWEST) * 0.6
    weights = special.softmax(logits - (grid / 0.6) ** 2 / 2, -1)
    given = {"loc": shifts + grid, "scale": np.exp(scales) * (WIDTH - 1e-3) + 1e-3}
    below, above = ((weights * side(X[:, None], **given)).sum(-1) for side in (stats.norm.cdf, stats.norm.sf))
    exact = np.where(below < above, stats.norm.ppf(below), stats.norm.isf(above))
    np.testing.assert_allclose(z, exact, atol=2e-4)
    density = (weights * stats.norm.pdf(X[:, None], **given)).sum(-1)
    np.testing.assert_allclose(slope, np.log(density) - stats.norm.logpdf(exact), atol=2e-3)


def test_the_way_back_and_slopes_of_both_ways(moves):
    parameters = drawn(0.5, seed=1)
    z, slope, along, _ = moves[0](parameters, X)
    back, slope_back, along_back, _ = moves[1](parameters, z)
    np.testing.assert_allclose(back, X, atol=1e-4)
    np.testing.assert_allclose(slope_back, -slope, atol=1e-3)
    np.testing.assert_allclose(np.log(along), slope, atol=1e-4)
    np.testing.assert_allclose(np.log(along_back), slope_back, atol=1e-4)


def test_both_ways_know_how_they_depend_on_parameters(moves):
    parameters, step, x = drawn(0.3, seed=2), 1e-2, np.clip(X, -2, 2)
    for move in moves:
        found = move(parameters, x)[3]
        after, before = (move(parameters + sign * np.float32(step), x) for sign in (1, -1))
        for place in (0, 1):
            differences = (after[place] - before[place]) / (2 * step)
            np.testing.assert_allclose(found[place], differences, rtol=2e-2, atol=5e-3)


@pytest.mark.parametrize("scale", [3.0, 30.0])
def test_large_parameters_and_numbers_far_out_give_finite_numbers_and_gradients(scale):
    def total(parameters, x):
        moved, slope = MIXTURE.forward(parameters, x)
        return moved.sum() + slope.sum()

    far = np.concatenate([X, 100 * X])
    found, given = jax.jit(jax.value_and_grad(total, (0, 1)))(drawn(scale, len(far), 4), far)
    assert np.isfinite(found) and all(np.isfinite(leaf).all() for leaf in given)


def test_numbers_of_a_mixture_become_normal_ones(moves):
    rng, parameters, found = np.random.default_rng(5), np.repeat(drawn(0.7, 1, 5), len(X), 0), []
    logits, shifts, scales = np.split(parameters[0].astype(float), 3)
    grid = np.linspace(-5, 5, FEWEST) * 0.6
    for _ in range(30):
        component = rng.choice(FEWEST, len(X), p=special.softmax(logits - (grid / 0.6) ** 2 / 2))
        x = rng.normal((shifts + grid)[component], (np.exp(scales) * (WIDTH - 1e-3) + 1e-3)[component])
        found.append(moves[0](parameters, x.astype(np.float32))[0])
    assert stats.kstest(np.concatenate(found), "norm").pvalue > 1e-3
    with pytest.raises(ValueError, match="make no normal number"):
        gaussian_mixture(FEWEST - 1)
