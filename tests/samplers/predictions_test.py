import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.samplers.predictions import PREDICTIONS, converted, denoiser, input_scale
from gengen.samplers.probability_paths import PATHS, latest, noised
from gengen.samplers.sampler import start
from gengen.samplers.samplers import ddim
from tests.samplers.exact import of_mixture

DEVIATION = 0.7

paths = pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))


def told(path, data, noise, t):
    """Every prediction by its definition, and x_t."""
    x = noised(path, data, noise, t)
    alpha, sigma = path.alpha(t)[:, None], path.sigma(t)[:, None]
    velocity = jax.jvp(lambda t: noised(path, data, noise, t), (t,), (jnp.ones_like(t),))[1]
    level = sigma / alpha  # as in EDM, where the input is x / alpha
    skip = DEVIATION**2 / (level**2 + DEVIATION**2)
    out = level * DEVIATION / jnp.sqrt(level**2 + DEVIATION**2)
    of_edm = (data - skip * x / alpha) / out
    return x, dict(zip(PREDICTIONS, (noise, data, velocity, -noise / sigma, of_edm), strict=True))


@paths
def test_every_prediction_becomes_every_other_and_back(path):
    t = jnp.array([0.05, 0.3, 0.6, 0.9])
    data, noise = jax.random.normal(jax.random.key(0), (2, len(t), 6))
    x, truth = told(path, data, noise, t)
    for given in PREDICTIONS:
        for wanted in PREDICTIONS:
            other = converted(truth[given], given, wanted, path, x, t, deviation=DEVIATION)
            np.testing.assert_allclose(other, truth[wanted], rtol=2e-2, atol=2e-3, err_msg=f"{given} to {wanted}")
            back = converted(other, wanted, given, path, x, t, deviation=DEVIATION)
            np.testing.assert_allclose(back, truth[given], rtol=2e-2, atol=2e-3, err_msg=f"{wanted} to {given}")


@paths
def test_conversions_are_finite_at_both_ends_and_right_where_something_follows(path):
    t = jnp.array([0.0, 1.0])
    data, noise = jax.random.normal(jax.random.key(1), (2, 2, 6))
    x = noised(path, data, noise, t)
    for given in PREDICTIONS:
        for wanted in PREDICTIONS:
            assert jnp.isfinite(converted(data, given, wanted, path, x, t)).all(), f"{given} to {wanted}"
    velocity = converted(data, "data", "velocity", path, x, t)[1]
    np.testing.assert_allclose(converted(velocity[None], "velocity", "data", path, x[1:], t[1:])[0], data[1], atol=1e-2)
    of_edm = converted(data, "data", "edm", path, x, t)
    np.testing.assert_allclose(converted(of_edm, "edm", "data", path, x, t)[1], data[1], atol=1e-3)


@pytest.mark.parametrize("name", ["variance_preserving", "cosine"])
def test_edm_s_prediction_is_minus_v_on_paths_of_unit_variance(name):
    path, t = PATHS[name], jnp.array([0.2, 0.8, 1.0])
    data, noise = jax.random.normal(jax.random.key(2), (2, 3, 6))
    v = path.alpha(t)[:, None] * noise - path.sigma(t)[:, None] * data
    of_edm = converted(data, "data", "edm", path, noised(path, data, noise, t), t, deviation=1.0)
    np.testing.assert_allclose(of_edm, -v, atol=1e-4)


@paths
def test_input_scale_gives_unit_variance(path):
    t = jnp.linspace(0, 1, 5)
    variance = (path.alpha(t) * DEVIATION) ** 2 + path.sigma(t) ** 2
    np.testing.assert_allclose(input_scale(path, t, deviation=DEVIATION) ** 2 * variance, 1, rtol=1e-5)


@pytest.mark.parametrize("given", PREDICTIONS)
@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_samples_of_a_network_that_predicts_anything_have_the_right_law(given, name):
    """Where alpha is 0, a perfect prediction of noise says nothing of data: it is not asked there."""
    path = PATHS[name]
    exact = of_mixture(path, [[2.0]], [1.0], 0.5)

    def predict(x, t):
        if given in ("noise", "score"):
            x = jnp.where(t[:, None] <= latest(path), x, jnp.nan)
        return converted(exact(x, t), "data", given, path, x, t)

    denoise = denoiser(predict, given, path)
    ends = jnp.array([[-1.0], [1.0]])
    low, high = ddim(calls=100).solve(jax.random.split(jax.random.key(0)), denoise, path, ends).end
    np.testing.assert_allclose([(low + high)[0] / 2, (high - low)[0] / 2], [2, 0.5], atol=0.02)


def test_an_unknown_prediction_is_refused():
    x = start(jax.random.split(jax.random.key(0), 2), PATHS["linear"], (3,))
    with pytest.raises(ValueError, match="prediction 'epsilon' is unknown"):
        converted(x, "epsilon", "data", PATHS["linear"], x, jnp.ones(2))
