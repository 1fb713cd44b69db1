import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.samplers.probability_paths import (
    LARGEST,
    PATHS,
    in_steps,
    latest,
    log_snr,
    noise_ratio,
    noised,
    on_path,
    posterior,
    rates,
    time_at,
)

TIMES = jnp.linspace(0.01, 0.99, 50)

paths = pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))


@paths
def test_a_path_leads_from_data_to_noise(path):
    ends = jnp.array([0.0, 1.0])
    assert path.alpha(ends)[0] == 1 and path.sigma(ends)[0] == 0
    last = {"variance_preserving": (0.00657, 1.0), "variance_exploding": (1.0, 80.0)}.get(path.name, (0.0, 1.0))
    np.testing.assert_allclose([path.alpha(ends)[1], path.sigma(ends)[1]], last, rtol=1e-3)
    assert noise_ratio(path, ends)[1] >= LARGEST
    assert (jnp.diff(log_snr(path, TIMES)) < 0).all()
    if path.name in ("variance_preserving", "cosine"):
        np.testing.assert_allclose(path.alpha(TIMES) ** 2 + path.sigma(TIMES) ** 2, 1, rtol=1e-5)


def test_variance_preserving_is_ddpm_s_in_many_steps():
    betas = np.linspace(1e-4, 0.02, 1000)
    steps = np.arange(50, 1001, 50)
    of_ddpm = np.cumprod(1 - betas)[steps - 1]
    ours = PATHS["variance_preserving"].alpha(jnp.asarray(steps / 1000, jnp.float32)) ** 2
    np.testing.assert_allclose(np.log(ours), np.log(of_ddpm), rtol=0.02)


def test_cosine_is_nichol_s_and_dhariwal_s():
    def f(t):
        return np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2

    t = np.linspace(0, 1, 21)
    np.testing.assert_allclose(PATHS["cosine"].alpha(jnp.asarray(t, jnp.float32)) ** 2, f(t) / f(0), atol=1e-6)


def test_variance_exploding_is_edm_s_but_for_its_smallest_level():
    shares = np.linspace(0, 1, 18)
    levels = (0.002 ** (1 / 7) + shares * (80 ** (1 / 7) - 0.002 ** (1 / 7))) ** 7
    ours = PATHS["variance_exploding"].sigma(jnp.asarray(shares, jnp.float32))
    np.testing.assert_allclose(ours, levels - 0.002, rtol=1e-4, atol=1e-7)


@paths
def test_rates_are_derivatives_and_finite_at_both_ends(path):
    step = 1e-3
    of_alpha, of_sigma = rates(path, TIMES[2:-2])
    for rate, function in ((of_alpha, path.alpha), (of_sigma, path.sigma)):
        around = (function(TIMES[2:-2] + step) - function(TIMES[2:-2] - step)) / (2 * step)
        np.testing.assert_allclose(rate, around, rtol=2e-3, atol=1e-4)
    chex.assert_tree_all_finite(rates(path, jnp.array([0.0, 1e-7, 1.0])))


@pytest.mark.parametrize("steps", [1, 10, 100, 1000])
@paths
def test_a_shorter_schedule_keeps_its_ends(path, steps):
    short = in_steps(path, steps)
    times = on_path(short, jnp.linspace(0, 1, 31))
    assert times[0] == 0 and times[-1] == 1 and times[1] > 0
    np.testing.assert_allclose(times * steps, jnp.round(times * steps), atol=1e-4)
    assert noise_ratio(short, times[-1]) >= LARGEST
    if path.name == "variance_preserving":
        assert short.alpha(times[-1]) ** 2 < 5e-5


def test_noised_has_the_mean_and_deviation_of_the_path():
    path, t = PATHS["cosine"], jnp.array([0.3, 0.7])
    data, noise = jax.random.normal(jax.random.key(0), (2, 2, 3, 4))
    for i in range(2):
        expected = path.alpha(t[i]) * data[i] + path.sigma(t[i]) * noise[i]
        np.testing.assert_allclose(noised(path, data, noise, t)[i], expected, rtol=1e-6)


@paths
def test_the_posterior_is_what_bayes_says(path):
    """q(x_s | x_t, x_0) ~ q(x_t | x_s) q(x_s | x_0), as a product of two normal densities."""
    s, t = jnp.array([0.1, 0.4, 0.8]), jnp.array([0.3, 0.9, 0.85])
    x, data = jax.random.normal(jax.random.key(0), (2, 3, 5))
    mean, variance = posterior(path, x, data, s, t)
    of_s = [np.asarray(value, np.float64)[:, None] for value in (path.alpha(s), path.sigma(s))]
    of_t = [np.asarray(value, np.float64)[:, None] for value in (path.alpha(t), path.sigma(t))]
    between = of_t[0] / of_s[0]
    added = of_t[1] ** 2 - (between * of_s[1]) ** 2
    exact = 1 / (1 / of_s[1] ** 2 + between**2 / added)
    np.testing.assert_allclose(variance, exact, rtol=1e-3)
    np.testing.assert_allclose(
        mean, exact * (of_s[0] * data / of_s[1] ** 2 + between * x / added), rtol=1e-3, atol=1e-3
    )


def test_the_posterior_is_ddpm_s():
    """Equation 7, with the steps' betas of the path."""
    path = in_steps(PATHS["variance_preserving"], 20)
    bar = np.asarray(path.alpha(jnp.arange(21) / 20), np.float64) ** 2
    x, data = jax.random.normal(jax.random.key(0), (2, 4, 5))
    for k in (1, 2, 10, 20):
        beta = 1 - bar[k] / bar[k - 1]
        mean, variance = posterior(path, x, data, jnp.float32((k - 1) / 20), jnp.float32(k / 20))
        np.testing.assert_allclose(variance, (1 - bar[k - 1]) / (1 - bar[k]) * beta, rtol=1e-3, atol=1e-7)
        of_data = np.sqrt(bar[k - 1]) * beta / (1 - bar[k])
        of_x = np.sqrt(1 - beta) * (1 - bar[k - 1]) / (1 - bar[k])
        np.testing.assert_allclose(mean, of_data * data + of_x * x, rtol=1e-3, atol=1e-4)


def test_the_posterior_of_pure_noise_says_nothing_of_it():
    path, s = PATHS["linear"], jnp.array([0.25])
    data = jnp.ones((1, 3))
    mean, variance = posterior(path, 7 * data, data, s, jnp.ones(1))
    np.testing.assert_allclose(mean, 0.75 * data)
    np.testing.assert_allclose(variance, 0.0625)


@paths
def test_time_at_finds_noise_levels(path):
    levels = jnp.array([0.002, 0.05, 1.0, 20.0, 79.0])
    np.testing.assert_allclose(noise_ratio(path, time_at(path, levels)), levels, rtol=2e-3)
    assert time_at(path, jnp.asarray(1e9)) >= 0.999
    last = latest(path)
    np.testing.assert_allclose(noise_ratio(path, last), LARGEST, rtol=1e-3)
