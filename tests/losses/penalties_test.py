"""Penalties on gradients: closed forms for linear and quadratic critics, and differences for one that is neither."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.losses.penalties import interpolated, lipschitz_penalty, squared_gradient, zero_centred_penalty

RNG = np.random.default_rng(0)
POINTS = RNG.normal(0, 1, (5, 2, 3, 1))
PARAMS = {
    "in": RNG.normal(0, 1, (6, 4)),
    "bias": RNG.normal(0, 0.5, 4),
    "out": RNG.normal(0, 0.6, 4),
}
PENALTIES = {
    "lipschitz": (lipschitz_penalty, lambda norm: (norm - 1) ** 2),
    "one_sided": (
        lambda critic, points: lipschitz_penalty(critic, points, one_sided=True),
        lambda norm: np.maximum(norm - 1, 0) ** 2,
    ),
    "zero_centred": (zero_centred_penalty, lambda norm: norm**2 / 2),
}


@pytest.fixture(autouse=True, scope="module")
def double():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=PENALTIES)
def penalty(request):
    return PENALTIES[request.param]


def mlp(params):
    def critic(x):
        hidden = jnp.tanh(x.reshape(x.shape[0], -1) @ params["in"] + params["bias"][None])
        return hidden @ params["out"]

    return critic


def differences(function, at, step=1e-6):
    """The gradient of a number with respect to an array, by central differences."""
    gradient = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (function(up) - function(down)) / (2 * step)
    return gradient


@pytest.mark.parametrize("length", [0.25, 1.0, 3.0])
def test_a_linear_critic_pays_for_the_length_of_its_weights_everywhere(penalty, length):
    value, of_norm = penalty
    weights = POINTS[0] / np.linalg.norm(POINTS[0]) * length
    critic = lambda x: (x * weights[None]).sum((1, 2, 3)) + 7.0  # noqa: E731
    np.testing.assert_allclose(value(critic, jnp.asarray(POINTS)), np.full(5, of_norm(length)), atol=1e-12)


def test_a_quadratic_critic_pays_for_the_length_of_each_point(penalty):
    value, of_norm = penalty
    norms = np.sqrt((POINTS**2).sum((1, 2, 3)))
    critic = lambda x: 0.5 * (x**2).sum((1, 2, 3))  # noqa: E731
    np.testing.assert_allclose(value(critic, jnp.asarray(POINTS)), of_norm(norms), rtol=1e-12)


def test_one_side_allows_what_is_flatter_and_both_agree_on_what_is_steeper():
    slopes, points = jnp.asarray([0.5, 2.0]), jnp.zeros((2, 1))
    critic = lambda x: slopes * x[:, 0]  # noqa: E731
    np.testing.assert_allclose(lipschitz_penalty(critic, points), [0.25, 1.0])
    np.testing.assert_allclose(lipschitz_penalty(critic, points, one_sided=True), [0.0, 1.0])


def test_values_agree_with_differences_in_each_image(penalty):
    value, of_norm = penalty
    critic = jax.jit(mlp(PARAMS))
    gradients = [differences(lambda x: float(critic(x[None])[0]), point) for point in POINTS]
    norms = np.sqrt([(gradient**2).sum() for gradient in gradients])
    assert norms.min() < 1 < norms.max()
    np.testing.assert_allclose(value(critic, jnp.asarray(POINTS)), of_norm(norms), rtol=1e-7, atol=1e-9)


def test_the_gradient_in_the_parameters_agrees_with_differences(penalty):
    value, _ = penalty
    mean = jax.jit(lambda params: value(mlp(params), jnp.asarray(POINTS)).mean())
    exact = jax.jit(jax.grad(mean))(PARAMS)
    for name in PARAMS:
        expected = differences(lambda leaf, name=name: float(mean({**PARAMS, name: leaf})), PARAMS[name])
        assert np.abs(expected).max() > 1e-2
        np.testing.assert_allclose(exact[name], expected, rtol=1e-6, atol=1e-8)


def test_a_flat_critic_has_a_value_and_a_finite_gradient(penalty):
    value, of_norm = penalty
    flat = {**PARAMS, "out": np.zeros(4)}
    mean = jax.jit(jax.value_and_grad(lambda params: value(mlp(params), jnp.asarray(POINTS)).mean()))
    found, gradient = mean(flat)
    assert float(found) == of_norm(0.0)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_each_image_pays_for_its_own_gradient():
    squared = jax.jit(lambda points: squared_gradient(mlp(PARAMS), points))
    together, alone = squared(POINTS), [float(squared(point[None])[0]) for point in POINTS]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_interpolation_goes_from_the_first_of_a_pair_to_its_second():
    first, second = jnp.asarray(POINTS[:3]), jnp.asarray(POINTS[2:])
    between = interpolated(first, second, jnp.asarray([0.0, 1.0, 0.25]))
    np.testing.assert_allclose(between[0], first[0])
    np.testing.assert_allclose(between[1], second[1], rtol=1e-12)
    np.testing.assert_allclose(between[2], 0.75 * first[2] + 0.25 * second[2], rtol=1e-12)
