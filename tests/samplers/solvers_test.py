import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.samplers.grids import grid
from gengen.samplers.probability_paths import PATHS, lifted, noise_ratio
from gengen.samplers.solvers import (
    ancestral_step,
    ddim_step,
    euler_step,
    followed,
    heun_solver,
    multistep_solver,
    noisy_ddim_step,
)
from tests.samplers.exact import of_mixture

KEYS = jax.random.split(jax.random.key(0), 2)
MEAN, DEVIATION = 2.0, 0.5

paths = pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))


def of_one_normal(path):
    return of_mixture(path, [[MEAN]], [1.0], DEVIATION)


def exactly(path, x, t, s):
    """Where the probability-flow ODE of N(MEAN, DEVIATION^2) leads from x at t."""
    alpha, sigma = (np.asarray(of(jnp.float32([t, s])), np.float64) for of in (path.alpha, path.sigma))
    deviations = np.hypot(alpha * DEVIATION, sigma)
    return alpha[1] * MEAN + deviations[1] / deviations[0] * (np.asarray(x, np.float64) - alpha[0] * MEAN)


def ddim(path, x, times):
    return followed(noisy_ddim_step(0.0), KEYS, of_one_normal(path), path, x, times, noisy=False).end


def euler(path, x, times):
    return followed(euler_step, KEYS, of_one_normal(path), path, x, times, noisy=False).end


def heun(path, x, times):
    return heun_solver(KEYS, of_one_normal(path), path, x, times, plain=()).end


def dpm_solver(path, x, times):
    return multistep_solver(of_one_normal(path), path, x, times).end


@paths
def test_a_step_is_exact_where_data_and_noise_stay_the_same(path):
    data, noise = jax.random.normal(jax.random.key(1), (2, 2, 3))
    for t, s in ((1.0, 0.6), (0.6, 0.1), (0.1, 0.0)):
        t, s = jnp.float32(t), jnp.float32(s)
        x = path.alpha(t) * data + path.sigma(t) * noise
        expected = path.alpha(s) * data + path.sigma(s) * noise
        np.testing.assert_allclose(ddim_step(path, x, data, t, s), expected, rtol=1e-3, atol=1e-3)


STEPS = 1000
"""The most steps that DDIM is asked for; each number of them is one row of a single program."""


@pytest.mark.parametrize("name", ["variance_preserving", "cosine", "linear"])
def test_more_steps_are_always_better(name):
    """The deviation and mean of DDIM's samples of N(2, 0.5^2) for every number of steps from 1 to 1,000.

    They are linear in the start. A grid that does not begin at 1, or does not end at 0, or lies beside its steps shows:
    rows begin with steps that stay at 1.
    """
    path = PATHS[name]
    grids = np.stack([np.r_[np.ones(STEPS - n), np.linspace(1, 0, n + 1)] for n in range(1, STEPS + 1)])
    for n in (1, 2, 3, 300, 999):
        np.testing.assert_allclose(grid(path, n, "time"), grids[n - 1][STEPS - n :], atol=1e-7)
    ends = path.sigma(jnp.ones(())) * jnp.array([[-1.0], [1.0]])
    reached = jax.jit(jax.vmap(lambda times: ddim(path, ends, times)))(jnp.asarray(grids, jnp.float32))
    errors = np.abs(reached[..., 0] - exactly(path, ends, 1.0, 0.0)[None, :, 0]).max(1)
    assert (np.diff(errors) <= 1e-5).all()  # rounding; no two errors of few steps are that near to each other
    assert (np.diff(errors[:300]) < 0).all()
    assert errors[-1] < 0.002


def test_two_steps_are_two():
    low, high = ddim(PATHS["linear"], jnp.array([[-1.0], [1.0]]), grid(PATHS["linear"], 2, "time"))
    np.testing.assert_allclose((high - low)[0] / 2, 0.40 * DEVIATION, rtol=1e-2)


@pytest.mark.parametrize(("solver", "order"), [(ddim, 1), (euler, 1), (heun, 2), (dpm_solver, 2)])
@pytest.mark.parametrize("name", ["variance_preserving", "cosine", "variance_exploding", "linear"])
def test_errors_fall_as_the_order_says(solver, order, name):
    """Between fixed times, where no error is near a change of its sign: 8, 16 and 32 steps."""
    path, first, last = PATHS[name], 0.7, 0.35
    x = path.alpha(jnp.float32(first)) * MEAN + path.sigma(jnp.float32(first)) * jnp.array([[-2.0], [2.0]])
    solve = jax.jit(lambda times: solver(path, x, times))
    errors = [
        np.abs(solve(jnp.linspace(first, last, n + 1)) - exactly(path, x, first, last)).max() for n in (8, 16, 32)
    ]
    slope = np.log2(errors[0] / errors[2]) / 2
    assert abs(slope - order) < 0.25, errors


@paths
def test_the_last_step_of_a_multistep_solver_is_exact_where_data_is_linear_in_the_noise_s_variance(path):
    """As that of smooth data is at last; DDIM's step stays at the value before."""
    times = jnp.array([0.3, 0.12, 0.05, 0.0])

    def denoise(x, t):
        return jnp.broadcast_to(1 + 3 * lifted(noise_ratio(path, t), x) ** 2, x.shape)

    reached = multistep_solver(denoise, path, jnp.zeros((2, 3)), times).end
    np.testing.assert_allclose(reached, 1, rtol=1e-5)


def test_euler_s_method_is_ddim_on_a_straight_line_and_not_on_others():
    x = jnp.array([[-1.0], [1.0]])
    for name, path in PATHS.items():
        times = grid(path, 7, "time")
        same = jnp.allclose(euler(path, x, times), ddim(path, x, times), atol=1e-4)
        assert same == (name == "linear")


@paths
def test_ddim_with_all_the_noise_is_ancestral(path):
    x = path.sigma(jnp.ones(())) * jnp.array([[-1.0], [1.0]])
    times = grid(path, 7, "time")
    of_each = [
        followed(rule, KEYS, of_one_normal(path), path, x, times, noisy=True).end
        for rule in (noisy_ddim_step(1.0), ancestral_step(False), ancestral_step(True))
    ]
    np.testing.assert_allclose(of_each[0], of_each[1], rtol=1e-3, atol=1e-3)
    assert not jnp.allclose(of_each[1], of_each[2], atol=1e-2)


def test_heun_s_mean_is_better_than_edm_s():
    """With 6 and 18 steps it errs less than half as much on N(2, 0.5^2), in EDM's own variables."""
    path, start = PATHS["variance_exploding"], 80.0

    def of_edm(times):
        levels, x = np.asarray(path.sigma(times), np.float64), start
        for high, low in itertools.pairwise(levels):

            def slope(x, level):
                return (x - MEAN) * level / (DEVIATION**2 + level**2)

            ahead = x + (low - high) * slope(x, high)
            x = x + (low - high) * (slope(x, high) + slope(ahead, low)) / 2 if low else ahead
        return x

    exact = exactly(path, start, 1.0, 0.0)
    for steps in (6, 18):
        times = grid(path, steps, "power")
        ours = heun_solver(KEYS[:1], of_one_normal(path), path, jnp.full((1, 1), start), times, plain={steps - 1}).end
        assert abs(ours[0, 0] - exact) < abs(of_edm(times) - exact) / 2
