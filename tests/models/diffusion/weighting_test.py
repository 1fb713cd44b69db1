"""Times are drawn as papers say, and weights of means become weights of what the network gives."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest, norm

from gengen.models.diffusion.weighting import LOG_RATIO, OF_MEANS, TIMES, weights
from gengen.samplers.predictions import PREDICTIONS, converted
from gengen.samplers.probability_paths import PATHS, log_snr, noised

TIME = np.linspace(0.05, 0.95, 19, dtype=np.float32)
UNIFORM = (np.arange(2_000, dtype=np.float32) + 0.5) / 2_000


def test_times_have_the_distributions_of_the_papers():
    path = PATHS["variance_exploding"]
    assert kstest(TIMES["uniform"](UNIFORM, path, LOG_RATIO), "uniform").pvalue > 0.99
    time = np.asarray(TIMES["logit_normal"](UNIFORM, path, LOG_RATIO))
    assert kstest(np.log(time / (1 - time)), norm.cdf).pvalue > 0.99
    ratio = np.exp(-np.asarray(log_snr(path, TIMES["log_normal"](UNIFORM, path, LOG_RATIO))) / 2)
    assert kstest(np.log(ratio), norm(-1.2, 1.2).cdf).pvalue > 0.99


@pytest.mark.parametrize("weighting", OF_MEANS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_weighted_error_is_that_of_the_mean_whatever_is_predicted(weighting, prediction):
    path, deviation = PATHS["variance_preserving"], 0.7
    rng = np.random.default_rng(0)
    data, wrong, noise = rng.normal(size=(3, len(TIME))).astype(np.float32)
    seen = noised(path, data, noise, TIME)
    target, given = (
        converted(mean, "data", prediction, path, seen, TIME, deviation=deviation) for mean in (data, wrong)
    )
    own = weights(weighting, prediction, path, TIME, deviation) * (given - target) ** 2
    of_mean = OF_MEANS[weighting](path, TIME, deviation) * (wrong - data) ** 2
    np.testing.assert_allclose(own, of_mean, rtol=2e-2)


def test_the_weights_of_the_likelihood_of_noise_are_half_the_pace_of_the_log_ratio():
    """Kingma et al. 2021, eq. 17, for errors of the noise."""
    path, step = PATHS["cosine"], 5e-3
    pace = -(log_snr(path, TIME + step) - log_snr(path, TIME - step)) / (2 * step)
    np.testing.assert_allclose(weights("likelihood", "noise", path, TIME, 1.0), pace / 2, rtol=1e-2)


def test_edm_weights_are_one_for_what_its_network_gives():
    """Karras et al. 2022, section 5: lambda(sigma) c_out(sigma)^2 = 1."""
    path = PATHS["variance_exploding"]
    time = jnp.asarray([0.001, 0.01, 0.1, 0.9])
    np.testing.assert_allclose(weights("edm", "edm", path, time, 0.5), jnp.ones(4), rtol=1e-4)
    np.testing.assert_allclose(weights("simple", "edm", path, time, 0.5), jnp.ones(4), rtol=1e-6)


def test_min_snr_is_cut_at_five():
    path = PATHS["linear"]
    time = jnp.asarray([0.01, 0.9])
    np.testing.assert_allclose(weights("min_snr", "data", path, time, 1.0), [5, (0.1 / 0.9) ** 2], rtol=1e-4)
