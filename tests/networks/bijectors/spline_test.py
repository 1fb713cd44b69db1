"""Splines of quotients of quadratics: the identity at 0, both ways, slopes, straight lines beyond, all parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gengen.networks.bijectors.spline import rational_quadratic

KINDS = {
    "lines of slope 1": rational_quadratic(5, 3.0),
    "outer pieces": rational_quadratic(5, 1.0, outer=0.05),
    "a piece": rational_quadratic(1, 2.0),
    "narrow pieces": rational_quadratic(64, 1.0, least=1e-4, outer=1 / 256),
}
X = jnp.linspace(-4.01, 4, 161)


def _drawn(numbers, size, scale, seed=0):
    row = scale * jax.random.normal(jax.random.key(seed), (numbers,))
    return jnp.broadcast_to(row[None], (size, numbers))


@pytest.fixture(params=KINDS)
def transform(request):
    return KINDS[request.param]


def test_parameters_of_0_are_the_identity(transform):
    for move in (transform.forward, transform.inverse):
        moved, slope = jax.jit(move)(jnp.zeros((len(X), transform.numbers)), X)
        np.testing.assert_allclose(moved, X, atol=1e-6)
        np.testing.assert_allclose(slope, 0, atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_way_back_and_its_slope(transform, seed):
    parameters = _drawn(transform.numbers, len(X), 0.7, seed)
    z, slope = jax.jit(transform.forward)(parameters, X)
    assert (np.diff(z) > 0).all()
    back, slope_back = jax.jit(transform.inverse)(parameters, z)
    np.testing.assert_allclose(back, X, atol=1e-5)
    np.testing.assert_allclose(slope_back, -slope, atol=1e-3)
    for move, x, found in ((transform.forward, X, slope), (transform.inverse, z, slope_back)):
        along = jax.jit(jax.vmap(jax.grad(lambda x, p, move=move: move(p, x)[0])))(x, parameters)
        np.testing.assert_allclose(jnp.log(along), found, atol=1e-4)


def test_slopes_are_those_of_differences_in_double_precision():
    transform, (low, high) = KINDS["lines of slope 1"], (-5.0, 5.0)
    with jax.enable_x64(True):
        x = jnp.linspace(low, high, 4001)
        parameters = _drawn(transform.numbers, len(x), 2.0).astype(jnp.float64)
        z, slope = jax.jit(transform.forward)(parameters, x)
        back, _ = jax.jit(transform.inverse)(parameters, z)
        np.testing.assert_allclose(back, x, atol=1e-11)
        middle = np.log((z[2:] - z[:-2]) / (x[2:] - x[:-2]))
        assert np.quantile(abs(middle - slope[1:-1]), 0.9) < 1e-5  # at a knot it is a difference of two pieces


def test_lines_beyond_go_on_with_the_slope_of_the_end():
    for name, ends in (("lines of slope 1", 3.0), ("outer pieces", 1.0)):
        transform = KINDS[name]
        parameters = _drawn(transform.numbers, 5, 1.0, seed=3)
        x = jnp.array([-1.5, -1.0, 0.0, 1.0, 1.5]) * ends
        z, slope = jax.jit(transform.forward)(parameters, x)
        np.testing.assert_allclose(z[jnp.array([1, 3])], (-ends, ends), atol=1e-6)
        np.testing.assert_allclose(slope[jnp.array([0, 4])], slope[jnp.array([1, 3])], atol=1e-4)
        np.testing.assert_allclose(abs(z - jnp.sign(z) * ends)[:1], ends / 2 * jnp.exp(slope[0])[None], rtol=1e-4)
        if name == "lines of slope 1":
            np.testing.assert_allclose(slope[jnp.array([0, 4])], 0, atol=1e-6)


@pytest.mark.parametrize("scale", [10.0, 1e4, 1e30])
def test_any_parameters_give_finite_numbers_and_gradients(transform, scale):
    def total(parameters, x, move):
        moved, slope = move(parameters, x)
        return moved.sum() + slope.sum(), (moved, slope)

    parameters = _drawn(transform.numbers, len(X), scale, seed=4)
    for move in (transform.forward, transform.inverse):
        given = jax.jit(jax.grad(lambda p, x, move=move: total(p, x, move), (0, 1), has_aux=True))(parameters, X)
        assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(given))
        assert (np.diff(given[1][0]) >= 0).all()


def test_round_trips_with_large_parameters_lose_what_rounding_of_the_middle_does(transform):
    """The middle is known to 1 in 2^24 of the bound: the way back multiplies that by its slope."""
    parameters = 5 * jax.random.normal(jax.random.key(5), (len(X), transform.numbers))
    z, slope = jax.jit(transform.forward)(parameters, X)
    back, _ = jax.jit(transform.inverse)(parameters, z)
    assert (abs(back - X) * np.exp(np.minimum(slope, 0))).max() < 1e-5


def test_no_rank_is_special_and_no_piece_too_narrow():
    transform = KINDS["narrow pieces"]
    parameters = _drawn(transform.numbers, 24, 1.0).reshape(2, 3, 4, -1)
    assert jax.eval_shape(transform.forward, parameters, X[:24].reshape(2, 3, 4))[0].shape == (2, 3, 4)
    assert jax.eval_shape(transform.forward, parameters[0, 0, 0], X[0])[0].shape == ()
    with pytest.raises(ValueError, match="make no spline"):
        rational_quadratic(1_000, least=1e-3)
