"""A schedule of noise only grows, whatever its parameters are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.denoisers.noise_schedule import NoiseSchedule

TIMES = jnp.linspace(0.0, 1.0, 201)


def bent(seed, width=16):
    """Parameters of a schedule that is no line."""
    rng = np.random.default_rng(seed)
    drawn = {"height": rng.normal(size=width), "speed": rng.normal(3, 0.5, width), "place": rng.uniform(size=width)}
    return {"params": {name: values.astype(np.float32) for name, values in drawn.items()}}


@pytest.mark.parametrize("seed", range(3))
def test_it_grows_from_0_to_1(seed):
    places = np.asarray(NoiseSchedule(16).apply(bent(seed), TIMES))
    assert places[0] == 0 and places[-1] == pytest.approx(1, abs=1e-6)
    assert (np.diff(places) > 0).all()
    assert np.abs(places - np.asarray(TIMES)).max() > 0.05, "parameters have not changed it"


def test_it_begins_near_the_line():
    places, _ = NoiseSchedule(16).init_with_output(jax.random.key(0), TIMES)
    assert np.abs(places - TIMES).max() < 0.02
