import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gengen.core.parallel import example_keys
from gengen.samplers.ode import log_density, to_data, to_latents
from gengen.samplers.probability_paths import PATHS
from tests.samplers.exact import of_mixture, of_normal

MEAN, COVARIANCE = np.array([1.0, -0.5]), np.array([[1.0, 0.6], [0.6, 0.5]])
DATA = jnp.array([[1.0, 0.0], [2.5, 0.5], [-1.0, -1.0], [0.0, 1.0]])
KEYS = example_keys(jax.random.key(0), len(DATA))
NATS = stats.multivariate_normal(MEAN, COVARIANCE).logpdf(DATA)


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_the_density_of_a_normal_law_is_exact(name):
    denoise = of_normal(PATHS[name], MEAN, COVARIANCE)
    found = jax.jit(lambda data: log_density(KEYS, denoise, PATHS[name], data))(DATA)
    np.testing.assert_allclose(found.state, NATS, atol=1e-3)


@pytest.mark.parametrize("name", ["variance_preserving", "variance_exploding"])
def test_where_noise_never_is_all_there_is_the_density_is_that_of_the_samples(name):
    """x_1 is linear in x_0; N(0, sigma(1)^2) of it, with the determinant."""
    path, first, last = PATHS[name], 1e-5, 1.0
    denoise = of_mixture(path, MEAN[None], [1.0], 0.5)
    found = jax.jit(lambda data: log_density(KEYS, denoise, path, data))(DATA)
    alpha, sigma = (np.asarray(of(jnp.float32([first, last])), np.float64) for of in (path.alpha, path.sigma))
    deviations = np.hypot(alpha * 0.5, sigma)
    scale = deviations[1] / deviations[0]
    latents = alpha[1] * MEAN + scale * (np.asarray(DATA) - alpha[0] * MEAN)
    exact = stats.norm(scale=sigma[1]).logpdf(latents).sum(1) + 2 * np.log(scale)
    np.testing.assert_allclose(found.state, exact, atol=1e-3)
    np.testing.assert_allclose(exact, stats.norm(MEAN, 0.5).logpdf(DATA).sum(1), atol=0.06)


def test_the_density_of_a_mixture_is_exact():
    path, points = PATHS["linear"], jnp.linspace(-2, 2, 9)[:, None]
    denoise = of_mixture(path, [[-1.0], [1.0]], [0.3, 0.7], 0.3)
    found = jax.jit(lambda data: log_density(example_keys(jax.random.key(0), 9), denoise, path, data))(points)
    exact = np.log(0.3 * stats.norm(-1, 0.3).pdf(points) + 0.7 * stats.norm(1, 0.3).pdf(points))[:, 0]
    np.testing.assert_allclose(found.state, exact, atol=2e-3)


def test_probes_estimate_it_without_bias():
    """The mean of 500 estimates of one point's density, each with one probe, within 4 standard errors."""
    path, keys = PATHS["linear"], example_keys(jax.random.key(1), 500)
    denoise, same = of_normal(path, MEAN, COVARIANCE), jnp.broadcast_to(DATA[1], (500, 2))
    found = jax.jit(lambda data: log_density(keys, denoise, path, data, probes=1, tolerance=1e-4).state)(same)
    error = np.std(found) / np.sqrt(500)
    assert error > 0.001
    assert abs(np.mean(found) - NATS[1]) < 4 * error + 2e-3
    several = jax.jit(lambda data: log_density(keys, denoise, path, data, probes=8, tolerance=1e-4).state)(same)
    np.testing.assert_allclose(np.std(found) / np.std(several), np.sqrt(8), rtol=0.2)


def test_latents_become_their_data_again_and_are_normal():
    path = PATHS["cosine"]
    denoise = of_normal(path, MEAN, COVARIANCE)
    latents = jax.jit(lambda data: to_latents(denoise, path, data, tolerance=1e-5).state)(DATA)
    np.testing.assert_allclose(
        jax.jit(lambda x: to_data(denoise, path, x, tolerance=1e-5).state)(latents), DATA, atol=1e-3
    )
    values, vectors = np.linalg.eigh(COVARIANCE)
    whitened = (np.asarray(DATA) - MEAN) @ vectors / np.sqrt(values) @ vectors.T
    np.testing.assert_allclose(latents, whitened, atol=2e-3)
