import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.core.parallel import example_keys
from gengen.samplers.probability_paths import PATHS, in_steps
from gengen.samplers.sampler import drawn, start
from gengen.samplers.samplers import SAMPLERS, ancestral, ddim, heun
from tests.samplers.exact import of_mixture

SIZE = 2048
KEYS = example_keys(jax.random.key(0), SIZE)

CASES = {
    "ancestral": (ancestral(calls=300), "variance_preserving"),
    "ancestral with beta": (ancestral(calls=300, variance="forward"), "linear"),
    "ddim": (ddim(calls=200), "cosine"),
    "ddim with noise": (ddim(calls=200, eta=0.5), "cosine"),
    "euler": (SAMPLERS["euler"](calls=200), "linear"),
    "heun": (heun(calls=59), "variance_exploding"),
    "heun with noise": (heun(calls=100, churn=10.0), "cosine"),
    "dpm_solver": (SAMPLERS["dpm_solver"](calls=50), "variance_preserving"),
    "ode": (SAMPLERS["ode"](tolerance=1e-3), "linear"),
}


@pytest.mark.parametrize("case", CASES)
def test_samples_have_the_law_of_the_data(case):
    """N(2, 0.5^2) by its moments, and the points -1 and 1 with the shares 0.3 and 0.7, within 4 standard errors."""
    sampler, name = CASES[case]
    path = PATHS[name]

    @jax.jit
    def both(keys):
        noise = start(keys, path, (1,))
        of_normal, of_points = of_mixture(path, [[2.0]], [1.0], 0.5), of_mixture(path, [[-1.0], [1.0]], [0.3, 0.7], 0.0)
        return [sampler.solve(keys, denoise, path, noise).end[:, 0] for denoise in (of_normal, of_points)]

    normal, points = map(np.asarray, both(KEYS))
    error = 0.5 / np.sqrt(SIZE)
    assert abs(normal.mean() - 2) < 4 * error + 0.005
    assert abs(normal.std() - 0.5) < 4 * error / np.sqrt(2) + 0.01
    assert abs(((normal - normal.mean()) ** 4).mean() / normal.var() ** 2 - 3) < 4 * np.sqrt(24 / SIZE)
    assert (np.abs(np.abs(points) - 1) < 0.05).mean() > 0.99
    assert abs((points > 0).mean() - 0.7) < 4 * np.sqrt(0.21 / SIZE) + 0.005


def test_samplers_without_noise_go_to_the_same_data():
    """On a mixture of two normal laws, from the same noise."""
    path = PATHS["linear"]
    denoise = of_mixture(path, [[-1.0], [1.0]], [0.3, 0.7], 0.3)
    noise = jnp.linspace(-2, 2, 9)[:, None]
    exact = SAMPLERS["ode"](tolerance=1e-6).solve(KEYS[:9], denoise, path, noise).end
    for name, calls, within in (
        ("ddim", 1000, 1e-2),
        ("euler", 1000, 1e-2),
        ("heun", 199, 2e-3),
        ("dpm_solver", 199, 2e-3),
    ):
        reached = jax.jit(SAMPLERS[name](calls=calls).solve, static_argnums=(1, 2))(KEYS[:9], denoise, path, noise).end
        np.testing.assert_allclose(reached, exact, atol=within, err_msg=name)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "ode"])
def test_calls_are_counted_and_the_denoiser_is_traced_once(name):
    path, counted = PATHS["cosine"], []
    exact = of_mixture(path, [[0.0]], [1.0], 1.0)

    def denoise(x, t):
        counted.append(t)
        return exact(x, t)

    for calls in (1, 2, 5):
        sampler = SAMPLERS[name](calls=calls, spacing="time")
        assert sampler.calls == calls
        counted.clear()
        with jax.disable_jit():
            sampler.solve(KEYS[:2], denoise, path, jnp.ones((2, 1)))
        assert len(counted) == calls
        assert counted[0][0] == 1 and min(t[0] for t in counted) > 0
    counted.clear()
    jax.eval_shape(lambda x: SAMPLERS[name](calls=500).solve(KEYS[:2], denoise, path, x), jnp.ones((2, 1)))
    assert len(counted) <= 2


@pytest.mark.parametrize("case", CASES)
def test_a_trajectory_goes_from_noise_to_data_by_every_step_and_those_to_a_time_do_not_know_what_follows(case):
    sampler, name = CASES[case]
    path, noise = PATHS[name], start(KEYS[:3], PATHS[name], (1,))
    asked = []

    def denoise(x, t):
        if sampler.calls:
            asked.append((float(t[0]), np.asarray(x)))
        return of_mixture(path, [[-1.0], [1.0]], [0.3, 0.7], 0.3)(x, t)

    if sampler.calls:
        sampler = SAMPLERS[case.split()[0]](calls=6, spacing="time")
    with jax.disable_jit(bool(sampler.calls)):
        end, states = sampler.solve(KEYS[:3], denoise, path, noise)
    np.testing.assert_array_equal(states[0], noise)
    np.testing.assert_array_equal(states[-1], end)
    if sampler.calls:
        times = sorted({time for time, _ in asked}, reverse=True)  # Heun's second call of a step is at its end
        assert len(states) == len(times) + 1
        seen = dict(asked)  # the last call at a time is with the state after the step to it
        for time, state in zip(times, states[:-1], strict=True):
            np.testing.assert_array_equal(seen[time], state)
    else:
        assert len(states) == 2


@pytest.mark.parametrize("name", ["ddim", "heun", "dpm_solver"])
def test_a_program_that_looks_at_the_end_alone_keeps_no_other_state(name):
    path, calls, noise = PATHS["linear"], 500, jnp.ones((8, 1_000))

    def room(part):
        def solve(noise):
            return part(SAMPLERS[name](calls=calls).solve(KEYS[:8], lambda x, t: x / 2, path, noise))

        memory = jax.jit(solve).lower(noise).compile().memory_analysis()
        return (memory.temp_size_in_bytes + memory.output_size_in_bytes) / noise.nbytes

    assert room(lambda solved: solved.end) < 20 < calls / 3 < room(lambda solved: solved)


@pytest.mark.parametrize("case", CASES)
def test_a_sample_does_not_depend_on_its_batch(case):
    sampler, name = CASES[case]
    if sampler.calls:
        build = SAMPLERS[case.split()[0]]
        sampler = build(calls=6, churn=1.0) if "noise" in case and build is heun else build(calls=6)
    path = PATHS[name]
    denoise = of_mixture(path, [[-1.0], [1.0]], [0.3, 0.7], 0.3)
    solve = jax.jit(lambda keys: sampler.solve(keys, denoise, path, start(keys, path, (1,))).end)
    np.testing.assert_allclose(solve(KEYS[:5])[3:], solve(KEYS[3:7])[:2], rtol=1e-5, atol=1e-5)


def test_a_path_with_few_steps_gives_the_data_and_no_more_calls_than_it_has():
    path = in_steps(PATHS["variance_preserving"], 100)
    denoise, ends = of_mixture(path, [[2.0]], [1.0], 0.5), jnp.array([[-1.0], [1.0]])
    low, high = ddim(calls=100).solve(KEYS[:2], denoise, path, ends).end
    np.testing.assert_allclose([(low + high)[0] / 2, (high - low)[0] / 2], [2, 0.5], atol=0.02)
    with pytest.raises(ValueError, match="cannot take 101 steps"):
        ddim(calls=101).solve(KEYS[:2], denoise, path, ends)


def test_noise_of_each_step_is_its_own():
    noise = np.stack([drawn(KEYS, place, (2,)) for place in (0, 1, 2)]).transpose(0, 2, 1).reshape(6, -1)
    np.testing.assert_allclose(np.corrcoef(noise), np.eye(6), atol=4 / np.sqrt(SIZE))
