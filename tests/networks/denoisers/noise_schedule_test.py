"""A schedule of noise only grows, whatever its parameters are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.denoisers.noise_schedule import NoiseSchedule

TIMES = jnp.linspace(0.0, 1.0, 201)


def stirred(seed, scale):
    """Parameters that are far from the first ones."""
    variables = NoiseSchedule(16).init(jax.random.key(seed), TIMES)
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + scale * rng.normal(size=leaf.shape).astype(np.float32), variables)


@pytest.mark.parametrize("seed", range(3))
def test_it_grows_from_0_to_1(seed):
    places = np.asarray(NoiseSchedule(16).apply(stirred(seed, 2.0), TIMES))
    assert places[0] == 0 and places[-1] == pytest.approx(1, abs=1e-6)
    assert (np.diff(places) > 0).all()
    assert np.abs(places - np.asarray(TIMES)).max() > 0.05, "parameters have not changed it"


def test_it_begins_near_the_line():
    assert np.abs(NoiseSchedule(16).apply(stirred(0, 0.0), TIMES) - TIMES).max() < 0.02
