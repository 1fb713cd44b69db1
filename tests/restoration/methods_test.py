"""Methods on Gaussian pictures, whose denoiser and whose posterior are formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.restoration.guides import moment_matching, null_space, pseudo_inverse
from gengen.restoration.methods import METHODS, Seen, restored
from gengen.restoration.operators import inpaint, superres
from gengen.samplers.probability_paths import PATHS

SHAPE = (4, 4, 1)
SIZE = 16
MANY = 1_000
MEAN = np.linspace(-1, 1, SIZE).astype(np.float32)


def covariance(correlation):
    """Of neighbours on a line."""
    places = np.arange(SIZE)
    return 0.5 * correlation ** np.abs(places[:, None] - places)


def gaussian(path, cov, shape=SHAPE):
    """The exact denoiser of N(MEAN, cov)."""
    values, vectors = np.linalg.eigh(cov)
    values, vectors = values.astype(np.float32), jnp.asarray(vectors, jnp.float32)

    def denoise(x, t):
        alpha, sigma = path.alpha(t)[:, None], path.sigma(t)[:, None]
        gain = alpha * values[None] / (jnp.square(alpha) * values[None] + jnp.square(sigma))
        apart = (x.reshape(len(x), -1) - alpha * MEAN[None]) @ vectors
        return ((apart * gain) @ vectors.T + MEAN[None]).reshape(-1, *shape)

    return denoise


def matrix(operator, shape=SHAPE):
    rows = operator.forward(jnp.eye(SIZE).reshape(SIZE, *shape))
    return np.asarray(rows.reshape(SIZE, -1), np.float64).T


def posterior(cov, operator, y, noise):
    a = matrix(operator)
    kept = np.abs(a).sum(1) > 0  # what a mask does not see is no row
    a, y = a[kept], np.asarray(y, np.float64).reshape(-1)[kept]
    gain = cov @ a.T @ np.linalg.inv(a @ cov @ a.T + noise**2 * np.eye(len(a)))
    return MEAN + gain @ (y - a @ MEAN), cov - gain @ a @ cov


OPERATORS = {"mask": inpaint(SHAPE, mask="right", share=0.5), "means": superres(SHAPE, factor=2)}


def observation(operator, cov, noise):
    truth = np.random.default_rng(3).multivariate_normal(MEAN, cov).astype(np.float32)
    seen = operator.forward(jnp.asarray(truth).reshape(1, *SHAPE))
    return seen + noise * jax.random.normal(jax.random.key(9), seen.shape)


def draws(method, path, cov, seen, many=MANY):
    """Many restorations of one observation."""
    seen = seen._replace(y=seen.y.repeat(many, axis=0))
    keys = example_keys(jax.random.key(0), many)
    run = jax.jit(lambda: restored(keys, gaussian(path, cov), path, seen, method, SHAPE))
    return np.asarray(run(), np.float64)


def agrees(found, mean, cov, bias=0.0):
    """Moments within five standard errors, and a bias that steps leave, as a part of a deviation."""
    found = found.reshape(len(found), -1)
    deviation = np.sqrt(np.diag(cov).clip(0))
    within = 5 * deviation / np.sqrt(len(found)) + bias * np.sqrt(0.5) + 1e-3
    np.testing.assert_array_less(abs(found.mean(0) - mean), within)
    spread = np.outer(deviation, deviation)
    error = 5 * np.sqrt((spread**2 + cov**2) / len(found)) + 2 * bias * 0.5 + 1e-3
    np.testing.assert_array_less(abs(np.cov(found.T) - cov), error)


@pytest.mark.parametrize("name", ["linear", "variance_exploding"])
def test_moment_matching_says_the_mean_of_what_is_known(name):
    """The denoiser of the posterior, which is a Gaussian, too, at every time at which guidance does not fade."""
    path, cov, noise = PATHS[name], covariance(0.7), 0.3
    times = jnp.linspace(0.05, 0.6, 4)
    x = jax.random.normal(jax.random.key(1), (4, *SHAPE))
    for operator in OPERATORS.values():
        y = observation(operator, cov, noise)
        guided = moment_matching(gaussian(path, cov), path, operator, y.repeat(4, 0), noise=noise, iterations=16)
        found = jax.jit(guided)(x, times)
        mean, after = posterior(cov, operator, y[0], noise)
        for place, t in enumerate(times):
            alpha, sigma = float(path.alpha(t)), float(path.sigma(t))
            gain = alpha * after @ np.linalg.inv(alpha**2 * after + sigma**2 * np.eye(SIZE))
            wanted = mean + gain @ (np.asarray(x[place]).reshape(-1) - alpha * mean)
            np.testing.assert_allclose(found[place].reshape(-1), wanted, atol=2e-3)


def test_the_pseudo_inverse_is_exact_where_numbers_are_independent():
    path, noise = PATHS["linear"], 0.3
    cov = 0.5 * np.eye(SIZE)
    x, times = jax.random.normal(jax.random.key(1), (4, *SHAPE)), jnp.linspace(0.05, 0.9, 4)
    for operator in OPERATORS.values():
        y = observation(operator, cov, noise).repeat(4, 0)
        exact = moment_matching(gaussian(path, cov), path, operator, y, noise=noise, iterations=16)(x, times)
        found = pseudo_inverse(gaussian(path, cov), path, operator, y, noise=noise, variance=0.5)(x, times)
        np.testing.assert_allclose(found, exact, atol=1e-4)
        wrong = pseudo_inverse(gaussian(path, cov), path, operator, y, noise=noise, variance=1.0)(x, times)
        assert abs(wrong - exact).max() > 0.01


def test_the_null_space_is_that_of_the_denoiser():
    path, operator = PATHS["cosine"], OPERATORS["means"]
    y, x, t = jnp.ones((2, 2, 2, 1)), jax.random.normal(jax.random.key(0), (2, *SHAPE)), jnp.array([0.3, 0.8])
    denoise = gaussian(path, covariance(0.7))
    found = null_space(denoise, operator, y)(x, t)
    np.testing.assert_allclose(operator.forward(found), y, atol=1e-6)
    np.testing.assert_allclose(
        found - operator.pinv(operator.forward(found)),
        denoise(x, t) - operator.pinv(operator.forward(denoise(x, t))),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("where", "noise", "path"),
    [("mask", 0.3, "linear"), ("means", 0.0, "linear"), ("means", 0.3, "variance_exploding")],
)
def test_restorations_have_the_law_of_the_posterior(where, noise, path):
    """Moment matching for Gaussians of any covariance, with noise and without."""
    operator, cov = OPERATORS[where], covariance(0.7)
    seen = Seen(operator, observation(operator, cov, noise), noise)
    found = draws(METHODS["mmps"](steps=60, iterations=8), PATHS[path], cov, seen)
    agrees(found, *posterior(cov, operator, seen.y[0], noise), bias=0.03)


@pytest.mark.parametrize("name", METHODS)
def test_where_numbers_are_independent_every_method_finds_the_posterior(name):
    """What is missing has its own law, whatever is known: no method may disturb it, nor lose what is known."""
    cov, operator = 0.5 * np.eye(SIZE), OPERATORS["mask"]
    seen = Seen(operator, observation(operator, cov, 0.0))
    made = {"pigdm": {"variance": 0.5}, "repaint": {"repeats": 2}}.get(name, {})
    found = draws(METHODS[name](steps=25, **made), PATHS["linear"], cov, seen)
    agrees(found, *posterior(cov, operator, seen.y[0], 0.0), bias=0.06)


@pytest.mark.parametrize("name", METHODS)
def test_missing_pixels_are_what_the_known_ones_say_of_them(name):
    """Of neighbours that go together every method comes near to the posterior's mean, and all but ddnm to its width."""
    cov, operator = covariance(0.9), OPERATORS["mask"]
    seen = Seen(operator, observation(operator, cov, 0.0))
    mean, after = posterior(cov, operator, seen.y[0], 0.0)
    missing = ~np.asarray(operator.known).reshape(-1)
    made = {"pigdm": {"variance": 0.5}, "repaint": {"repeats": 8, "length": 5}}.get(name, {})
    found = draws(METHODS[name](steps=25, **made), PATHS["linear"], cov, seen, 500).reshape(500, -1)
    assert np.linalg.norm((found.mean(0) - mean)[missing]) < 0.4 * np.linalg.norm((MEAN - mean)[missing])
    assert np.linalg.norm(np.cov(found.T) - after) < (1.5 if name == "ddnm" else 0.5) * np.linalg.norm(after)


def test_known_pixels_are_as_noisy_as_the_others_while_pictures_are_repainted():
    """A denoiser that says how noisy the known pixels are that it is shown leaves what it said last."""
    path, operator = PATHS["cosine"], OPERATORS["mask"]
    known, y = jnp.asarray(operator.known)[None], operator.forward(jnp.full((1, *SHAPE), 0.7))

    def denoise(x, t):
        alpha, sigma = path.alpha(t).reshape(-1, 1, 1, 1), path.sigma(t).reshape(-1, 1, 1, 1)
        square = jnp.where(known, jnp.square((x - alpha * y) / sigma), 0).sum((1, 2, 3), keepdims=True) / 8
        return jnp.broadcast_to(square, x.shape)

    keys = example_keys(jax.random.key(0), MANY)
    method = METHODS["repaint"](steps=4, length=2, repeats=2)
    found = restored(keys, denoise, path, Seen(operator, y.repeat(MANY, 0)), method, SHAPE)
    said = np.asarray(found)[:, ~np.asarray(operator.known)[..., 0]].mean((1, 2))
    assert said.mean() == pytest.approx(1, abs=5 * said.std() / np.sqrt(MANY))
    assert said.std() == pytest.approx(np.sqrt(2 / 8), rel=0.15)


@pytest.mark.slow
def test_more_of_the_way_gone_again_brings_repainted_pixels_nearer_to_what_they_depend_on():
    cov, operator = covariance(0.9), OPERATORS["mask"]
    seen = Seen(operator, observation(operator, cov, 0.0))
    _, after = posterior(cov, operator, seen.y[0], 0.0)
    missed = []
    for repeats in (1, 8):
        found = draws(METHODS["repaint"](steps=25, length=5, repeats=repeats), PATHS["linear"], cov, seen)
        missed.append(np.square(np.cov(found.reshape(MANY, -1).T) - after).mean())
    assert missed[0] > 4 * missed[1]


@pytest.mark.parametrize("name", METHODS)
def test_a_restoration_depends_on_its_key_and_observation_alone_and_explains_what_was_seen(name):
    path, cov = PATHS["variance_preserving"], covariance(0.7)
    method = METHODS[name](steps=20)
    for operator in OPERATORS.values() if name in ("ddnm", "dps") else [OPERATORS["mask"]]:
        y = operator.forward(jax.random.uniform(jax.random.key(2), (3, *SHAPE), minval=-1, maxval=1))
        keys = example_keys(jax.random.key(0), 3)

        def run(which, y=y, keys=keys, operator=operator, method=method):
            seen = Seen(operator, y[which])
            return restored(keys[which], gaussian(path, cov), path, seen, method, SHAPE, (-1.0, 1.0))

        together = run(jnp.arange(3))
        np.testing.assert_allclose(run(jnp.array([2])), together[2:], atol=1e-5)
        again = operator.forward(together)
        np.testing.assert_allclose(again, y, atol=0 if operator.known is not None else 1e-6)
        assert abs(together).max() <= 1 + 1e-3
