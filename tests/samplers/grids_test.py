import jax.numpy as jnp
import numpy as np
import pytest

from gengen.samplers.grids import SPACINGS, grid
from gengen.samplers.probability_paths import PATHS, in_steps, noise_ratio

paths = pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))


@pytest.mark.parametrize("spacing", SPACINGS)
@paths
def test_a_grid_has_its_steps_and_both_ends(path, spacing):
    for steps in (1, 2, 3, 20, 1000):
        times = grid(path, steps, spacing)
        assert times.shape == (steps + 1,)
        assert times[0] == 1 and times[-1] == 0
        assert (jnp.diff(times) < 0).all()


@pytest.mark.parametrize("steps", [1, 2, 7, 300, 1000])
def test_times_are_even(steps):
    np.testing.assert_allclose(grid(PATHS["linear"], steps, "time"), np.linspace(1, 0, steps + 1), atol=1e-7)


@paths
def test_noise_levels_are_even_in_their_logarithm_or_power(path):
    levels = noise_ratio(path, grid(path, 12, "log_snr"))[1:-1]
    np.testing.assert_allclose(np.diff(np.log(levels)), np.log(0.002 / 80) / 12, rtol=5e-3)
    levels = noise_ratio(path, grid(path, 12, "power"))[1:-1]
    np.testing.assert_allclose(np.diff(levels ** (1 / 7)), (0.002 ** (1 / 7) - 80 ** (1 / 7)) / 12, rtol=5e-3)


@pytest.mark.parametrize("spacing", SPACINGS)
@paths
def test_grids_of_a_path_with_steps_are_of_these(path, spacing):
    path = in_steps(path, 20)
    for steps in (1, 3, 13, 20):
        places = grid(path, steps, spacing) * 20
        np.testing.assert_allclose(places, jnp.round(places), atol=1e-4)
        assert places[0] == 20 and places[-1] == 0 and (jnp.diff(places) < -0.5).all()


def test_grids_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"cannot take 21 steps here; choose 1 to 20"):
        grid(in_steps(PATHS["linear"], 20), 21, "time")
    with pytest.raises(ValueError, match="cannot take 0 steps"):
        grid(PATHS["linear"], 0, "time")
    with pytest.raises(ValueError, match="spacing 'sigma' is unknown"):
        grid(PATHS["linear"], 3, "sigma")
